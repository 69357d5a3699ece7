//! Routes: one rule and the requests it is for.

use super::{host_pattern::HostPattern, methods::Methods, pattern::PathPattern, rule::Rule};

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
