//! The tokens of the quickstart: good ones from the issuer, and what somebody else would make of them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    client::Client,
    error::DemoError,
    keys::Keys,
    token::{DEFAULT_CLIENT, TokenRequest, compact},
};

/// One token for each case.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) plain: String,
    pub(super) scoped: String,
    pub(super) other_scope: String,
    pub(super) ps256: String,
    pub(super) es256: String,
    pub(super) eddsa: String,
    pub(super) expired: String,
    pub(super) tampered: String,
    pub(super) forged: String,
    pub(super) unsigned: String,
    pub(super) other_audience: String,
}

impl Tokens {
    /// Asks the demo issuer for the good ones and makes the bad ones of them.
    ///
    /// # Errors
    /// When the issuer doesn't answer with tokens.
    pub(super) async fn obtain(client: &Client, issuer: &str, audience: &str) -> Result<Self, DemoError> {
        let plain = obtain(client, issuer, audience, &[]).await?;
        Ok(Self {
            scoped: obtain(client, issuer, audience, &[("scope", "read:messages")]).await?,
            other_scope: obtain(client, issuer, audience, &[("scope", "write:messages")]).await?,
            ps256: obtain(client, issuer, audience, &[("alg", "PS256")]).await?,
            es256: obtain(client, issuer, audience, &[("alg", "ES256")]).await?,
            eddsa: obtain(client, issuer, audience, &[("alg", "EdDSA")]).await?,
            expired: obtain(client, issuer, audience, &[("expires_in", "-60")]).await?,
            other_audience: obtain(client, issuer, "https://other.example.com", &[]).await?,
            tampered: tampered(&plain).ok_or(DemoError::Crypto)?,
            forged: forged(&plain).await?,
            unsigned: unsigned(&plain).ok_or(DemoError::Crypto)?,
            plain,
        })
    }
}

/// A token of the demo issuer that is reached at `issuer`.
///
/// # Errors
/// When it doesn't answer with one.
pub(crate) async fn obtain(
    client: &Client,
    issuer: &str,
    audience: &str,
    more: &[(&str, &str)],
) -> Result<String, DemoError> {
    let url = format!("{}/token", issuer.trim_end_matches('/'));
    let form = [&[("grant_type", "client_credentials"), ("client_id", DEFAULT_CLIENT), ("audience", audience)], more];
    let answer = client.post_form(&url, &form.concat()).await?;
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let token = body.get("access_token").and_then(Value::as_str).map(str::to_owned);
    token.ok_or(DemoError::NoToken { url, status: answer.status })
}

/// The token with one more scope and the signature of the original.
fn tampered(token: &str) -> Option<String> {
    let (header, payload, signature) = parts(token)?;
    let mut claims = decode(payload)?;
    claims.as_object_mut()?.insert("scope".to_owned(), json!("read:messages admin"));
    Some(format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string())))
}

/// The token, word for word, signed by a key of our own.
async fn forged(token: &str) -> Result<String, DemoError> {
    let keys = tokio::task::spawn_blocking(Keys::generate).await;
    let keys = keys.ok().and_then(Result::ok).ok_or(DemoError::Crypto)?;
    let (header, payload, _) = parts(token).ok_or(DemoError::Crypto)?;
    let bytes = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| DemoError::Crypto);
    compact(&keys, TokenRequest::default().alg, &bytes(header)?, &bytes(payload)?)
}

/// The token with `alg` none and no signature.
fn unsigned(token: &str) -> Option<String> {
    let (header, payload, _) = parts(token)?;
    let mut header = decode(header)?;
    header.as_object_mut()?.insert("alg".to_owned(), json!("none"));
    Some(format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(header.to_string())))
}

fn parts(token: &str) -> Option<(&str, &str, &str)> {
    let (header, rest) = token.split_once('.')?;
    let (payload, signature) = rest.split_once('.')?;
    Some((header, payload, signature))
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> String {
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", encode(json!({ "alg": "RS256", "kid": "k" })), encode(json!({ "sub": "a" })))
    }

    #[test]
    fn tampering_changes_the_claims_alone() {
        let (good, bad) = (good(), tampered(&good()).unwrap());
        let ((header, _, signature), (found, payload, kept)) = (parts(&good).unwrap(), parts(&bad).unwrap());
        assert_eq!((header, signature), (found, kept));
        assert_eq!(decode(payload).unwrap(), json!({ "sub": "a", "scope": "read:messages admin" }));
    }

    #[tokio::test]
    async fn a_forgery_differs_in_its_signature_alone() {
        let (good, bad) = (good(), forged(&good()).await.unwrap());
        let ((header, payload, signature), (same, claims, other)) = (parts(&good).unwrap(), parts(&bad).unwrap());
        assert_eq!((header, payload), (same, claims));
        assert_ne!(signature, other);
        assert_eq!(URL_SAFE_NO_PAD.decode(other).unwrap().len(), 256);
    }

    #[test]
    fn an_unsigned_token_says_none() {
        let bad = unsigned(&good()).unwrap();
        let (header, _, signature) = parts(&bad).unwrap();
        assert_eq!((decode(header).unwrap(), signature), (json!({ "alg": "none", "kid": "k" }), ""));
    }
}
