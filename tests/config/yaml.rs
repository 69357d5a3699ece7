//! Files that are not YAML, or more YAML than is good.

use std::fmt::Write;

use portcullis::limits;

use crate::{errors_of, parse};

#[test]
fn broken_yaml_is_one_problem_with_its_place() {
    for (text, expected) in [
        ("routes: [", "1:9 the file is not valid YAML: unclosed bracket '['"),
        ("routes:\n\t- path: /\n", "2:2 the file is not valid YAML: tabs disallowed"),
        ("routes: \"a\n", "the file is not valid YAML: unclosed quote"),
        ("a: b: c\n", "1:5 the file is not valid YAML"),
        ("a: *nothing\n", "1:4 an alias has no anchor"),
        ("routes: [}\n", "1:9 the file is not valid YAML: mismatched bracket"),
        ("a: 1\n---\na: 2\n", "2:1 the file has a second document"),
        ("%YAML 1.2\n---\na: 1\n", "1:1 the file is not valid YAML: YAML directives are disallowed"),
        ("a: \0\n", "1:4 the file has a control character, U+0000"),
        ("a: \u{1b}[31m\n", "1:4 the file has a control character, U+001B"),
        ("a: &x [*x]\n", "1:8 an alias stands inside its own anchor"),
        ("<<: { a: 1 }\n", "1:1 merge keys (`<<`) are not supported"),
        ("a: !!binary aGk=\n", "tags (`!…`) are not supported"),
        ("a: !include b.yaml\n", "tags (`!…`) are not supported"),
        ("? [a]\n: b\n", "a list or a section can't be the name of a field"),
    ] {
        let errors = errors_of(text);
        let [only] = errors.as_slice() else { panic!("{text:?}: {errors:?}") };
        assert!(only.contains(expected), "{text:?}: {only}");
    }
}

#[test]
fn an_empty_file_and_one_of_comments_are_said_to_be_empty() {
    for text in ["", "\n\n", "# nothing\n", "---\n", "~", "\u{feff}"] {
        assert_eq!(errors_of(text), ["the file is empty"], "{text:?}");
    }
    assert!(errors_of("[a]")[0].contains("the file must be a section of fields, not a list"));
    assert!(errors_of("text")[0].contains("the file must be a section of fields, not a string"));
}

#[test]
fn a_byte_order_mark_and_windows_lines_do_no_harm() {
    let text = "\u{feff}routes:\r\n  - path: /a\r\n    access: public\r\n";
    assert!(parse(text).is_ok());
    assert_eq!(errors_of(&text.replace("public", "none")), ["3:13 `access` can't be `none`"]);
}

#[test]
fn nesting_ends_at_its_limit() {
    let nested = |depth: usize| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
    let is_too_deep = |text: &str| errors_of(text).iter().any(|e| e.contains("nested") || e.contains("recursion"));
    assert!(!is_too_deep(&nested(limits::CONFIG_DEPTH - 1)));
    assert!(is_too_deep(&nested(limits::CONFIG_DEPTH)));
    assert!(is_too_deep(&nested(100_000)));
    // Aliases must not get deeper than what can be written out.
    let mut text = "x0: &x0 [a]\n".to_owned();
    for n in 1..40 {
        writeln!(text, "x{n}: &x{n} [*x{}]", n - 1).unwrap();
    }
    assert!(is_too_deep(&text));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "x0: &x0 [a,a,a,a,a,a,a,a,a]\n".to_owned();
    for n in 1..12 {
        let aliases = vec![format!("*x{}", n - 1); 9].join(",");
        writeln!(text, "x{n}: &x{n} [{aliases}]").unwrap();
    }
    let errors = errors_of(&text);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("the file has more than 2000000 values, aliases written out"), "{errors:?}");
}

#[test]
fn aliases_end_at_their_limit() {
    let with = |count: usize| {
        let routes = ", *r".repeat(count - 1);
        errors_of(&format!("routes: [&r {{ path: /a }}{routes}, *r]\n"))
    };
    assert_eq!(with(limits::CONFIG_ALIASES).len(), limits::CONFIG_ALIASES + 1);
    let errors = with(limits::CONFIG_ALIASES + 1);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("the file has more than 256 aliases"), "{errors:?}");
}

#[test]
fn a_long_line_is_shown_in_part() {
    let filler = "x".repeat(100_000);
    let text = format!("{{ routes: [{{ path: /a, access: nobody, id: \"{filler}\", id: other }}] }}");
    let rendered = parse(&text).unwrap_err().render(false, 100);
    assert!(rendered.len() < 4000, "{}", rendered.len());
    assert!(rendered.contains("`access` can't be `nobody`"));
}

#[test]
fn of_very_many_problems_the_first_ones_are_shown() {
    let mut text = "routes:\n".to_owned();
    for n in 0..10_000 {
        writeln!(text, "  - path: /r/{n}").unwrap();
    }
    let errors = parse(&text).unwrap_err();
    assert_eq!(errors.problems().count(), 10_000);
    let rendered = errors.render(false, 100);
    assert!(rendered.contains("and 9950 more") && rendered.ends_with("portcullis.yaml: 10000 errors\n"), "{rendered}");
    assert!(rendered.len() < 50_000);
}

#[test]
fn texts_end_at_their_limit_once_aliases_are_written_out() {
    let with = |aliases: usize| {
        let text = "x".repeat(1 << 20);
        errors_of(&format!("a: &x \"{text}\"\nb: [{}]\n", vec!["*x"; aliases].join(",")))
    };
    let is_too_much = |errors: &[String]| {
        errors.len() == 1 && errors[0].contains("the texts of the file have more than 16 MiB, aliases written out")
    };
    assert!(!is_too_much(&with(13)));
    assert!(is_too_much(&with(15)));
    assert!(is_too_much(&with(255)));
}

#[test]
fn lists_and_sections_end_at_their_limit() {
    let issuers = "issuers: [{ issuer: https://i.example/, audiences: [a] }]\nroutes:\n  - path: /a\n    ";
    let with = |before: &str, item: &str, after: &str, count: usize| {
        let items: Vec<String> = (0..count).map(|n| format!("A{n}{item}")).collect();
        parse(&format!("{issuers}{before}{}{after}\n", items.join(", ")))
    };
    let cases = [
        ("scopes: [", "", "]", "`scopes` has 1001 items, more than 1000"),
        ("access: public\n    methods: [", "", "]", "`methods` has 1001 items, more than 1000"),
        ("claims: { a: { in: [", "", "] } }", "`in` has 1001 items, more than 1000"),
        ("claims: { ", ": { present: true }", " }", "`claims` has 1001 claims, more than 1000"),
    ];
    for (before, item, after, expected) in cases {
        assert!(with(before, item, after, limits::CONFIG_ITEMS).is_ok(), "{before}");
        let errors = with(before, item, after, limits::CONFIG_ITEMS + 1).unwrap_err();
        let said: Vec<&str> = errors.problems().map(|problem| problem.message()).collect();
        assert_eq!(said, [expected]);
    }
    let fields: String = (0..=limits::CONFIG_ITEMS).map(|n| format!("f{n}: 1\n")).collect();
    assert_eq!(errors_of(&fields), ["1:1 the file has 1001 fields, more than 1000"]);
}
