use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> PathPattern {
    PathPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn matches(text: &str, path: &str) -> bool {
    pattern(text).matches(&CanonicalPath::parse(path).unwrap())
}

#[test]
fn a_pattern_is_shown_as_it_is_written_but_for_the_trailing_slash() {
    for text in [
        "/",
        "/a",
        "/a/{id}/b",
        "/**",
        "/a/**",
        "/{x}/**",
        "/a%20b",
        "/v1/x:cancel",
        "/v1/{id}:cancel",
        "/{a}:b/c",
        "/API",
    ] {
        assert_eq!(pattern(text).to_string(), text);
    }
    assert_eq!(pattern("/a/"), pattern("/a"));
    assert_eq!(pattern("/a/**/"), pattern("/a/**"));
    assert_eq!(pattern("/**/"), pattern("/**"));
}

#[test]
fn every_pchar_can_stand_in_a_literal() {
    for text in [
        "/a-b._~",
        "/a!$&'()+,=b",
        "/a:b@c",
        "/Products(7)",
        "/(a)b",
        "/a$",
        "/$metadata",
        "/@me",
        "/%3Cid%3E",
        "/%5Bid%5D",
    ] {
        assert_eq!(pattern(text).to_string(), text);
    }
}

#[test]
fn names_of_parameters_make_no_difference() {
    assert_eq!(pattern("/a/{x}"), pattern("/a/{y}"));
    assert_ne!(pattern("/a/{x}"), pattern("/a/x"));
    assert_ne!(pattern("/a"), pattern("/a/**"));
    assert_eq!(pattern("/{x}:go"), pattern("/{y}:go"));
    assert_ne!(pattern("/{x}:go"), pattern("/{x}:stop"));
    assert_ne!(pattern("/{x}:go"), pattern("/{x}"));
    assert_ne!(pattern("/{x}:go"), pattern("/go"));
}

#[test]
fn a_pattern_matches_whole_paths() {
    for (text, path, expected) in [
        ("/", "/", true),
        ("/", "/a", false),
        ("/**", "/", true),
        ("/**", "/a/b", true),
        ("/a/**", "/a", true),
        ("/a/**", "/a/", true),
        ("/a/**", "/ab", false),
        ("/a/**", "/", false),
        ("/a/{x}", "/a/b", true),
        ("/a/{x}", "/a", false),
        ("/a/{x}", "/a/", false),
        ("/a/{x}", "/a/b/c", false),
        ("/a/{x}/c", "/a/b/c", true),
        ("/a", "/A", false),
        ("/m/{id}:cancel", "/m/42:cancel", true),
        ("/m/{id}:cancel", "/m/a:b:cancel", true),
        ("/m/{id}:cancel", "/m/:cancel", false),
        ("/m/{id}:cancel", "/m/cancel", false),
        ("/m/{id}:cancel", "/m/42:Cancel", false),
        ("/m/{id}:cancel", "/m/42%3Acancel", false),
        ("/m/{id}:cancel", "/m/42:cancel/x", false),
    ] {
        assert_eq!(matches(text, path), expected, "{text} {path}");
    }
}

#[test]
fn what_is_not_a_pattern_is_said_with_help() {
    for (text, help) in [
        ("", "write `/`"),
        ("a/b", "write `/a/b`"),
        ("**", "write `/**`"),
        ("/a?x=1", "write `/a`"),
        ("//", "write one `/`"),
        ("//**", "write one `/`"),
        ("/a//b", "write one `/`"),
        ("/a//", "write one `/`"),
        ("/a//**", "write one `/`"),
        ("/{}", "whole segment"),
        ("/{id}.json", "whole segment"),
        ("/{id}:", "`{name}:verb`"),
        ("/{id}:a:b", "`{name}:verb`"),
        ("/{id}:{verb}", "`{name}:verb`"),
        ("/:{id}", "`{name}:verb`"),
        ("/{id}:c%C3%a9", "write `c%C3%A9`"),
        ("/{id}:a%2Fb", "leave it out"),
        ("/pre{x}", "whole segment"),
        ("/{a b}", "whole segment"),
        ("/{*rest}", "whole segment"),
        ("/{{x}}", "whole segment"),
        ("/a/*", "`/**` at the end"),
        ("/a*", "`/**` at the end"),
        ("/a**", "`/**` at the end"),
        ("/**/a", "`/**` at the end"),
        ("/a/***", "`/**` at the end"),
        ("/users/:id", "write `{id}`"),
        ("/users/<id>", "write `{id}`"),
        ("/users/<int:user_id>", "write `{user_id}`"),
        ("/users/[id]", "write `{id}`"),
        ("/[...slug]", "write `{slug}`"),
        ("/[[id]]/x", "write `{id}`"),
        ("/[0-9]+", "write `/{id}`, which takes more"),
        ("/users/[^/]+/x", "write `/users/{id}/x`: patterns"),
        ("/users/{id:[0-9]+}", "write `/users/{id}`, which takes more"),
        ("/users/:id(\\d+)", "write `/users/{id}`, which takes more"),
        ("/files/[a-z/]+x", "write the paths that are meant"),
        ("/^users", "write `{users}`"),
        ("/a|b", "write `{b}`"),
        ("/\"a\"", "write `{a}`"),
        ("/`a`", "write `{a}`"),
        ("/a>", "write `{a}`"),
        ("/(id)", "write `{id}`"),
        ("/(.+)", "write `/**`: patterns"),
        ("/api/.+", "write `/api/**`, which takes more"),
        ("/%61b", "write `ab`"),
        ("/%c3%a9", "write `%C3%A9`"),
        ("/é", "write `%C3%A9`"),
        ("/a b", "write `a%20b`"),
        ("/a/../b", "leave it out"),
        ("/a;b", "leave it out"),
        ("/a%2Fb", "leave it out"),
        ("/a#b", "leave it out"),
        ("/100%", "leave it out"),
    ] {
        let error = PathPattern::parse(text).expect_err(text);
        assert!(error.help().contains(help), "{text}: {error}; {}", error.help());
        assert!(!error.to_string().ends_with('.'));
    }
    let error = PathPattern::parse("/[^/]+?key=hunter2").unwrap_err().to_string();
    assert_eq!(error, "the path `/[^/]+?…` has a regular expression in it");
}

#[test]
fn a_pattern_is_not_longer_than_a_path() {
    assert!(PathPattern::parse(&"/a".repeat(limits::PATH_SEGMENTS)).is_ok());
    assert!(PathPattern::parse(&"/a".repeat(limits::PATH_SEGMENTS + 1)).is_err());
    assert!(PathPattern::parse(&format!("/{}", "a".repeat(limits::PATH_BYTES - 1))).is_ok());
    assert!(PathPattern::parse(&format!("/{}", "a".repeat(limits::PATH_BYTES))).is_err());
}

#[test]
fn the_intersection_matches_what_both_match() {
    for (one, two, expected) in [
        ("/users/{id}/delete", "/users/me/{action}", Some("/users/me/delete")),
        ("/a/**", "/{x}/b", Some("/a/b")),
        ("/a/**", "/{x}/b/**", Some("/a/b/**")),
        ("/a/**", "/a", Some("/a")),
        ("/**", "/{x}", Some("/{x}")),
        ("/a/**", "/**", Some("/a/**")),
        ("/a", "/b", None),
        ("/a", "/a/b", None),
        ("/a/b/**", "/a", None),
        ("/a/{x}", "/b/**", None),
        ("/m/{id}:go", "/m/{x}", Some("/m/{id}:go")),
        ("/m/{id}:go", "/m/a:go", Some("/m/a:go")),
        ("/m/{id}:go", "/{x}/**", Some("/m/{id}:go")),
        ("/m/{id}:go", "/m/{id}:stop", None),
        ("/m/{id}:go", "/m/go", None),
    ] {
        let shown = |text: Option<PathPattern>| text.map(|pattern| pattern.to_string());
        assert_eq!(shown(pattern(one).intersection(&pattern(two))).as_deref(), expected, "{one} {two}");
        assert_eq!(shown(pattern(two).intersection(&pattern(one))).as_deref(), expected, "{two} {one}");
    }
}

/// Patterns and paths of characters that fold into each other.
fn segments() -> impl Strategy<Value = Vec<&'static str>> {
    let texts = [
        "a",
        "A",
        "k",
        "%E2%84%AA",
        "s",
        "%C5%BF",
        "%C3%A9",
        "%C3%89",
        "%C3%9F",
        "ss",
        "x%3A",
        "x:",
        "{x}",
        "{x}:k",
        "x:k",
        "x:K",
    ];
    prop::collection::vec(prop::sample::select(texts.to_vec()), 1..4)
}

proptest! {
    #[test]
    fn a_pattern_that_matches_a_path_matches_its_folded_form(
        segments in segments(), others in segments(), tail in any::<bool>(), own in any::<bool>(),
    ) {
        let text = format!("/{}{}", segments.join("/"), if tail { "/**" } else { "" });
        let pattern = pattern(&text);
        let path = format!("/{}", if own { &segments } else { &others }.join("/")).replace("{x}", "%C3%89");
        let path = CanonicalPath::parse(path).unwrap();
        let folded = CanonicalPath::parse(path.folded()).unwrap();
        prop_assert!(!own || pattern.matches(&path));
        prop_assert!(!pattern.matches(&path) || pattern.folded().matches(&folded), "{} {:?}", text, path);
        prop_assert_eq!(pattern.folded().folded(), pattern.folded());
    }
}
