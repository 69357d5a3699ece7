use serde_json::{Value, json};

use super::*;
use crate::{
    jwt::{
        claim_path::ClaimPath,
        claim_rule::{ClaimRule, ClaimTest},
    },
    oauth::scope::{Scope, ScopeRequirement},
    policy::{
        binding::RequestPart,
        rule::{Access, Rule, RuleId},
    },
};

fn need(text: &str) -> ScopeNeed {
    Scope::parse(text).unwrap().into()
}

/// One of each.
fn requirement() -> Requirement {
    let tenant = ClaimPath::top_level("tenant");
    Requirement {
        issuers: NonEmpty::new(vec!["https://issuer.test/".into()]),
        audiences: NonEmpty::new(vec!["api".to_owned(), "other".to_owned()]),
        scopes: ScopeRequirement { all: vec![need("a"), need("b")], any: vec![need("c"), need("d")] },
        claims: vec![ClaimRule { claim: ClaimPath::top_level("mfa"), test: ClaimTest::Equals(json!(true)) }],
        bindings: vec![Binding {
            claim: tenant,
            part: RequestPart::Segment { name: "t".into(), index: 1, verb: None },
        }],
    }
}

fn claims(changes: &Value) -> Value {
    let mut claims = json!({"aud": ["api", "x"], "scope": "a b d", "mfa": true, "tenant": "acme"});
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

fn judge(requirement: Requirement, claims: Value) -> Result<(), DenyReason> {
    let rule = Rule { id: RuleId::new("r"), access: Access::Token(requirement) };
    let target = RequestTarget::for_tests("/tenants/acme");
    rule.admit(Arc::new(VerifiedToken::for_tests(claims)), &target).map(drop)
}

#[test]
fn each_condition_is_judged_in_order_and_has_its_reason() {
    assert_eq!(judge(requirement(), claims(&json!({}))), Ok(()));
    let mut elsewhere = requirement();
    elsewhere.issuers = NonEmpty::new(vec!["https://issuer.test".into()]);
    assert_eq!(judge(elsewhere, claims(&json!({"aud": "x"}))), Err(DenyReason::IssuerNotAdmitted));
    for (changes, reason) in [
        (json!({"aud": "x", "scope": ""}), DenyReason::AudienceNotAdmitted),
        (json!({"aud": 7}), DenyReason::AudienceNotAdmitted),
        (json!({"scope": "a d", "mfa": false}), DenyReason::InsufficientScope),
        (json!({"scope": "a b", "tenant": "x"}), DenyReason::InsufficientScope),
        (json!({"mfa": "true"}), DenyReason::ClaimRule),
        (json!({"tenant": "evil"}), DenyReason::ClaimRule),
    ] {
        assert_eq!(judge(requirement(), claims(&changes)), Err(reason), "{changes}");
    }
}

#[test]
fn conditions_read_like_the_file() {
    let texts: Vec<String> = requirement().conditions().map(|condition| condition.to_string()).collect();
    assert_eq!(
        texts,
        [
            "issuer https://issuer.test/",
            "audience api or other",
            "scope a",
            "scope b",
            "scope c or d",
            "claim mfa equals true",
            "claim tenant matches {t}",
        ]
    );
    assert_eq!(Requirement::default().conditions().count(), 0);
}

#[test]
fn without_one_the_others_stay() {
    let whole: Vec<String> = requirement().conditions().map(|condition| condition.to_string()).collect();
    for (index, dropped) in whole.iter().enumerate() {
        let left: Vec<String> = requirement().without(index).conditions().map(|left| left.to_string()).collect();
        let wanted: Vec<&String> = whole.iter().filter(|text| *text != dropped).collect();
        assert_eq!(left.iter().collect::<Vec<_>>(), wanted);
    }
    assert_eq!(requirement().without(whole.len()), requirement());
}

#[test]
fn each_more_condition_is_stricter() {
    let whole = Access::Token(requirement());
    for index in 0..requirement().conditions().count() {
        let less = Access::Token(requirement().without(index));
        assert!(whole.is_at_least_as_strict_as(&less), "{index}");
        assert!(!less.is_at_least_as_strict_as(&whole), "{index}");
    }
    let mut narrower = requirement();
    narrower.audiences = NonEmpty::new(vec!["api".to_owned()]);
    assert!(Access::Token(narrower.clone()).is_at_least_as_strict_as(&whole));
    assert!(!whole.is_at_least_as_strict_as(&Access::Token(narrower)));
}

#[test]
fn an_audience_counts_only_from_an_issuer_that_is_trusted_for_it() {
    // The issuer of test tokens is configured with `api` and `other`.
    let asks =
        |audience: &str| Requirement { audiences: NonEmpty::new(vec![audience.to_owned()]), ..Requirement::default() };
    let token = || json!({"aud": ["api", "other", "admin"]});
    assert_eq!(judge(asks("other"), token()), Ok(()));
    assert_eq!(judge(asks("admin"), token()), Err(DenyReason::AudienceNotAdmitted));
}
