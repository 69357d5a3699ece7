//! The keys of the corpus, made once a run: no key is in the repository but those that RFCs print.

use std::{collections::BTreeMap, sync::OnceLock};

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::{KeySize, PublicKeyComponents},
    signature::{
        self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding,
        RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value, json};

/// What signs tokens.
pub(crate) enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secret(Vec<u8>),
}

/// A signer, the algorithm it signs with unless told otherwise, and its public half.
pub(crate) struct Key {
    pub(crate) signer: Signer,
    pub(crate) algorithm: &'static str,
    /// The JWK without a name; empty for a secret.
    pub(crate) jwk: Map<String, Value>,
    /// The public key in the PEM form of RFC 7468 section 13; empty for a secret.
    pub(crate) pem: String,
}

/// The secrets that issuers may name as `secret_file`.
pub(crate) const SECRETS: [(&str, &[u8]); 2] =
    [("secret", &[b's'; 64]), ("secret-b", b"another secret, of sixty-four bytes, so that HS512 may use it too")];

/// The key of that name.
pub(crate) fn key(name: &str) -> &'static Key {
    static KEYS: OnceLock<BTreeMap<&str, Key>> = OnceLock::new();
    let keys = KEYS.get_or_init(generate);
    keys.get(name).unwrap_or_else(|| panic!("no key is called `{name}`: there are {:?}", keys.keys()))
}

fn generate() -> BTreeMap<&'static str, Key> {
    let rsa_pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // An attacker knows the public key in each of these forms, and HMAC takes any bytes for a secret.
    let der = der(rsa_pair.public_key());
    let rsa = rsa(rsa_pair);
    let jwk = Value::Object(rsa.jwk.clone()).to_string();
    let mut keys = BTreeMap::from([
        ("rsa-public-der", secret(der)),
        ("rsa-public-pem", secret(rsa.pem.trim_end())),
        ("rsa-public-pem-with-line-break", secret(rsa.pem.as_str())),
        ("rsa-public-jwk", secret(jwk)),
        ("rsa", rsa),
        ("rsa-b", self::rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())),
        ("es256", ec("P-256", "ES256", &ECDSA_P256_SHA256_FIXED_SIGNING)),
        ("es256-b", ec("P-256", "ES256", &ECDSA_P256_SHA256_FIXED_SIGNING)),
        ("es384", ec("P-384", "ES384", &ECDSA_P384_SHA384_FIXED_SIGNING)),
        ("es512", ec("P-521", "ES512", &ECDSA_P521_SHA512_FIXED_SIGNING)),
        ("es256k", ec("secp256k1", "ES256K", &ECDSA_P256K1_SHA256_FIXED_SIGNING)),
        ("ed25519", ed25519()),
        ("ed25519-b", ed25519()),
        ("nothing", secret("")),
    ]);
    keys.extend(SECRETS.map(|(name, bytes)| (name, secret(bytes))));
    keys
}

fn rsa(pair: RsaKeyPair) -> Key {
    let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let jwk = json!({"kty": "RSA", "n": encode(&parts.n), "e": encode(&parts.e)});
    let pem = pem(&der(pair.public_key()));
    Key { signer: Signer::Rsa(pair), algorithm: "RS256", jwk: object(jwk), pem }
}

fn ec(curve: &str, algorithm: &'static str, scheme: &'static EcdsaSigningAlgorithm) -> Key {
    let pair = EcdsaKeyPair::generate(scheme).unwrap();
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    let jwk = json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)});
    let pem = pem(&der(pair.public_key()));
    Key { signer: Signer::Ec(pair), algorithm, jwk: object(jwk), pem }
}

fn ed25519() -> Key {
    let pair = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())});
    let pem = pem(&der(pair.public_key()));
    Key { signer: Signer::Ed25519(pair), algorithm: "EdDSA", jwk: object(jwk), pem }
}

fn secret(bytes: impl AsRef<[u8]>) -> Key {
    let signer = Signer::Secret(bytes.as_ref().to_vec());
    Key { signer, algorithm: "HS256", jwk: Map::new(), pem: String::new() }
}

fn der<K: AsDer<PublicKeyX509Der<'static>>>(key: &K) -> Vec<u8> {
    key.as_der().unwrap().as_ref().to_vec()
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("{value} is no object") };
    members
}

/// Strict base64url.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    /// The signature of a message.
    pub(crate) fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        match &self.signer {
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(algorithm), &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
            Signer::Ec(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Signer::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Signer::Secret(bytes) => hmac::sign(&hmac::Key::new(hash(algorithm), bytes), message).as_ref().to_vec(),
        }
    }
}

fn rsa_encoding(algorithm: &str) -> &'static dyn RsaEncoding {
    match algorithm {
        "RS256" => &signature::RSA_PKCS1_SHA256,
        "RS384" => &signature::RSA_PKCS1_SHA384,
        "RS512" => &signature::RSA_PKCS1_SHA512,
        "PS256" => &signature::RSA_PSS_SHA256,
        "PS384" => &signature::RSA_PSS_SHA384,
        "PS512" => &signature::RSA_PSS_SHA512,
        _ => panic!("RSA has no `{algorithm}`"),
    }
}

fn hash(algorithm: &str) -> hmac::Algorithm {
    match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => panic!("HMAC has no `{algorithm}`"),
    }
}
