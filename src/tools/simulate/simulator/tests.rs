use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{
    config,
    tools::simulate::request::{Credentials, Signature},
};
use portcullis_engine::reason::{RequestFault, TokenFault};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

const CONFIG: &str = "
issuers:
  - issuer: https://one.test/
    audiences: [api]
    jwks_file: /nonexistent/keys.json
  - issuer: https://two.test/
    audiences: [api]
    algorithms: [HS256]
    secret_env: NOT_SET
routes:
  - { path: /public, access: public }
  - { path: /optional, access: optional }
  - { path: '/messages/{id}', methods: [GET], scopes: [read], claims: { org: { equals: a } } }
  - { host: admin.test, path: /**, scopes: [admin] }
policies:
  staff: { issuers: [https://two.test/], claims: { org: { present: true } } }
";

fn stage() -> Stage {
    let offline = config::parse_offline(CONFIG, "portcullis.yaml", &BTreeMap::new()).unwrap();
    Stage::new(offline.policy, offline.issuers, &offline.identity)
}

fn get(path: &str) -> Ask {
    Ask::new("GET", Some("api.test"), path, NOW)
}

#[expect(clippy::needless_pass_by_value, reason = "json!() at the call reads better")]
fn minted(stage: &Stage, issuer: &str, claims: Value) -> Credentials {
    let mut recipe = Recipe::usual(stage.rules_of(issuer).unwrap(), NOW);
    recipe.claims.extend(claims.as_object().unwrap().clone());
    Credentials::Minted(Box::new(recipe))
}

#[test]
fn an_allowed_request_says_what_goes_upstream_and_which_rule_it_was() {
    let stage = stage();
    for issuer in ["https://one.test/", "https://two.test/"] {
        let token = minted(&stage, issuer, json!({ "scope": "read", "org": "a", "sub": "u" }));
        let got = stage.ask(&get("/messages/7").credentials(token)).unwrap();
        assert!(got.allowed && got.status == 200 && got.reason == "ok" && got.deny.is_none(), "{got:?}");
        let rule = got.rule.unwrap();
        assert_eq!((rule.is, rule.path.as_deref()), (RuleRef::Route(2), Some("/messages/{id}")));
        assert_eq!(rule.written_at, "portcullis.yaml:13");
        assert!(got.set.contains(&("x-auth-subject".to_owned(), "u".to_owned())), "{:?}", got.set);
        assert!(got.removed.contains(&"x-auth-client-id".to_owned()), "{:?}", got.removed);
        assert_eq!(got.metadata["issuer"], issuer);
        assert_eq!(got.conditions.iter().map(|condition| condition.met).collect::<Vec<_>>(), [true, true]);
    }
}

#[test]
fn a_denial_comes_with_its_whole_answer() {
    let stage = stage();
    let token = minted(&stage, "https://one.test/", json!({ "scope": "write", "org": "a" }));
    let got = stage.ask(&get("/messages/7").credentials(token)).unwrap();
    assert_eq!((got.allowed, got.status, got.deny), (false, 403, Some(DenyReason::InsufficientScope)));
    let challenge = got.headers.iter().find(|(name, _)| name == "www-authenticate").unwrap();
    assert!(challenge.1.contains(r#"scope="read""#), "{challenge:?}");
    assert!(got.body.contains("insufficient_scope") && got.set.is_empty() && got.removed.is_empty());
    assert_eq!(got.conditions.iter().map(|condition| condition.met).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn every_reason_that_a_request_can_have_is_found() {
    let stage = stage();
    let read = |claims: Value| minted(&stage, "https://one.test/", claims);
    let good = || read(json!({ "scope": "read", "org": "a" }));
    let recipe = |signature| {
        let recipe = Recipe::usual(stage.rules_of("https://one.test/").unwrap(), NOW);
        Credentials::Minted(Box::new(Recipe { signature, ..recipe }))
    };
    let cases = [
        (get("/messages/7"), DenyReason::NoCredentials),
        (get("/messages/7").header("authorization", "Basic YTpi"), DenyReason::UnsupportedScheme),
        (get("/messages/7").header("authorization", "Bearer a.b.c"), TokenFault::Malformed.into()),
        (get("/optional").header("authorization", "Bearer abc"), TokenFault::Opaque.into()),
        (get("/messages/7").credentials(recipe(Signature::Forged)), TokenFault::BadSignature.into()),
        (get("/messages/7").credentials(read(json!({ "iss": "https://x/" }))), TokenFault::UnknownIssuer.into()),
        (get("/messages/7").credentials(read(json!({ "aud": "x" }))), TokenFault::WrongAudience.into()),
        (get("/messages/7").credentials(read(json!({ "exp": 1 }))), TokenFault::Expired.into()),
        (get("/messages/7").credentials(read(json!({ "scope": "read" }))), DenyReason::ClaimRule),
        (get("/nothing").credentials(good()), DenyReason::NoRoute),
        (get("/messages//7").credentials(good()), RequestFault::EmptySegment.into()),
        (Ask::new("PUT", Some("api.test"), "/messages/7", NOW), DenyReason::MethodNotAdmitted),
        (Ask::new("GET", Some("a b"), "/messages/7", NOW), RequestFault::Host.into()),
        (Ask::new("GET", Some("admin.test"), "/x", NOW).credentials(good()), DenyReason::InsufficientScope),
    ];
    for (ask, reason) in cases {
        let got = stage.ask(&ask).unwrap();
        assert_eq!((got.deny, got.reason.as_str()), (Some(reason), reason.code()));
        assert!(!got.allowed && got.status >= 400);
    }
    assert!(stage.ask(&get("/public")).unwrap().allowed && stage.ask(&get("/optional")).unwrap().allowed);
    assert!(stage.ask(&get("/messages/7").credentials(good())).unwrap().allowed);
}

#[test]
fn a_named_policy_is_chosen_in_place_of_the_routes() {
    let stage = stage();
    let ask = |issuer: &str| get("/nothing").policy("staff").credentials(minted(&stage, issuer, json!({ "org": "a" })));
    let got = stage.ask(&ask("https://two.test/")).unwrap();
    let rule = got.rule.unwrap();
    assert_eq!((got.allowed, rule.is, rule.path), (true, RuleRef::Named("staff".to_owned()), None));
    let got = stage.ask(&ask("https://one.test/")).unwrap();
    assert_eq!(got.deny, Some(DenyReason::IssuerNotAdmitted));
    let texts: Vec<_> = got.conditions.iter().map(|condition| (condition.text.as_str(), condition.met)).collect();
    assert_eq!(texts, [("issuer https://two.test/", false), ("claim org is present", true)]);
    assert_eq!(stage.ask(&get("/public").policy("other")).unwrap().reason, "unknown_policy");
}

#[test]
fn each_request_chooses_its_time() {
    let stage = stage();
    let token = minted(&stage, "https://one.test/", json!({ "scope": "read", "org": "a" }));
    let ask = get("/messages/7").credentials(token);
    let at = |seconds: i64| stage.ask(&Ask { at: UnixTime::from_secs(seconds), ..ask.clone() }).unwrap().reason;
    assert_eq!(at(NOW.as_secs() + 304), "ok");
    assert_eq!(at(NOW.as_secs() + 305), DenyReason::Token(TokenFault::Expired).code());
    assert_eq!(at(NOW.as_secs() - 6), DenyReason::Token(TokenFault::IssuedInFuture).code());
    assert_eq!(at(NOW.as_secs()), "ok");
}

#[test]
fn a_real_token_signed_anew_is_judged_in_all_but_its_signature() {
    let (stage, other) = (stage(), stage());
    let foreign = |claims: Value, alg: &str| {
        let mut recipe = Recipe::usual(other.rules_of("https://one.test/").unwrap(), NOW);
        recipe.claims.extend(claims.as_object().unwrap().clone());
        recipe.header.insert("alg".to_owned(), alg.into());
        recipe.header.insert("kid".to_owned(), "of the provider".into());
        format!("Bearer {}", other.mint(&recipe).unwrap())
    };
    let good = json!({ "scope": "read", "org": "a" });
    for alg in ["RS256", "ES256"] {
        let ask = get("/messages/7").header("authorization", foreign(good.clone(), alg));
        assert_eq!(stage.ask(&ask).unwrap().reason, DenyReason::Token(TokenFault::UnknownKey).code(), "{alg}");
        assert_eq!(stage.ask(&ask.credentials(Credentials::Resigned)).unwrap().reason, "ok", "{alg}");
    }
    let resigned = |claims: Value, alg: &str| {
        let ask = get("/messages/7").header("authorization", foreign(claims, alg)).credentials(Credentials::Resigned);
        stage.ask(&ask).unwrap().reason
    };
    assert_eq!(resigned(json!({ "aud": "x" }), "RS256"), DenyReason::Token(TokenFault::WrongAudience).code());
    assert_eq!(resigned(json!({ "iss": "https://x/" }), "RS256"), DenyReason::Token(TokenFault::UnknownIssuer).code());
    assert_eq!(resigned(good.clone(), "HS256"), DenyReason::Token(TokenFault::AlgorithmNotAllowed).code());
    assert_eq!(resigned(good, "none"), DenyReason::Token(TokenFault::AlgorithmNotAllowed).code());
}

#[test]
fn another_policy_has_the_same_keys() {
    let stage = stage();
    let recipe = Recipe::usual(stage.rules_of("https://one.test/").unwrap(), NOW);
    let ask = get("/messages/7").header("authorization", format!("Bearer {}", stage.mint(&recipe).unwrap()));
    assert_eq!(stage.ask(&ask).unwrap().reason, "insufficient_scope");
    let open = "routes: [{ path: /messages/*, access: public }]".replace("/*", "/**");
    let policy = config::parse_offline(&open, "open.yaml", &BTreeMap::new()).unwrap().policy;
    let other = stage.with_policy(policy);
    assert_eq!(other.ask(&ask).unwrap().reason, "ok");
    assert_eq!(stage.ask(&ask).unwrap().reason, "insufficient_scope");
}

#[test]
fn recipes_of_foreign_issuers_are_named() {
    let recipe = Recipe { issuer: Some("https://x/".to_owned()), ..Recipe::default() };
    assert_eq!(stage().mint(&recipe), Err(MintError::UnknownIssuer("https://x/".to_owned())));
    let none = Stage::new(Policy::default(), [], &IdentityHeaders::default());
    assert!(none.mint(&Recipe::default()).is_err());
    assert_eq!(none.ask(&get("/")).unwrap().reason, "no_route");
}

#[test]
fn threads_do_not_see_each_others_time() {
    let stage = stage();
    let token = stage.mint(&Recipe::usual(stage.rules_of("https://one.test/").unwrap(), NOW)).unwrap();
    let ask = get("/optional").header("authorization", format!("Bearer {token}"));
    let late = Ask { at: NOW.plus(Duration::from_secs(3600)), ..ask.clone() };
    std::thread::scope(|scope| {
        scope.spawn(|| (0..200).for_each(|_| assert_eq!(stage.ask(&ask).unwrap().reason, "ok")));
        scope.spawn(|| (0..200).for_each(|_| assert_ne!(stage.ask(&late).unwrap().reason, "ok")));
    });
}

#[test]
fn debug_shows_no_token() {
    let stage = stage();
    let ask = get("/").header("authorization", "Bearer sesame");
    let recipe = minted(&stage, "https://one.test/", json!({ "sub": "sesame" }));
    assert!(!format!("{ask:?} {:?} {recipe:?} {stage:?}", ask.message).contains("sesame"));
}
