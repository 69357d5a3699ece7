//! The kinds of challenges (RFC 6750 section 3).

/// The kind of challenge that a denial has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeKind {
    /// No challenge: no token would help.
    Absent,
    /// A challenge without an error code: the request has no authentication information (RFC 6750 section 3.1).
    WithoutError,
    /// `invalid_request`: the credentials are malformed.
    InvalidRequest,
    /// `invalid_token`: another token would do.
    InvalidToken,
    /// `insufficient_scope`, with the scopes that the rule asks for.
    InsufficientScope,
    /// `insufficient_scope` because of a claim other than scopes, which the challenge does not name.
    InsufficientClaims,
}

impl ChallengeKind {
    /// The error code of RFC 6750 section 3.1, if the challenge has one.
    #[must_use]
    pub const fn error(self) -> Option<&'static str> {
        match self {
            Self::Absent | Self::WithoutError => None,
            Self::InvalidRequest => Some("invalid_request"),
            Self::InvalidToken => Some("invalid_token"),
            Self::InsufficientScope | Self::InsufficientClaims => Some("insufficient_scope"),
        }
    }
}
