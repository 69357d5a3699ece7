//! The JOSE header, RFC 7515 section 4.
//!
//! What the header brings as a key (`jku`, `jwk`, `x5u`, `x5c`) is attacker's input: this type has no field for it. Names of
//! keys (`kid`, and without it `x5t` and `x5t#S256`) select among the issuer's keys, and prove nothing.

use serde_json::Value;

use crate::{
    keys::{algorithm::Algorithm, key::hint::KeyHint},
    limits,
    reason::TokenFault,
    strict_json,
};

/// What of the header the verifier uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The signature algorithm that the token claims. The issuer's list decides whether it may.
    pub algorithm: Algorithm,
    /// Which key signed it.
    pub kid: Option<String>,
    /// The hint at the key that signed it, by its certificate; only where there is no `kid`.
    pub certificate: Option<Box<CertificateHint>>,
    /// What kind of token it is.
    pub token_type: TokenType,
}

/// The names of a certificate, RFC 7515 sections 4.1.7 and 4.1.8. At least one is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateHint {
    /// `x5t`
    pub x5t: Option<String>,
    /// `x5t#S256`
    pub x5t_s256: Option<String>,
}

/// The `typ` header, case folded and without `application/` (RFC 7515 section 4.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// There is none.
    Absent,
    /// `JWT`
    Jwt,
    /// `at+jwt` (RFC 9068)
    AccessToken,
}

impl Header {
    /// Reads a decoded header.
    ///
    /// # Errors
    /// A [`TokenFault`]: not a JSON object, a member of the wrong type, `crit`, an algorithm that doesn't exist here
    /// (`none` never does), a `typ` that no access token has.
    pub fn parse(text: &[u8]) -> Result<Self, TokenFault> {
        let members = strict_json::parse_members(text).map_err(|_| TokenFault::Malformed)?;
        let algorithm = string(&members, "alg")?.ok_or(TokenFault::Malformed)?;
        let algorithm = Algorithm::from_name(algorithm).ok_or(TokenFault::AlgorithmNotAllowed)?;
        // RFC 7515 section 4.1.11: an extension that isn't understood makes the token invalid. None is understood.
        if member(&members, "crit").is_some() {
            return Err(TokenFault::CriticalHeader);
        }
        let kid = key_name(&members, "kid")?;
        // With a `kid` nothing else is looked at, so nothing else can be wrong.
        let certificate = if kid.is_none() { CertificateHint::read(&members)? } else { None };
        let token_type = match string(&members, "typ")? {
            None => TokenType::Absent,
            Some(text) => TokenType::parse(text)?,
        };
        Ok(Self { algorithm, kid, certificate, token_type })
    }
}

impl Header {
    /// The hint in the header by which to look for the key.
    #[must_use]
    pub fn key_hint(&self) -> KeyHint<'_> {
        let certificate = self.certificate.as_deref();
        KeyHint {
            kid: self.kid.as_deref(),
            x5t: certificate.and_then(|names| names.x5t.as_deref()),
            x5t_s256: certificate.and_then(|names| names.x5t_s256.as_deref()),
        }
    }
}

impl CertificateHint {
    fn read(members: &[(Box<str>, Value)]) -> Result<Option<Box<Self>>, TokenFault> {
        let (x5t, x5t_s256) = (key_name(members, "x5t")?, key_name(members, "x5t#S256")?);
        let is_there = x5t.is_some() || x5t_s256.is_some();
        Ok(is_there.then(|| Box::new(Self { x5t, x5t_s256 })))
    }
}

impl TokenType {
    fn parse(text: &str) -> Result<Self, TokenFault> {
        let text = text.to_ascii_lowercase();
        match text.strip_prefix("application/").unwrap_or(&text) {
            "jwt" => Ok(Self::Jwt),
            "at+jwt" => Ok(Self::AccessToken),
            // A DPoP proof (`dpop+jwt`), a logout token (`logout+jwt`), a security event: never an access token.
            _ => Err(TokenFault::TypeNotAllowed),
        }
    }
}

fn member<'a>(members: &'a [(Box<str>, Value)], name: &str) -> Option<&'a Value> {
    members.iter().find(|(other, _)| **other == *name).map(|(_, value)| value)
}

fn string<'a>(members: &'a [(Box<str>, Value)], name: &str) -> Result<Option<&'a str>, TokenFault> {
    match member(members, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenFault::Malformed),
    }
}

/// The name of a key, of bounded length.
fn key_name(members: &[(Box<str>, Value)], name: &str) -> Result<Option<String>, TokenFault> {
    match string(members, name)? {
        Some(text) if text.len() > limits::KID_BYTES => Err(TokenFault::Malformed),
        text => Ok(text.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header, TokenFault> {
        Header::parse(text.as_bytes())
    }

    #[test]
    fn the_header_of_an_access_token_is_read() {
        let got = parse(r#"{"alg":"RS256","kid":"k","typ":"application/AT+JWT","jku":"https://evil"}"#).unwrap();
        let kid = Some("k".into());
        let wanted = Header { algorithm: Algorithm::RS256, kid, certificate: None, token_type: TokenType::AccessToken };
        assert_eq!(got, wanted);
        assert_eq!(parse(r#"{"alg":"ES256"}"#).unwrap().token_type, TokenType::Absent);
        assert_eq!(parse(r#"{"alg":"ES256","typ":"JWT"}"#).unwrap().token_type, TokenType::Jwt);
    }

    #[test]
    fn algorithms_that_do_not_exist_here_are_refused() {
        for alg in ["none", "None", "NONE", "", "rs256", "RS1", "RSA-OAEP", "dir", "ES256K", "Ed448"] {
            let got = parse(&format!(r#"{{"alg":"{alg}"}}"#));
            assert_eq!(got, Err(TokenFault::AlgorithmNotAllowed), "{alg}");
        }
    }

    #[test]
    fn any_crit_is_refused() {
        for crit in [r#"["b64"]"#, "[]", r#""b64""#, "null"] {
            let got = parse(&format!(r#"{{"alg":"RS256","crit":{crit}}}"#));
            assert_eq!(got, Err(TokenFault::CriticalHeader), "{crit}");
        }
    }

    #[test]
    fn other_kinds_of_token_are_refused_by_type() {
        for typ in ["dpop+jwt", "logout+jwt", "secevent+jwt", "id_token", "", "text/jwt", "JOSE"] {
            let got = parse(&format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#));
            assert_eq!(got, Err(TokenFault::TypeNotAllowed), "{typ}");
        }
    }

    #[test]
    fn wrong_types_and_an_overlong_kid_are_malformed() {
        for text in [r#"{"alg":1}"#, "{}", r#"{"alg":"RS256","kid":7}"#, r#"{"alg":"RS256","typ":null}"#, "[]"] {
            assert_eq!(parse(text), Err(TokenFault::Malformed), "{text}");
        }
        for name in ["kid", "x5t", "x5t#S256"] {
            let named = |len: usize| format!(r#"{{"alg":"RS256","{name}":"{}"}}"#, "k".repeat(len));
            assert!(parse(&named(limits::KID_BYTES)).is_ok(), "{name}");
            assert_eq!(parse(&named(limits::KID_BYTES + 1)), Err(TokenFault::Malformed), "{name}");
            let other = format!(r#"{{"alg":"RS256","{name}":7}}"#);
            assert_eq!(parse(&other), Err(TokenFault::Malformed), "{name}");
        }
    }

    #[test]
    fn a_certificate_is_looked_at_only_without_a_kid() {
        let both = parse(r#"{"alg":"RS256","kid":"","x5t":"a","x5t#S256":7}"#).unwrap();
        assert_eq!(both.key_hint(), KeyHint { kid: Some(""), ..KeyHint::default() });
        let alone = parse(r#"{"alg":"RS256","x5t":"a","x5t#S256":"b"}"#).unwrap();
        assert_eq!(alone.key_hint(), KeyHint { kid: None, x5t: Some("a"), x5t_s256: Some("b") });
        assert_eq!(parse(r#"{"alg":"RS256","x5c":["x"]}"#).unwrap().key_hint(), KeyHint::default());
    }

    /// RFC 8259 section 8.1 lets a parser ignore it; two parsers could then read two tokens in one.
    #[test]
    fn a_byte_order_mark_in_a_token_is_malformed() {
        assert_eq!(parse("\u{feff}{\"alg\":\"RS256\"}"), Err(TokenFault::Malformed));
        assert!(crate::jwt::claims::Claims::parse("\u{feff}{}".as_bytes()).is_err());
    }
}
