use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use std::hash::RandomState;

use super::*;
use crate::{
    jwt::{
        claim_path::ClaimPath,
        claim_rule::{ClaimRule, ClaimTest},
        issuer_rules::{IssuerRules, NonEmpty},
    },
    keys::{algorithm::Algorithm, key_set::KeySet, lookup::FixedKeys, secret::Secret},
    oauth::scope::{Scope, ScopeRequirement},
    policy::{
        EncodedSlashes, HostPattern, Methods, PathPattern, Route,
        rule::{Access, Requirement},
    },
    reason::TokenFault,
    request::{method::Method, path::CanonicalPath},
};

const ISSUER: &str = "https://issuer.test/";
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn authorizer() -> Authorizer {
    let all = vec![Scope::parse("read").unwrap().into()];
    let scoped = Requirement { scopes: ScopeRequirement { all, any: vec![] }, ..Requirement::default() };
    let accesses = [
        ("/public", Access::Public),
        ("/optional", Access::Optional),
        ("/any", Access::Token(Requirement::default())),
        ("/scoped", Access::Token(scoped)),
    ];
    let route = |(path, access): (&str, Access)| Route {
        host: HostPattern::Any,
        path: PathPattern::parse(path).unwrap(),
        methods: Methods::Any,
        rule: Rule { id: RuleId::new(path), access },
        shadows: false,
        encoded_slashes: EncodedSlashes::Refuse,
    };
    let (policy, _) = Policy::build(accesses.map(route).to_vec(), None).unwrap();
    let rules = IssuerRules {
        issuer: ISSUER.into(),
        audiences: NonEmpty::new(vec!["api".to_owned()]).unwrap(),
        algorithms: NonEmpty::new(vec![Algorithm::HS256]).unwrap(),
        clock_tolerance: Duration::ZERO,
        max_token_age: None,
        strict: false,
        audience_claim: "aud".to_owned(),
        client_id_claims: vec![],
        scope_claims: vec![ClaimPath::top_level("scope")],
        clients: None,
        claims: Vec::new(),
    };
    Authorizer::new(policy, CachedVerifier::new([rules], RandomState::new()))
}

fn secret() -> Secret {
    Secret::new(vec![7; 32])
}

fn bearer(scope: &str) -> String {
    let claims = json!({"iss": ISSUER, "aud": "api", "exp": 1_900_000_000, "scope": scope});
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let input = format!("{}.{}", encode(r#"{"alg":"HS256"}"#.to_owned()), encode(claims.to_string()));
    let key = jsonwebtoken::EncodingKey::from_secret(secret().expose());
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("Bearer {input}.{signature}")
}

/// `ok` or the code of the denial, with the rule; `missing` if it is undecided.
fn decide(keys: &FixedKeys, path: &str, credentials: &[&str]) -> (String, Option<String>) {
    let target =
        RequestTarget { host: None, path: CanonicalPath::parse(path).unwrap(), method: Method::parse("GET").unwrap() };
    let authorization = credentials.iter().map(|value| value.as_bytes()).collect();
    let request = RequestAttributes { target, policy: None, authorization };
    match authorizer().decide(&request, keys, NOW) {
        Outcome::Decided(Decision::Allow(permit)) => ("ok".to_owned(), Some(permit.rule().to_string())),
        Outcome::Decided(Decision::Deny(denial)) => {
            (denial.reason.code().to_owned(), denial.rule.map(|rule| rule.to_string()))
        }
        Outcome::KeyMissing(undecided) => ("missing".to_owned(), Some(undecided.rule.to_string())),
    }
}

fn keys() -> FixedKeys {
    FixedKeys::new(ISSUER, KeySet::from_secret(&secret(), &[Algorithm::HS256]))
}

#[test]
fn each_kind_of_access_with_each_kind_of_credentials() {
    let (good, scoped) = (bearer("other"), bearer("read"));
    let cases: [(&str, &[&str], &str); 17] = [
        ("/public", &[], "ok"),
        ("/public", &["Bearer nonsense"], "ok"),
        ("/public", &["Bearer a", "Bearer b"], "ok"),
        ("/optional", &[], "ok"),
        ("/optional", &[&good], "ok"),
        ("/optional", &["Bearer nonsense"], "token_opaque"),
        ("/optional", &["Basic YTpi"], "unsupported_scheme"),
        ("/optional", &[""], "malformed_credentials"),
        ("/any", &[], "no_credentials"),
        ("/any", &["Basic YTpi"], "unsupported_scheme"),
        ("/any", &[&good], "ok"),
        ("/any", &[&good, &good], "several_credentials"),
        ("/scoped", &[], "no_credentials"),
        ("/scoped", &[&good], "insufficient_scope"),
        ("/scoped", &[&scoped], "ok"),
        ("/none", &[&scoped], "no_route"),
        ("/none", &[], "no_route"),
    ];
    for (path, credentials, wanted) in cases {
        let (got, rule) = decide(&keys(), path, credentials);
        assert_eq!(got, wanted, "{path} {credentials:?}");
        assert_eq!(rule.as_deref(), (path != "/none").then_some(path), "the rule that decided");
    }
}

#[test]
fn a_missing_key_is_undecided_and_can_only_be_denied() {
    let empty = FixedKeys::default();
    let good = bearer("read");
    for path in ["/optional", "/any", "/scoped"] {
        assert_eq!(decide(&empty, path, &[&good]).0, "missing", "{path}");
    }
    assert_eq!(decide(&empty, "/public", &[&good]).0, "ok");
    let undecided = || Undecided {
        missing: MissingKey {
            issuer: ISSUER.into(),
            seen: crate::keys::lookup::Generation::NONE,
            need: crate::keys::lookup::KeyNeed::Replacement,
            fault: TokenFault::UnknownKey,
        },
        rule: RuleId::new("r"),
    };
    assert_eq!(undecided().deny_token().reason, TokenFault::UnknownKey.into());
    let unavailable = undecided().deny_unavailable(Duration::from_secs(3));
    assert_eq!(
        (unavailable.reason, unavailable.retry_after, unavailable.without_keys_of.as_deref()),
        (DenyReason::KeysUnavailable, Some(Duration::from_secs(3)), Some(ISSUER))
    );
}

#[test]
fn a_denial_for_scope_says_what_is_needed_and_keeps_the_verified_token() {
    let good = bearer("other");
    let target = RequestTarget {
        host: None,
        path: CanonicalPath::parse("/scoped").unwrap(),
        method: Method::parse("GET").unwrap(),
    };
    let request = RequestAttributes { target, policy: None, authorization: vec![good.as_bytes()] };
    let outcome = authorizer().decide(&request, &keys(), NOW);
    let Outcome::Decided(Decision::Deny(denial)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(denial.needed.unwrap().to_scope_string(), "read");
    assert_eq!(denial.token.unwrap().scopes().to_scope_string(), "other");
}

#[test]
fn a_policy_never_asks_about_claims_that_the_verifier_forgot() {
    let claim = |name| ClaimRule { claim: ClaimPath::top_level(name), test: ClaimTest::Present };
    let rule = |name| Rule {
        id: RuleId::new("r"),
        access: Access::Token(Requirement { claims: vec![claim(name)], ..Requirement::default() }),
    };
    let policy = |name| Policy::build(Vec::new(), Some(rule(name))).unwrap().0;
    let asked = policy("scope").asked_claims();
    let forgetful = authorizer().verifier().keeping(asked.clone());
    let keeps = Authorizer::new(policy("scope"), forgetful.clone());
    assert!(Arc::ptr_eq(keeps.verifier().cache(), forgetful.cache()), "nothing is missing");
    let other = Authorizer::new(policy("aud"), forgetful);
    assert!(!other.verifier().keeps(&asked) && other.verifier().keeps(&policy("aud").asked_claims()));
    let credentials = bearer("read");
    for authorizer in [keeps, other] {
        let target = RequestTarget::for_tests("/x");
        let request = RequestAttributes { target, policy: None, authorization: vec![credentials.as_bytes()] };
        let decided = authorizer.decide(&request, &keys(), NOW);
        assert!(matches!(decided, Outcome::Decided(Decision::Allow(_))), "{decided:?}");
    }
}
