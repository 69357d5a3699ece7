use super::*;
use crate::tools::policy_test::case::TextTest;

fn decode_text(text: &str) -> Result<Suite, ConfigErrors> {
    decode(&Document::parse(text, "t.yaml")?, UnixTime::from_secs(7))
}

fn cases(text: &str) -> Vec<Case> {
    decode_text(text).unwrap_or_else(|problems| panic!("{}", problems.render(false, 100))).cases
}

/// What is said of a file.
fn said(text: &str) -> String {
    decode_text(text).map(|_| ()).unwrap_err().render(false, 100)
}

#[test]
fn a_request_is_read_in_all_its_forms() {
    let requests = cases(
        "defaults: { host: d.example, headers: { a: 1x, b: 2x } }
tests:
  - { request: POST /a?b=c, expect: deny }
  - { request: GET https://h.example:8443/a, expect: deny }
  - { request: GET http://h.example?x, expect: deny }
  - { request: GET /a HTTP/1.1, expect: deny }
  - { request: { path: 'http://h/a b', method: X, host: h, headers: { B: 3x }, policy: p }, expect: deny }
  - { request: { path: /a }, expect: deny }",
    );
    let shown: Vec<String> = requests
        .iter()
        .map(|case| {
            let Request { method, host, path, headers, policy } = &*case.request;
            format!("{method} {host} {path} {headers:?} {:?}", policy.as_ref().map(|(name, _)| name))
        })
        .collect();
    let defaults = r#"[("a", "1x"), ("b", "2x")] None"#;
    assert_eq!(
        shown,
        [
            format!("POST d.example /a?b=c {defaults}"),
            format!("GET h.example:8443 /a {defaults}"),
            format!("GET h.example /?x {defaults}"),
            format!("GET d.example /a {defaults}"),
            r#"X h http://h/a b [("a", "1x"), ("b", "3x")] Some("p")"#.to_owned(),
            format!("GET d.example /a {defaults}"),
        ]
    );
}

#[test]
fn a_case_says_only_what_differs_from_its_table() {
    let cases = cases(
        "defaults: { time: now }
tests:
  - name: t
    request: GET /a
    token: expired
    expect: 401
    cases:
      - {}
      - { name: own, request: GET /b }
      - { token: none, time: 2026-01-01T00:00:01Z }
      - { expect: allow }
  - request: GET /c
    expect: deny
    cases: [{ token: valid }]",
    );
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["t / #1", "t / own", "t / #3", "t / #4", "GET /c / #1"]);
    let lines: Vec<usize> = cases.iter().map(|case| case.line).collect();
    assert_eq!(lines, [8, 9, 10, 11, 14]);
    assert_eq!(cases[1].request.path, "/b");
    assert!(matches!(&*cases[1].token, Token::Made(recipe, _) if recipe.fault.is_some()));
    assert!(matches!(&*cases[2].token, Token::None));
    assert_eq!((cases[0].time.as_secs(), cases[2].time.as_secs()), (7, 1_767_225_601));
    assert_eq!((cases[0].expect.status, cases[3].expect.allowed), (Some(401), true));
    assert!(matches!(&*cases[4].token, Token::Made(recipe, _) if recipe.fault.is_none()));
}

#[test]
fn a_token_is_like_another_with_what_differs() {
    let cases = cases(
        "defaults: { subject: d, claims: { a: 1, b: { c: [true, ~] } } }
tokens:
  one: { scopes: x y, client_id: app, claims: { a: 2 } }
  two: { like: one, audience: [p, q], expires_in: -1m, age: 2h, header: { kid: ~ }, alg: ES256 }
tests:
  - { request: GET /, token: { like: two, scopes: [], fault: bound }, expect: deny }",
    );
    let Token::Made(recipe, _) = &*cases[0].token else { panic!("{cases:?}") };
    assert_eq!(recipe.subject.as_deref(), Some("d"));
    assert_eq!(recipe.scopes, Some(vec![]));
    assert_eq!(recipe.client_id.as_deref(), Some("app"));
    assert_eq!(recipe.audience.as_ref().unwrap().len(), 2);
    assert_eq!((recipe.expires_in, recipe.age), (Some(-60), Some(7200)));
    assert_eq!(serde_json::Value::Object(recipe.claims.clone()).to_string(), r#"{"a":2,"b":{"c":[true,null]}}"#);
    assert!(recipe.header["kid"].is_null() && recipe.alg.is_some() && recipe.fault.is_some());
}

#[test]
fn an_expectation_is_read_in_all_its_forms() {
    let cases = cases(
        "tests:
  - request: GET /
    cases:
      - { expect: allow }
      - { expect: 403 }
      - { expect: token_expired }
      - { expect: { rule: x, status: 401, headers: { A: b, c: ~, d: { contains: [e, f] } }, body: { equals: g } } }
      - { expect: { decision: deny, rule: x } }",
    );
    let expect = &cases[3].expect;
    assert!(cases[0].expect.allowed && !cases[1].expect.allowed && !expect.allowed);
    assert_eq!(cases[2].expect.reason.unwrap().code(), "token_expired");
    let contains = TextTest::Contains(vec!["e".to_owned(), "f".to_owned()]);
    assert_eq!(
        expect.headers,
        [("a", TextTest::Equals("b".to_owned())), ("c", TextTest::Absent), ("d", contains)]
            .map(|(name, test)| (name.to_owned(), test))
    );
    assert_eq!(expect.body, Some(TextTest::Equals("g".to_owned())));
}

#[test]
fn what_is_wrong_is_said_with_what_to_write() {
    let test = |rest: &str| format!("tests:\n  - {{ request: GET /x, {rest} }}\n");
    for (text, told) in [
        (test("expect: alow"), "did you mean `allow`?"),
        (test("expect: insufficient-scope"), "did you mean `insufficient_scope`?"),
        (test("expect: expired"), "did you mean `token_expired`?"),
        (test("expect: 200"), "write `allow`"),
        (test("expect: 503"), "keys are never missing"),
        (test("expect: keys_unavailable"), "can't happen in a test"),
        (test("expect: 402"), "400, 401 or 403"),
        (test("expect: {}"), "doesn't say whether"),
        (test("expect: { rule: x }"), "doesn't say whether"),
        (test("expect: { reason: no_route, status: 401 }"), "answered with 403"),
        (test("expect: { decision: allow, status: 403 }"), "a request that may pass"),
        (test("expect: { upstream: { a: b }, body: c }"), "a request that may pass"),
        (test("expect: { decision: deny, upstream: { a: b } }"), "has no upstream"),
        (test("expect: { headers: {} }"), "asks for nothing"),
        (test("expect: { headers: { a: { is: b } } }"), "has no field `is`"),
        (test("token: valid"), "can't fail"),
        (test("token: expird, expect: deny"), "did you mean `expired`?"),
        (test("token: read:messages, expect: deny"), "scopes: [read:messages]"),
        (test("token: a b, expect: deny"), "neither a name nor a recipe"),
        (test("token: { scops: a }, expect: deny"), "did you mean `scopes`?"),
        (test("token: { like: x }, expect: deny"), "no token `x`"),
        (test("token: { raw: a, scopes: b }, expect: deny"), "the whole header"),
        (test("token: { fault: old }, expect: deny"), "`fault` can't be `old`"),
        (test("token: { alg: HS265 }, expect: deny"), "did you mean `HS256`?"),
        (test("token: { expires_in: 5 }, expect: deny"), "write `5s`"),
        (test("token: { expires_in: soon }, expect: deny"), "`soon` is not a duration"),
        (test("token: { claims: { a: yes } }, expect: deny"), "otherwise"),
        (test("token: { claims: { a: { b: 1, b: 2 } } }, expect: deny"), "there twice"),
        (test("time: yesterday, expect: deny"), "is not a time"),
        (test("expect: deny, cases: []"), "empty list"),
        (test("expect: deny, cases: [{ cases: [] }]"), "a case has no field `cases`"),
        (test(&format!("name: {}, expect: deny", "x".repeat(201))), "at most 200"),
        ("tests: [{ request: /x, expect: deny }]".into(), "`GET /x`"),
        ("tests: [{ request: GET /x y, expect: deny }]".into(), "not a request line"),
        ("tests: [{ request: { method: GET }, expect: deny }]".into(), "a request lacks `path`"),
        ("tests: [{ request: { path: /, headers: { Authorization: x } }, expect: deny }]".into(), "`token: { raw:"),
        ("tests: [{ expect: deny }]".into(), "a test lacks `request`"),
        ("tests: []".into(), "empty list"),
        ("config: a.yaml".into(), "lacks `tests`"),
        ("defualts: {}\ntests: [{ request: GET /, expect: deny }]".into(), "did you mean `defaults`?"),
        ("defaults: { hots: x }\ntests: [{ request: GET /, expect: deny }]".into(), "did you mean `host`?"),
        ("tokens: { none: {} }\ntests: [{ request: GET /, expect: deny }]".into(), "a meaning of its own"),
        ("tokens: { a: { raw: x } }\ntests: [{ request: GET /, expect: deny }]".into(), "can't be `raw`"),
        ("tests: [{ request: GET /, expect: deny, expect: allow }]".into(), "there twice"),
        (String::new(), "the file is empty"),
        ("[]".into(), "must be a section"),
    ] {
        let got = said(&text);
        assert!(got.contains(told), "{text}\n{told} not in {got}");
    }
}

#[test]
fn what_a_table_says_wrongly_is_told_once() {
    let rows = "      - { token: none }\n".repeat(30);
    let got = said(&format!("tests:\n  - request: GET /x\n    expect: alow\n    cases:\n{rows}"));
    assert!(got.contains("t.yaml: 1 error\n"), "{got}");
}

#[test]
fn files_are_bounded() {
    let test = "  - { request: GET /x, expect: deny }\n";
    let text = |count: usize| format!("tests:\n{}", test.repeat(count));
    assert_eq!(cases(&text(limits::POLICY_TESTS)).len(), limits::POLICY_TESTS);
    assert!(said(&text(limits::POLICY_TESTS + 1)).contains("more than 10000 tests"));
    let row = "      - {}\n".repeat(limits::POLICY_TESTS + 1);
    let table = format!("tests:\n  - request: GET /x\n    expect: deny\n    cases:\n{row}");
    assert!(said(&table).contains("more than 10000 tests"));
    let claims = |bytes: usize| {
        format!("tests: [{{ request: GET /, token: {{ claims: {{ a: {} }} }}, expect: deny }}]", "x".repeat(bytes))
    };
    assert_eq!(cases(&claims(limits::POLICY_TEST_CLAIMS_BYTES - 8)).len(), 1);
    assert!(said(&claims(limits::POLICY_TEST_CLAIMS_BYTES - 7)).contains("no token may be so long"));
    let headers = |bytes: usize| {
        format!("defaults: {{ headers: {{ a: {} }} }}\ntests: [{{ request: GET /, expect: deny }}]", "x".repeat(bytes))
    };
    assert_eq!(cases(&headers(limits::POLICY_TEST_DEFAULT_BYTES - 1)).len(), 1);
    assert!(said(&headers(limits::POLICY_TEST_DEFAULT_BYTES)).contains("more than 4096 bytes"));
}

#[test]
fn a_token_in_a_file_is_not_printed_and_a_recipe_is() {
    let got = said(
        "tests:
  - { request: GET /, token: { raw: Bearer eyJcanary.x.y }, expect: alow }
  - { request: GET /, token: { scopes: shown }, expct: allow }
  - { request: GET /, token: eyJcanary.eyJcanary.canary, expect: allow }
  - { request: GET /, token: Bearer eyJcanary.eyJcanary.canary, expect: allow }",
    );
    assert!(got.contains("4 errors") && !got.contains("canary") && got.contains("scopes: shown"), "{got}");
}
