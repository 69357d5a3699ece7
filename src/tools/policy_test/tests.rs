use std::collections::{BTreeMap, HashSet};

use super::{Report, Session, Subject, TestFile, fault::Fault};
use crate::config;
use portcullis_engine::{
    reason::{DenyReason, TokenFault},
    time::UnixTime,
};

/// An issuer with everything that a token can fail at.
const ISSUER: &str = "
issuers:
  - issuer: https://tenant.example.com/
    audiences: [https://api.example.com, https://other.example.com]
    max_token_age: 24h
    clients: [app, cli]
    claims: { tenant: { in: [acme, umbrella] }, /realm/roles: { includes: [user] } }
";

fn subject(text: &str) -> Subject {
    let loaded = config::parse_offline(text, "portcullis.yaml", &BTreeMap::new());
    let config = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
    Subject { policy: config.policy, issuers: config.issuers, identity: config.identity }
}

fn session(config: &str, tests: &str) -> Session {
    let file = TestFile::parse(tests, "policy_test.yaml", UnixTime::from_secs(0));
    let file = file.unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
    let session = Session::new("portcullis.yaml", subject(config), vec![file], None);
    session.unwrap_or_else(|broken| panic!("{}", broken[0].render(false, 100)))
}

fn run(config: &str, tests: &str) -> Report {
    session(config, tests).run()
}

fn green(config: &str, tests: &str) -> Report {
    let report = run(config, tests);
    assert!(report.is_green(), "{:#?}", report.failures().collect::<Vec<_>>());
    report
}

/// The problems that show only beside the configuration.
fn problems(config: &str, tests: &str) -> String {
    let file = TestFile::parse(tests, "policy_test.yaml", UnixTime::from_secs(0)).unwrap();
    let broken = Session::new("portcullis.yaml", subject(config), vec![file], None).unwrap_err();
    broken.iter().map(|problems| problems.render(false, 100)).collect()
}

#[test]
fn every_fault_is_refused_for_its_reason() {
    for extra in ["", "    strict: true\n", "    algorithms: [ES256]\n"] {
        let config = format!("{ISSUER}{extra}routes: [{{ path: /a, access: authenticated }}]");
        let mut tests = "tests:\n  - { request: GET /a, token: valid, expect: allow }\n".to_owned();
        for (word, fault) in Fault::WORDS {
            let reason = DenyReason::Token(fault.refusal()).code();
            tests.push_str(&format!("  - {{ name: {word}, request: GET /a, token: {word}, expect: {reason} }}\n"));
        }
        green(&config, &tests);
    }
}

#[test]
fn every_fault_of_a_token_has_its_word() {
    let by_words: HashSet<TokenFault> = Fault::WORDS.iter().map(|(_, fault)| fault.refusal()).collect();
    let faults = DenyReason::all().filter_map(|reason| match reason {
        DenyReason::Token(fault) => Some(fault),
        _ => None,
    });
    let missing: Vec<TokenFault> = faults.filter(|fault| !by_words.contains(fault)).collect();
    // It takes two keys of one issuer under one name.
    assert_eq!(missing, [TokenFault::AmbiguousKey]);
}

#[test]
fn a_token_has_what_its_issuers_rules_ask_for() {
    for issuer in [
        "audience_claim: client_id",
        "strict: true",
        "algorithms: [RS256]",
        "algorithms: [ES384]",
        "secret_file: not-read",
        "clients: [app]",
        "scope_claims: [/realm/scopes]\n    claims: { /realm/id: { equals: 7 } }",
    ] {
        let config = format!(
            "issuers:\n  - issuer: https://a.example/\n    audiences: [api]\n    {issuer}\n\
             routes: [{{ path: /a, scopes: [x] }}]"
        );
        green(
            &config,
            "tests:
  - { request: GET /a, token: { scopes: [x, y] }, expect: allow }
  - { request: GET /a, token: valid, expect: insufficient_scope }
  - { request: GET /a, token: { scopes: x, fault: wrong_audience }, expect: token_wrong_audience }",
        );
    }
}

const TWO: &str = "
issuers:
  - { issuer: https://a.example/, audiences: [api] }
  - { issuer: https://b.example/, audiences: [api] }
policies: { named: { scopes: [n] } }
default: authenticated
routes:
  - { path: /open, access: public }
  - { path: /feed, access: optional }
  - { path: '/org/{org}', methods: [GET], scopes: { all: [r], any: [s, t] }, claims: { org: { matches: '{org}' } } }
  - { path: /b, issuers: [https://b.example/] }
";

const WHOLE: &str = "
defaults: { subject: alice, headers: { x-request-id: a-1 }, time: 2030-01-01T00:00:00Z }
tokens:
  member: { scopes: r s, claims: { org: acme } }
  stranger: { like: member, claims: { org: umbrella } }
tests:
  - { request: GET /open, expect: { decision: allow, rule: '* /open', upstream: { x-auth-subject: ~ } } }
  - { request: GET /feed, expect: allow }
  - { request: GET /feed, token: expired, expect: { status: 401, reason: token_expired } }
  - name: org
    request: GET /org/acme
    cases:
      - { token: member, expect: { upstream: { x-auth-subject: alice, x-auth-scopes: { contains: r } } } }
      - { token: stranger, expect: claim_rule }
      - { token: { like: member, scopes: [s] }, expect: insufficient_scope }
      - { token: { like: member, scopes: [r] }, expect: insufficient_scope }
      - { token: { like: member, claims: { org: ~ } }, expect: deny }
      - name: none
        expect:
          headers: { www-authenticate: { contains: [Bearer, realm] } }
          body: { contains: a-1 }
      - { request: POST /org/acme, token: member, expect: method_not_admitted }
  - { request: GET /b, token: { issuer: https://b.example/ }, expect: allow }
  - { request: GET /b, token: valid, expect: issuer_not_admitted }
  - { request: GET /b, expect: no_credentials }
  - { request: GET /else, token: valid, expect: { decision: allow, rule: default } }
  - { request: GET /else, token: { raw: Basic abc }, expect: unsupported_scheme }
  - { request: { path: /x, policy: named }, token: { scopes: n }, expect: { decision: allow, rule: 'policy:named' } }
  - { request: { path: /x, policy: named }, token: valid, expect: insufficient_scope }
  - { request: { path: /x, policy: named }, expect: 401 }
  - { request: { path: /x, policy: other }, expect: unknown_policy }
";

#[test]
fn a_whole_policy_can_be_covered_and_every_mutant_noticed() {
    let session = session(TWO, WHOLE);
    let report = session.run();
    assert!(report.is_green(), "{:#?}", report.failures().collect::<Vec<_>>());
    let coverage = &report.coverage;
    assert_eq!((coverage.percent(), &coverage.untested, &coverage.gaps), (100, &vec![], &vec![]));
    // Passing: 6 rules. Refusing tokens: all but the public one. Conditions: r, s or t, org; the issuer; n.
    assert_eq!(coverage.goals, 6 + 5 + 5);
    let mut told = Vec::new();
    let mutation = session.mutate(&mut |done, all| told.push((done, all)));
    assert_eq!(mutation.survivors, vec![]);
    // Removed: 4 routes, default and policy. Public: 5. Without a condition: 5. For every method: 1.
    assert_eq!((mutation.tried, mutation.noticed), (6 + 5 + 5 + 1, 17));
    assert_eq!(told.last(), Some(&(17, 17)));
}

/// What stands in a list of gaps or survivors without the case that has `name`, and without `test` at all.
fn without(line: &str) -> (Vec<String>, Vec<String>) {
    assert!(WHOLE.contains(line), "{line}");
    let left: Vec<&str> = WHOLE.lines().filter(|all| !all.contains(line)).collect();
    let session = session(TWO, &left.join("\n"));
    let report = session.run();
    assert!(report.is_green());
    let gaps = report.coverage.untested.iter().chain(&report.coverage.gaps);
    let survivors = session.mutate(&mut |_, _| {}).survivors;
    (
        gaps.map(|gap| format!("{} {}: {}", gap.written_at, gap.rule, gap.missing)).collect(),
        survivors.iter().map(|one| format!("{} {}: {}", one.written_at, one.rule, one.change)).collect(),
    )
}

#[test]
fn a_gap_that_is_planted_is_found_by_both() {
    let org = "portcullis.yaml:10 GET /org/{org}";
    let (gaps, survivors) = without("scopes: [s] }");
    assert_eq!(gaps, [format!("{org}: scope r: no token is turned away for it")]);
    assert_eq!(survivors, [format!("{org}: without scope r")]);
    let (gaps, survivors) = without("POST /org");
    assert_eq!((gaps, survivors), (vec![], vec![format!("{org}: for every method")]));
    let (gaps, survivors) = without("request: GET /open");
    assert_eq!(gaps, ["portcullis.yaml:8 * /open: no passing test"]);
    assert_eq!(survivors, ["portcullis.yaml:8 * /open: removed"]);
    let (gaps, survivors) = without("GET /feed, token: expired");
    assert_eq!(gaps, ["portcullis.yaml:9 * /feed: no bad token is turned away"]);
    assert_eq!(survivors, ["portcullis.yaml:9 * /feed: public"]);
    let (gaps, _) = without("GET /b, token: { issuer");
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps[1].ends_with("issuer https://b.example/: no token meets it"), "{gaps:?}");
}

#[test]
fn a_test_of_another_reading_notices_that_the_rule_there_is_weaker() {
    let config = "issuers: [{ issuer: https://a.example/, audiences: [api] }]
routes:
  - { path: '/api/{id}', access: authenticated }
  - { path: /api/secret, scopes: [s] }";
    let tests = "tests: [{ request: GET /api/secret., token: valid, expect: 400 }]";
    green(config, tests);
    let survivors = session(config, tests).mutate(&mut |_, _| {}).survivors;
    let left: Vec<&str> = survivors.iter().map(|one| one.change.as_str()).collect();
    assert!(!left.contains(&"without scope s"), "{left:?}");
}

#[test]
fn what_stands_behind_a_requirement_that_is_not_met_was_not_tested() {
    let report = green(TWO, "tests: [{ request: GET /org/acme, token: { scopes: s }, expect: insufficient_scope }]");
    let missing: Vec<&str> = report.coverage.gaps.iter().map(|gap| gap.missing.as_str()).collect();
    assert_eq!(
        missing,
        [
            "no request passes",
            "nothing is turned away for want of a good token",
            "scope r: no token meets it",
            "scope s or t: not tested",
            "claim org matches {org}: not tested",
        ]
    );
}

#[test]
fn a_failure_says_what_was_expected_and_found_and_how_to_see_why() {
    let report = run(
        TWO,
        "tests:
  - { request: GET /org/acme?x=1, token: { scopes: r }, expect: allow }
  - name: several
    request: GET /org/acme
    expect: { status: 403, reason: claim_rule, rule: default, headers: { www-authenticate: ~, x: y }, body: z }
  - { request: GET /open, expect: { upstream: { x-auth-subject: alice } } }
  - { request: GET /org/acme, token: forged, expect: allow }
  - { request: GET /open, expect: deny }",
    );
    assert!(!report.is_green());
    let shown: Vec<String> = report
        .failures()
        .flat_map(|test| test.mismatches.iter().map(|one| format!("{}|{}|{}", one.what, one.expected, one.found)))
        .collect();
    assert_eq!(
        shown[..5],
        [
            "decision|allow|deny (403 insufficient_scope)",
            "status|403|401 (no_credentials)",
            "reason|claim_rule|no_credentials",
            "rule|default|GET /org/{org}",
            r#"header www-authenticate|none|Bearer realm="api""#,
        ]
    );
    assert_eq!(shown[5], "header x|y|none");
    assert!(shown[6].starts_with("body|z|{"), "{}", shown[6]);
    assert_eq!(
        shown[7..],
        [
            "upstream header x-auth-subject|alice|none",
            "decision|allow|deny (401 token_bad_signature)",
            "decision|deny|allow",
        ]
    );
    let first = &report.tests[0];
    assert_eq!((first.line, first.rule_written_at.as_deref()), (2, Some("portcullis.yaml:10")));
    let why = first.explain.as_deref().unwrap();
    assert!(why.starts_with("portcullis explain --config portcullis.yaml --claims '{"), "{why}");
    assert!(why.ends_with("--method GET --host localhost --at 2026-01-01T00:00:00Z '/org/acme?x=1'"), "{why}");
    assert_eq!(report.tests[3].explain, None, "its signature can't be told to explain");
    assert_eq!(
        report.summary(),
        "5 of 5 tests failed: GET /org/acme (policy_test.yaml:2), several (policy_test.yaml:3), \
         GET /open (policy_test.yaml:6), …"
    );
}

#[test]
fn what_a_test_names_must_be_in_the_configuration() {
    let said = problems(
        TWO,
        "tests:
  - { request: GET /open, expect: { decision: allow, rule: '* /opne' } }
  - { request: { path: /x, policy: nmaed }, expect: deny }
  - { request: GET /b, token: { issuer: https://b.example }, expect: deny }
  - { request: GET /b, token: too_old, expect: deny }
  - { request: GET /b, token: wrong_client, expect: deny }
  - { request: GET /b, token: wrong_claim, expect: deny }",
    );
    for told in [
        "did you mean `* /open`?",
        "did you mean `named`?",
        "did you mean `https://b.example/`?",
        "`max_token_age`",
        "`clients`",
        "no `claims`",
        "6 errors",
    ] {
        assert!(said.contains(told), "{told} not in {said}");
    }
    let said =
        problems("routes: [{ path: /a, access: public }]", "tests: [{ request: GET /a, token: valid, expect: allow }]");
    assert!(said.contains("no issuers"), "{said}");
}

#[test]
fn a_reload_is_told_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.yaml");
    let run_for = |text: &str| {
        std::fs::write(&path, text).unwrap();
        super::run_for("portcullis.yaml", subject(TWO), std::slice::from_ref(&path), UnixTime::from_secs(0))
    };
    let good = run_for("tests: [{ request: GET /open, expect: allow }]");
    assert!(good.is_green());
    assert_eq!(good.summary(), "1 test passed");
    let red = run_for("tests: [{ name: x, request: GET /open, expect: deny }]");
    assert!(!red.is_green() && red.summary().starts_with("1 of 1 tests failed: x ("), "{}", red.summary());
    for (text, told) in [("tests: []", "empty list"), ("", "the file is empty"), ("tests: [", "not valid YAML")] {
        let broken = run_for(text);
        assert!(!broken.is_green());
        assert!(broken.summary().contains("can't be run") && broken.summary().contains(told), "{}", broken.summary());
    }
    let none = super::run_for("portcullis.yaml", subject(TWO), &[], UnixTime::from_secs(0));
    assert!(!none.is_green() && none.summary().contains("no test files"), "{}", none.summary());
    let gone = super::run_for("portcullis.yaml", subject(TWO), &[dir.path().join("gone")], UnixTime::from_secs(0));
    assert!(!gone.is_green() && gone.summary().contains("no such file"), "{}", gone.summary());
    assert!(!Report::default().is_green(), "nothing is no green");
}
