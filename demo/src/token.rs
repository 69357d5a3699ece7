//! What a demo token says: a JWT access token with all that RFC 9068 asks for, and every way to make it wrong.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_engine::time::UnixTime;
use serde_json::{Map, Value, json};

use super::{alg::Alg, error::DemoError, keys::Keys};
use crate::limits;

/// The client that asks when a request names none.
pub(super) const DEFAULT_CLIENT: &str = "demo-client";

/// A token to be made. The default is a good one, without scope.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// `client_id`.
    pub client_id: String,
    /// `sub`; the client itself unless given (RFC 9068 section 2.2).
    pub subject: Option<String>,
    /// `scope`, space-separated; no claim unless given.
    pub scope: Option<String>,
    /// `aud`: one is a string, several are an array; empty stands for the issuer's own audience.
    pub audiences: Vec<String>,
    /// Seconds from now to `exp`. Negative makes an expired token.
    pub expires_in: i64,
    /// How it is signed, and by which key.
    pub alg: Alg,
    /// Changes of the header, applied last and in order: a value replaces, `None` removes.
    pub header: Vec<(String, Option<Value>)>,
    /// Changes of the claims, applied last and in order: a value replaces, `None` removes.
    pub claims: Vec<(String, Option<Value>)>,
}

impl Default for TokenRequest {
    fn default() -> Self {
        Self {
            client_id: DEFAULT_CLIENT.to_owned(),
            subject: None,
            scope: None,
            audiences: Vec::new(),
            expires_in: limits::TOKEN_SECONDS,
            alg: Alg::default(),
            header: Vec::new(),
            claims: Vec::new(),
        }
    }
}

impl TokenRequest {
    /// A good token without scope.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this scope, space-separated.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        self.scope = Some(scope.to_owned());
        self
    }

    /// With this `sub`.
    #[must_use]
    pub fn subject(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }

    /// For this audience, and those named before.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.audiences.push(audience.to_owned());
        self
    }

    /// Expiring so many seconds from now.
    #[must_use]
    pub const fn expires_in(mut self, seconds: i64) -> Self {
        self.expires_in = seconds;
        self
    }

    /// Signed in this way.
    #[must_use]
    pub const fn alg(mut self, alg: Alg) -> Self {
        self.alg = alg;
        self
    }

    /// With this claim, whatever it would have been.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.push((name.to_owned(), Some(value.into())));
        self
    }

    /// Without this claim.
    #[must_use]
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.push((name.to_owned(), None));
        self
    }

    /// With this header parameter, whatever it would have been; `alg` here does not change how the token is signed.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.push((name.to_owned(), Some(value.into())));
        self
    }

    /// Without this header parameter.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.push((name.to_owned(), None));
        self
    }

    /// Header and claims of this request, made at `now`.
    fn parts(&self, keys: &Keys, issuer: &str, audience: &str, now: UnixTime) -> (Value, Value) {
        let header = json!({ "typ": "at+jwt", "alg": self.alg.name(), "kid": keys.kid(self.alg) });
        let now = now.as_secs();
        let aud = match self.audiences.as_slice() {
            [] => json!(audience),
            [one] => json!(one),
            several => json!(several),
        };
        let mut claims = json!({
            "iss": issuer,
            "sub": self.subject.as_ref().unwrap_or(&self.client_id),
            "aud": aud,
            "client_id": self.client_id,
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add(self.expires_in),
            "jti": format!("{:032x}", rand::random::<u128>()),
        });
        if let (Some(members), Some(scope)) = (claims.as_object_mut(), &self.scope) {
            members.insert("scope".to_owned(), scope.as_str().into());
        }
        // An expired token was not issued in the future: `iat` and `nbf` go back with `exp`.
        if let (Some(members), true) = (claims.as_object_mut(), self.expires_in < 0) {
            let issued = now.saturating_add(self.expires_in).saturating_sub(limits::TOKEN_SECONDS);
            members.insert("iat".to_owned(), issued.into());
            members.insert("nbf".to_owned(), issued.into());
        }
        (changed(header, &self.header), changed(claims, &self.claims))
    }
}

fn changed(object: Value, changes: &[(String, Option<Value>)]) -> Value {
    let mut members = match object {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    for (name, value) in changes {
        match value {
            Some(value) => members.insert(name.clone(), value.clone()),
            None => members.remove(name),
        };
    }
    Value::Object(members)
}

/// The token of this request.
///
/// # Errors
/// When the crypto library fails to sign.
pub(super) fn mint(
    keys: &Keys,
    issuer: &str,
    audience: &str,
    now: UnixTime,
    request: &TokenRequest,
) -> Result<String, DemoError> {
    let (header, claims) = request.parts(keys, issuer, audience, now);
    compact(keys, request.alg, header.to_string().as_bytes(), claims.to_string().as_bytes())
}

/// Any two byte strings as a signed JWS in compact form (RFC 7515 section 7.1), good JSON or not.
///
/// # Errors
/// When the crypto library fails to sign.
pub(super) fn compact(keys: &Keys, alg: Alg, header: &[u8], payload: &[u8]) -> Result<String, DemoError> {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = keys.sign(alg, message.as_bytes()).map_err(|_| DemoError::Crypto)?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
