//! The test vectors of RFC 7515, 7520, 7638 and 8037: others' signatures verify here, and nothing near them does.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis::keystore::store::{IssuerKeys, KeyStore};
use portcullis_engine::{
    jwt::verifier::{Unverified, Verifier},
    keys::{algorithm::Algorithm, key::VerificationKey, key_set::KeySet, secret::Secret, unusable::UnusableKey},
    oauth::access_token::AccessToken,
    reason::TokenFault,
    time::UnixTime,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::judge;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    algorithm: String,
    jwk: Map<String, Value>,
    jws: String,
}

impl Vector {
    fn algorithm(&self) -> Algorithm {
        Algorithm::from_name(&self.algorithm).unwrap()
    }

    /// The message and the signature.
    fn signed(&self) -> (&[u8], Vec<u8>) {
        let (message, signature) = self.jws.rsplit_once('.').unwrap();
        (message.as_bytes(), decode(signature))
    }

    fn secret(&self) -> Option<Secret> {
        Some(Secret::new(decode(self.jwk.get("k")?.as_str().unwrap())))
    }

    /// What makes the key that key.
    fn material(&self) -> &Value {
        ["n", "x", "k"].iter().find_map(|member| self.jwk.get(*member)).unwrap()
    }

    /// The JWK without its private half.
    fn public_jwk(&self) -> String {
        let mut jwk = self.jwk.clone();
        jwk.remove("d");
        Value::Object(jwk).to_string()
    }

    fn key(&self, algorithms: &[Algorithm]) -> VerificationKey {
        match self.secret() {
            Some(secret) => VerificationKey::from_secret(&secret, algorithms),
            None => VerificationKey::from_jwk(&self.public_jwk(), algorithms).unwrap(),
        }
    }

    fn key_set(&self, algorithms: &[Algorithm]) -> KeySet {
        match self.secret() {
            Some(secret) => KeySet::from_secret(&secret, algorithms),
            None => KeySet::parse(format!(r#"{{"keys":[{}]}}"#, self.public_jwk()).as_bytes(), algorithms).unwrap(),
        }
    }
}

fn vectors() -> Vec<Vector> {
    let vectors: Vec<Vector> = serde_saphyr::from_str(include_str!("vectors.yaml")).unwrap();
    assert_eq!(vectors.len(), 9);
    vectors
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

const ALL: [Algorithm; 13] = {
    let [a, b, c, d, e, f, g, h, i, j] = Algorithm::ASYMMETRIC;
    let [k, l, m] = Algorithm::SYMMETRIC;
    [a, b, c, d, e, f, g, h, i, j, k, l, m]
};

#[test]
fn the_signatures_of_the_rfcs_verify() {
    for vector in vectors() {
        let key = vector.key(&[vector.algorithm()]);
        let (message, signature) = vector.signed();
        assert!(key.verify(vector.algorithm(), message, &signature), "{}", vector.name);
    }
}

#[test]
fn they_verify_with_no_other_algorithm_and_under_no_other_key() {
    let vectors = vectors();
    for vector in &vectors {
        let (message, signature) = vector.signed();
        let key = vector.key(&ALL);
        for algorithm in ALL.into_iter().filter(|algorithm| *algorithm != vector.algorithm()) {
            assert!(!key.verify(algorithm, message, &signature), "{} as {algorithm:?}", vector.name);
        }
        for other in &vectors {
            let is_same_key = other.material() == vector.material();
            let verified = other.key(&ALL).verify(vector.algorithm(), message, &signature);
            assert_eq!(verified, is_same_key, "{} under the key of {}", vector.name, other.name);
        }
    }
}

#[test]
fn every_changed_bit_of_their_signatures_is_seen() {
    for vector in vectors() {
        let key = vector.key(&[vector.algorithm()]);
        let (message, signature) = vector.signed();
        for bit in 0..signature.len() * 8 {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verify(vector.algorithm(), message, &changed), "{}, bit {bit}", vector.name);
        }
        for length in 0..signature.len() {
            assert!(!key.verify(vector.algorithm(), message, &signature[..length]), "{}, {length}", vector.name);
        }
    }
}

#[test]
fn keys_as_the_rfcs_print_them_are_private_and_unusable() {
    for vector in vectors() {
        let printed = Value::Object(vector.jwk.clone()).to_string();
        let got = VerificationKey::from_jwk(&printed, &ALL).map(|_| ());
        assert_eq!(got, Err(UnusableKey::Private), "{}", vector.name);
    }
}

#[test]
fn thumbprints_are_those_of_rfc_7638_and_rfc_8037() {
    // RFC 7638 section 3.1.
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let jwk = json!({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}).to_string();
    let key = VerificationKey::from_jwk(&jwk, &[Algorithm::RS256]).unwrap();
    assert_eq!(&**key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    // RFC 8037 appendix A.3.
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}).to_string();
    let key = VerificationKey::from_jwk(&jwk, &[Algorithm::EdDSA]).unwrap();
    assert_eq!(&**key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/// What the verifier says to a token of the issuer `joe`, whose tokens name their audience in `iss`: those of RFC 7515
/// have no other.
fn verify(vector: &Vector, token: &str, audience_claim: &str, seconds: i64) -> Result<(), Unverified> {
    let source = if vector.secret().is_some() { "secret_file" } else { "jwks_file" };
    let issuer = json!({
        "issuer": "joe", "audiences": ["joe"], "audience_claim": audience_claim, "algorithms": [vector.algorithm],
        source: "secret",
    });
    let config =
        judge::parse(&json!({"issuers": [issuer], "routes": [{"path": "/**", "access": "public"}]}).to_string());
    let rules = config.issuers.into_iter().map(|issuer| issuer.rules);
    let (store, now) = (KeyStore::new(), Instant::now());
    store.add("joe".into(), IssuerKeys::fixed(vector.key_set(&[vector.algorithm()]), now));
    let token = AccessToken::parse(token.as_bytes()).unwrap();
    Verifier::new(rules).verify(token, &store.at(now), UnixTime::from_secs(seconds)).map(|_| ())
}

#[test]
fn the_tokens_of_rfc_7515_are_judged_as_tokens() {
    const EXP: i64 = 1_300_819_380;
    let vectors = vectors();
    for vector in &vectors[..3] {
        let name = &vector.name;
        assert_eq!(verify(vector, &vector.jws, "iss", EXP + 4), Ok(()), "{name}");
        assert_eq!(verify(vector, &vector.jws, "iss", EXP + 5), Err(TokenFault::Expired.into()), "{name}");
        // They have no audience, and so are for nobody.
        assert_eq!(verify(vector, &vector.jws, "aud", EXP), Err(TokenFault::MalformedClaims.into()), "{name}");
    }
    // The others' payloads are no claims sets.
    for vector in &vectors[3..] {
        assert_eq!(verify(vector, &vector.jws, "iss", EXP), Err(TokenFault::Malformed.into()), "{}", vector.name);
    }
}

#[test]
fn the_negative_examples_of_rfc_7515_are_refused() {
    // Appendix A.5: an unsecured JWS.
    let unsecured = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    // Appendix E: a critical extension that nobody knows, and no algorithm either.
    let critical = "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.";
    for vector in &vectors()[..3] {
        for token in [unsecured, critical] {
            let got = verify(vector, token, "iss", 1_300_819_380);
            assert_eq!(got, Err(TokenFault::AlgorithmNotAllowed.into()), "{}", vector.name);
        }
    }
}
