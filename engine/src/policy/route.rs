//! A route, and what of a request decides which route is meant.

use super::{
    host::RequestHost,
    host_pattern::HostPattern,
    method::{Method, Methods},
    path::CanonicalPath,
    pattern::PathPattern,
    rule::Rule,
};

/// One rule and the requests it is for.
#[derive(Clone, Debug)]
pub struct Route {
    /// For which hosts.
    pub host: HostPattern,
    /// For which paths.
    pub path: PathPattern,
    /// For which methods.
    pub methods: Methods,
    /// What it asks.
    pub rule: Rule,
    /// Whether it may be weaker than a rule for more hosts that it takes requests from.
    pub shadows: bool,
    /// Says whether `%2F` is data where the pattern ends in a parameter or `/**`.
    pub encoded_slashes: EncodedSlashes,
}

/// The meaning of `%2F` in a path to the backend of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodedSlashes {
    /// Ambiguous, like everywhere else: the request is refused.
    #[default]
    Refuse,
    /// Data of the last parameter, or of what `/**` stands for.
    Allow,
}

impl EncodedSlashes {
    /// The word for it in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Allow => "allow",
        }
    }
}

#[cfg(any(test, feature = "testing"))]
impl RequestTarget {
    /// A GET without a host, for tests.
    ///
    /// # Panics
    /// Where the path is not canonical.
    #[expect(clippy::unwrap_used, reason = "for tests alone")]
    #[must_use]
    pub fn for_tests(path: &str) -> Self {
        Self { host: None, path: CanonicalPath::parse(path).unwrap(), method: Method::GET }
    }
}

/// What of a request decides which route is meant.
#[derive(Clone, Debug)]
pub struct RequestTarget {
    /// The host; gRPC without a proxy sends none, and then only routes for any host apply.
    pub host: Option<RequestHost>,
    /// The path.
    pub path: CanonicalPath,
    /// The method.
    pub method: Method,
}
