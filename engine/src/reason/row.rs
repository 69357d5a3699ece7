//! A row of the table of reasons.

use super::{challenge_kind::ChallengeKind, status::Status};

/// Everything that is fixed about a reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The stable name of the reason.
    pub(super) code: &'static str,
    /// The HTTP status of the denial, with its gRPC code.
    pub(super) status: Status,
    /// The kind of challenge that the denial has.
    pub(super) challenge: ChallengeKind,
    /// The text that the client gets.
    pub(super) detail: &'static str,
    /// The text that tells the operator what to do.
    pub(super) remedy: &'static str,
    /// The rule of the canonical form that a path breaks.
    pub(super) rule: Option<&'static str>,
    /// The party whose failure it is.
    pub(super) party: Party,
}

/// The party whose failure a denial comes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The client sent a request that is not allowed.
    Client,
    /// The issuer does not give its keys.
    Issuer,
    /// Portcullis itself can't answer, whichever rule the request falls under.
    Service,
}

impl Row {
    /// Makes the row of a reason for which the client is to blame.
    pub(super) const fn new(
        code: &'static str,
        status: Status,
        challenge: ChallengeKind,
        detail: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self { code, status, challenge, detail, remedy, rule: None, party: Party::Client }
    }

    /// Says which rule of the canonical form a path breaks.
    pub(super) const fn with_rule(self, rule: &'static str) -> Self {
        Self { rule: Some(rule), ..self }
    }

    /// Says whose failure it is.
    pub(super) const fn with_party(self, party: Party) -> Self {
        Self { party, ..self }
    }
}
