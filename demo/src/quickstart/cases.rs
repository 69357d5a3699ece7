//! The quickstart's requests and what must come of each. Data only: sending is the runner's business, comparing is
//! [`mod@super::judge`]'s.

use super::tokens::Tokens;

/// One request and its expected answer.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) path: &'static str,
    /// What the token is, for people.
    pub(super) credentials: &'static str,
    pub(super) token: Option<String>,
    /// Other headers of the request.
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) expect: Expect,
}

/// The answer that must come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expect {
    pub(super) status: u16,
    pub(super) challenge: Challenge,
    pub(super) upstream: Upstream,
}

/// The `WWW-Authenticate` header that must come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Challenge {
    Absent,
    Exactly(&'static str),
    /// A Bearer challenge with all these parameters, as they are written.
    With(&'static [&'static str]),
}

/// What the upstream must have seen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Upstream {
    /// Nothing: the request never reached it.
    Nothing,
    /// The request, without any identity.
    Nobody,
    /// The request, with this in `x-auth-subject`, and no other spelling of that header.
    Subject(&'static str),
}

/// The subject of the tokens.
pub(super) const SUBJECT: &str = "demo-client";
/// Headers of a client that pretends to be another one, in spellings that a backend could fold into one. Those with `_`
/// Envoy refuses by itself.
const INTRUDER: &[(&str, &str)] =
    &[("x-auth-subject", "intruder"), ("x.auth.subject", "intruder"), ("x-auth~subject", "intruder")];

const OPEN: Expect = Expect { status: 200, challenge: Challenge::Absent, upstream: Upstream::Nobody };
const KNOWN: Expect = Expect { status: 200, challenge: Challenge::Absent, upstream: Upstream::Subject(SUBJECT) };
const NO_CREDENTIALS: Expect =
    Expect { status: 401, challenge: Challenge::Exactly(r#"Bearer realm="api""#), upstream: Upstream::Nothing };
const REFUSED: Expect = Expect {
    status: 401,
    challenge: Challenge::With(&[r#"realm="api""#, r#"error="invalid_token""#]),
    upstream: Upstream::Nothing,
};
const TOO_LITTLE: Expect = Expect {
    status: 403,
    challenge: Challenge::With(&[r#"realm="api""#, r#"error="insufficient_scope""#, r#"scope="read:messages""#]),
    upstream: Upstream::Nothing,
};
const NO_ROUTE: Expect = Expect { status: 403, challenge: Challenge::Absent, upstream: Upstream::Nothing };

const PUBLIC: &str = "/api/public";
const PRIVATE: &str = "/api/private";
const SCOPED: &str = "/api/private-scoped";

/// The list, in the order in which it is shown.
pub(super) fn cases(tokens: Tokens) -> Vec<Case> {
    let case = |path, credentials, token, expect| Case { path, credentials, token, headers: &[], expect };
    let plain = || Some(tokens.plain.clone());
    vec![
        case(PUBLIC, "no token", None, OPEN),
        case(PRIVATE, "no token", None, NO_CREDENTIALS),
        case(PRIVATE, "a token", plain(), KNOWN),
        case(SCOPED, "no token", None, NO_CREDENTIALS),
        case(SCOPED, "a token without scope", plain(), TOO_LITTLE),
        case(SCOPED, "scope write:messages", Some(tokens.other_scope), TOO_LITTLE),
        case(SCOPED, "scope read:messages", Some(tokens.scoped), KNOWN),
        case(PRIVATE, "a token, PS256", Some(tokens.ps256), KNOWN),
        case(PRIVATE, "a token, ES256", Some(tokens.es256), KNOWN),
        case(PRIVATE, "a token, EdDSA", Some(tokens.eddsa), KNOWN),
        case(PRIVATE, "an expired token", Some(tokens.expired), REFUSED),
        case(PRIVATE, "a tampered token", Some(tokens.tampered), REFUSED),
        case(PRIVATE, "forged with another key", Some(tokens.forged), REFUSED),
        case(PRIVATE, "unsigned, alg none", Some(tokens.unsigned), REFUSED),
        case(PRIVATE, "for another audience", Some(tokens.other_audience), REFUSED),
        Case { headers: INTRUDER, ..case(PUBLIC, "no token, x-auth-subject: intruder", None, OPEN) },
        Case { headers: INTRUDER, ..case(PRIVATE, "a token, x-auth-subject: intruder", plain(), KNOWN) },
        case("/api/unknown", "no token", None, NO_ROUTE),
        case("/api/unknown", "a token", plain(), NO_ROUTE),
    ]
}
