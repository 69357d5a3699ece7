//! The report of a decision to observers.

use std::{fmt, time::Duration};

use crate::{
    client_text::ClientText,
    ext_authz::{decode::attributes::Attributes, queue::QueueTimes},
};
use portcullis_engine::{
    authorizer::Decision,
    jwt::{evidence::Evidence, verified_token::VerifiedToken},
    oauth::credentials::Credentials,
    policy::rule::RuleId,
    token_cache::cached_verifier::CachedVerifier,
};

/// A decision, as far as it may be known outside.
///
/// SECURITY: what the client sent comes out of here as [`ClientText`] only, and its credentials not at all. What takes time to
/// find is found when it is asked for: most decisions are only counted.
pub struct Decided<'a> {
    /// `ok`, or the code of the denial.
    pub reason: &'static str,
    /// The request was allowed.
    pub allowed: bool,
    /// The denial is our trouble, not the client's.
    pub our_trouble: bool,
    /// The rule that decided.
    pub rule: Option<&'a RuleId>,
    /// The time from reading the Check until its thread began to decide it.
    pub queued: Duration,
    /// The time from reading the Check to its answer, waiting for its thread and for keys included.
    pub took: Duration,
    pub(super) message: Message<'a>,
    pub(super) decision: &'a Decision,
    pub(super) verifier: &'a CachedVerifier,
}

/// The message of a Check.
#[derive(Clone, Copy)]
pub(super) enum Message<'a> {
    /// A message that was decoded in order to decide.
    Decoded(&'a Attributes<'a>),
    /// A message that there was no time for.
    Unread(&'a [u8]),
}

/// The texts of a request, as far as they may be shown, and Envoy's id of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestTexts<'a> {
    /// The method as sent.
    pub method: Option<ClientText<'a>>,
    /// The host as sent.
    pub host: Option<ClientText<'a>>,
    /// The path as sent, without its query.
    pub path: Option<ClientText<'a>>,
    /// Envoy's request id, if it is harmless.
    pub request_id: Option<&'a str>,
}

impl<'a> Decided<'a> {
    pub(super) fn new(
        message: Message<'a>,
        decision: &'a Decision,
        verifier: &'a CachedVerifier,
        times: QueueTimes,
    ) -> Self {
        let (reason, our_trouble, rule) = match decision {
            Decision::Allow(permit) => ("ok", false, Some(permit.rule())),
            Decision::Deny(denial) => (denial.reason.code(), denial.reason.is_our_trouble(), denial.rule.as_ref()),
        };
        let allowed = matches!(decision, Decision::Allow(_));
        let (queued, took) = (times.queued(), times.arrived.elapsed());
        Self { reason, allowed, our_trouble, rule, queued, took, message, decision, verifier }
    }

    /// The issuer of a verified token, or the configured one whose keys could not be had. That of a token which was refused
    /// for what is behind its signature is in [`Self::evidence`].
    #[must_use]
    pub fn issuer(&self) -> Option<&'a str> {
        match self.decision {
            Decision::Allow(permit) => permit.token().map(|token| token.issuer()),
            Decision::Deny(denial) => {
                denial.token.as_ref().map(|token| token.issuer()).or(denial.without_keys_of.as_deref())
            }
        }
    }

    /// Returns the texts of the request.
    #[must_use]
    pub fn request(&self) -> RequestTexts<'a> {
        let texts = |attributes: &Attributes<'a>| RequestTexts {
            method: ClientText::new(attributes.method()),
            host: ClientText::host(attributes.host()),
            path: ClientText::path(attributes.path()),
            request_id: attributes.request_id(),
        };
        match self.message {
            Message::Decoded(attributes) => texts(attributes),
            Message::Unread(message) => Attributes::decode(message).as_ref().map(texts).unwrap_or_default(),
        }
    }

    /// Returns what may be said about the token: the client that it was given to, where that is certain, and digests of what
    /// was found in place of what is expected.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let of =
            |token: &VerifiedToken| Evidence { client_id: token.client_id().map(str::to_owned), ..Evidence::default() };
        match (self.decision, self.message) {
            (Decision::Allow(permit), _) => permit.token().map(of).unwrap_or_default(),
            (Decision::Deny(denial), Message::Decoded(attributes)) => {
                let found = match Credentials::parse(attributes.values("authorization")) {
                    Ok(Credentials::Bearer(token)) => self.verifier.evidence(token, denial.reason),
                    Ok(Credentials::None | Credentials::OtherScheme) | Err(_) => Evidence::default(),
                };
                let verified = denial.token.as_deref().map(of).unwrap_or_default();
                Evidence { client_id: verified.client_id.or(found.client_id), ..found }
            }
            (Decision::Deny(_), Message::Unread(_)) => Evidence::default(),
        }
    }
}

impl fmt::Debug for Decided<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decided")
            .field("reason", &self.reason)
            .field("rule", &self.rule)
            .field("issuer", &self.issuer())
            .field("request", &self.request())
            .field("evidence", &self.evidence())
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}
