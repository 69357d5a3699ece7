//! The compact serialisation of RFC 7515 section 7.1, strictly.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{limits, oauth::access_token::AccessToken, reason::TokenFault};

/// The three parts of a compact JWS, decoded; nothing of it is verified.
pub struct Compact<'a> {
    /// What was signed: the first two parts as they came, with the dot.
    pub signing_input: &'a str,
    /// The decoded header.
    pub header: Vec<u8>,
    /// The decoded claims.
    pub payload: Vec<u8>,
    /// The decoded signature.
    pub signature: Vec<u8>,
}

impl std::fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compact(..)")
    }
}

impl<'a> Compact<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`TokenFault::Opaque`] and [`TokenFault::Encrypted`] for tokens of other kinds, [`TokenFault::Malformed`] for a
    /// part that is not strict base64url: no padding, no foreign characters, no loose bits in the last character, so
    /// that the same bytes have one spelling.
    pub fn parse(token: AccessToken<'a>) -> Result<Self, TokenFault> {
        let text = token.expose();
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TokenFault::Opaque);
        };
        match parts.count() {
            0 => {}
            // RFC 7516 section 7.1: a JWE has five parts.
            2 => return Err(TokenFault::Encrypted),
            _ => return Err(TokenFault::Opaque),
        }
        let signing_input = text.get(..header.len() + 1 + payload.len()).ok_or(TokenFault::Malformed)?;
        Ok(Self {
            signing_input,
            header: decode(header, limits::TOKEN_HEADER_BYTES)?,
            payload: decode(payload, limits::TOKEN_CLAIMS_BYTES)?,
            signature: decode(signature, limits::TOKEN_BYTES)?,
        })
    }
}

fn decode(part: &str, most: usize) -> Result<Vec<u8>, TokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed)?;
    if bytes.len() > most { Err(TokenFault::Malformed) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Compact<'_>, TokenFault> {
        Compact::parse(AccessToken::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn three_parts_are_decoded() {
        let got = parse("eyJ9.e30.AQID").unwrap();
        assert_eq!(got.signing_input, "eyJ9.e30");
        assert_eq!(got.header, b"{\"}");
        assert_eq!(got.payload, b"{}");
        assert_eq!(got.signature, [1, 2, 3]);
    }

    #[test]
    fn other_kinds_of_token_are_told_apart() {
        assert_eq!(parse("abc").unwrap_err(), TokenFault::Opaque);
        assert_eq!(parse("ya29.a0AfH6").unwrap_err(), TokenFault::Opaque);
        assert_eq!(parse("a.b.c.d").unwrap_err(), TokenFault::Opaque);
        assert_eq!(parse("a.b.c.d.e").unwrap_err(), TokenFault::Encrypted);
    }

    #[test]
    fn lax_base64_is_refused() {
        // padding, the standard alphabet, an impossible length, loose bits in the last character
        for bad in ["e30.e30.AQ==", "e30.e3+.AQID", "e30.e30.A", "e30.e30.AR", "e31.e30.AQID"] {
            assert!(matches!(parse(bad), Err(TokenFault::Malformed)), "{bad}");
        }
    }

    #[test]
    fn parts_have_limits() {
        let part = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![b'a'; bytes]);
        assert!(parse(&format!("{}.e30.AQID", part(limits::TOKEN_HEADER_BYTES))).is_ok());
        assert!(parse(&format!("{}.e30.AQID", part(limits::TOKEN_HEADER_BYTES + 1))).is_err());
        assert!(parse(&format!("e30.{}.AQID", part(limits::TOKEN_CLAIMS_BYTES))).is_ok());
        assert!(parse(&format!("e30.{}.AQID", part(limits::TOKEN_CLAIMS_BYTES + 1))).is_err());
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", parse("eyJ9.e30.AQID").unwrap()), "Compact(..)");
    }
}
