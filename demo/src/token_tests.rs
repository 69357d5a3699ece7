//! Tokens against the published keys, verified by another hand than the one that signs: jsonwebtoken's.

use std::{collections::HashSet, sync::LazyLock};

use jsonwebtoken::{DecodingKey, TokenData, Validation, decode, decode_header, jwk::JwkSet};
use portcullis_engine::keys::{algorithm::Algorithm, key_set::KeySet};

use super::*;

const ISSUER: &str = "http://127.0.0.1:9400/";
const AUDIENCE: &str = "https://api.example.com";
const NOW: i64 = 1_800_000_000;
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::generate().unwrap());

fn token(request: &TokenRequest) -> String {
    mint(&KEYS, ISSUER, AUDIENCE, UnixTime::from_secs(NOW), request).unwrap()
}

/// The claims, if the signature is that of the published key which the header names.
fn verify(keys: &Keys, token: &str) -> jsonwebtoken::errors::Result<TokenData<Value>> {
    let header = decode_header(token)?;
    let set: JwkSet = serde_json::from_value(keys.jwk_set()).unwrap();
    let jwk = set.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation)
}

fn claims(request: &TokenRequest) -> Value {
    verify(&KEYS, &token(request)).unwrap().claims
}

/// All that jsonwebtoken knows.
fn known() -> impl Iterator<Item = Alg> {
    Alg::ALL.into_iter().filter(|alg| *alg != Alg::Es512)
}

#[test]
fn es512_verifies_with_its_published_key() {
    let token = token(&TokenRequest::new().alg(Alg::Es512));
    let set = KeySet::parse(KEYS.jwk_set().to_string().as_bytes(), &[Algorithm::ES512]).unwrap();
    let [key] = set.keys() else { panic!("one key for ES512") };
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert_eq!(signature.len(), 132);
    assert!(key.verify(Algorithm::ES512, message.as_bytes(), &signature));
    assert!(!key.verify(Algorithm::ES512, b"other", &signature));
}

#[test]
fn each_algorithm_verifies_with_its_published_key() {
    let mut kids = HashSet::new();
    for alg in known() {
        let data = verify(&KEYS, &token(&TokenRequest::new().alg(alg))).unwrap();
        assert_eq!(format!("{:?}", data.header.alg), alg.name());
        assert!(kids.insert(data.header.kid.unwrap()));
    }
}

#[test]
fn another_starts_keys_do_not_verify_it() {
    let other = Keys::generate().unwrap();
    for alg in known() {
        let forged = TokenRequest::new().alg(alg).header("kid", KEYS.kid(alg));
        let forged = mint(&other, ISSUER, AUDIENCE, UnixTime::from_secs(NOW), &forged).unwrap();
        assert!(verify(&KEYS, &forged).is_err(), "{}", alg.name());
    }
}

#[test]
fn a_changed_token_does_not_verify() {
    let good = token(&TokenRequest::new());
    let other = token(&TokenRequest::new().scope("admin"));
    let [mut parts, others] = [&good, &other].map(|token| token.split('.').collect::<Vec<_>>());
    parts[1] = others[1];
    assert!(verify(&KEYS, &parts.join(".")).is_err());
}

#[test]
fn a_plain_token_has_what_rfc_9068_asks_for() {
    let token = token(&TokenRequest::new());
    let header = decode_header(&token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(header.kid, Some(KEYS.kid(Alg::Rs256)));
    let mut claims = verify(&KEYS, &token).unwrap().claims;
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(jti.as_str().unwrap().len(), 32);
    let expected = json!({
        "iss": ISSUER, "sub": "demo-client", "aud": AUDIENCE, "client_id": "demo-client",
        "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
    });
    assert_eq!(claims, expected);
}

#[test]
fn no_two_tokens_share_an_id() {
    assert_ne!(claims(&TokenRequest::new())["jti"], claims(&TokenRequest::new())["jti"]);
}

#[test]
fn what_is_asked_for_is_said() {
    let claims = claims(&TokenRequest::new().scope("a b").subject("alice").audience("x").audience("y").expires_in(7));
    assert_eq!(claims["scope"], "a b");
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["aud"], json!(["x", "y"]));
    assert_eq!(claims["exp"], NOW + 7);
}

#[test]
fn an_expired_token_was_once_good() {
    let claims = claims(&TokenRequest::new().expires_in(-60));
    assert_eq!(claims["exp"], NOW - 60);
    assert_eq!(claims["iat"], NOW - 3660);
    assert_eq!(claims["nbf"], NOW - 3660);
}

#[test]
fn a_lifetime_beyond_all_time_saturates() {
    assert_eq!(claims(&TokenRequest::new().expires_in(i64::MAX))["exp"], i64::MAX);
}

#[test]
fn claims_and_header_can_be_changed_and_removed() {
    let request = TokenRequest::new().claim("iss", "other").claim("sub", Value::Null).without_claim("exp");
    let changed = claims(&request);
    assert_eq!((&changed["iss"], changed.get("sub"), changed.get("exp")), (&json!("other"), Some(&Value::Null), None));
    let header = decode_header(token(&TokenRequest::new().header("typ", "JWT").without_header("kid"))).unwrap();
    assert_eq!((header.typ.as_deref(), header.kid), (Some("JWT"), None));
}

#[test]
fn a_changed_alg_changes_only_what_the_header_says() {
    let token = token(&TokenRequest::new().alg(Alg::Es256).header("alg", "none"));
    let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header["alg"], "none");
    assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap().len(), 64);
}

#[test]
fn anything_can_be_signed() {
    let token = compact(&KEYS, Alg::EdDsa, b"{\"alg\":1,\"alg\":2}", b"\xff").unwrap();
    assert!(token.starts_with(&format!("{}.{}.", URL_SAFE_NO_PAD.encode(b"{\"alg\":1,\"alg\":2}"), "_w")));
}
