//! One call of `Check`: decode, decide, answer. Always an answer: a request's problem is a denial in the message, never
//! a gRPC error, which Envoy may be configured to take for an allow.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status};

use super::{
    attributes::Attributes,
    deadline,
    proto::service::authorization_server::Authorization,
    response::{self, Answer, Replies},
};
use crate::{
    authorizer::{Authorizer, Decision, Denial, Outcome, RequestAttributes},
    clock::Clock,
    decision::{DenyReason, RequestFault},
    jwks::key_store::{KeyStore, MissAnswer},
    limits,
    policy::{
        route::RequestTarget,
        rule::{Permit, RuleId},
    },
};

/// Hears of decisions: logs and metrics.
pub trait Observer: Send + Sync + 'static {
    /// A request was decided.
    fn decided(&self, decided: &Decided<'_>);

    /// A connection could not be accepted.
    fn accept_failed(&self, error: &io::Error);
}

/// What may be known of a decision outside.
#[derive(Debug)]
pub struct Decided<'a> {
    /// `ok`, or the code of the denial.
    pub reason: &'static str,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Whether the denial is our trouble, not the client's.
    pub our_trouble: bool,
    /// The rule that decided.
    pub rule: Option<&'a RuleId>,
    /// The issuer of a verified token.
    pub issuer: Option<&'a str>,
    /// The method, if it is valid.
    pub method: Option<&'a str>,
    /// The canonical path, without query, if there is one.
    pub path: Option<&'a str>,
    /// Envoy's request id, if it is harmless.
    pub request_id: Option<&'a str>,
    /// How long it took, waiting for keys included.
    pub took: Duration,
}

/// What a Check needs: one configuration, whole. A reload makes another one; nothing of this one changes.
pub struct Engine {
    /// Which configuration it is: a digest of the file, or of nothing.
    pub revision: Arc<str>,
    /// Decides.
    pub authorizer: Authorizer,
    /// Has the keys.
    pub keys: Arc<KeyStore>,
    /// Makes the answers.
    pub replies: Replies,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Listens.
    pub observer: Arc<dyn Observer>,
    /// Counts the Checks that are in flight.
    pub in_flight: TaskTracker,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("revision", &self.revision)
            .field("authorizer", &self.authorizer)
            .finish_non_exhaustive()
    }
}

/// The engine in force. It is replaced in one step.
pub type Current = ArcSwap<Engine>;

/// The gRPC service.
#[derive(Clone, Debug)]
pub struct Service {
    current: Arc<Current>,
}

impl Service {
    /// The service over the engine that is in force when a Check arrives.
    #[must_use]
    pub fn new(current: Arc<Current>) -> Self {
        Self { current }
    }

    /// Answers one message. `wait` is how long it may wait for a missing key.
    pub(super) async fn answer(&self, message: Bytes, wait: Duration) -> Answer {
        // Once: whatever is swapped meanwhile, also while it waits for a key, one configuration answers the whole Check.
        let engine = self.current.load_full();
        let _in_flight = engine.in_flight.token();
        engine.check(message, wait).await
    }
}

#[tonic::async_trait]
impl Authorization for Service {
    async fn check(&self, request: Request<Bytes>) -> Result<Response<Answer>, Status> {
        let (metadata, _, message) = request.into_parts();
        let wait = deadline::key_wait(&metadata.into_headers());
        Ok(Response::new(self.answer(message, wait).await))
    }
}

impl Engine {
    /// Answers one message. `wait` is how long it may wait for a missing key.
    pub async fn check(&self, message: Bytes, wait: Duration) -> Answer {
        let began = Instant::now();
        let (attributes, undecodable) = match decode(&message) {
            Ok(attributes) => (attributes, None),
            Err(reason) => (Attributes::default(), Some(reason)),
        };
        // Once: what is judged, and what is logged of it, is the same canonical request.
        let judged = match undecodable {
            Some(reason) => Err(reason),
            None => guarded(|| attributes.judged()).unwrap_or(Err(DenyReason::Internal)),
        };
        let decision = match &judged {
            Ok(request) => self.decide(request, began + wait).await,
            Err(reason) => Decision::Deny(Denial::without_rule(*reason)),
        };
        let target = judged.as_ref().ok().map(|request| &request.target);
        let answer = guarded(|| self.answer(&attributes, target, &decision, began.elapsed()));
        // A bug in the answer or the observers: a plain denial is still a denial.
        answer.unwrap_or_else(response::internal)
    }

    /// Judges, waits for a missing key once at most, judges once more. Never a loop.
    async fn decide(&self, request: &RequestAttributes<'_>, deadline: Instant) -> Decision {
        let undecided = match self.judge(request) {
            Outcome::Decided(decision) => return decision,
            Outcome::KeyMissing(undecided) => undecided,
        };
        let missing = &undecided.missing;
        match self.keys.on_miss(&missing.issuer, missing.seen, Instant::now()) {
            MissAnswer::Fresh => return Decision::Deny(undecided.deny_token()),
            MissAnswer::Unavailable(after) => return Decision::Deny(undecided.deny_unavailable(after)),
            MissAnswer::LookAgain => {}
            MissAnswer::Wait(waiter) => {
                if tokio::time::timeout_at(deadline, waiter.fetch_ended()).await.is_err() {
                    return Decision::Deny(undecided.deny_unavailable(Duration::ZERO));
                }
            }
        }
        match self.judge(request) {
            Outcome::Decided(decision) => decision,
            Outcome::KeyMissing(undecided) => {
                let unavailable = self.keys.after_waiting(&undecided.missing.issuer, Instant::now());
                Decision::Deny(match unavailable {
                    None => undecided.deny_token(),
                    Some(after) => undecided.deny_unavailable(after),
                })
            }
        }
    }

    fn judge(&self, request: &RequestAttributes<'_>) -> Outcome {
        let judged = guarded(|| self.authorizer.decide(request, &self.keys.at(Instant::now()), self.clock.now()));
        judged.unwrap_or_else(|| Outcome::Decided(Decision::Deny(Denial::without_rule(DenyReason::Internal))))
    }

    fn answer(
        &self,
        attributes: &Attributes<'_>,
        target: Option<&RequestTarget>,
        decision: &Decision,
        took: Duration,
    ) -> Answer {
        let (method, path) = (target.map(|target| target.method.as_str()), target.map(|target| target.path.as_str()));
        let common = Decided { method, path, request_id: attributes.request_id(), took, ..Decided::default() };
        match decision {
            Decision::Allow(permit) => {
                self.observer.decided(&common.allowed_by(permit));
                response::allow(permit, attributes, &self.replies)
            }
            Decision::Deny(denial) => {
                self.observer.decided(&common.denied_for(denial));
                response::deny(denial, attributes, &self.replies)
            }
        }
    }
}

impl Default for Decided<'_> {
    fn default() -> Self {
        Self {
            reason: DenyReason::Internal.code(),
            allowed: false,
            our_trouble: true,
            rule: None,
            issuer: None,
            method: None,
            path: None,
            request_id: None,
            took: Duration::ZERO,
        }
    }
}

impl<'a> Decided<'a> {
    fn allowed_by(self, permit: &'a Permit) -> Self {
        let issuer = permit.token().map(|token| token.issuer());
        Self { reason: "ok", allowed: true, our_trouble: false, rule: Some(permit.rule()), issuer, ..self }
    }

    fn denied_for(self, denial: &'a Denial) -> Self {
        let issuer = denial.token.as_ref().map(|token| token.issuer());
        let our_trouble = matches!(denial.reason, DenyReason::KeysUnavailable | DenyReason::Internal);
        Self { reason: denial.reason.code(), our_trouble, rule: denial.rule.as_ref(), issuer, ..self }
    }
}

fn decode(message: &[u8]) -> Result<Attributes<'_>, DenyReason> {
    if message.len() > limits::CHECK_REQUEST_BYTES {
        return Err(RequestFault::TooLarge.into());
    }
    match guarded(|| Attributes::decode(message)) {
        Some(decoded) => decoded.map_err(DenyReason::from),
        None => Err(DenyReason::Internal),
    }
}

/// Runs the synchronous part of a Check so that a panic in it ends that Check alone: uncaught, it would take every
/// request on the connection with it. `None` if it panicked.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What is shared and changed in there, counters and remembered tokens, is changed whole or not at all.
    catch_unwind(AssertUnwindSafe(work)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_contained() {
        assert_eq!(guarded(|| 7), Some(7));
        assert_eq!(guarded(|| -> u8 { panic!("a bug") }), None);
    }
}
