//! The policy language beyond scopes: its faults, each with its message and without a second one, and its warnings.

use portcullis::config::error::Severity;

use crate::{errors_of, parse, problems};

const ISSUERS: &str = "issuers: [{ issuer: https://i.example/, audiences: [api, admin] }]\n";

fn file(route: &str) -> String {
    format!("{ISSUERS}routes: [{{ path: '/t/{{org}}/u/{{user}}', host: '*.example.com', {route} }}]\n")
}

/// The one error of a file.
fn error_of(text: &str) -> String {
    let errors = errors_of(text);
    let [only] = errors.as_slice() else { panic!("{text}\n{errors:#?}") };
    only.clone()
}

#[test]
fn faults_of_what_a_route_asks() {
    for (route, said) in [
        ("issuers: [https://i.example]", "`https://i.example` is not an issuer of this file"),
        ("issuers: []", "`issuers` is an empty list"),
        (
            "issuers: [https://i.example/], access: public",
            "`issuers` asks for a token on a route that doesn't need one",
        ),
        ("audiences: [apis]", "`apis` is not an audience of any issuer of this file"),
        ("audiences: [api], access: optional", "`audiences` asks for a token on a route that doesn't need one"),
        ("claims: { o: { matches: '{orgs}' } }", "the path `/t/{org}/u/{user}` has no `{orgs}`"),
        ("claims: { o: { matches: {org} } }", "`matches` must be a string, not a section"),
        ("claims: { o: { matches: [org] } }", "`matches` must be a string, not a list"),
        ("claims: { o: { matches: org } }", "`matches` can't be `org`"),
        ("claims: { o: { matches: hots } }", "`matches` can't be `hots`"),
        ("claims: { /a//b: { present: true } }", "`/a//b` has an empty step"),
        ("claims: { /a~b: { present: true } }", "`/a~b` has a `~` that is neither `~0` nor `~1`"),
        ("claims: { o: { is: '{org}' } }", "the claim `o` has no field `is`"),
        ("scopes: [a], id: 'policy:x'", "`policy:x` can't be the id of a route"),
    ] {
        let error = error_of(&file(route));
        assert!(error.contains(said), "{route}\n  said: {error}\n  expected: {said}");
    }
    let twice = file("claims: { o: { matches: '{org}' } }").replace("{user}", "{org}");
    assert!(error_of(&twice).contains("`{org}` is there twice in the path"));
    let no_star = file("claims: { o: { matches: subdomain } }").replace("*.example.com", "example.com");
    assert!(error_of(&no_star).contains("there is no `*` here"));
    let issuers = "issuers: [{ issuer: https://i.example/, audiences: [a], claims: { o: { matches: host } } }]\n";
    let error = error_of(&format!("{issuers}routes: [{{ path: /a, scopes: [a] }}]"));
    assert!(error.contains("the claim `o` has no field `matches`"), "{error}");
}

#[test]
fn faults_of_named_policies() {
    for (policies, said) in [
        ("[a]", "`policies` must be a section of named policies, not a list"),
        ("{ 'a b': { access: public } }", "`a b` can't be the name of a policy"),
        ("{ a: {} }", "the policy `a` doesn't say who may use it"),
        ("{ a: public }", "the policy `a` must be a section of fields, not a string"),
        ("{ a: { path: /x, access: public } }", "the policy `a` has no field `path`"),
        ("{ a: { claims: { o: { matches: '{org}' } } } }", "a named policy has no path with parameters in it"),
        ("{ a: { claims: { o: { matches: subdomain } } } }", "there is no `*` here"),
        ("{ a: { access: public }, a: { scopes: [x] } }", "the policy `a` is there twice"),
        ("{ a: { access: public, scopes: [x] } }", "`scopes` asks for a token on the policy `a` that doesn't need one"),
    ] {
        let error = error_of(&format!("{ISSUERS}policies: {policies}\n"));
        assert!(error.contains(said), "{policies}\n  said: {error}\n  expected: {said}");
    }
    assert!(error_of("policies: { a: { scopes: [x] } }").contains("there are no issuers to trust"));
    assert!(parse("policies: { a: { access: public } }").is_ok(), "Envoy may choose for every route");
}

#[test]
fn faults_of_implications() {
    for (implies, said) in [
        ("[a]", "`implies` must be a section of scopes, not a list"),
        ("{ a: b }", "`a` must be a list, not a string"),
        ("{ a: [] }", "`a` is an empty list"),
        ("{ 'a b': [c] }", "`a b` is not one scope"),
        ("{ a: ['b c'] }", "`b c` is not a scope to be implied"),
        ("{ a: ['*:read'] }", "`*:read` is not a scope to be implied"),
        ("{ a: [b], a: [c] }", "the scope `a` is there twice"),
    ] {
        let error = error_of(&format!("{}implies: {implies}\n", file("scopes: [b]")));
        assert!(error.contains(said), "{implies}\n  said: {error}\n  expected: {said}");
    }
    let list = |from: usize| (from..from + 200).map(|n| format!("s{n}")).collect::<Vec<_>>().join(", ");
    let many = format!("{}implies: {{ a: [{}], b: [{}] }}\n", file("scopes: [b]"), list(0), list(200));
    assert!(error_of(&many).contains("`implies` has more than 256 scopes"));
}

#[test]
fn a_dot_in_the_name_of_a_claim_is_pointed_at_unless_it_is_plain_what_is_meant() {
    let warnings = |claim: &str| {
        let loaded = parse(&file(&format!("claims: {{ {claim}: {{ present: true }} }}"))).unwrap();
        problems(&loaded.warnings, Severity::Warning)
    };
    assert!(warnings("realm_access.roles")[0].contains("`realm_access.roles` is one claim with a dot in its name"));
    for plain in ["https://example.com/roles", "/realm_access/roles", "/realm_access.roles", "cognito:groups"] {
        assert_eq!(warnings(plain), Vec::<String>::new(), "{plain}");
    }
}

#[test]
fn a_strict_rule_is_not_shadowed_by_one_without_its_conditions() {
    let two = |special: &str| {
        format!(
            "{ISSUERS}routes:\n- {{ path: '/t/{{o}}', claims: {{ org: {{ matches: '{{o}}' }} }}, audiences: [admin] }}\n\
             - {{ host: a.example, path: '/t/{{x}}', {special} }}\n"
        )
    };
    for weaker in ["audiences: [admin]", "claims: { org: { matches: '{x}' } }", "access: authenticated"] {
        assert!(error_of(&two(weaker)).contains("asks for less"), "{weaker}");
    }
    assert!(parse(&two("claims: { org: { matches: '{x}' } }, audiences: [admin]")).is_ok(), "names don't count");
}
