//! Help about files of policy tests, followed: a file that raises it is changed as it says, and then taken.

use std::collections::BTreeMap;

use portcullis::{
    config::{self, error::Problem},
    tools::policy_test::{Session, Subject, TestFile},
};
use portcullis_engine::time::UnixTime;

use super::sources::{is_done, literals, sources_of, unfollowed};

const CONFIG: &str = "issuers: [{ issuer: 'https://i.example/', audiences: [a] }]\n\
    routes: [{ path: /a, access: public }, { path: /b, scopes: [s] }, { path: /api, access: public }]\n";
const WITHOUT_ISSUERS: &str = "routes: [{ path: /a, access: public }]\n";

/// A help that is followed: the source that it comes from, a file that raises it, and the file as it says.
struct Case {
    source: &'static str,
    config: &'static str,
    file: String,
    fixed: String,
}

/// Returns the texts of a file's problems, and the help of each.
fn problems(config: &str, file: &str) -> Vec<(String, String)> {
    let offline = config::parse_offline(config, "portcullis.yaml", &BTreeMap::new()).unwrap();
    let subject = Subject { policy: offline.policy, issuers: offline.issuers, identity: offline.identity };
    let opened = TestFile::parse(file, "policy_test.yaml", UnixTime::from_secs(1_767_225_600));
    let broken = match opened.map(|opened| Session::new("portcullis.yaml", subject, vec![opened], None)) {
        Ok(Ok(_)) => Vec::new(),
        Ok(Err(broken)) => broken,
        Err(broken) => vec![broken],
    };
    let all = broken.iter().flat_map(|problems| problems.problems());
    all.map(|problem: &Problem| (problem.message().to_owned(), problem.help_text().unwrap_or_default().to_owned()))
        .collect()
}

fn file(source: &'static str, file: &str, fixed: &str) -> Case {
    Case { source, config: CONFIG, file: file.to_owned(), fixed: fixed.to_owned() }
}

/// One test of a file.
fn test(source: &'static str, fields: &str, fixed: &str) -> Case {
    let whole = |fields: &str| format!("tests: [{{ {fields} }}]\n");
    file(source, &whole(fields), &whole(fixed))
}

/// The expectation of a test about `GET /b`.
fn expect(fields: &str, fixed: &str) -> Case {
    let whole = |fields: &str| format!("request: GET /b, token: valid, expect: {fields}");
    test("tools/policy_test/decode/expect.rs", &whole(fields), &whole(fixed))
}

/// The credentials of a test.
fn token(source: &'static str, text: &str, fixed: &str) -> Case {
    let whole = |text: &str| format!("request: GET /b, token: {text}, expect: deny");
    test(source, &whole(text), &whole(fixed))
}

/// The part of a file before its tests.
fn named(source: &'static str, text: &str, fixed: &str) -> Case {
    let whole = |text: &str| format!("{text}\ntests: [{{ request: GET /a, expect: allow }}]\n");
    file(source, &whole(text), &whole(fixed))
}

fn cases() -> Vec<Case> {
    [of_files(), of_requests(), of_expectations(), of_tokens(), of_values(), of_names()].into_iter().flatten().collect()
}

fn of_files() -> Vec<Case> {
    let source = "tools/policy_test/decode/mod.rs";
    let long = "x".repeat(300);
    vec![
        file(source, "", "tests: [{ request: GET /api/x, expect: deny }]\n"),
        file(source, "config: p.yaml\n", "config: p.yaml\ntests: [{ request: GET /api/x, expect: deny }]\n"),
        file(
            source,
            &format!("tests:\n- name: {long}\n  request: GET /a\n  expect: allow\n"),
            &format!("tests:\n# {long}\n- name: x\n  request: GET /a\n  expect: allow\n"),
        ),
        test(source, "expect: deny", "request: GET /api/messages/7, expect: deny"),
        test(source, "request: GET /a", "request: GET /a, expect: allow"),
    ]
}

fn of_requests() -> Vec<Case> {
    let request = |text: &str, fixed: &str| {
        let whole = |text: &str| format!("request: {text}, expect: deny");
        test("tools/policy_test/decode/request.rs", &whole(text), &whole(fixed))
    };
    vec![
        request("GET", "GET /api/messages/7"),
        request("GET", "{ method: GET, path: /api/messages/7 }"),
        request("/b", "GET /b"),
        request("GET b", "GET /b"),
        request("{ method: GET }", "{ method: GET, path: /api/messages/7 }"),
        request("{ path: /b, headers: { x request id: a } }", "{ path: /b, headers: { x-request-id: a } }"),
        test(
            "tools/policy_test/decode/request.rs",
            "request: { path: /b, headers: { authorization: Basic abc } }, expect: deny",
            "request: { path: /b }, token: { raw: \"Basic abc\" }, expect: deny",
        ),
    ]
}

fn of_expectations() -> Vec<Case> {
    vec![
        expect("{ rule: '* /b' }", "{ rule: '* /b', decision: deny }"),
        expect("{ rule: '* /b' }", "{ rule: '* /b', decision: allow }"),
        expect("200", "allow"),
        expect("{ status: '401' }", "{ status: 401 }"),
        expect("unauthorized", "401"),
        expect("forbidden", "403"),
        expect("maybe", "no_credentials"),
        expect("maybe", "insufficient_scope"),
        expect("{ status: 401, reason: insufficient_scope }", "{ reason: insufficient_scope }"),
        expect("{ decision: deny, headers: {} }", "{ decision: deny }"),
    ]
}

fn of_tokens() -> Vec<Case> {
    let source = "tools/policy_test/decode/token.rs";
    vec![
        named(source, "tokens: { valid: { subject: a } }", "tokens: { alice: { subject: a } }"),
        file(
            source,
            "tokens: { t: { raw: Basic x } }\ntests: [{ request: GET /b, token: none, expect: deny }]\n",
            "tests: [{ request: GET /b, token: { raw: Basic x }, expect: deny }]\n",
        ),
        token(source, "Bearer x", "{ raw: Bearer x }"),
        token(source, "eyJhbGciOiJub25lIn0", "{ scopes: [read:messages] }"),
        token(source, "nobody", "none"),
        token(source, "nobody", "opaque"),
        token(source, "read:messages", "{ scopes: [read:messages] }"),
        token(source, "{ raw: Basic x, subject: a }", "{ raw: Basic x }"),
        named(source, "tokens: { alice: { like: zed }, zed: {} }", "tokens: { zed: {}, alice: { like: zed } }"),
    ]
}

fn of_values() -> Vec<Case> {
    let source = "tools/policy_test/decode/value.rs";
    vec![
        named(source, "tokens: [alice]", "tokens: { alice: { subject: alice } }"),
        token(source, "{ claims: org_42 }", "{ claims: { org_id: org_42 } }"),
        test(
            source,
            "request: { path: /b, headers: a-1 }, expect: deny",
            "request: { path: /b, headers: { x-request-id: a-1 } }, expect: deny",
        ),
        test(
            source,
            "request: GET /b, expect: { headers: value }",
            "request: GET /b, expect: { headers: { name: value } }",
        ),
        token(source, "{ claims: { a: 1, a: 2 } }", "{ claims: { a: 2 } }"),
        token(source, "{ claims: { a: yes } }", "{ claims: { a: \"yes\" } }"),
        token(source, "{ claims: { a: yes } }", "{ claims: { a: true } }"),
        test(source, "request: GET /a, time: soon, expect: allow", "request: GET /a, time: now, expect: allow"),
        test(
            source,
            "request: GET /a, time: soon, expect: allow",
            "request: GET /a, time: 2026-01-01T00:00:00Z, expect: allow",
        ),
        token(source, "{ expires_in: 5 }", "{ expires_in: 5s }"),
        token(source, "{ age: soon }", "{ age: 1m30s }"),
        token(source, "{ age: soon }", "{ age: -1m }"),
        test(
            source,
            "request: GET /b, expect: { decision: deny, body: {} }",
            "request: GET /b, expect: { decision: deny, body: { contains: insufficient_scope } }",
        ),
    ]
}

fn of_names() -> Vec<Case> {
    let source = "tools/policy_test/run.rs";
    let without = Case { config: WITHOUT_ISSUERS, ..token(source, "valid", "none") };
    vec![
        test(
            source,
            "request: { path: /b, policy: partners }, expect: deny",
            "request: { path: /b, policy: partners }, expect: unknown_policy",
        ),
        test(
            source,
            "request: GET /api, expect: { decision: allow, rule: nothing-like-it }",
            "request: GET /api, expect: { decision: allow, rule: '* /api' }",
        ),
        without,
        token(source, "{ issuer: 'https://other.test/o' }", "{ fault: unknown_issuer }"),
        token(source, "too_old", "expired"),
        token(source, "wrong_claim", "wrong_audience"),
    ]
}

/// Describes the fault of a case, if it has one.
fn fault(case: &Case) -> Option<String> {
    let before = problems(case.config, &case.file);
    let after = problems(case.config, &case.fixed);
    if before.is_empty() {
        return Some(format!("nothing is wrong with {}", case.file));
    }
    if !before.iter().any(|(_, help)| is_done(help, &case.file, &case.fixed)) {
        return Some(format!("not as the help says: {before:?}\n{}", case.fixed));
    }
    (!after.is_empty()).then(|| format!("{before:?}\n{}\n{after:?}", case.fixed))
}

#[test]
fn a_file_of_tests_is_taken_once_its_help_is_followed() {
    let failed: Vec<String> = cases().iter().filter_map(fault).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n---\n"));
}

/// Words of a help that asks for something.
const ASKS: [&str; 14] = [
    "write ",
    "are written `",
    "set `",
    "send ",
    "run `",
    "add `",
    "name one",
    "names one",
    "choose ",
    "begin with",
    "remove ",
    "keep one",
    "configure it",
    "it needs `",
];

#[test]
fn every_help_about_tests_is_followed() {
    let helps: Vec<(&str, String)> = cases()
        .iter()
        .map(|case| (case.source, problems(case.config, &case.file).into_iter().map(|(_, help)| help).collect()))
        .collect();
    let (mut count, mut missing) = (0, Vec::new());
    for source in ["tools/policy_test", "tools/policy_test/decode"].into_iter().flat_map(sources_of) {
        let literals = literals(&source, &ASKS);
        count += literals.len();
        let own = helps.iter().filter(|(of, _)| *of == source).map(|(_, help)| help.as_str()).collect();
        missing.extend(unfollowed(&source, literals, own));
    }
    assert!(missing.is_empty(), "nobody follows these:\n{}", missing.join("\n"));
    assert!(count > 25, "{count}");
}
