//! Challenges: what a denial looks like in HTTP (RFC 6750 section 3).
//!
//! The table of reasons says what is fixed. Nothing out of a token or a request is ever copied into a header; the one
//! variable is `scope`, which comes from the configuration.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

use crate::{
    oauth::scope::ScopeRequirement,
    reason::{ChallengeKind, DenyReason, Status},
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
    let (kind, status, detail) = (reason.challenge(), reason.status(), reason.detail());
    let error = kind.error();
    let www_authenticate = match (kind, error) {
        (ChallengeKind::Absent, _) => None,
        (_, None) => Some(r#"Bearer realm="api""#.to_owned()),
        (_, Some(error)) => Some(format!(r#"Bearer realm="api", error="{error}", error_description="{detail}""#)),
    };
    let names_scope = kind == ChallengeKind::InsufficientScope;
    Challenge { status, title: status.title(), detail, error, www_authenticate, names_scope }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        oauth::scope::Scope,
        reason::{RequestFault, TokenFault},
    };

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
            let text = DenyReason::from(fault).detail();
            // RFC 6750 section 3: error_description is of %x20-21 / %x23-5B / %x5D-7E.
            assert!(text.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{text}");
            assert!(text.len() > 10 && seen.insert(text), "{text}");
            let wanted = format!(r#"Bearer realm="api", error="invalid_token", error_description="{text}""#);
            assert_eq!(header(fault.into()), Some(wanted));
        }
        assert_eq!(DenyReason::from(TokenFault::Expired).detail(), "the access token expired");
    }

    #[test]
    fn requests_that_are_refused_are_described() {
        let faults = [RequestFault::DotSegment, RequestFault::Host, RequestFault::TooLarge, RequestFault::Connect];
        let texts: std::collections::HashSet<_> = faults.map(|fault| answer(fault.into(), None).detail).into();
        assert_eq!(texts.len(), faults.len());
        assert!(texts.contains("the path has a dot segment"), "{texts:?}");
    }
}
