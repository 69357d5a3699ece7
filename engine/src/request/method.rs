//! Methods of requests.

use std::{borrow::Cow, fmt};

use crate::{limits, reason::RequestFault};

/// The methods that servers know: those of IANA's HTTP Method Registry, and others that Node.js has in `http.METHODS`, by which
/// Express dispatches. `PRI` and `*` of the registry are no methods of requests.
const COMMON: [&str; 44] = [
    // RFC 9110 and RFC 5789.
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    // WebDAV: RFC 4918.
    "COPY",
    "MOVE",
    "MKCOL",
    "PROPFIND",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
    // Bindings, redirects, order, rights, searches and calendars: RFC 5842, 4437, 3648, 3744, 5323 and 4791.
    "BIND",
    "REBIND",
    "UNBIND",
    "MKREDIRECTREF",
    "UPDATEREDIRECTREF",
    "ORDERPATCH",
    "ACL",
    "SEARCH",
    "MKCALENDAR",
    // Versions: RFC 3253.
    "BASELINE-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "LABEL",
    "MERGE",
    "MKACTIVITY",
    "MKWORKSPACE",
    "REPORT",
    "UNCHECKOUT",
    "UPDATE",
    "VERSION-CONTROL",
    // RFC 2068.
    "LINK",
    "UNLINK",
    // Node.js, not registered: caches, UPnP.
    "PURGE",
    "M-SEARCH",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "SOURCE",
];

/// The methods that no rule admits but one that names it: they ask for a tunnel, or they act on a second resource, which the
/// request names elsewhere than in its path. COPY and MOVE have it in a header (RFC 4918), those of RFC 5842 (BIND, REBIND,
/// UNBIND) and of RFC 3253 in the body.
pub(crate) const NAMED: [&str; 10] =
    ["CONNECT", "COPY", "MOVE", "BIND", "REBIND", "UNBIND", "MERGE", "UPDATE", "VERSION-CONTROL", "BASELINE-CONTROL"];

/// A method: a token of RFC 9110 section 9.1, case-sensitive.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// `GET`.
    pub const GET: Self = Self(Cow::Borrowed("GET"));
    /// `HEAD`.
    pub const HEAD: Self = Self(Cow::Borrowed("HEAD"));

    /// The method of that text.
    ///
    /// # Errors
    /// [`RequestFault::Method`] if it is not a token, or longer than [`limits::METHOD_CHARS`].
    pub fn parse(text: &str) -> Result<Self, RequestFault> {
        // A match compares lengths, and then words: no call of a comparison for each.
        let common = match text {
            "GET" => "GET",
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            "HEAD" => "HEAD",
            "OPTIONS" => "OPTIONS",
            _ => return Self::parse_rare(text),
        };
        Ok(Self(Cow::Borrowed(common)))
    }

    fn parse_rare(text: &str) -> Result<Self, RequestFault> {
        let is_token = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if text.is_empty() || text.len() > limits::METHOD_CHARS || !is_token {
            return Err(RequestFault::Method);
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// Says whether the text is one of the methods that servers know, in any case.
    #[must_use]
    pub fn is_common(text: &str) -> bool {
        COMMON.iter().any(|common| common.eq_ignore_ascii_case(text))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether no rule admits the method but one that names it: CONNECT, and those that act on a second resource. In any
    /// case.
    #[must_use]
    pub fn must_be_named(&self) -> bool {
        match &self.0 {
            // One of those that `parse` knows.
            Cow::Borrowed(_) => false,
            Cow::Owned(text) => NAMED.iter().any(|name| name.eq_ignore_ascii_case(text)),
        }
    }

    /// Whether it asks for a tunnel. In any case: a backend may not be as strict about it as RFC 9110 is.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.0.eq_ignore_ascii_case("CONNECT")
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(text: &str) -> Method {
        Method::parse(text).unwrap()
    }

    #[test]
    fn a_method_is_a_bounded_token() {
        for good in ["GET", "get", "M-SEARCH", "X_1", "!#$%&'*+-.^_`|~"] {
            assert_eq!(method(good).as_str(), good);
        }
        let longest = "A".repeat(limits::METHOD_CHARS);
        assert!(Method::parse(&longest).is_ok());
        for bad in ["", " ", "GET ", "G ET", "GET,POST", "GÉT", "GET\0", "G/T", "\"GET\"", &format!("{longest}A")] {
            assert_eq!(Method::parse(bad), Err(RequestFault::Method), "{bad:?}");
        }
    }
}
