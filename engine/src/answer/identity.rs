//! Which headers carry the identity to the upstream, and which never pass.

mod overrides;

use std::fmt;

use overrides::REMOVED_IF_SEEN;
pub use overrides::overrides;

/// A header name in lower case: a token of RFC 9110 section 5.6.2.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeaderName(Box<str>);

impl HeaderName {
    /// The name of that text, lower-cased, or `None` if it can't be a header that we may set or remove: not a token, a
    /// pseudo-header, or one of those that frame a message or route it (`host`, `content-length`, …), in any spelling that a
    /// backend may fold into one of them. So no spelling of a name that is guarded is one of those either.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const RESERVED: [&str; 9] = [
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "upgrade",
            "te",
            "trailer",
            "keep-alive",
            "authorization",
        ];
        let name = text.to_ascii_lowercase();
        let is_token =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        (is_token && name.len() <= 128 && !RESERVED.contains(&&*fold(&name))).then(|| Self(name.into()))
    }

    /// Its text, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What goes upstream with an allowed request.
#[derive(Clone, Debug)]
pub struct IdentityHeaders {
    /// `sub`.
    pub subject: Option<HeaderName>,
    /// The scopes, joined by spaces.
    pub scopes: Option<HeaderName>,
    /// `iss`.
    pub issuer: Option<HeaderName>,
    /// The client's id.
    pub client_id: Option<HeaderName>,
    /// Whether other spellings are removed where seen, or all of them blindly.
    pub aliases: Aliases,
    /// Whether the `authorization` header goes on to the upstream.
    pub forward_authorization: bool,
    /// True if headers that make backends act on another method, path or host ([`overrides()`]) go on to the upstream.
    pub forward_overrides: bool,
    /// More headers that never pass, whatever `forward_overrides` says.
    pub remove: Vec<HeaderName>,
    /// Whether the subject stands in the dynamic metadata, and so in Envoy's access log.
    pub subject_in_metadata: bool,
}

/// Which other spellings of an identity header are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aliases {
    /// Those that the request has.
    Seen,
    /// All with `-`, `_` or `.` at each separator, and whatever else the request is seen to have: for an Envoy whose
    /// `allowed_headers` hides headers from the Check.
    Always,
}

/// The names unless the configuration says otherwise.
const USUAL: [&str; 4] = ["x-auth-subject", "x-auth-scopes", "x-auth-issuer", "x-auth-client-id"];

impl Default for IdentityHeaders {
    fn default() -> Self {
        let [subject, scopes, issuer, client_id] = USUAL.map(HeaderName::parse);
        Self {
            subject,
            scopes,
            issuer,
            client_id,
            aliases: Aliases::Seen,
            forward_authorization: true,
            forward_overrides: false,
            remove: Vec::new(),
            subject_in_metadata: false,
        }
    }
}

impl IdentityHeaders {
    /// The names in use.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        [&self.subject, &self.scopes, &self.issuer, &self.client_id].into_iter().flatten()
    }

    /// The names that a client must not bring: those in use, and the usual ones, which an API may trust although the
    /// configuration has switched them off.
    pub fn guarded(&self) -> impl Iterator<Item = &str> {
        self.names().map(HeaderName::as_str).chain(USUAL)
    }

    /// The names that are kept from the API although they carry no identity.
    pub fn removed(&self) -> impl Iterator<Item = &str> {
        let overrides = overrides().filter(|_| !self.forward_overrides);
        overrides.chain(self.remove.iter().map(HeaderName::as_str))
    }

    /// Says whether a name of [`Self::removed`] is removed only where a request is seen to have it.
    #[must_use]
    pub fn is_removed_only_if_seen(&self, name: &str) -> bool {
        self.aliases == Aliases::Seen
            && REMOVED_IF_SEEN.contains(&name)
            && !self.remove.iter().any(|removed| removed.as_str() == name)
    }
}

/// A header name as the widest reader of CGI variables sees it: every byte that is no letter or digit is one separator, and
/// case doesn't count. lighttpd makes `HTTP_X_AUTH_SUBJECT` of `x~auth~subject`, most others of `x-auth-subject` and
/// `x_auth_subject` only (RFC 3875 section 4.1.18).
#[must_use]
pub fn fold(name: &str) -> String {
    name.bytes().map(|byte| char::from(fold_byte(byte))).collect()
}

/// One byte of a folded name.
#[must_use]
pub const fn fold_byte(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

/// Every spelling of a name with `-`, `_` or `.` at each separator. At most 3^6 of them: names with more separators have the
/// all-alike spellings only. Of all 15 separators that a header name can have, there would be thousands.
#[must_use]
pub fn spellings(name: &str) -> Vec<String> {
    let folded = fold(name);
    let words: Vec<&str> = folded.split('-').collect();
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    if rest.len() > 6 {
        return ["-", "_", "."].iter().map(|separator| words.join(separator)).collect();
    }
    rest.iter().fold(vec![(*first).to_owned()], |begun, word| {
        let with = |separator| begun.iter().map(move |start| format!("{start}{separator}{word}"));
        ['-', '_', '.'].into_iter().flat_map(with).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_frame_or_route_a_message_are_not_ours_to_set() {
        for good in ["x-auth-subject", "X-User", "x_user", "a"] {
            assert!(HeaderName::parse(good).is_some(), "{good}");
        }
        for bad in ["", ":path", "host", "Content-Length", "authorization", "a b", "a\r\n", "é", "connection"] {
            assert!(HeaderName::parse(bad).is_none(), "{bad:?}");
        }
        for bad in ["content_length", "Transfer.Encoding", "keep~alive"] {
            assert!(HeaderName::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn folding_ignores_case_and_separators() {
        for spelling in ["x-auth-subject", "X_Auth_Subject", "x.auth-subject"] {
            assert_eq!(fold(spelling), "x-auth-subject");
        }
        // Every separator that a header name can have: RFC 9110 section 5.6.2.
        for separator in "!#$%&'*+-.^_`|~".chars() {
            assert_eq!(fold(&format!("X{separator}auth{separator}subject")), "x-auth-subject", "{separator}");
        }
        assert_eq!(fold("xauth-subject"), "xauth-subject", "no separator is one less");
    }

    #[test]
    fn bytes_fold_as_characters_do() {
        let all: String = (0..0x250).filter_map(char::from_u32).chain(['K', 'ſ', '．', '＿', '😀']).collect();
        assert!(all.bytes().map(fold_byte).eq(fold(&all).bytes()));
    }

    #[test]
    fn all_spellings_fold_back() {
        let all = spellings("x-auth-subject");
        assert_eq!(all.len(), 9);
        assert!(all.iter().all(|spelling| fold(spelling) == "x-auth-subject"));
        assert!(all.contains(&"x.auth_subject".to_owned()));
        assert_eq!(spellings("a-b-c-d-e-f-g-h-i").len(), 3);
    }
}
