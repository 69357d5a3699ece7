//! Key pairs for the fixtures: made at each run, never checked in. What a fixture leaves open is filled in here.

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use portcullis::clock::{Clock, SystemClock};
use serde_json::Value;

/// The same for every provider: what is asked here is whose token is taken, not which key made it.
struct Keys {
    rsa: [RsaKeyPair; 2],
    /// Published for encryption, if at all. It signs what a provider signs with a key that it does not publish.
    not_for_signing: RsaKeyPair,
    p256: EcdsaKeyPair,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    Keys {
        rsa: [rsa(), rsa()],
        not_for_signing: rsa(),
        p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    }
});

/// The value with every placeholder filled in: `{now+3600}`, `{n:1}`.
pub(crate) fn filled(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('{') => placeholder(text.trim_matches(['{', '}'])),
        Value::Array(items) => items.iter().map(filled).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), filled(value))).collect(),
        other => other.clone(),
    }
}

fn placeholder(name: &str) -> Value {
    if let Some(offset) = name.strip_prefix("now") {
        let offset: i64 = if offset.is_empty() { 0 } else { offset.parse().unwrap() };
        return Value::from(SystemClock.now().as_secs() + offset);
    }
    let modulus = |key: &RsaKeyPair| {
        URL_SAFE_NO_PAD.encode(RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key()).n.as_slice())
    };
    let point = KEYS.p256.public_key().as_ref();
    let text = match name {
        "n:1" => modulus(&KEYS.rsa[0]),
        "n:2" => modulus(&KEYS.rsa[1]),
        "n:enc" => modulus(&KEYS.not_for_signing),
        "x" => URL_SAFE_NO_PAD.encode(&point[1..33]),
        "y" => URL_SAFE_NO_PAD.encode(&point[33..]),
        "x5c:1" => certificate(&KEYS.rsa[0]),
        "x5c:2" => certificate(&KEYS.rsa[1]),
        "x5c:enc" => certificate(&KEYS.not_for_signing),
        other => panic!("no placeholder {{{other}}}"),
    };
    Value::String(text)
}

fn certificate(key: &RsaKeyPair) -> String {
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let pair = rcgen::KeyPair::try_from(der.as_ref()).unwrap();
    STANDARD.encode(rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&pair).unwrap().der())
}

/// The token: signed by the key that has the header's `kid` in that key set (its placeholders still in it), or by one
/// that is not published for that.
pub(crate) fn signed(header: &Value, claims: &Value, key_set: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let signature = match header["alg"].as_str().unwrap() {
        "RS256" => rs256(signing_key(header, key_set), input.as_bytes()),
        "ES256" => KEYS.p256.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref().to_vec(),
        "HS256" => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[7; 64]), input.as_bytes()).as_ref().to_vec(),
        "HS512" => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, &[7; 64]), input.as_bytes()).as_ref().to_vec(),
        other => panic!("no key for {other}"),
    };
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn signing_key(header: &Value, key_set: &Value) -> &'static RsaKeyPair {
    let published = key_set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]);
    match published.map(|key| key["n"].as_str().unwrap()) {
        Some("{n:1}") => &KEYS.rsa[0],
        Some("{n:2}") => &KEYS.rsa[1],
        Some("{n:enc}") | None => &KEYS.not_for_signing,
        Some(other) => panic!("nothing is signed with {other}"),
    }
}

fn rs256(key: &RsaKeyPair, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}
