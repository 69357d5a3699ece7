//! Verifies tokens, and nothing else that counts: what `benches/instructions` measures, and how much memory they take.
//!
//! `token hot N`: one token, N times. `token warm N`: so many tokens in rotation. `token cold N`: so many tokens, each once.
//! `token refused N`: one forged token, N times, then as many forged ones, each once.
//! `token fill N`: bytes of resident memory for each of N tokens that are remembered.

use std::{collections::BTreeMap, hash::RandomState, hint::black_box};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis::{
    config,
    keystore::store::{IssuerKeys, KeyStore, KeysAt},
};
use portcullis_engine::{
    keys::key_set::KeySet, oauth::access_token::AccessToken, time::UnixTime,
    token_cache::cached_verifier::CachedVerifier,
};
use tokio::time::Instant;

const CONFIG: &str = "issuers: [{ issuer: https://tenant.eu.auth0.com/, audiences: [https://api.example.com] }]
routes: [{ path: /**, scopes: [read:messages] }]
";

const NOW: i64 = 1_800_000_100;

/// `benches/instructions` counts what is done in here.
#[inline(never)]
fn measured(verifier: &CachedVerifier, keys: &KeysAt<'_>, tokens: &[String], count: usize) -> usize {
    let shown = tokens.iter().cycle().take(count);
    shown.filter(|token| verify(black_box(verifier), keys, token)).count()
}

fn verify(verifier: &CachedVerifier, keys: &KeysAt<'_>, token: &str) -> bool {
    let token = AccessToken::parse(token.as_bytes());
    token.is_ok_and(|token| verifier.verify(token, keys, UnixTime::from_secs(NOW)).is_ok())
}

enum Signer {
    Rsa(Box<KeyPair>),
    /// Quick to make and to sign with.
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    fn new(rsa: bool) -> Option<Self> {
        if rsa {
            return Some(Self::Rsa(Box::new(KeyPair::generate(KeySize::Rsa2048).ok()?)));
        }
        Some(Self::Ed25519(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).ok()?))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn jwk(&self) -> String {
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let (n, e) = (public.modulus().big_endian_without_leading_zero().to_vec(), [1, 0, 1]);
                format!(r#"{{"kty":"RSA","kid":"Zx9c8v7b6n5m4a3s2d1f0","n":"{}","e":"{}"}}"#, base64(&n), base64(&e))
            }
            Self::Ed25519(pair) => {
                let x = base64(pair.public_key().as_ref());
                format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"Zx9c8v7b6n5m4a3s2d1f0","x":"{x}"}}"#)
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
                signed.map(|()| signature).unwrap_or_default()
            }
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// An access token as Auth0 gives it, of 809 bytes if it is signed with RSA.
    fn token(&self, user: usize) -> String {
        let header = format!(r#"{{"alg":"{}","typ":"JWT","kid":"Zx9c8v7b6n5m4a3s2d1f0"}}"#, self.algorithm());
        let claims = format!(
            r#"{{"iss":"https://tenant.eu.auth0.com/","sub":"auth0|5f7c8ec7c33c{user:012}","aud":["https://api.example.com","https://tenant.eu.auth0.com/userinfo"],"iat":{},"exp":{},"azp":"Vb5n6m7q8w9e0r1t2y3u4i5o6p7a8s9d","scope":"openid profile email read:messages"}}"#,
            NOW - 100,
            NOW + 86_300
        );
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// Bytes of memory that are this process's now; 0 where nobody says.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

#[expect(clippy::print_stdout, reason = "what it is for")]
fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mode = arguments.next().unwrap_or_else(|| "hot".to_owned());
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let Some(signer) = Signer::new(mode != "fill") else { return };
    let Ok(config) = config::parse(CONFIG, "portcullis.yaml", &BTreeMap::new()).map(|loaded| loaded.config) else {
        return;
    };
    let store = KeyStore::new();
    for issuer in &config.issuers {
        let set = format!(r#"{{"keys":[{}]}}"#, signer.jwk());
        let Ok(set) = KeySet::parse(set.as_bytes(), issuer.rules.algorithms.as_slice()) else { return };
        store.add(issuer.rules.issuer.clone(), IssuerKeys::fixed(set, Instant::now()));
    }
    let verifier = CachedVerifier::new(config.issuers.iter().map(|issuer| issuer.rules.clone()), RandomState::new());
    let verifier = verifier.keeping(config.policy.asked_claims());
    let keys = store.at(Instant::now());
    if mode == "fill" {
        let before = resident();
        assert!((0..count).all(|user| verify(&verifier, &keys, &signer.token(user))), "every token is good");
        println!("{} bytes for each of {count}; {:?}", (resident() - before) / count, verifier.cache().stats());
        return;
    }
    if mode == "refused" {
        let good = signer.token(0);
        let (message, signature) = good.rsplit_once('.').unwrap_or_default();
        let forged = |n: usize| format!("{message}.{n:06}{}", signature.get(6..).unwrap_or_default());
        let timed = |tokens: Vec<String>| {
            let begun = Instant::now();
            assert_eq!(measured(&verifier, &keys, &tokens, count), 0, "none is good");
            begun.elapsed() / u32::try_from(count).unwrap_or(1)
        };
        let (same, others) = (timed(vec![forged(0)]), timed((1..=count).map(forged).collect()));
        println!("refused: {same:?} each; each once: {others:?}; {:?}", verifier.cache().stats());
        return;
    }
    let distinct = if mode == "hot" { 1 } else { count };
    let tokens: Vec<String> = (0..distinct).map(|user| signer.token(user)).collect();
    let rounds = if mode == "cold" { 0 } else { 20 };
    assert_eq!(measured_not(&verifier, &keys, &tokens, rounds * distinct), rounds * distinct, "every token is good");
    let begun = Instant::now();
    assert_eq!(measured(&verifier, &keys, &tokens, count), count, "every token is good");
    let each = begun.elapsed() / u32::try_from(count).unwrap_or(1);
    println!("{mode}: {} bytes, {each:?} each; {:?}", tokens.first().map_or(0, String::len), verifier.cache().stats());
}

/// The same, not counted.
#[inline(never)]
fn measured_not(verifier: &CachedVerifier, keys: &KeysAt<'_>, tokens: &[String], count: usize) -> usize {
    tokens.iter().cycle().take(count).filter(|token| verify(verifier, keys, token)).count()
}
