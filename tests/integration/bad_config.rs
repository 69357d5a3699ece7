//! Files that are no configuration, through the real binary: a clear error each, within bounds of memory and time that
//! the system enforces.

use std::{fmt::Write as _, process::Stdio};

use tokio::process::Command;

/// KiB of address space: generous for a debug build, whose own code and stacks are most of it.
const MEMORY: u32 = 1024 * 1024;
/// Seconds of processor time, which a busy machine does not use up.
const SECONDS: u32 = 60;

/// Runs `check` on the file within these bounds. `None`: it was stopped, or stopped itself, for want of memory or time.
async fn check(file: &std::path::Path, memory: u32, seconds: u32) -> (Option<i32>, String) {
    let bounds = format!("ulimit -v {memory} && ulimit -t {seconds} && exec \"$0\" check \"$1\"");
    let mut command = Command::new("sh");
    command.args(["-c", &bounds, env!("CARGO_BIN_EXE_portcullis")]).arg(file);
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

/// What is in the file, and what is to be said about it.
type Case = (String, Vec<u8>, &'static str);

fn case(name: &str, text: impl AsRef<[u8]>, told: &'static str) -> Case {
    (name.to_owned(), text.as_ref().to_vec(), told)
}

const ISSUERS: &str = "issuers: [{ issuer: https://i.example/, audiences: [a] }]\n";
const MIB: usize = 1024 * 1024;

fn empty_and_large() -> Vec<Case> {
    let ten = |text: &str| text.repeat(10 * MIB / text.len());
    let routes = format!("{ISSUERS}routes:\n{}", ten("  - { path: /a, access: public }\n"));
    let many = |count: usize| {
        (0..count).fold(String::new(), |mut text, n| {
            writeln!(text, "  - {{ path: /r/{n}, access: authenticated }}").unwrap();
            text
        })
    };
    vec![
        case("empty", "", "the file is empty"),
        case("blank", " \n\n \n", "the file is empty"),
        case("only comments", "# nothing\n# at all\n", "the file is empty"),
        case("only a byte order mark", "\u{feff}", "the file is empty"),
        case("null", "~\n", "the file is empty"),
        case("10 MB of comments", ten("# nothing\n"), "has more than 8 MiB"),
        case("10 MB of routes", routes, "has more than 8 MiB"),
        case("10 MB in one line", ten("a"), "has more than 8 MiB"),
        case("10 MB of NUL", vec![0; 10 * MIB], "has more than 8 MiB"),
        case("10 MB of brackets", ten("["), "has more than 8 MiB"),
        case("8 MiB of NUL", vec![0; 8 * MIB], "control character, U+0000"),
        case("8 MB of one text", format!("a: \"{}\"\n", "x".repeat(8_000_000)), "the file has no field `a`"),
        case("8 MB of list items", format!("routes: [{}]\n", "a,".repeat(3_900_000)), "more than 2000000 values"),
        case("more rules than may be", format!("{ISSUERS}routes:\n{}", many(20_001)), "20001"),
    ]
}

fn deep() -> Vec<Case> {
    let block = |depth: usize| {
        (0..depth).fold(String::new(), |mut text, n| {
            writeln!(text, "{}a:", " ".repeat(n)).unwrap();
            text
        })
    };
    vec![
        case("lists in a line", "[".repeat(1_000_000), "nested too deeply"),
        case("closed lists", format!("a: {}{}\n", "[".repeat(100_000), "]".repeat(100_000)), "nested too deeply"),
        case("sections in a line", "{a: ".repeat(1_000_000), "nested too deeply"),
        case("keys that are sections", "{? ".repeat(1_000_000), "nested too deeply"),
        case("lists in blocks", "- ".repeat(1_000_000), "nested too deeply"),
        case("keys in blocks", "? ".repeat(1_000_000), "nested too deeply"),
        case("sections in blocks", block(2_500), "nested too deeply"),
        case("one level too many", format!("a: {}{}\n", "[".repeat(32), "]".repeat(32)), "nested too deeply"),
    ]
}

fn anchors() -> Vec<Case> {
    let bomb = (1..30).fold("x0: &x0 [a,a,a,a,a,a,a,a,a]\n".to_owned(), |mut text, n| {
        writeln!(text, "x{n}: &x{n} [{}]", vec![format!("*x{}", n - 1); 8].join(",")).unwrap();
        text
    });
    let sections = (1..20).fold("x0: &x0 {a: b}\n".to_owned(), |mut text, n| {
        writeln!(text, "x{n}: &x{n} {{ a: *x{p}, b: *x{p}, c: *x{p} }}", p = n - 1).unwrap();
        text
    });
    let quadratic = format!("a: &x \"{}\"\nb: [{}]\n", "x".repeat(MIB), vec!["*x"; 255].join(","));
    let many = format!("routes: [&r {{ path: /a, access: public }}{}]\n", ", *r".repeat(100_000));
    vec![
        case("a bomb of lists", bomb, "values, aliases written out"),
        case("a bomb of sections", sections, "aliases written out"),
        case("a large text many times", quadratic, "more than 16 MiB, aliases written out"),
        case("very many aliases", many, "more than 256 aliases"),
        case("an alias of itself", "a: &x [*x]\n", "inside its own anchor"),
        case("an alias of nothing", "a: *nothing\n", "no anchor"),
        case("a merge key", "a: &x { b: 1 }\n<<: *x\n", "merge keys"),
        case("very many anchors", "- &a b\n".repeat(100_000), "a section of fields, not a list"),
    ]
}

fn duplicates() -> Vec<Case> {
    let route = |fields: &str| format!("{ISSUERS}routes:\n  - {{ {fields} }}\n");
    vec![
        case("a section twice", format!("{ISSUERS}routes: []\nroutes: []\n"), "routes"),
        case("a field twice", route("path: /a, access: public, path: /b"), "path"),
        case("once quoted", route("path: /a, access: public, \"access\": authenticated"), "access"),
        case("a claim twice", route("path: /a, claims: { a: { equals: 1 }, a: { equals: 2 } }"), "twice"),
        case(
            "an issuer twice",
            format!("issuers: [{i}, {i}]\n", i = "{ issuer: https://i.example/, audiences: [a] }"),
            "https://i.example/",
        ),
        case(
            "a route twice",
            format!(
                "{ISSUERS}routes:\n  - {{ path: /a, access: public }}\n  - {{ path: /a/, access: authenticated }}\n"
            ),
            "/a",
        ),
    ]
}

fn not_text() -> Vec<Case> {
    let utf16: Vec<u8> = "\u{feff}routes: []\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let late = [vec![b'#'; MIB], b"\xC3\x28\n".to_vec()].concat();
    vec![
        case("Latin-1", b"routes: [{ path: /caf\xE9 }]\n", "UTF-8"),
        case("UTF-16", utf16, "UTF-8"),
        case("overlong", b"routes: \xC0\xAF\n", "UTF-8"),
        case("half a surrogate pair", b"a: \xED\xA0\x80\n", "UTF-8"),
        case("after a megabyte", late, "UTF-8"),
        case("noise", (0..=u8::MAX).cycle().take(100_000).collect::<Vec<_>>(), "UTF-8"),
        case("an escape sequence", "a: \u{1b}[31m\n", "U+001B"),
        case("NUL inside", "routes: []\0\n", "U+0000"),
        case("a terminal's reset", "routes: \u{9b}0m\n", "U+009B"),
        case("an executable", b"\x7fELF\x02\x01\x01", "U+007F"),
        case("JSON that ends early", "{ \"routes\": [", "not valid YAML"),
        case("a tab", "routes:\n\t- path: /\n", "tabs"),
        case("two documents", "a: 1\n---\na: 2\n", "second document"),
        case("a tag", "a: !!python/object/apply:os.system [id]\n", "tags"),
    ]
}

fn patterns() -> Vec<Case> {
    let route = |field: &str, text: &str| {
        let path = if field == "path" { "" } else { "path: /a, " };
        format!("{ISSUERS}routes:\n  - {{ {path}access: public, {field}: '{text}' }}\n")
    };
    let paths = [
        "",
        "api",
        "a/b",
        "//",
        "/a//b",
        "/a/**/b",
        "/a/*",
        "/a*",
        "/**a",
        "/a**",
        "/{a",
        "/a}",
        "/{}",
        "/{a}{b}",
        "/x{a}",
        "/{a b}",
        "/:id",
        "/<id>",
        "/[id]",
        "/(.*)",
        "^/a.*$",
        "/a?x=1",
        "/a#b",
        "/a;b",
        "/a b",
        "/%zz",
        "/%2",
        "/%2f",
        "/%5C",
        "/%00",
        "/%41",
        "/%c3%a9",
        "/%c0%af",
        "/%252f",
        "/.",
        "/a/../b",
        "/a/./b",
        "/\u{e9}",
        "/a\\b",
        "*",
        "https://api.example.com/a",
        "/***",
        "/a/{x}/**/**",
        "/%25u002f",
    ];
    let hosts = [
        "",
        "a b",
        "a*b.example",
        "*.",
        "**",
        "https://a.example",
        "a.example:80",
        "user@a.example",
        "b\u{fc}cher.example",
        "-a.example",
        "a..example",
        "[::1",
        "*.*.example",
        "1.2.3",
        "a/b",
    ];
    let mut cases: Vec<Case> = Vec::new();
    for (field, texts) in [("path", &paths[..]), ("host", &hosts)] {
        cases.extend(
            texts.iter().map(|text| case(&format!("{field} `{text}`"), route(field, text), "portcullis.yaml:3")),
        );
    }
    for (field, text) in [
        ("path", format!("/{}", "a".repeat(9000))),
        ("path", "/a".repeat(65)),
        ("path", "/{x}".repeat(65)),
        ("host", "a.".repeat(150)),
    ] {
        cases.push(case(&format!("a long {field}"), route(field, &text), "portcullis.yaml:3"));
    }
    for methods in ["GET", "[get]", "['GET POST']", "['']", "[]", "[GÉT]", "[GET, GET]"] {
        let text = format!("{ISSUERS}routes:\n  - {{ path: /a, access: public, methods: {methods} }}\n");
        cases.push(case(&format!("methods {methods}"), text, "portcullis.yaml:3"));
    }
    cases
}

#[tokio::test]
async fn a_bad_file_is_a_clear_error_within_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    let cases = [empty_and_large(), deep(), anchors(), duplicates(), not_text(), patterns()].concat();
    let mut faults = Vec::new();
    for (name, bytes, told) in cases {
        std::fs::write(&file, bytes).unwrap();
        let (code, said) = check(&file, MEMORY, SECONDS).await;
        let is_clear =
            said.contains(told) && said.contains('×') && said.len() < 64 * 1024 && !said.contains("panicked");
        if code != Some(2) || !is_clear || said.chars().any(|c| c.is_control() && c != '\n') {
            faults.push(format!("{name}: {code:?}, not {told:?}: {}", said.chars().take(600).collect::<String>()));
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn what_is_no_file_is_a_clear_error_within_bounds() {
    let dir = tempfile::tempdir().unwrap();
    for (path, told) in [
        (dir.path().to_owned(), "can't be read"),
        (dir.path().join("missing.yaml"), "no such file"),
        ("/dev/zero".into(), "has more than 8 MiB"),
        ("/dev/null".into(), "the file is empty"),
    ] {
        let (code, said) = check(&path, MEMORY, SECONDS).await;
        assert!(code == Some(2) && said.contains(told), "{}: {code:?} {said}", path.display());
    }
}

/// Otherwise the bounds above would hold for nothing.
#[tokio::test]
async fn the_bounds_are_enforced() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    std::fs::write(&file, format!("routes: [{}]\n", "a,".repeat(3_900_000))).unwrap();
    assert_ne!(check(&file, 64 * 1024, SECONDS).await.0, Some(2), "64 MiB are not enough for two million values");
}
