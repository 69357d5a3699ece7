//! Tokens like Auth0's, and keys to sign them with. They are kept in a directory: 20,000 RS256 signatures take a while.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::json;

use crate::yardstick::Failure;

/// The issuer of all tokens.
pub const ISSUER: &str = "https://tenant.eu.auth0.com/";
/// The audience of all tokens.
pub const AUDIENCE: &str = "https://api.example.com";
/// A scope that all tokens have.
pub const SCOPE: &str = "read:messages";
/// Characters of an RS256 token.
pub const RS256_LENGTH: usize = 809;

const RSA_KID: &str = "NjVBRjY5MDlCMUIwNzU4";
const ES256_KID: &str = "MDlCMUIwNzU4NjVBRjY5";
/// Five years; tokens are minted anew when a day is left.
const LIFETIME: u64 = 5 * 365 * 86_400;
const LEFT: u64 = 86_400;

/// Keys, tokens, and where the key set is.
#[derive(Debug)]
pub struct Tokens {
    /// The JWK Set with both public keys, as text.
    pub jwks: String,
    /// The RSA public key alone, as DER.
    pub rsa_public: Vec<u8>,
    /// RS256 tokens, all different.
    pub rs256: Vec<String>,
    es256: EcdsaKeyPair,
    issued: u64,
}

impl Tokens {
    /// Reads so many tokens from that directory, or mints them and leaves them there.
    ///
    /// # Errors
    /// Where the directory is not writable.
    pub fn prepare(dir: &Path, count: usize) -> Result<Self, Failure> {
        fs::create_dir_all(dir)?;
        let rsa = RsaKeyPair::from_pkcs8(&key(dir, "rsa.pkcs8", || {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key")?;
            Ok(AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| "no DER")?.as_ref().to_vec())
        })?)?;
        let es256 = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &key(dir, "es256.pkcs8", || {
                let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
                Ok(document.map_err(|_| "no EC key")?.as_ref().to_vec())
            })?,
        )?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let (issued, rs256) = match kept(dir, now, count) {
            Some(kept) => kept,
            None => (now, mint_all(dir, &rsa, now, count)?),
        };
        let jwks = key_set(&rsa, &es256)?;
        let rsa_public = rsa.public_key().as_ref().to_vec();
        Ok(Self { jwks, rsa_public, rs256, es256, issued })
    }

    /// An ES256 token: quick to mint, its claims the same but for the subject.
    ///
    /// # Errors
    /// Where signing fails.
    pub fn es256(&self, number: usize) -> Result<String, Failure> {
        let message = unsigned("ES256", ES256_KID, self.issued, number);
        let signature = self.es256.sign(&SystemRandom::new(), message.as_bytes()).map_err(|_| "not signed")?;
        Ok(format!("{message}.{}", BASE64.encode(signature)))
    }
}

/// The key of that file, or a new one.
fn key(dir: &Path, name: &str, new: impl FnOnce() -> Result<Vec<u8>, Failure>) -> Result<Vec<u8>, Failure> {
    let file = dir.join(name);
    if let Ok(key) = fs::read(&file) {
        return Ok(key);
    }
    // Other keys signed them.
    let _ = fs::remove_file(tokens_file(dir));
    let key = new()?;
    fs::write(&file, &key)?;
    Ok(key)
}

fn tokens_file(dir: &Path) -> PathBuf {
    dir.join("rs256.txt")
}

/// When the kept tokens were issued, and the tokens, if they still do.
fn kept(dir: &Path, now: u64, count: usize) -> Option<(u64, Vec<String>)> {
    let text = fs::read_to_string(tokens_file(dir)).ok()?;
    let mut lines = text.lines();
    let issued: u64 = lines.next()?.parse().ok()?;
    let tokens: Vec<String> = lines.take(count).map(str::to_owned).collect();
    (issued <= now && now + LEFT < issued + LIFETIME && tokens.len() == count).then_some((issued, tokens))
}

fn mint_all(dir: &Path, rsa: &RsaKeyPair, now: u64, count: usize) -> Result<Vec<String>, Failure> {
    eprintln!("minting {count} RS256 tokens, kept for the next run");
    let tokens: Result<Vec<String>, Failure> = (0..count).map(|number| rs256(rsa, now, number)).collect();
    let tokens = tokens?;
    // Whole or not at all.
    let part = dir.join("rs256.part");
    fs::write(&part, format!("{now}\n{}\n", tokens.join("\n")))?;
    fs::rename(part, tokens_file(dir))?;
    Ok(tokens)
}

fn rs256(key: &RsaKeyPair, issued: u64, number: usize) -> Result<String, Failure> {
    let message = unsigned("RS256", RSA_KID, issued, number);
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).map_err(|_| "not signed")?;
    Ok(format!("{message}.{}", BASE64.encode(signature)))
}

/// Who the token of that number is about: as long for each.
#[must_use]
pub fn subject(number: usize) -> String {
    format!("google-oauth2|{number:021}")
}

/// Header and claims as Auth0 makes them.
fn unsigned(algorithm: &str, kid: &str, issued: u64, number: usize) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{kid}"}}"#);
    let claims = format!(
        concat!(
            r#"{{"iss":"{}","sub":"{}","aud":["{}","https://tenant.eu.auth0.com/userinfo"],"#,
            r#""iat":{},"exp":{},"scope":"openid profile email read:messages archive:messages","azp":"kS1mLh8wB7c2VtYy0ZpQ4xNd9RfGuJ3e"}}"#,
        ),
        ISSUER,
        subject(number),
        AUDIENCE,
        issued,
        issued + LIFETIME,
    );
    format!("{}.{}", BASE64.encode(header), BASE64.encode(claims))
}

fn key_set(rsa: &RsaKeyPair, es256: &EcdsaKeyPair) -> Result<String, Failure> {
    let public = rsa.public_key();
    let (n, e) =
        (public.modulus().big_endian_without_leading_zero(), public.exponent().big_endian_without_leading_zero());
    // Uncompressed: 4, then both coordinates.
    let (_, point) = es256.public_key().as_ref().split_first().ok_or("no point")?;
    let (x, y) = point.split_at_checked(32).ok_or("half a point")?;
    Ok(json!({ "keys": [
        { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": RSA_KID, "n": BASE64.encode(n), "e": BASE64.encode(e) },
        { "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": ES256_KID, "x": BASE64.encode(x), "y": BASE64.encode(y) },
    ] })
    .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rs256_token_is_as_long_as_measured_before() {
        // 256 bytes of signature are 342 characters.
        assert_eq!(unsigned("RS256", RSA_KID, 1_800_000_000, 1).len() + 1 + 342, RS256_LENGTH);
    }
}
