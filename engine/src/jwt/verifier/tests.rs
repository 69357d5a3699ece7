#![expect(clippy::needless_pass_by_value, reason = "json!() at the call reads better")]

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::{
    jwt::{
        claim_path::ClaimPath,
        claim_rule::{ClaimRule, ClaimTest},
        issuer_rules::NonEmpty,
    },
    keys::{algorithm::Algorithm, key_set::KeySet, lookup::FixedKeys, secret::Secret},
    limits,
};

const ISSUER: &str = "https://issuer.test/";
const NOW: i64 = 1_800_000_000;

pub(crate) fn rules() -> IssuerRules {
    IssuerRules {
        issuer: ISSUER.into(),
        audiences: NonEmpty::new(vec!["https://api.test".to_owned()]).unwrap(),
        algorithms: NonEmpty::new(vec![Algorithm::HS256]).unwrap(),
        clock_tolerance: Duration::from_secs(5),
        max_token_age: None,
        strict: false,
        audience_claim: "aud".to_owned(),
        client_id_claims: ["client_id", "azp", "cid", "appid"].map(str::to_owned).to_vec(),
        scope_claims: ["scope", "scp"].map(ClaimPath::top_level).to_vec(),
        clients: None,
        claims: Vec::new(),
    }
}

fn secret() -> Secret {
    Secret::new(vec![b's'; 32])
}

pub(crate) fn sign(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let key = jsonwebtoken::EncodingKey::from_secret(secret().expose());
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{input}.{signature}")
}

pub(crate) fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": "https://api.test", "sub": "u1", "azp": "c1",
        "exp": NOW + 60, "nbf": NOW, "iat": NOW, "scope": "read:messages",
    });
    for (name, value) in changes.as_object().unwrap() {
        // `"-"` removes a claim.
        if value == "-" {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn verify_text(rules: IssuerRules, token: &str) -> Result<VerifiedToken, Unverified> {
    let keys = FixedKeys::new(ISSUER, KeySet::from_secret(&secret(), rules.algorithms.as_slice()));
    let token = AccessToken::parse(token.as_bytes()).unwrap();
    Verifier::new([rules]).verify(token, &keys, UnixTime::from_secs(NOW))
}

/// The fault of a token, be it for certain or unless there are newer keys.
pub(crate) fn fault_of(token: &str) -> TokenFault {
    match verify_text(rules(), token).unwrap_err() {
        Unverified::Refused(fault) => fault,
        Unverified::KeyMissing(missing) => missing.fault,
    }
}

fn verify(rules: IssuerRules, header: &Value, claims: &Value) -> Result<VerifiedToken, Unverified> {
    verify_text(rules, &sign(header, claims))
}

fn with(changes: Value) -> Result<VerifiedToken, Unverified> {
    verify(rules(), &json!({"alg": "HS256"}), &claims(changes))
}

fn refused(fault: TokenFault) -> Result<(), Unverified> {
    Err(Unverified::Refused(fault))
}

#[test]
fn a_good_token_is_verified_and_read() {
    let token = with(json!({})).unwrap();
    assert_eq!((token.issuer(), token.subject(), token.client_id()), (ISSUER, Some("u1"), Some("c1")));
    assert_eq!(token.scopes().to_scope_string(), "read:messages");
    assert_eq!(token.expires_at(), UnixTime::from_secs(NOW + 60));
    assert_eq!(format!("{token:?}"), r#"VerifiedToken { issuer: "https://issuer.test/", .. }"#);
}

#[test]
fn times_have_five_seconds_of_tolerance_and_no_more() {
    let cases = [
        (json!({"exp": NOW - 4}), None),
        (json!({"exp": NOW - 5}), Some(TokenFault::Expired)),
        (json!({"nbf": NOW + 5}), None),
        (json!({"nbf": NOW + 6}), Some(TokenFault::NotYetValid)),
        (json!({"iat": NOW + 5}), None),
        (json!({"iat": NOW + 6}), Some(TokenFault::IssuedInFuture)),
    ];
    for (changes, fault) in cases {
        let got = with(changes.clone()).map(|_| ());
        assert_eq!(got, fault.map_or(Ok(()), refused), "{changes}");
    }
}

#[test]
fn exp_is_required_and_times_must_be_numbers() {
    for changes in [
        json!({"exp": "-"}),
        json!({"exp": "1800000060"}),
        json!({"exp": null}),
        json!({"nbf": "x"}),
        json!({"iat": "x"}),
        json!({"iat": true}),
        json!({"exp": 1e300}),
        json!({"exp": -1}),
    ] {
        assert_eq!(with(changes.clone()).map(|_| ()), refused(TokenFault::MalformedClaims), "{changes}");
    }
    assert!(with(json!({"nbf": "-", "iat": "-"})).is_ok());
}

#[test]
fn the_issuer_must_be_configured_exactly() {
    for issuer in ["https://issuer.test", "https://issuer.test//", "HTTPS://issuer.test/", "https://other.test/", ""] {
        assert_eq!(with(json!({"iss": issuer})).map(|_| ()), refused(TokenFault::UnknownIssuer), "{issuer}");
    }
    for issuer in [json!([ISSUER]), json!(7), json!("-")] {
        assert_eq!(with(json!({"iss": issuer})).map(|_| ()), refused(TokenFault::MalformedClaims), "{issuer}");
    }
}

#[test]
fn the_audience_must_be_ours() {
    assert!(with(json!({"aud": ["x", "https://api.test"]})).is_ok());
    assert_eq!(with(json!({"aud": "https://api.test/"})).map(|_| ()), refused(TokenFault::WrongAudience));
    assert_eq!(with(json!({"aud": "-"})).map(|_| ()), refused(TokenFault::MalformedClaims));
    let cognito = IssuerRules { audience_claim: "client_id".to_owned(), ..rules() };
    let token = claims(json!({"aud": "-", "client_id": "https://api.test", "token_use": "access"}));
    assert!(verify(cognito, &json!({"alg": "HS256"}), &token).is_ok());
}

#[test]
fn other_kinds_of_token_are_not_access_tokens() {
    for changes in [
        json!({"at_hash": "x"}),
        json!({"c_hash": "x"}),
        json!({"events": {}}),
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"typ": "Offline"}),
        json!({"typ": "Logout"}),
        json!({"typ": "Serialized-ID"}),
        json!({"typ": "id"}),
        json!({"s_hash": "x"}),
        json!({"token_use": "id"}),
        json!({"token_use": 7}),
    ] {
        assert_eq!(with(changes.clone()).map(|_| ()), refused(TokenFault::NotAnAccessToken), "{changes}");
    }
    assert!(with(json!({"typ": "Bearer", "token_use": "access"})).is_ok());
    for typ in [json!(["ID"]), json!(7), json!(null)] {
        assert_eq!(with(json!({"typ": typ})).map(|_| ()), refused(TokenFault::MalformedClaims), "{typ}");
    }
    assert_eq!(with(json!({"cnf": {"jkt": "x"}})).map(|_| ()), refused(TokenFault::Bound));
}

#[test]
fn the_client_is_named_by_the_first_claim_that_is_there() {
    let client = |changes: Value| with(changes).unwrap().client_id().map(str::to_owned);
    assert_eq!(client(json!({"client_id": "first"})).as_deref(), Some("first"));
    assert_eq!(client(json!({})).as_deref(), Some("c1"));
    // `azp` is there as well, and stands in for none of these.
    assert_eq!(client(json!({"client_id": "x".repeat(limits::NAME_CLAIM_BYTES + 1)})), None);
    // `cid` is there as well.
    for odd in [json!(7), json!(null), json!(["c1"]), json!("x".repeat(limits::NAME_CLAIM_BYTES + 1))] {
        assert_eq!(client(json!({"azp": odd, "cid": "c2"})), None);
    }
}

#[test]
fn identifiers_of_another_type_are_malformed() {
    for claim in ["client_id", "jti"] {
        for odd in [json!(7), json!(null), json!(["c1"]), json!({}), json!(true)] {
            assert_eq!(with(json!({claim: odd})).map(|_| ()), refused(TokenFault::MalformedClaims), "{claim} {odd}");
        }
        assert!(with(json!({claim: ""})).is_ok(), "{claim}");
    }
    // Where it is the audience, it may name several.
    let rules = IssuerRules { audience_claim: "client_id".to_owned(), ..rules() };
    let claims = claims(json!({"client_id": ["https://api.test", "other"]}));
    assert!(verify(rules, &json!({"alg": "HS256"}), &claims).is_ok());
}

#[test]
fn strict_asks_for_rfc_9068() {
    let strict = || IssuerRules { strict: true, ..rules() };
    let full = || claims(json!({"client_id": "c", "jti": "j"}));
    let header = json!({"alg": "HS256", "typ": "at+jwt"});
    assert!(verify(strict(), &header, &full()).is_ok());
    for typ in [json!({"alg": "HS256"}), json!({"alg": "HS256", "typ": "JWT"})] {
        assert_eq!(verify(strict(), &typ, &full()).map(|_| ()), refused(TokenFault::TypeNotAllowed));
    }
    for missing in ["sub", "client_id", "jti", "iat"] {
        let mut claims = full();
        claims.as_object_mut().unwrap().remove(missing);
        assert_eq!(verify(strict(), &header, &claims).map(|_| ()), refused(TokenFault::MalformedClaims), "{missing}");
    }
}

#[test]
fn max_token_age_needs_iat_and_refuses_old_tokens() {
    let aged = || IssuerRules { max_token_age: Some(Duration::from_secs(100)), ..rules() };
    let header = json!({"alg": "HS256"});
    let check = |iat: Value| verify(aged(), &header, &claims(json!({"iat": iat}))).map(|_| ());
    assert_eq!(check(json!(NOW - 105)), Ok(()));
    assert_eq!(check(json!(NOW - 106)), refused(TokenFault::TooOld));
    assert_eq!(check(json!("-")), refused(TokenFault::MalformedClaims));
}

#[test]
fn the_algorithm_is_the_issuers_choice_never_the_tokens() {
    for alg in ["HS384", "HS512", "RS256", "ES256"] {
        let got = verify(rules(), &json!({"alg": alg}), &claims(json!({})));
        assert_eq!(got.map(|_| ()), refused(TokenFault::AlgorithmNotAllowed), "{alg}");
    }
}

#[test]
fn a_changed_character_anywhere_is_no_longer_verified() {
    let good = sign(&json!({"alg": "HS256"}), &claims(json!({})));
    assert!(verify_text(rules(), &good).is_ok());
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(verify_text(rules(), &changed).is_err(), "{at}");
    }
}

#[test]
fn a_false_signature_may_mean_a_replaced_key() {
    let good = sign(&json!({"alg": "HS256"}), &claims(json!({})));
    let (input, _) = good.rsplit_once('.').unwrap();
    let got = verify_text(rules(), &format!("{input}.{}", URL_SAFE_NO_PAD.encode([0; 32])));
    let Err(Unverified::KeyMissing(missing)) = got else { panic!("{got:?}") };
    assert_eq!((&*missing.issuer, missing.fault), (ISSUER, TokenFault::BadSignature));
}

#[test]
fn without_keys_the_key_is_missing_and_foreign_issuers_ask_for_none() {
    let verifier = Verifier::new([rules()]);
    let keys = FixedKeys::default();
    let check = |token: &str| {
        let token = AccessToken::parse(token.as_bytes()).unwrap();
        verifier.verify(token, &keys, UnixTime::from_secs(NOW)).map(|_| ())
    };
    let own = check(&sign(&json!({"alg": "HS256"}), &claims(json!({}))));
    let Err(Unverified::KeyMissing(missing)) = own else { panic!("{own:?}") };
    assert_eq!((missing.seen, missing.fault), (Generation::NONE, TokenFault::UnknownKey));
    let foreign = check(&sign(&json!({"alg": "HS256"}), &claims(json!({"iss": "https://evil.test/"}))));
    assert_eq!(foreign, refused(TokenFault::UnknownIssuer));
}

#[test]
fn nothing_is_said_about_claims_before_the_signature() {
    let expired = sign(&json!({"alg": "HS256"}), &claims(json!({"exp": 1})));
    let (input, _) = expired.rsplit_once('.').unwrap();
    let got = verify_text(rules(), &format!("{input}.AAAA"));
    assert!(matches!(got, Err(Unverified::KeyMissing(MissingKey { fault: TokenFault::BadSignature, .. }))));
}

#[test]
fn only_listed_clients_are_taken_and_every_name_must_be_listed() {
    let listed = || IssuerRules { clients: NonEmpty::new(vec!["c1".to_owned(), "c2".to_owned()]), ..rules() };
    let check = |changes: Value| verify(listed(), &json!({"alg": "HS256"}), &claims(changes)).map(|_| ());
    for good in [json!({}), json!({"azp": "c2"}), json!({"client_id": "c2"}), json!({"azp": "-", "cid": "c1"})] {
        assert_eq!(check(good.clone()), Ok(()), "{good}");
    }
    for bad in [
        json!({"azp": "-"}),
        json!({"azp": "c"}),
        json!({"azp": "C1"}),
        json!({"azp": ["c1"]}),
        json!({"azp": null}),
        json!({"client_id": "evil"}),
        json!({"cid": 7}),
        json!({"appid": "evil"}),
    ] {
        assert_eq!(check(bad.clone()), refused(TokenFault::ClientNotAllowed), "{bad}");
    }
}

#[test]
fn claim_rules_of_an_issuer_are_all_met_or_the_token_is_refused() {
    let rule = |claim: &str, test| ClaimRule { claim: ClaimPath::top_level(claim), test };
    let claim_rules =
        || vec![rule("tid", ClaimTest::Equals(json!("acme"))), rule("groups", ClaimTest::Includes(vec![json!("a")]))];
    let check = |changes: Value| {
        let rules = IssuerRules { claims: claim_rules(), ..rules() };
        verify(rules, &json!({"alg": "HS256"}), &claims(changes)).map(|_| ())
    };
    assert_eq!(check(json!({"tid": "acme", "groups": ["b", "a"]})), Ok(()));
    for bad in [json!({}), json!({"tid": "acme"}), json!({"groups": ["a"]}), json!({"tid": "Acme", "groups": ["a"]})] {
        assert_eq!(check(bad.clone()), refused(TokenFault::ClaimRule), "{bad}");
    }
}
