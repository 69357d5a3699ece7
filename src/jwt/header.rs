//! The JOSE header, RFC 7515 section 4.
//!
//! What the header says about keys (`jku`, `jwk`, `x5u`, `x5c`) is attacker's input: this type has no field for it.

use serde_json::Value;

use super::algorithm::Algorithm;
use crate::{decision::TokenFault, json, limits};

/// What of the header the verifier uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The signature algorithm that the token claims. The issuer's list decides whether it may.
    pub algorithm: Algorithm,
    /// Which key signed it.
    pub kid: Option<String>,
    /// What kind of token it is.
    pub token_type: TokenType,
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
        let members = json::parse_members(text).map_err(|_| TokenFault::Malformed)?;
        let algorithm = string(&members, "alg")?.ok_or(TokenFault::Malformed)?;
        let algorithm = Algorithm::from_name(algorithm).ok_or(TokenFault::AlgorithmNotAllowed)?;
        // RFC 7515 section 4.1.11: an extension that isn't understood makes the token invalid. None is understood.
        if member(&members, "crit").is_some() {
            return Err(TokenFault::CriticalHeader);
        }
        let kid = string(&members, "kid")?.map(str::to_owned);
        if kid.as_ref().is_some_and(|kid| kid.len() > limits::KID_BYTES) {
            return Err(TokenFault::Malformed);
        }
        let token_type = match string(&members, "typ")? {
            None => TokenType::Absent,
            Some(text) => TokenType::parse(text)?,
        };
        Ok(Self { algorithm, kid, token_type })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header, TokenFault> {
        Header::parse(text.as_bytes())
    }

    #[test]
    fn the_header_of_an_access_token_is_read() {
        let got = parse(r#"{"alg":"RS256","kid":"k","typ":"application/AT+JWT","jku":"https://evil"}"#).unwrap();
        let wanted = Header { algorithm: Algorithm::RS256, kid: Some("k".into()), token_type: TokenType::AccessToken };
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
        let kid = |len: usize| format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(len));
        assert!(parse(&kid(limits::KID_BYTES)).is_ok());
        assert_eq!(parse(&kid(limits::KID_BYTES + 1)), Err(TokenFault::Malformed));
    }
}
