//! Why a request was denied: a closed list with stable codes.
//!
//! The codes stand in logs, dynamic metadata and metrics; `bearer::challenge` turns each into its answer. They carry no
//! text of the request or the token: nothing a client sent comes back through them.

/// Every reason for a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DenyReason {
    /// There are no credentials.
    NoCredentials,
    /// The only credentials are of another scheme than Bearer.
    UnsupportedScheme,
    /// The credentials are not of the form `Bearer b64token` (RFC 6750 section 2.1).
    MalformedCredentials,
    /// There are two credentials or more.
    SeveralCredentials,
    /// The credentials are longer than [`crate::limits::TOKEN_BYTES`].
    OverlongCredentials,
    /// The token is refused.
    Token(TokenFault),
    /// The rule does not take tokens of this issuer.
    IssuerNotAdmitted,
    /// The token is for none of the audiences that the rule asks for.
    AudienceNotAdmitted,
    /// The token lacks scopes that the rule asks for.
    InsufficientScope,
    /// A claim rule of the route is not met.
    ClaimRule,
    /// No pattern covers the path.
    NoRoute,
    /// The most specific pattern has no rule for the method.
    MethodNotAdmitted,
    /// Envoy chose a named policy that doesn't exist here.
    UnknownPolicy,
    /// The request is ambiguous or malformed.
    Request(RequestFault),
    /// The issuer's keys can't be had at the moment.
    KeysUnavailable,
    /// The Check has waited for too long, or too many wait with it.
    Overloaded,
    /// A bug of ours.
    Internal,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenFault {
    /// Not a JWT: what a provider calls an opaque or reference token.
    Opaque,
    /// Five segments: an encrypted token (RFC 7516).
    Encrypted,
    /// Not a compact JWS of two JSON objects, strictly read.
    Malformed,
    /// Its `alg` is not one that the issuer is configured with.
    AlgorithmNotAllowed,
    /// It has a `crit` header (RFC 7515 section 4.1.11): no extension is known here.
    CriticalHeader,
    /// Its `typ` is not that of an access token.
    TypeNotAllowed,
    /// Nobody configured its issuer.
    UnknownIssuer,
    /// Its issuer has no such key.
    UnknownKey,
    /// More than one key of its issuer fits.
    AmbiguousKey,
    /// The signature is false.
    BadSignature,
    /// A claim is missing or has the wrong type.
    MalformedClaims,
    /// It is for another audience.
    WrongAudience,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It says that it was issued in the future.
    IssuedInFuture,
    /// It is older than the issuer's `max_token_age`.
    TooOld,
    /// It is an ID token, a refresh token, a logout token: anything but an access token.
    NotAnAccessToken,
    /// It is bound to a key or a certificate (`cnf`) and came as a plain bearer token.
    Bound,
    /// The client it was given to is not one of the issuer's `clients`.
    ClientNotAllowed,
    /// A claim rule of its issuer is not met.
    ClaimRule,
}

/// What is wrong with a request before any rule is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestFault {
    /// The Check has no HTTP request in it, or can't be decoded.
    NoHttpRequest,
    /// The Check is larger than [`crate::limits::CHECK_REQUEST_BYTES`].
    TooLarge,
    /// The path is missing, empty or relative.
    PathNotAbsolute,
    /// The path is longer than its limit or has too many segments.
    PathTooLong,
    /// The path has an empty segment (`//`).
    EmptySegment,
    /// The path has a `.` or `..` segment, plain or encoded.
    DotSegment,
    /// The path has an encoded `/` or `\`, or a plain `\`.
    EncodedSlash,
    /// The path has a `;` parameter.
    PathParameter,
    /// The path has a `#`.
    Fragment,
    /// The path has a control character or a space, plain or encoded.
    ControlCharacter,
    /// The path has a raw byte over 0x7F.
    NonAscii,
    /// The path has a percent sign without two hex digits.
    BrokenEscape,
    /// The path has escapes that decoders read differently: escaped twice, or not UTF-8.
    AmbiguousEscape,
    /// Folding the case of the path, or decoding an escape that it could do without, would bring it to another pattern.
    CaseAmbiguous,
    /// A lax backend could take the path for one that needs more: see `policy::readings`.
    LaxReading,
    /// The host is not one valid name or IP literal.
    Host,
    /// The method is not a token (RFC 9110 section 9.1) or too long, or the query asks for another one.
    Method,
    /// The method is CONNECT, and no rule names it.
    Connect,
}

impl DenyReason {
    /// The stable code for logs, metadata and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::UnsupportedScheme => "unsupported_scheme",
            Self::MalformedCredentials => "malformed_credentials",
            Self::SeveralCredentials => "several_credentials",
            Self::OverlongCredentials => "overlong_credentials",
            Self::Token(fault) => fault.code(),
            Self::IssuerNotAdmitted => "issuer_not_admitted",
            Self::AudienceNotAdmitted => "audience_not_admitted",
            Self::InsufficientScope => "insufficient_scope",
            Self::ClaimRule => "claim_rule",
            Self::NoRoute => "no_route",
            Self::MethodNotAdmitted => "method_not_admitted",
            Self::UnknownPolicy => "unknown_policy",
            Self::Request(fault) => fault.code(),
            Self::KeysUnavailable => "keys_unavailable",
            Self::Overloaded => "overloaded",
            Self::Internal => "internal",
        }
    }
}

impl TokenFault {
    const fn code(self) -> &'static str {
        match self {
            Self::Opaque => "token_opaque",
            Self::Encrypted => "token_encrypted",
            Self::Malformed => "token_malformed",
            Self::AlgorithmNotAllowed => "token_algorithm_not_allowed",
            Self::CriticalHeader => "token_critical_header",
            Self::TypeNotAllowed => "token_type_not_allowed",
            Self::UnknownIssuer => "token_unknown_issuer",
            Self::UnknownKey => "token_unknown_key",
            Self::AmbiguousKey => "token_ambiguous_key",
            Self::BadSignature => "token_bad_signature",
            Self::MalformedClaims => "token_malformed_claims",
            Self::WrongAudience => "token_wrong_audience",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::IssuedInFuture => "token_issued_in_future",
            Self::TooOld => "token_too_old",
            Self::NotAnAccessToken => "token_not_an_access_token",
            Self::Bound => "token_bound",
            Self::ClientNotAllowed => "token_client_not_allowed",
            Self::ClaimRule => "token_claim_rule",
        }
    }
}

impl RequestFault {
    const fn code(self) -> &'static str {
        match self {
            Self::NoHttpRequest => "request_no_http",
            Self::TooLarge => "request_too_large",
            Self::PathNotAbsolute => "request_path_not_absolute",
            Self::PathTooLong => "request_path_too_long",
            Self::EmptySegment => "request_empty_segment",
            Self::DotSegment => "request_dot_segment",
            Self::EncodedSlash => "request_encoded_slash",
            Self::PathParameter => "request_path_parameter",
            Self::Fragment => "request_fragment",
            Self::ControlCharacter => "request_control_character",
            Self::NonAscii => "request_non_ascii",
            Self::BrokenEscape => "request_broken_escape",
            Self::AmbiguousEscape => "request_ambiguous_escape",
            Self::CaseAmbiguous => "request_case_ambiguous",
            Self::LaxReading => "request_lax_reading",
            Self::Host => "request_host",
            Self::Method => "request_method",
            Self::Connect => "request_connect",
        }
    }
}

/// Those that stand alone.
const PLAIN: [DenyReason; 15] = [
    DenyReason::NoCredentials,
    DenyReason::UnsupportedScheme,
    DenyReason::MalformedCredentials,
    DenyReason::SeveralCredentials,
    DenyReason::OverlongCredentials,
    DenyReason::IssuerNotAdmitted,
    DenyReason::AudienceNotAdmitted,
    DenyReason::InsufficientScope,
    DenyReason::ClaimRule,
    DenyReason::NoRoute,
    DenyReason::MethodNotAdmitted,
    DenyReason::UnknownPolicy,
    DenyReason::KeysUnavailable,
    DenyReason::Overloaded,
    DenyReason::Internal,
];

const TOKEN_FAULTS: [TokenFault; 20] = [
    TokenFault::Opaque,
    TokenFault::Encrypted,
    TokenFault::Malformed,
    TokenFault::AlgorithmNotAllowed,
    TokenFault::CriticalHeader,
    TokenFault::TypeNotAllowed,
    TokenFault::UnknownIssuer,
    TokenFault::UnknownKey,
    TokenFault::AmbiguousKey,
    TokenFault::BadSignature,
    TokenFault::MalformedClaims,
    TokenFault::WrongAudience,
    TokenFault::Expired,
    TokenFault::NotYetValid,
    TokenFault::IssuedInFuture,
    TokenFault::TooOld,
    TokenFault::NotAnAccessToken,
    TokenFault::Bound,
    TokenFault::ClientNotAllowed,
    TokenFault::ClaimRule,
];

const REQUEST_FAULTS: [RequestFault; 18] = [
    RequestFault::NoHttpRequest,
    RequestFault::TooLarge,
    RequestFault::PathNotAbsolute,
    RequestFault::PathTooLong,
    RequestFault::EmptySegment,
    RequestFault::DotSegment,
    RequestFault::EncodedSlash,
    RequestFault::PathParameter,
    RequestFault::Fragment,
    RequestFault::ControlCharacter,
    RequestFault::NonAscii,
    RequestFault::BrokenEscape,
    RequestFault::AmbiguousEscape,
    RequestFault::CaseAmbiguous,
    RequestFault::LaxReading,
    RequestFault::Host,
    RequestFault::Method,
    RequestFault::Connect,
];

impl DenyReason {
    /// Every reason there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let tokens = TOKEN_FAULTS.into_iter().map(Self::Token);
        PLAIN.into_iter().chain(tokens).chain(REQUEST_FAULTS.into_iter().map(Self::Request))
    }

    /// How many reasons there are.
    pub const COUNT: usize = PLAIN.len() + TOKEN_FAULTS.len() + REQUEST_FAULTS.len();

    /// Returns whether an issuer or this service is in trouble, and not the client in the wrong.
    #[must_use]
    pub const fn is_our_trouble(self) -> bool {
        matches!(self, Self::KeysUnavailable | Self::Overloaded | Self::Internal)
    }

    /// Its place in [`Self::all`], for tables by reason.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::NoCredentials => 0,
            Self::UnsupportedScheme => 1,
            Self::MalformedCredentials => 2,
            Self::SeveralCredentials => 3,
            Self::OverlongCredentials => 4,
            Self::IssuerNotAdmitted => 5,
            Self::AudienceNotAdmitted => 6,
            Self::InsufficientScope => 7,
            Self::ClaimRule => 8,
            Self::NoRoute => 9,
            Self::MethodNotAdmitted => 10,
            Self::UnknownPolicy => 11,
            Self::KeysUnavailable => 12,
            Self::Overloaded => 13,
            Self::Internal => 14,
            Self::Token(fault) => PLAIN.len() + fault as usize,
            Self::Request(fault) => PLAIN.len() + TOKEN_FAULTS.len() + fault as usize,
        }
    }

    /// The reason with that code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().find(|reason| reason.code() == code)
    }
}

impl From<TokenFault> for DenyReason {
    fn from(fault: TokenFault) -> Self {
        Self::Token(fault)
    }
}

impl From<RequestFault> for DenyReason {
    fn from(fault: RequestFault) -> Self {
        Self::Request(fault)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_is_listed_and_its_code_leads_back() {
        let all: Vec<DenyReason> = DenyReason::all().collect();
        for reason in &all {
            assert_eq!(DenyReason::from_code(reason.code()), Some(*reason));
        }
        assert_eq!(all.iter().map(|reason| reason.code()).collect::<HashSet<_>>().len(), all.len());
        // Each has one line of its own in the matches above.
        let source = include_str!("mod.rs").split("impl From<TokenFault>").next().unwrap();
        assert_eq!(source.matches(" => \"").count(), all.len(), "a reason is missing in the lists of this file");
        assert_eq!(DenyReason::from_code("ok"), None);
    }

    #[test]
    fn every_reason_has_its_place() {
        let places = DenyReason::all().map(DenyReason::index);
        assert!(places.eq(0..DenyReason::COUNT), "{:?}", DenyReason::all().map(DenyReason::index).collect::<Vec<_>>());
    }
}
