//! The reasons why requests are denied: a closed list, in one table (`table.rs`) with a row for each.
//!
//! The table says what is fixed about a reason: its code, its answer, and what the operator can do. Nothing that a client sent
//! comes back through it.

mod challenge_kind;
mod reasons_macro;
mod row;
mod status;
mod table;

pub use self::{
    challenge_kind::ChallengeKind,
    row::Party,
    status::Status,
    table::{DenyReason, RequestFault, TokenFault},
};

impl DenyReason {
    /// Every reason, in the order of [`Self::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied()
    }

    /// The reason with that code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().find(|reason| reason.code() == code)
    }

    /// The stable code for logs, metadata and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The HTTP status of the denial, with its gRPC code.
    #[must_use]
    pub const fn status(self) -> Status {
        self.row().status
    }

    /// The kind of challenge that the denial has.
    #[must_use]
    pub const fn challenge(self) -> ChallengeKind {
        self.row().challenge
    }

    /// The text that the client gets.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        self.row().detail
    }

    /// The text that tells the operator what to do, as far as it does not depend on the case at hand.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        self.row().remedy
    }

    /// The rule of the canonical form that the path breaks, if the reason is about one and the rule is fixed.
    #[must_use]
    pub const fn path_rule(self) -> Option<&'static str> {
        self.row().rule
    }

    /// The party whose failure the denial comes of.
    #[must_use]
    pub const fn party(self) -> Party {
        self.row().party
    }

    /// Returns whether an issuer or this service is in trouble, and not the client in the wrong.
    #[must_use]
    pub const fn is_our_trouble(self) -> bool {
        !matches!(self.party(), Party::Client)
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
        assert_eq!(DenyReason::from_code("ok"), None);
    }

    #[test]
    fn every_reason_has_its_place() {
        let places: Vec<usize> = DenyReason::all().map(DenyReason::index).collect();
        assert_eq!(places, (0..places.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_code_says_which_group_its_reason_is_of() {
        for reason in DenyReason::all() {
            let group = match reason {
                DenyReason::Token(_) => "token_",
                DenyReason::Request(_) => "request_",
                _ => "",
            };
            let rest = reason.code().strip_prefix(group).unwrap_or_else(|| panic!("{reason:?}"));
            assert!(
                rest.split('_').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase())),
                "{rest}"
            );
        }
    }

    #[test]
    fn an_error_code_comes_with_its_status() {
        for reason in DenyReason::all() {
            // RFC 6750 section 3.1.
            let status = match reason.challenge() {
                ChallengeKind::Absent => continue,
                ChallengeKind::InvalidRequest => Status::BAD_REQUEST,
                ChallengeKind::WithoutError | ChallengeKind::InvalidToken => Status::UNAUTHORIZED,
                ChallengeKind::InsufficientScope | ChallengeKind::InsufficientClaims => Status::FORBIDDEN,
            };
            assert_eq!(reason.status(), status, "{reason:?}");
        }
    }

    #[test]
    fn every_fault_of_a_token_or_a_request_has_the_answer_of_its_group() {
        for reason in DenyReason::all() {
            let wanted = match reason {
                DenyReason::Token(_) => (Status::UNAUTHORIZED, ChallengeKind::InvalidToken),
                DenyReason::Request(_) => (Status::BAD_REQUEST, ChallengeKind::Absent),
                _ => continue,
            };
            assert_eq!((reason.status(), reason.challenge()), wanted, "{reason:?}");
        }
    }

    #[test]
    fn details_and_remedies_are_said_in_words() {
        for reason in DenyReason::all() {
            let detail = reason.detail();
            // RFC 6750 section 3: error_description is of %x20-21 / %x23-5B / %x5D-7E.
            assert!(detail.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{detail}");
            for text in [Some(detail), Some(reason.remedy()), reason.path_rule()].into_iter().flatten() {
                assert!(
                    text.len() > 3 && !text.ends_with('.') && text.trim() == text && !text.contains("  "),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_status_of_the_server_is_not_the_clients_fault() {
        for reason in DenyReason::all() {
            assert_eq!(reason.is_our_trouble(), reason.status().http() >= 500, "{reason:?}");
        }
    }
}
