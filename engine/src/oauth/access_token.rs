//! The token of a request, not yet verified.

use std::fmt;

use crate::limits;

/// The characters of a bearer token as the client sent them: a `b64token` of RFC 6750 section 2.1, of bounded length.
///
/// It has no `Display`, and its `Debug` shows the length only: a token in a log is a token in the wrong hands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccessToken<'a>(&'a str);

/// Why some text is not an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidAccessToken {
    /// Longer than [`limits::TOKEN_BYTES`].
    TooLong,
    /// Empty, or a character that no `b64token` has.
    Malformed,
}

impl<'a> AccessToken<'a> {
    /// The token of that text.
    ///
    /// # Errors
    /// [`InvalidAccessToken`]: the client's fault.
    pub fn parse(text: &'a [u8]) -> Result<Self, InvalidAccessToken> {
        if text.len() > limits::TOKEN_BYTES {
            return Err(InvalidAccessToken::TooLong);
        }
        // b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
        let body = text.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
        if body == 0 || !text.get(..body).is_some_and(is_in_alphabet) {
            return Err(InvalidAccessToken::Malformed);
        }
        std::str::from_utf8(text).map(Self).map_err(|_| InvalidAccessToken::Malformed)
    }

    /// The characters. To verify them, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &'a str {
        self.0
    }
}

/// Whether all bytes are of `ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/"`. It looks at every byte, without a branch:
/// so the compiler can do it many bytes at a time.
fn is_in_alphabet(text: &[u8]) -> bool {
    text.iter().fold(true, |all, byte| {
        let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        // From `-` to `9` are `-`, `.`, `/` and the digits.
        let is_digit = byte.wrapping_sub(b'-') < 13;
        all & (is_letter | is_digit | (*byte == b'_') | (*byte == b'~') | (*byte == b'+'))
    })
}

impl fmt::Debug for AccessToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_b64token_characters_pass() {
        for good in ["a", "a.b.c", "A-._~+/9", "abc=", "abc=="] {
            assert!(AccessToken::parse(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in ["", "=", "==", "a b", "a,b", "a=b", "é", "a\t", "a\0", "\"a\""] {
            assert_eq!(AccessToken::parse(bad.as_bytes()), Err(InvalidAccessToken::Malformed), "{bad:?}");
        }
        assert_eq!(AccessToken::parse(&[b'a', 0xFF]), Err(InvalidAccessToken::Malformed));
    }

    #[test]
    fn every_byte_is_in_the_alphabet_or_not_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let is_in = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            for at in [0, 1, 15, 16, 31, 39] {
                let mut text = [b'a'; 40];
                text[at] = byte;
                assert_eq!(is_in_alphabet(&text), is_in, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn the_limit_passes_and_one_more_does_not() {
        let most = "a".repeat(limits::TOKEN_BYTES);
        assert!(AccessToken::parse(most.as_bytes()).is_ok());
        let more = "a".repeat(limits::TOKEN_BYTES + 1);
        assert_eq!(AccessToken::parse(more.as_bytes()), Err(InvalidAccessToken::TooLong));
    }

    #[test]
    fn debug_hides_the_token() {
        let token = AccessToken::parse(b"secret.token.here").unwrap();
        assert_eq!(format!("{token:?}"), "AccessToken(17 bytes)");
    }
}
