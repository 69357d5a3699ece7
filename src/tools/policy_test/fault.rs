//! What can be wrong with a token: one word for each `TokenFault` that a test can bring about.

#[cfg(test)]
use portcullis_engine::reason::TokenFault;

/// A fault of a token. Each makes a token that is refused for that reason, whatever else is right about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Not a JWT.
    Opaque,
    /// Five parts.
    Encrypted,
    /// Three parts that are no JSON.
    Malformed,
    /// `alg: none` and no signature.
    Unsigned,
    /// A `crit` header.
    CriticalHeader,
    /// The `typ` of a proof.
    WrongType,
    /// Somebody else's token.
    UnknownIssuer,
    /// A `kid` that the issuer doesn't have.
    UnknownKey,
    /// Claims changed after signing.
    Tampered,
    /// Signed by somebody else's key.
    Forged,
    /// No `exp`.
    NoExpiry,
    /// For another API.
    WrongAudience,
    /// Expired an hour ago.
    Expired,
    /// Valid from an hour from now.
    NotYetValid,
    /// Issued an hour from now.
    IssuedInFuture,
    /// Older than `max_token_age`.
    TooOld,
    /// An ID token.
    IdToken,
    /// A refresh token (Keycloak's).
    RefreshToken,
    /// A logout token.
    LogoutToken,
    /// Bound to a key.
    Bound,
    /// Of a client that is not listed.
    WrongClient,
    /// Without a claim that its issuer's rules ask for.
    WrongClaim,
}

impl Fault {
    /// All of them, by the words that tests use.
    pub(crate) const WORDS: [(&'static str, Self); 22] = [
        ("expired", Self::Expired),
        ("not_yet_valid", Self::NotYetValid),
        ("issued_in_future", Self::IssuedInFuture),
        ("too_old", Self::TooOld),
        ("no_expiry", Self::NoExpiry),
        ("wrong_audience", Self::WrongAudience),
        ("unknown_issuer", Self::UnknownIssuer),
        ("unknown_key", Self::UnknownKey),
        ("tampered", Self::Tampered),
        ("forged", Self::Forged),
        ("unsigned", Self::Unsigned),
        ("wrong_client", Self::WrongClient),
        ("wrong_claim", Self::WrongClaim),
        ("wrong_type", Self::WrongType),
        ("id_token", Self::IdToken),
        ("refresh_token", Self::RefreshToken),
        ("logout_token", Self::LogoutToken),
        ("bound", Self::Bound),
        ("critical_header", Self::CriticalHeader),
        ("opaque", Self::Opaque),
        ("encrypted", Self::Encrypted),
        ("malformed", Self::Malformed),
    ];

    /// What the verifier says to such a token.
    #[cfg(test)]
    pub(crate) const fn refusal(self) -> TokenFault {
        match self {
            Self::Opaque => TokenFault::Opaque,
            Self::Encrypted => TokenFault::Encrypted,
            Self::Malformed => TokenFault::Malformed,
            Self::Unsigned => TokenFault::AlgorithmNotAllowed,
            Self::CriticalHeader => TokenFault::CriticalHeader,
            Self::WrongType => TokenFault::TypeNotAllowed,
            Self::UnknownIssuer => TokenFault::UnknownIssuer,
            Self::UnknownKey => TokenFault::UnknownKey,
            Self::Tampered | Self::Forged => TokenFault::BadSignature,
            Self::NoExpiry => TokenFault::MalformedClaims,
            Self::WrongAudience => TokenFault::WrongAudience,
            Self::Expired => TokenFault::Expired,
            Self::NotYetValid => TokenFault::NotYetValid,
            Self::IssuedInFuture => TokenFault::IssuedInFuture,
            Self::TooOld => TokenFault::TooOld,
            Self::IdToken | Self::RefreshToken | Self::LogoutToken => TokenFault::NotAnAccessToken,
            Self::Bound => TokenFault::Bound,
            Self::WrongClient => TokenFault::ClientNotAllowed,
            Self::WrongClaim => TokenFault::ClaimRule,
        }
    }
}
