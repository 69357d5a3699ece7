//! Which headers carry the identity to the upstream, and which never pass.

use std::fmt;

/// A header name in lower case: a token of RFC 9110 section 5.6.2.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeaderName(Box<str>);

impl HeaderName {
    /// The name of that text, lower-cased, or `None` if it can't be a header that we may set: not a token, a
    /// pseudo-header, or one of those that frame a message or route it (`host`, `content-length`, …).
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
        (is_token && name.len() <= 128 && !RESERVED.contains(&name.as_str())).then(|| Self(name.into()))
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
    /// Whether headers that make backends act on another method or path go on to the upstream.
    pub forward_overrides: bool,
    /// Whether the subject stands in the dynamic metadata, and so in Envoy's access log.
    pub subject_in_metadata: bool,
}

/// Which other spellings of an identity header are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aliases {
    /// Those that the request has.
    Seen,
    /// All that fold to the same name: for an Envoy whose `allowed_headers` hides headers from the Check.
    Always,
}

fn named(text: &str) -> Option<HeaderName> {
    HeaderName::parse(text)
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        Self {
            subject: named("x-auth-subject"),
            scopes: named("x-auth-scopes"),
            issuer: named("x-auth-issuer"),
            client_id: named("x-auth-client-id"),
            aliases: Aliases::Seen,
            forward_authorization: true,
            forward_overrides: false,
            subject_in_metadata: false,
        }
    }
}

impl IdentityHeaders {
    /// The names in use.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        [&self.subject, &self.scopes, &self.issuer, &self.client_id].into_iter().flatten()
    }
}
