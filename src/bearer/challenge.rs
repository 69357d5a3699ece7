//! THE table: what each reason for a denial looks like on the wire.
//!
//! One exhaustive `match` without `_`: a new reason does not compile until somebody decides its answer. Texts are
//! fixed. Nothing out of a token or a request is ever copied into a header; the one variable is `scope`, which comes
//! from the configuration (RFC 6750 section 3).
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

use crate::{
    policy::scope::ScopeRequirement,
    reason::{DenyReason, RequestFault, TokenFault},
};

/// The HTTP half of a denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// HTTP status: 400 or above.
    pub status: Status,
    /// Short title of the problem (RFC 9457).
    pub title: &'static str,
    /// A sentence for people.
    pub detail: &'static str,
    /// `error` code of RFC 6750 section 3.1, if the answer has one.
    pub error: Option<&'static str>,
    /// The `www-authenticate` header, if the answer has one.
    pub www_authenticate: Option<String>,
    /// Whether that header goes on to name the scopes that the rule asks for, where they are known: [`scope_attribute`].
    pub names_scope: bool,
}

/// HTTP statuses of denials, with the gRPC code of each. There is no way to write an allow with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 400
    BadRequest,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// 500
    InternalServerError,
    /// 503
    ServiceUnavailable,
}

impl Status {
    /// The HTTP status code.
    #[must_use]
    pub const fn http(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::InternalServerError => 500,
            Self::ServiceUnavailable => 503,
        }
    }

    /// The `google.rpc.Code`. Never 0, which Envoy reads as an allow.
    #[must_use]
    pub const fn grpc(self) -> u8 {
        match self {
            Self::BadRequest => 3,
            Self::Unauthorized => 16,
            Self::Forbidden => 7,
            Self::InternalServerError => 13,
            Self::ServiceUnavailable => 14,
        }
    }
}

/// The answer to a denial. `needed` are the scopes that the rule asks for, if the rule is known.
#[must_use]
pub fn answer(reason: DenyReason, needed: Option<&ScopeRequirement>) -> Challenge {
    let mut answer = fixed(reason);
    if let (true, Some(header), Some(needed)) = (answer.names_scope, &mut answer.www_authenticate, needed) {
        header.push_str(&scope_attribute(needed));
    }
    answer
}

/// What a challenge that names scopes ends with.
#[must_use]
pub fn scope_attribute(needed: &ScopeRequirement) -> String {
    // A scope-token has no `"` and no `\`, so it needs no quoting.
    format!(r#", scope="{}""#, needed.to_scope_string())
}

/// The answer to a denial but for the scopes that the rule asks for: what depends on nothing but the reason.
#[must_use]
pub fn fixed(reason: DenyReason) -> Challenge {
    match reason {
        DenyReason::NoCredentials | DenyReason::UnsupportedScheme => Challenge {
            status: Status::Unauthorized,
            title: "Unauthorized",
            detail: "a bearer access token is required",
            error: None,
            // RFC 6750 section 3.1: no error code when the request has no authentication information.
            www_authenticate: Some(r#"Bearer realm="api""#.to_owned()),
            names_scope: false,
        },
        DenyReason::MalformedCredentials => invalid_request("the credentials are not one bearer token"),
        DenyReason::SeveralCredentials => invalid_request("more than one set of credentials was sent"),
        DenyReason::OverlongCredentials => invalid_request("the access token is too long"),
        DenyReason::Token(fault) => invalid_token(describe_token(fault)),
        // Another token would do: one of another issuer, or for another audience (RFC 6750 section 3.1).
        DenyReason::IssuerNotAdmitted => invalid_token("the issuer is not trusted here"),
        DenyReason::AudienceNotAdmitted => invalid_token("the access token is for another audience"),
        DenyReason::InsufficientScope => {
            Challenge { names_scope: true, ..insufficient_scope("the access token lacks scope") }
        }
        DenyReason::ClaimRule => insufficient_scope("a claim of the access token does not permit this"),
        DenyReason::NoRoute => forbidden("no rule opens this path"),
        DenyReason::MethodNotAdmitted => forbidden("no rule opens this path for this method"),
        DenyReason::UnknownPolicy => forbidden("the proxy chose a policy that does not exist"),
        DenyReason::Request(fault) => bad_request(describe_request(fault)),
        DenyReason::KeysUnavailable => without_challenge(
            Status::ServiceUnavailable,
            "Service Unavailable",
            "the keys to verify the access token are not available at the moment",
        ),
        DenyReason::Overloaded => without_challenge(
            Status::ServiceUnavailable,
            "Service Unavailable",
            "the authorizer has too much to do at the moment",
        ),
        DenyReason::Internal => {
            without_challenge(Status::InternalServerError, "Internal Server Error", "the authorizer failed")
        }
    }
}

fn challenge(status: Status, title: &'static str, error: &'static str, detail: &'static str) -> Challenge {
    let header = format!(r#"Bearer realm="api", error="{error}", error_description="{detail}""#);
    Challenge { status, title, detail, error: Some(error), www_authenticate: Some(header), names_scope: false }
}

fn invalid_request(detail: &'static str) -> Challenge {
    challenge(Status::BadRequest, "Bad Request", "invalid_request", detail)
}

fn invalid_token(detail: &'static str) -> Challenge {
    challenge(Status::Unauthorized, "Unauthorized", "invalid_token", detail)
}

fn insufficient_scope(detail: &'static str) -> Challenge {
    challenge(Status::Forbidden, "Forbidden", "insufficient_scope", detail)
}

const fn forbidden(detail: &'static str) -> Challenge {
    // No challenge: no token would help.
    without_challenge(Status::Forbidden, "Forbidden", detail)
}

const fn bad_request(detail: &'static str) -> Challenge {
    without_challenge(Status::BadRequest, "Bad Request", detail)
}

const fn without_challenge(status: Status, title: &'static str, detail: &'static str) -> Challenge {
    Challenge { status, title, detail, error: None, www_authenticate: None, names_scope: false }
}

const fn describe_token(fault: TokenFault) -> &'static str {
    match fault {
        TokenFault::Opaque => "the access token is not a JWT",
        TokenFault::Encrypted => "the access token is encrypted",
        TokenFault::Malformed => "the access token is malformed",
        TokenFault::AlgorithmNotAllowed => "the signature algorithm is not allowed",
        TokenFault::CriticalHeader => "the access token has a critical header that is not understood",
        TokenFault::TypeNotAllowed => "the type of the access token is not allowed",
        TokenFault::UnknownIssuer => "the issuer is not trusted",
        TokenFault::UnknownKey => "the signing key is unknown",
        TokenFault::AmbiguousKey => "more than one signing key fits",
        TokenFault::BadSignature => "the signature is invalid",
        TokenFault::MalformedClaims => "a required claim is missing or malformed",
        TokenFault::WrongAudience => "the audience is wrong",
        TokenFault::Expired => "the access token expired",
        TokenFault::NotYetValid => "the access token is not valid yet",
        TokenFault::IssuedInFuture => "the access token was issued in the future",
        TokenFault::TooOld => "the access token is too old",
        TokenFault::NotAnAccessToken => "the token is not an access token",
        TokenFault::Bound => "the access token is bound to a key or certificate and can't be used as a bearer token",
        TokenFault::ClientNotAllowed => "the client is not allowed",
        TokenFault::ClaimRule => "a claim of the access token is not accepted",
    }
}

const fn describe_request(fault: RequestFault) -> &'static str {
    match fault {
        RequestFault::NoHttpRequest => "there is no readable request",
        RequestFault::TooLarge => "the request is too large",
        RequestFault::PathNotAbsolute => "the path is not absolute",
        RequestFault::PathTooLong => "the path is too long",
        RequestFault::EmptySegment => "the path has an empty segment",
        RequestFault::DotSegment => "the path has a dot segment",
        RequestFault::EncodedSlash => "the path has an encoded slash or a backslash",
        RequestFault::PathParameter => "the path has a parameter",
        RequestFault::Fragment => "the path has a fragment",
        RequestFault::ControlCharacter => "the path has a control character or a space",
        RequestFault::NonAscii => "the path has a byte that is not ASCII",
        RequestFault::BrokenEscape => "the path has a broken percent-escape",
        RequestFault::CaseAmbiguous => "the case of the path or one of its escapes is ambiguous",
        RequestFault::LaxReading => "the path can be read in two ways",
        RequestFault::AmbiguousEscape => "the path has an escape that can be read in two ways",
        RequestFault::Connect => "no rule opens CONNECT",
        RequestFault::Host => "the host is not one valid name, or its port or trailing dot makes a difference",
        RequestFault::Method => "the method is not a valid name, or the query names another one",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::scope::Scope;

    fn header(reason: DenyReason) -> Option<String> {
        answer(reason, None).www_authenticate
    }

    #[test]
    fn without_credentials_the_challenge_has_no_error_code() {
        for reason in [DenyReason::NoCredentials, DenyReason::UnsupportedScheme] {
            let got = answer(reason, None);
            assert_eq!((got.status.http(), got.status.grpc()), (401, 16));
            assert_eq!(got.www_authenticate.as_deref(), Some(r#"Bearer realm="api""#));
            assert_eq!(got.error, None);
        }
    }

    #[test]
    fn insufficient_scope_names_what_the_route_needs() {
        let needed = ScopeRequirement { all: vec![Scope::parse("read:messages").unwrap().into()], any: vec![] };
        let got = answer(DenyReason::InsufficientScope, Some(&needed));
        assert_eq!((got.status.http(), got.status.grpc()), (403, 7));
        assert_eq!(
            got.www_authenticate.unwrap(),
            r#"Bearer realm="api", error="insufficient_scope", error_description="the access token lacks scope", scope="read:messages""#
        );
    }

    #[test]
    fn a_claim_rule_is_insufficient_scope_without_scope() {
        let got = header(DenyReason::ClaimRule).unwrap();
        assert!(got.contains(r#"error="insufficient_scope""#) && !got.contains("scope=\""), "{got}");
    }

    #[test]
    fn statuses_of_the_table() {
        let cases = [
            (DenyReason::MalformedCredentials, 400, 3, Some("invalid_request")),
            (DenyReason::SeveralCredentials, 400, 3, Some("invalid_request")),
            (DenyReason::OverlongCredentials, 400, 3, Some("invalid_request")),
            (TokenFault::Expired.into(), 401, 16, Some("invalid_token")),
            (TokenFault::Opaque.into(), 401, 16, Some("invalid_token")),
            (TokenFault::Encrypted.into(), 401, 16, Some("invalid_token")),
            (DenyReason::IssuerNotAdmitted, 401, 16, Some("invalid_token")),
            (DenyReason::AudienceNotAdmitted, 401, 16, Some("invalid_token")),
            (DenyReason::InsufficientScope, 403, 7, Some("insufficient_scope")),
            (DenyReason::ClaimRule, 403, 7, Some("insufficient_scope")),
            (DenyReason::NoRoute, 403, 7, None),
            (DenyReason::UnknownPolicy, 403, 7, None),
            (DenyReason::MethodNotAdmitted, 403, 7, None),
            (RequestFault::DotSegment.into(), 400, 3, None),
            (DenyReason::KeysUnavailable, 503, 14, None),
            (DenyReason::Overloaded, 503, 14, None),
            (DenyReason::Internal, 500, 13, None),
        ];
        for (reason, http, grpc, error) in cases {
            let got = answer(reason, None);
            assert_eq!((got.status.http(), got.status.grpc(), got.error), (http, grpc, error), "{reason:?}");
            assert_eq!(got.www_authenticate.is_some(), error.is_some(), "{reason:?}");
        }
    }

    #[test]
    fn every_fault_of_a_token_has_a_description_of_its_own() {
        let faults = DenyReason::all()
            .filter_map(|reason| if let DenyReason::Token(fault) = reason { Some(fault) } else { None });
        let mut seen = std::collections::HashSet::new();
        for fault in faults {
            let text = describe_token(fault);
            // RFC 6750 section 3: error_description is of %x20-21 / %x23-5B / %x5D-7E.
            assert!(text.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{text}");
            assert!(text.len() > 10 && seen.insert(text), "{text}");
            let wanted = format!(r#"Bearer realm="api", error="invalid_token", error_description="{text}""#);
            assert_eq!(header(fault.into()), Some(wanted));
        }
        assert_eq!(describe_token(TokenFault::Expired), "the access token expired");
    }

    #[test]
    fn requests_that_are_refused_are_described() {
        let faults = [RequestFault::DotSegment, RequestFault::Host, RequestFault::TooLarge, RequestFault::Connect];
        let texts: std::collections::HashSet<_> = faults.map(|fault| answer(fault.into(), None).detail).into();
        assert_eq!(texts.len(), faults.len());
        assert!(texts.contains("the path has a dot segment"), "{texts:?}");
    }
}
