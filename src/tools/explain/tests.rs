use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{
    config,
    tools::simulate::request::{Credentials, Recipe, Signature},
};
use portcullis_engine::{
    reason::{DenyReason, TokenFault},
    time::UnixTime,
};

const NOW: UnixTime = UnixTime::from_secs(1_767_225_600);

const CONFIG: &str = "
issuers:
  - issuer: https://tenant.eu.auth0.com/
    audiences: [https://api.example.com]
    strict: true
    max_token_age: 1h
    clients: [spa]
    claims: { azp_ok: { equals: true } }
routes:
  - { path: /api/public, access: public }
  - { path: /api/feed, access: optional }
  - { path: '/api/{org}/messages', methods: [GET], scopes: [read:messages], claims: { org_id: { matches: '{org}' } } }
  - { host: admin.example.com, path: /admin/**, scopes: { all: [admin], any: [eu, us] } }
policies:
  partners: { scopes: [partner] }
";

fn stage() -> Stage {
    let offline = config::parse_offline(CONFIG, "portcullis.yaml", &BTreeMap::new()).unwrap();
    Stage::new(offline.policy, offline.issuers, &offline.identity)
}

fn get(path: &str) -> Ask {
    Ask::new("GET", Some("api.example.com"), path, NOW)
}

/// A token that is good unless `changes` say otherwise, as a header.
fn bearer(stage: &Stage, change: impl FnOnce(&mut Recipe)) -> String {
    let mut recipe = Recipe::usual(stage.issuers().next().unwrap(), NOW);
    recipe.claims.insert("azp_ok".to_owned(), true.into());
    recipe.claims.insert("client_id".to_owned(), "spa".into());
    change(&mut recipe);
    format!("Bearer {}", stage.mint(&recipe).unwrap())
}

fn explained(stage: &Stage, ask: &Ask) -> Explanation {
    let answered = stage.ask(&ask.clone().credentials(Credentials::Resigned)).unwrap();
    explain(stage, ask, &answered, Signatures::NotChecked)
}

/// The check that failed, if there is exactly one, and none was reached behind it.
fn failed(explanation: &Explanation) -> Option<&Step> {
    let at = explanation.steps.iter().position(|step| step.outcome == Outcome::Failed)?;
    let behind = explanation.steps.iter().skip(at + 1).all(|step| step.outcome == Outcome::NotReached);
    assert!(behind, "{:?}", explanation.steps);
    explanation.steps.get(at)
}

#[test]
fn every_fault_of_a_token_is_found_in_the_check_that_it_comes_of() {
    let stage = stage();
    let claim = |name: &'static str, value: Value| {
        bearer(&stage, move |recipe| {
            recipe.claims.insert(name.to_owned(), value);
        })
    };
    let header = |name: &'static str, value: Value| {
        bearer(&stage, move |recipe| {
            recipe.header.insert(name.to_owned(), value);
        })
    };
    let later = NOW.as_secs() + 600;
    let cases = [
        ("Bearer opaque".to_owned(), TokenFault::Opaque, "form"),
        ("Bearer a.b.c.d.e".to_owned(), TokenFault::Encrypted, "form"),
        ("Bearer a.b.c".to_owned(), TokenFault::Malformed, "form"),
        ("Bearer e30.e30.AQID".to_owned(), TokenFault::Malformed, "header"),
        ("Bearer eyJhbGciOiJFUzI1NiJ9.W10.AQID".to_owned(), TokenFault::Malformed, "claims"),
        (header("kid", 7.into()), TokenFault::Malformed, "header"),
        (header("alg", "none".into()), TokenFault::AlgorithmNotAllowed, "header"),
        (header("alg", "HS256".into()), TokenFault::AlgorithmNotAllowed, "algorithm"),
        (header("crit", json!(["b64"])), TokenFault::CriticalHeader, "crit"),
        (header("typ", "dpop+jwt".into()), TokenFault::TypeNotAllowed, "typ"),
        (header("typ", "JWT".into()), TokenFault::TypeNotAllowed, "strict typ"),
        (claim("iss", 7.into()), TokenFault::MalformedClaims, "issuer"),
        (claim("iss", "https://x/".into()), TokenFault::UnknownIssuer, "issuer"),
        (claim("at_hash", "x".into()), TokenFault::NotAnAccessToken, "kind"),
        (claim("typ", "Refresh".into()), TokenFault::NotAnAccessToken, "kind"),
        (claim("typ", 7.into()), TokenFault::MalformedClaims, "kind"),
        (claim("cnf", json!({ "jkt": "x" })), TokenFault::Bound, "binding"),
        (claim("aud", 7.into()), TokenFault::MalformedClaims, "audience"),
        (claim("aud", "x".into()), TokenFault::WrongAudience, "audience"),
        (claim("exp", "x".into()), TokenFault::MalformedClaims, "exp"),
        (claim("exp", 1.into()), TokenFault::Expired, "exp"),
        (claim("nbf", "x".into()), TokenFault::MalformedClaims, "iat and nbf"),
        (claim("nbf", later.into()), TokenFault::NotYetValid, "nbf"),
        (claim("iat", later.into()), TokenFault::IssuedInFuture, "iat"),
        (claim("iat", 1.into()), TokenFault::TooOld, "max_token_age"),
        (claim("sub", 7.into()), TokenFault::MalformedClaims, "subject"),
        (claim("jti", 7.into()), TokenFault::MalformedClaims, "jti"),
        (claim("client_id", 7.into()), TokenFault::MalformedClaims, "client_id"),
        (claim("jti", "x".repeat(2000).into()), TokenFault::MalformedClaims, "strict claims"),
        (claim("client_id", "other".into()), TokenFault::ClientNotAllowed, "client"),
        (claim("azp_ok", false.into()), TokenFault::ClaimRule, "claim rules"),
    ];
    for (value, fault, check) in cases {
        let explanation = explained(&stage, &get("/api/a/messages").header("authorization", value));
        assert_eq!(explanation.verdict.reason, DenyReason::Token(fault).code(), "{check}");
        let step = failed(&explanation).unwrap_or_else(|| panic!("{fault:?}: {:?}", explanation.steps));
        assert_eq!((step.part, step.check.as_str()), ("token", check), "{fault:?}");
        assert!(!explanation.help.is_empty(), "{fault:?}");
    }
}

#[test]
fn a_limit_is_told_with_what_is_beyond_it() {
    let config = CONFIG.replace("    strict: true\n", "").replace("    clients: [spa]\n", "");
    let offline = config::parse_offline(&config, "portcullis.yaml", &BTreeMap::new()).unwrap();
    let stage = Stage::new(offline.policy, offline.issuers, &offline.identity);
    let with = |name: &'static str, value: Value| {
        let value = bearer(&stage, move |recipe| {
            recipe.claims.insert("scope".to_owned(), "read:messages".into());
            recipe.claims.insert("org_id".to_owned(), "a".into());
            recipe.claims.insert(name.to_owned(), value);
        });
        explained(&stage, &get("/api/a/messages").header("authorization", value))
    };
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    for (name, value, check, parts, help) in [
        ("x", deep(19), "claims", ["20 levels of JSON", "at most 16 levels"], "less nesting: its claims set has 20"),
        ("sub", "x".repeat(1500).into(), "subject", ["sub of 1500 bytes", "at most 1024 bytes"], "get a token"),
        ("iss", "x".repeat(1500).into(), "issuer", ["iss of 1500 bytes", "at most 1024 bytes"], "get a token"),
        ("exp", 1_796_037_147_000_i64.into(), "exp", ["exp `1796037147000`", "may be milliseconds"], "get a token"),
        (
            "exp",
            "99999999999".into(),
            "exp",
            ["exp the string `99999999999`", "a number: seconds since"],
            "get a token",
        ),
        ("nbf", 1_796_037_147_000_i64.into(), "iat and nbf", ["nbf `1796037147000`", "milliseconds"], "get a token"),
    ] {
        let explanation = with(name, value);
        let step = failed(&explanation).unwrap();
        assert_eq!(step.check, check);
        let text = text::render(&explanation, false);
        assert!(parts.iter().all(|part| text.contains(part)), "{name}: {text}");
        assert!(explanation.help[0].contains(help), "{:?}", explanation.help);
    }
    let explanation = with("client_id", "x".repeat(1500).into());
    assert!(explanation.verdict.allowed);
    let text = text::render(&explanation, false);
    assert!(text.contains("client_id of 1500 bytes, more than 1024 bytes: it is as if it were absent"), "{text}");
    assert!(!text::render(&with("client_id", "spa".into()), false).contains("absent"));
}

#[test]
fn a_token_that_came_whole_is_not_to_be_sent_as_it_was() {
    let stage = stage();
    // {"alg":"ES256"} and {"a":1,"a":2}
    let value = "Bearer eyJhbGciOiJFUzI1NiJ9.eyJhIjoxLCJhIjoyfQ.AQID";
    let explanation = explained(&stage, &get("/api/a/messages").header("authorization", value.to_owned()));
    assert!(explanation.help[0].contains("changes nothing"), "{:?}", explanation.help);
    let broken = "Bearer eyJhbGciOiJFUzI1NiJ9.eyJhIjoxLCJhIjoyf.AQID".to_owned();
    let explanation = explained(&stage, &get("/api/a/messages").header("authorization", broken));
    assert!(explanation.help[0].contains("exactly as the issuer gave it"), "{:?}", explanation.help);
}

#[test]
fn offline_the_signature_is_never_said_to_be_good() {
    let stage = stage();
    let forged = bearer(&stage, |recipe| recipe.signature = Signature::Forged);
    for value in [bearer(&stage, |_| {}), forged] {
        let explanation = explained(&stage, &get("/api/feed").header("authorization", value));
        let of_keys: Vec<_> =
            explanation.steps.iter().filter(|step| ["key", "signature"].contains(&&*step.check)).collect();
        assert_eq!(of_keys.len(), 2);
        assert!(of_keys.iter().all(|step| step.outcome == Outcome::NotChecked), "{of_keys:?}");
        assert!(text::render(&explanation, false).contains("offline"));
    }
}

#[test]
fn help_offers_only_what_the_service_would_take() {
    let stage = stage();
    let token = |members: Value| {
        let members = members.as_object().unwrap().clone();
        bearer(&stage, move |recipe| recipe.header.extend(members))
    };
    let messages = || get("/api/a/messages");
    let with = |method: &str| Ask::new(method, Some("api.example.com"), "/api/a/messages", NOW).policy("partners");
    for (ask, told, untrue) in [
        (messages().header("authorization", token(json!({ "alg": "none" }))), "`RS256`", "add"),
        (messages().header("authorization", token(json!({ "alg": "HS256" }))), "`RS256`", "add"),
        (messages().header("authorization", token(json!({ "alg": "ES512" }))), "add `ES512` there", "?"),
        (messages().header("authorization", token(json!({ "typ": "JWT" }))), "`at+jwt`", "or `JWT`"),
        (with("COPY"), "remove the named policy", "so no other"),
        (with("CONNECT"), "remove the named policy", "add a rule"),
    ] {
        let help = explained(&stage, &ask).help;
        assert!(help.iter().any(|line| line.contains(told) && !line.contains(untrue)), "{told}: {help:?}");
    }
    let text = "issuers: [{ issuer: 'https://tenant.eu.auth0.com/', audiences: [a] }]\n\
        policies: { own: { claims: { site: { matches: host } } } }\n";
    let offline = config::parse_offline(text, "portcullis.yaml", &BTreeMap::new()).unwrap();
    let stage = Stage::new(offline.policy, offline.issuers, &offline.identity);
    let value = bearer(&stage, |_| {});
    let ask = Ask::new("GET", None, "/", NOW).policy("own").header("authorization", value);
    let help = explained(&stage, &ask).help;
    assert!(help[0].starts_with("say which host") && !help[0].contains("token"), "{help:?}");
}

#[test]
fn every_other_denial_has_its_check_as_well() {
    let stage = stage();
    let good = || bearer(&stage, |_| {});
    let scoped = |org: &str| {
        let org = org.to_owned();
        bearer(&stage, move |recipe| {
            recipe.claims.extend([("scope".to_owned(), "read:messages".into()), ("org_id".to_owned(), org.into())]);
        })
    };
    let at = |method: &str, host: Option<&str>, path: &str| Ask::new(method, host, path, NOW);
    let messages = || get("/api/a/messages");
    let cases = [
        (get("/a//b"), "request", "path"),
        (at("G T", Some("a.test"), "/"), "request", "method"),
        (at("GET", Some("a b"), "/"), "request", "host"),
        (at("GET", None, "/admin/x"), "route", "host table"),
        (get("/nothing"), "route", "path pattern"),
        (get("/API/public"), "route", "path pattern"),
        (get("/api/%20/messages"), "route", "other readings"),
        (get("/api/public?_method=DELETE"), "request", "method"),
        (at("PUT", Some("api.example.com"), "/api/a/messages"), "route", "method"),
        (at("CONNECT", Some("api.example.com"), "/api/public"), "route", "method"),
        (messages().policy("partner"), "route", "named policy"),
        (messages(), "credentials", "authorization"),
        (messages().header("authorization", "Basic YTpi"), "credentials", "authorization"),
        (messages().header("authorization", "Bearer a,Bearer b"), "credentials", "authorization"),
        (messages().header("authorization", good()), "rule", "scope read:messages"),
        (messages().header("authorization", scoped("b")), "rule", "claim org_id matches {org}"),
        (messages().policy("partners").header("authorization", good()), "rule", "scope partner"),
        (get("/").header("x", vec![b'x'; 300_000]), "request", "message"),
        (get("/api/public").header("x", vec![b'x'; 300_000]), "request", "message"),
    ];
    for (ask, part, check) in cases {
        let explanation = explained(&stage, &ask);
        let step = failed(&explanation).unwrap_or_else(|| panic!("{check}: {explanation:?}"));
        assert_eq!((step.part, step.check.as_str()), (part, check));
        assert!(!explanation.help.is_empty() && !explanation.verdict.allowed, "{check}");
        let words = format!("{:?}{:?}", step.expected, explanation.help);
        assert!(check != "path" || words.contains("(no empty segment, as in `//`)"), "{words}");
    }
    let allowed = explained(&stage, &messages().header("authorization", scoped("a")));
    assert!(allowed.verdict.allowed && allowed.help.is_empty() && failed(&allowed).is_none(), "{allowed:?}");
}

#[test]
fn help_names_what_was_meant() {
    let stage = stage();
    let with = |claims: Value| {
        let claims = claims.as_object().unwrap().clone();
        bearer(&stage, move |recipe| recipe.claims.extend(claims))
    };
    let headed = |members: Value| {
        let members = members.as_object().unwrap().clone();
        bearer(&stage, move |recipe| recipe.header.extend(members))
    };
    let admin = Ask::new("GET", Some("admin.example.com"), "/admin/x", NOW);
    let messages = || get("/api/a/messages");
    let cases = [
        (get("/api/publik"), "did you mean `/api/public`?"),
        (get("/API/public"), "`/api/public`"),
        (get("/admin/x"), "`/admin/**` is a route of the host `admin.example.com` only"),
        (Ask::new("POST", Some("a.test"), "/api/a/messages", NOW), "this path needs `GET` or `HEAD`"),
        (messages().policy("partner"), "did you mean `partners`?"),
        (messages().header("authorization", with(json!({ "scope": "read:message" }))), "was `read:messages` meant?"),
        (messages().header("authorization", with(json!({}))), "it also needs `claim org_id matches {org}`"),
        (admin.header("authorization", with(json!({ "scope": "admin" }))), "scope `eu` or `us`"),
        (
            messages().header("authorization", with(json!({ "scope": "read:messages", "org_id": "b" }))),
            "claim org_id is `a`",
        ),
        (
            messages().header("authorization", with(json!({ "iss": "https://tenant.eu.auth0.com" }))),
            "differs by its last `/`",
        ),
        (
            messages().header("authorization", with(json!({ "aud": "https://api.example.org" }))),
            "did you mean `https://api.example.com`?",
        ),
        (messages().header("authorization", with(json!({ "exp": NOW.as_secs() - 600 }))), "expired 10m ago"),
        (
            messages().header("authorization", with(json!({ "groups": vec!["a".repeat(60); 180] }))),
            "fewer scopes, groups or custom claims: its claims set has 11",
        ),
        (
            messages().header("authorization", with(json!({ "scope": "openid,read:messages" }))),
            "separates scopes by single",
        ),
        (
            messages().header("authorization", with(json!({ "scp": ["openid read:messages"] }))),
            "the claim `scp` has it",
        ),
        (messages().header("authorization", headed(json!({ "x": "a".repeat(2100) }))), "its header has 21"),
        (messages().header("authorization", headed(json!({ "kid": "a".repeat(257) }))), "its `kid` has 257 bytes"),
    ];
    for (ask, told) in cases {
        let help = explained(&stage, &ask).help;
        assert!(help.iter().any(|line| line.contains(told)), "{told}: {help:?}");
    }
}

#[test]
fn a_path_is_explained_by_its_segment_and_its_canonical_form() {
    let stage = stage();
    let explanation = explained(&stage, &get("/api/%70ublic/?q=1"));
    let step = explanation.steps.iter().find(|step| step.check == "path").unwrap();
    assert_eq!(step.found.as_deref(), Some("`/api/public`"));
    assert_eq!(step.note.as_deref(), Some("the canonical form of `/api/%70ublic/?…`"));
    let explanation = explained(&stage, &get("/api/x/..%2Fy"));
    let step = failed(&explanation).unwrap();
    assert_eq!(step.note.as_deref(), Some("segment 3, `..%2Fy`"));
    assert!(step.expected.as_ref().unwrap().contains("%2F"), "{step:?}");
}

#[test]
fn a_method_that_no_client_sends_has_a_note() {
    let stage = stage();
    let note = |method: &str| {
        let explanation = explained(&stage, &Ask::new(method, Some("a.test"), "/api/public", NOW));
        explanation.steps.iter().find(|step| step.check == "method").unwrap().note.clone()
    };
    assert_eq!(note("GET"), None);
    assert_eq!(note("get").as_deref(), Some("not `GET`: case counts"));
    assert_eq!(note("curl").as_deref(), Some("no usual method"));
}

#[test]
fn a_token_of_three_parts_is_told_what_is_wrong_with_them() {
    let stage = stage();
    let form = |token: &str| {
        let ask = get("/api/a/messages").header("authorization", format!("Bearer {token}").into_bytes());
        failed(&explained(&stage, &ask)).and_then(|step| step.found.clone())
    };
    assert_eq!(form("a.b.c").as_deref(), Some("3 parts, one of which is not base64url or is too long"));
    assert_eq!(form("a.b").as_deref(), Some("2 parts"));
}

#[test]
fn what_acts_on_a_terminal_is_not_printed() {
    let stage = stage();
    let value = bearer(&stage, |recipe| {
        recipe.claims.insert("scope".to_owned(), "read:messages".into());
        recipe.claims.insert("org_id".to_owned(), "\u{1b}[2J\u{202e}x".into());
    });
    let ask = Ask::new("GET\u{1b}", Some("a\u{1b}b"), "/\u{7}", NOW);
    for ask in [ask, get("/api/a/messages").header("authorization", value)] {
        let printed = text::render(&explained(&stage, &ask), false);
        assert!(!printed.chars().any(|c| c == '\u{1b}' || c == '\u{7}' || c == '\u{202e}'), "{printed:?}");
    }
}

/// The help names the spelling that another pattern decides about: the case is not always what differs.
#[test]
fn an_escape_of_a_colon_is_not_called_another_case() {
    let routes = "
routes:
  - { path: '/v1/messages/{id}', access: public }
  - { path: '/v1/messages/{id}:cancel', access: public }
  - { path: '/v1/Top', access: public }
";
    let offline = config::parse_offline(routes, "portcullis.yaml", &BTreeMap::new()).unwrap();
    let stage = Stage::new(offline.policy, offline.issuers, &offline.identity);
    for (path, help) in [
        ("/v1/messages/42%3Acancel", "send the path as `/v1/messages/42:cancel`"),
        ("/v1/top", "spell the path as the route does: `/v1/Top`"),
        ("/v1/messages/42:CANCEL", "its case, and which characters are escaped"),
    ] {
        let explanation = explained(&stage, &get(path));
        assert_eq!(failed(&explanation).map(|step| step.check.as_str()), Some("path pattern"), "{path}");
        let [only] = explanation.help.as_slice() else { panic!("{:?}", explanation.help) };
        assert!(only.contains(help), "{path}: {only}");
    }
}

/// Faults of a request that only the rules can tell: its path and its host are well-formed.
#[test]
fn a_port_an_encoded_slash_and_a_second_resource_are_said_as_what_they_are() {
    let stage = stage();
    let ask = |method: &str, host: &str, path: &str| Ask::new(method, Some(host), path, NOW);
    for (ask, check, help) in [
        (ask("GET", "admin.example.com:8443", "/admin/x"), "host table", "write `hosts: stripped`"),
        (ask("GET", "api.example.com", "/api/a%2Fb/messages"), "encoded slashes", "`encoded_slashes: allow`"),
        (ask("COPY", "api.example.com", "/api/public"), "method", "name it in `methods`"),
        (ask("GET", "api.example.com", "/api/a%2F../messages"), "path", "`%2F`"),
    ] {
        let explanation = explained(&stage, &ask);
        assert_eq!(failed(&explanation).map(|step| step.check.as_str()), Some(check), "{:?}", explanation.steps);
        assert!(explanation.help.iter().any(|line| line.contains(help)), "{check}: {:?}", explanation.help);
    }
}

#[test]
fn of_a_host_with_a_port_is_said_what_envoy_has_to_do() {
    for (rest, expected) in [
        ("", "a route for any host as well, as Envoy may not route it as this one"),
        ("  - { path: /admin/x, access: authenticated }\n", "asks for no less than what holds for any host"),
    ] {
        let routes = "routes:\n  - { host: admin.example.com, path: /admin/**, access: public, shadows: true }\n";
        let text = format!("issuers: [{{ issuer: https://a.test/, audiences: [a] }}]\n{routes}{rest}");
        let offline = config::parse_offline(&text, "portcullis.yaml", &BTreeMap::new()).unwrap();
        let stage = Stage::new(offline.policy, offline.issuers, &offline.identity);
        for host in ["admin.example.com:8443", "admin.example.com."] {
            let explanation = explained(&stage, &Ask::new("GET", Some(host), "/admin/x", NOW));
            let step = failed(&explanation).unwrap();
            assert!(step.expected.as_ref().unwrap().contains(expected), "{step:?}");
            let [strip, keep] = explanation.help.as_slice() else { panic!("{:?}", explanation.help) };
            let settings =
                ["`strip_any_host_port: true`", "`strip_trailing_host_dot: true`", "another one than 80 or 443"];
            assert!(settings.iter().all(|setting| strip.contains(setting)), "{strip}");
            assert!(!strip.contains("`hosts: stripped`"), "nothing of it comes here then: {strip}");
            assert!(
                keep.contains("`ignore_port_in_host_matching: true`") && keep.contains("`hosts: stripped`"),
                "{keep}"
            );
        }
    }
}
