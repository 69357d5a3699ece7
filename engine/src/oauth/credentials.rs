//! The `authorization` header: RFC 9110 section 11.6.2 and RFC 6750 section 2.1.
//!
//! One source of tokens only. Tokens in a query or a form are not looked at (RFC 9700 section 4.3.2 forbids the first,
//! and a Check has no body).

use super::access_token::{AccessToken, InvalidAccessToken};
use crate::{limits, reason::DenyReason};

/// What the `authorization` headers of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// There is no such header.
    None,
    /// There is one, of another scheme than Bearer.
    OtherScheme,
    /// There is one bearer token.
    Bearer(AccessToken<'a>),
}

impl<'a> Credentials<'a> {
    /// Reads the values of all `authorization` headers of a request.
    ///
    /// # Errors
    /// A [`DenyReason`] answered with `invalid_request`: malformed, over-long, or more than one.
    pub fn parse<I>(values: I) -> Result<Self, DenyReason>
    where
        I: IntoIterator<Item = &'a [u8]>,
    {
        let mut values = values.into_iter();
        let Some(value) = values.next() else { return Ok(Self::None) };
        if values.next().is_some() {
            return Err(DenyReason::SeveralCredentials);
        }
        // Nearly all there are: no comma is in them, so nothing is joined, and nothing is left to trim.
        if let Some(Ok(token)) = value.strip_prefix(b"Bearer ").map(AccessToken::parse) {
            return Ok(Self::Bearer(token));
        }
        Self::parse_any(value)
    }

    fn parse_any(value: &'a [u8]) -> Result<Self, DenyReason> {
        // Longer than any token with its scheme: refused before anything looks at each byte.
        if value.len() > limits::TOKEN_BYTES + "Bearer ".len() + MOST_SPACES {
            return Err(DenyReason::OverlongCredentials);
        }
        if joins_several(value) {
            return Err(DenyReason::SeveralCredentials);
        }
        Self::parse_one(value)
    }

    fn parse_one(value: &'a [u8]) -> Result<Self, DenyReason> {
        let value = trim_white_space(value);
        let scheme_len = value.iter().position(|b| *b == b' ').unwrap_or(value.len());
        let (scheme, rest) = value.split_at_checked(scheme_len).unwrap_or((value, b""));
        if scheme.is_empty() || !scheme.iter().all(|b| is_tchar(*b)) {
            return Err(DenyReason::MalformedCredentials);
        }
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Ok(Self::OtherScheme);
        }
        // RFC 6750: credentials = "Bearer" 1*SP b64token. Tabs are no spaces here.
        let token = trim_spaces(rest);
        match AccessToken::parse(token) {
            Ok(token) => Ok(Self::Bearer(token)),
            Err(InvalidAccessToken::TooLong) => Err(DenyReason::OverlongCredentials),
            Err(InvalidAccessToken::Malformed) => Err(DenyReason::MalformedCredentials),
        }
    }
}

const MOST_SPACES: usize = 64;

/// Without the white space around it that RFC 9110 section 5.6.3 allows: spaces and tabs. A line break is none of it, and
/// what stands behind one may be read as a header of its own further on.
fn trim_white_space(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', inner @ ..] | [inner @ .., b' ' | b'\t'] = value {
        value = inner;
    }
    value
}

fn trim_spaces(mut rest: &[u8]) -> &[u8] {
    while let [b' ', tail @ ..] = rest {
        rest = tail;
    }
    rest
}

/// Whether a proxy joined two headers into this value and one of them is a bearer token.
///
/// Envoy joins repeated headers with a comma (`Basic a,Bearer b`), and a `b64token` has no comma. Schemes with
/// parameters (`Digest a="1", b="2"`) have commas of their own, so a comma alone says nothing: a part that starts with
/// the Bearer scheme does, wherever it stands.
fn joins_several(value: &[u8]) -> bool {
    let mut parts = value.split(|b| *b == b',');
    let first_is_bearer = parts.next().is_some_and(starts_bearer);
    let mut rest = parts.peekable();
    (first_is_bearer && rest.peek().is_some()) || rest.any(starts_bearer)
}

fn starts_bearer(part: &[u8]) -> bool {
    let part = part.trim_ascii_start();
    part.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
        && part.get(6).is_none_or(|b| !is_tchar(*b))
}

fn is_tchar(b: u8) -> bool {
    // RFC 9110 section 5.6.2
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_at_once_is_what_a_closer_look_reads(value in "[bB]earer[ \t]{0,2}[aZ9._~+/=, é\"-]{0,6}") {
            prop_assert_eq!(one(&value), Credentials::parse_any(value.as_bytes()));
        }
    }

    fn one(value: &str) -> Result<Credentials<'_>, DenyReason> {
        Credentials::parse([value.as_bytes()])
    }

    #[test]
    fn no_header_is_no_credentials() {
        assert_eq!(Credentials::parse([]), Ok(Credentials::None));
    }

    #[test]
    fn the_scheme_has_any_case_and_any_number_of_spaces() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", " Bearer a.b.c "] {
            let Ok(Credentials::Bearer(token)) = one(value) else { panic!("{value}") };
            assert_eq!(token.expose(), "a.b.c");
        }
    }

    #[test]
    fn malformed_credentials_are_invalid_requests() {
        for value in ["", " ", "Bearer", "Bearer ", "Bearer\ta", "Bearer a b", "Bearer a\"", "Bearer: a", "B(arer a"] {
            assert_eq!(one(value), Err(DenyReason::MalformedCredentials), "{value:?}");
        }
    }

    #[test]
    fn white_space_around_the_value_is_spaces_and_tabs_alone() {
        assert!(matches!(one("\t Bearer a\t "), Ok(Credentials::Bearer(_))));
        for value in ["Bearer a\n", "Bearer a\r\n", "\rBearer a", "\nBearer a", "Bearer a\x0C", "Bearer a\0"] {
            assert_eq!(one(value), Err(DenyReason::MalformedCredentials), "{value:?}");
        }
    }

    #[test]
    fn other_schemes_are_told_apart() {
        for value in ["Basic YTpi", "Digest username=\"a\", realm=\"b\"", "DPoP a.b.c", "Bearerx a", "Token"] {
            assert_eq!(one(value), Ok(Credentials::OtherScheme), "{value}");
        }
    }

    #[test]
    fn two_credentials_are_refused_however_they_arrive() {
        for value in ["Basic a,Bearer b", "Bearer a,Bearer b", "Bearer a, Basic b", "Bearer a,", "Basic a, bearer b"] {
            assert_eq!(one(value), Err(DenyReason::SeveralCredentials), "{value}");
        }
        let two: [&[u8]; 2] = [b"Bearer a", b"Bearer a"];
        assert_eq!(Credentials::parse(two), Err(DenyReason::SeveralCredentials));
        let with_empty: [&[u8]; 2] = [b"", b"Bearer a"];
        assert_eq!(Credentials::parse(with_empty), Err(DenyReason::SeveralCredentials));
    }

    #[test]
    fn an_overlong_token_is_refused_unread() {
        let long = format!("Bearer {}", "a".repeat(64 * 1024));
        assert_eq!(one(&long), Err(DenyReason::OverlongCredentials));
        let most = "a".repeat(limits::TOKEN_BYTES);
        assert!(matches!(one(&format!("Bearer {most}")), Ok(Credentials::Bearer(_))));
        assert_eq!(one(&format!("Bearer {most}a")), Err(DenyReason::OverlongCredentials));
    }

    #[test]
    fn blanks_before_a_token_are_bounded_too() {
        let most = "a".repeat(limits::TOKEN_BYTES);
        let with = |blanks: usize| format!("Bearer {}{most}", " ".repeat(blanks));
        assert!(matches!(one(&with(MOST_SPACES)), Ok(Credentials::Bearer(_))));
        assert_eq!(one(&with(MOST_SPACES + 1)), Err(DenyReason::OverlongCredentials));
    }
}
