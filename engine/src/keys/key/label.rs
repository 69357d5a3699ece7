//! The label by which people find a key of a set: what its provider wrote, made safe to print.

use std::fmt;

use serde_json::Value;

use super::{certificate_names::CertificateNames, hint::KeyHint};
use crate::{keys::unusable::UnusableKey, limits};

/// The names that a key of a set has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLabel {
    /// The place of the key in the set, from 1 on.
    place: usize,
    kid: Option<String>,
    /// `kty`, `crv` and `alg`, as far as they are there.
    kind: Vec<String>,
    certificate: CertificateNames,
}

impl KeyLabel {
    /// The label of a member of a set, whatever it is.
    #[must_use]
    pub fn read(place: usize, jwk: &str) -> Self {
        let value: Value = serde_json::from_str(jwk).unwrap_or_default();
        let member = |name: &str| match value.get(name)? {
            Value::String(text) => Some(printable(text)),
            Value::Null => None,
            other => Some(printable(&other.to_string())),
        };
        let kind = ["kty", "crv", "alg"].into_iter().filter_map(member).collect();
        let certificate = value.as_object().map(CertificateNames::read).unwrap_or_default();
        Self { place, kid: member("kid"), kind, certificate }
    }

    /// Says whether a token that names that key means this one.
    #[must_use]
    pub fn is_named(&self, kid: &str) -> bool {
        self.kid.as_deref() == Some(printable(kid).as_str())
    }

    /// Says whether a token that names a certificate means this key's.
    #[must_use]
    pub fn has_certificate(&self, hint: KeyHint<'_>) -> bool {
        self.certificate.is_named(hint)
    }
}

impl fmt::Display for KeyLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "key `{kid}`")?,
            None => write!(f, "key number {} of the set, which has no `kid`,", self.place)?,
        }
        if self.kind.is_empty() { Ok(()) } else { write!(f, " ({})", self.kind.join(" ")) }
    }
}

/// A key that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// The key; none if the reason is about the set.
    pub key: Option<KeyLabel>,
    /// The reason for which the key is skipped.
    pub reason: UnusableKey,
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{key} is skipped: {}", self.reason),
            None => write!(f, "{}", self.reason),
        }
    }
}

/// Remote text for people: short, ASCII that can be seen, and no backtick, which ends a quotation.
fn printable(text: &str) -> String {
    let shown = |c: char| if (c.is_ascii_graphic() || c == ' ') && c != '`' { c } else { '?' };
    text.chars().take(limits::KEY_NAME_CHARS).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_what_is_there() {
        let named = |text: &str| KeyLabel::read(3, text).to_string();
        assert_eq!(named(r#"{"kid":"p2","kty":"EC","crv":"P-384"}"#), "key `p2` (EC P-384)");
        assert_eq!(named(r#"{"kid":"a","kty":"RSA","alg":"RS256"}"#), "key `a` (RSA RS256)");
        assert_eq!(named(r#"{"kty":"RSA"}"#), "key number 3 of the set, which has no `kid`, (RSA)");
        assert_eq!(named(r#"{"kid":7}"#), "key `7`");
        assert_eq!(named("null"), "key number 3 of the set, which has no `kid`,");
        assert_eq!(named("{\"kid\":\"\\u001b[31m`\\u202e\"}"), "key `?[31m??`");
        assert!(named(&format!(r#"{{"kid":"{}"}}"#, "k".repeat(9999))).len() < 100);
    }
}
