//! The six hops of one Check, in order; and the one place where it may wait.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Decided, Engine, decided::Message};
use crate::{
    ext_authz::{
        decode::{attributes::Attributes, request_age},
        queue::{PickedUp, QueueTimes, TurnedAway},
        response::{self, Answer},
    },
    keystore::store::{MissAnswer, Waiter},
    limits,
};
use portcullis_engine::{
    authorizer::{Decision, Denial, Outcome, RequestAttributes, Undecided},
    jwt::verifier::MissingKey,
    reason::{DenyReason, RequestFault},
};

/// A message and what is judged of it.
struct Heard<'m> {
    attributes: Attributes<'m>,
    /// The canonical request, which is what is judged; a reason where there is none.
    judged: Result<RequestAttributes<'m>, DenyReason>,
    /// The message, if it was not decoded.
    unread: Option<&'m [u8]>,
}

/// A request that can't be decided before a fetch has ended.
struct Waiting {
    fetch: Waiter,
    undecided: Undecided,
}

impl Engine {
    /// Answers one message. `wait` is how long it may wait for a missing key.
    pub fn check(&self, message: Bytes, wait: Duration) -> impl Future<Output = Answer> {
        self.check_call(message, PickedUp::at_once(wait))
    }

    /// Answers the message of a call whose turn has come.
    pub(super) async fn check_call(&self, message: Bytes, picked_up: PickedUp) -> Answer {
        // Nearly always everything is known at once. What is needed to wait is allocated by those who do: a future is
        // copied several times before it runs, with all the room that it might need.
        match self.at_once(&message, picked_up) {
            Ok(answer) => answer,
            Err(waiting) => Box::pin(self.after(*waiting, message, picked_up)).await,
        }
    }

    /// The denial of a call that the thread has no time for. Its message is not even read, except for a log line: that takes
    /// a good part of deciding.
    pub(super) fn turn_away(&self, message: &[u8], call: TurnedAway) -> Answer {
        let reason = DenyReason::Overloaded;
        let heard = Heard { unread: Some(message), ..Heard::refused(reason) };
        let denial = Denial { retry_after: Some(Duration::ZERO), ..Denial::without_rule(reason) };
        self.answer(&heard, &Decision::Deny(denial), call.times)
    }

    /// The denial of a message that can't be read.
    pub(super) fn refuse(&self, fault: RequestFault, times: QueueTimes) -> Answer {
        let heard = Heard::refused(fault.into());
        self.answer(&heard, &Decision::Deny(Denial::without_rule(fault.into())), times)
    }

    /// Tells the observer how old a message is, if it says so: the time since Envoy received the request.
    #[cold]
    pub(super) fn note_age(&self, message: &[u8]) {
        let _ = guarded(|| {
            if let Some(received) = request_age::received(message) {
                let age = self.clock.now().as_millis().saturating_sub(received.as_millis());
                if u128::from(age.unsigned_abs()) <= limits::REQUEST_AGE_SHOWN.as_millis() {
                    self.observer.request_age(age);
                }
            }
        });
    }

    fn at_once(&self, message: &[u8], call: PickedUp) -> Result<Answer, Box<Waiting>> {
        let heard = Heard::of(message);
        let decision = match &heard.judged {
            Ok(request) => self.decide(request, call.times.left)?,
            Err(reason) => Decision::Deny(Denial::without_rule(*reason)),
        };
        Ok(self.answer(&heard, &decision, call.times))
    }

    /// Waits for a missing key and judges once more; and once more again where the fetch that was waited for had begun before
    /// the token came, so that the issuer may have published the key since. Never a loop.
    async fn after(&self, waiting: Waiting, message: Bytes, call: PickedUp) -> Answer {
        match self.after_fetch(waiting, &message, call).await {
            Ok(answer) => answer,
            Err(waiting) => match self.after_fetch(*waiting, &message, call).await {
                Ok(answer) => answer,
                Err(waiting) => {
                    let denial = waiting.undecided.deny_unavailable(Duration::ZERO);
                    self.answer(&Heard::of(&message), &Decision::Deny(denial), call.times)
                }
            },
        }
    }

    async fn after_fetch(
        &self,
        Waiting { fetch, .. }: Waiting,
        message: &[u8],
        call: PickedUp,
    ) -> Result<Answer, Box<Waiting>> {
        let since = fetch.since();
        let in_time = tokio::time::timeout_at(call.times.arrived + call.key_wait, fetch.fetch_ended()).await.is_ok();
        let heard = Heard::of(message);
        let decision = match &heard.judged {
            Ok(request) => match self.judge(request, Instant::now()) {
                Outcome::Decided(decision) => decision,
                Outcome::KeyMissing(undecided) => self.without_key(request, undecided, |missing| {
                    let need = (missing.seen, missing.need);
                    self.keys.after_waiting(&missing.issuer, need, (since, in_time), Instant::now())
                })?,
            },
            Err(reason) => Decision::Deny(Denial::without_rule(*reason)),
        };
        Ok(self.answer(&heard, &decision, call.times))
    }

    fn decide(&self, request: &RequestAttributes<'_>, now: Instant) -> Result<Decision, Box<Waiting>> {
        match self.judge(request, now) {
            Outcome::Decided(decision) => Ok(decision),
            Outcome::KeyMissing(undecided) => self.without_key(request, undecided, |missing| {
                self.keys.on_miss(&missing.issuer, missing.seen, missing.need, Instant::now())
            }),
        }
    }

    /// Decides a request whose key is missing by what `ask` learns from the key store. Where the store has newer keys by now, the
    /// request is judged by those first.
    fn without_key(
        &self,
        request: &RequestAttributes<'_>,
        mut undecided: Undecided,
        ask: impl Fn(&MissingKey) -> MissAnswer,
    ) -> Result<Decision, Box<Waiting>> {
        let mut answer = ask(&undecided.missing);
        if matches!(answer, MissAnswer::LookAgain) {
            undecided = match self.judge(request, Instant::now()) {
                Outcome::Decided(decision) => return Ok(decision),
                Outcome::KeyMissing(undecided) => undecided,
            };
            answer = ask(&undecided.missing);
        }
        Ok(Decision::Deny(match answer {
            MissAnswer::Wait(fetch) => return Err(Box::new(Waiting { fetch, undecided })),
            MissAnswer::Fresh => undecided.deny_token(),
            MissAnswer::Unavailable(after) => undecided.deny_unavailable(after),
            MissAnswer::LookAgain => undecided.deny_unavailable(Duration::ZERO),
        }))
    }

    fn judge(&self, request: &RequestAttributes<'_>, now: Instant) -> Outcome {
        let judged = guarded(|| self.authorizer.decide(request, &self.keys.at(now), self.clock.now()));
        judged.unwrap_or_else(|| Outcome::Decided(Decision::Deny(Denial::without_rule(DenyReason::Internal))))
    }

    fn answer(&self, heard: &Heard<'_>, decision: &Decision, times: QueueTimes) -> Answer {
        // Made before anybody hears of it, and kept whatever happens to those who do: a log or a counter that fails changes no
        // decision.
        let mut answer = None;
        let _ = guarded(|| {
            answer = Some(match decision {
                Decision::Allow(permit) => response::allow(permit, &heard.attributes, &self.replies),
                Decision::Deny(denial) => response::deny(denial, &heard.attributes, &self.replies),
            });
            self.observer.decided(&self.decided(heard, decision, times));
        });
        answer.unwrap_or_else(|| {
            // A bug in the answer: a plain denial is still a denial, and is counted as what the client gets.
            let denied = Decision::Deny(Denial::without_rule(DenyReason::Internal));
            let _ = guarded(|| self.observer.decided(&self.decided(heard, &denied, times)));
            response::internal()
        })
    }
}

impl Engine {
    /// Builds the report of a decision for observers.
    fn decided<'a>(&'a self, heard: &'a Heard<'_>, decision: &'a Decision, times: QueueTimes) -> Decided<'a> {
        let message = heard.unread.map_or(Message::Decoded(&heard.attributes), Message::Unread);
        Decided::new(message, decision, self.authorizer.verifier(), times)
    }
}

impl<'m> Heard<'m> {
    fn of(message: &'m [u8]) -> Self {
        match decode(message) {
            Ok(attributes) => {
                let judged = guarded(|| attributes.judged()).unwrap_or(Err(DenyReason::Internal));
                Self { attributes, judged, unread: None }
            }
            Err(reason) => Self::refused(reason),
        }
    }

    /// A message of which nothing is known.
    fn refused(reason: DenyReason) -> Self {
        Self { attributes: Attributes::default(), judged: Err(reason), unread: None }
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
    use std::{io, sync::Arc};

    use envoy_types::pb::envoy::service::auth::v3::{
        AttributeContext, CheckRequest, CheckResponse,
        attribute_context::{HttpRequest, Request},
    };
    use parking_lot::Mutex;
    use prost::Message as _;

    use super::*;
    use crate::ext_authz::service::Observer;

    struct Deaf;

    impl Observer for Deaf {
        fn decided(&self, _: &Decided<'_>) {}

        fn accept_failed(&self, _: &io::Error) {}
    }

    #[test]
    fn a_panic_is_contained() {
        assert_eq!(guarded(|| 7), Some(7));
        assert_eq!(guarded(|| -> u8 { panic!("a bug") }), None);
    }

    /// A log or a counter with a bug.
    struct Broken;

    impl Observer for Broken {
        fn decided(&self, _: &Decided<'_>) {
            panic!("a bug");
        }

        fn accept_failed(&self, _: &io::Error) {
            panic!("a bug");
        }
    }

    /// Remembers what is told of requests.
    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Observer for Told {
        fn decided(&self, decided: &Decided<'_>) {
            let texts = decided.request();
            let told = format!("{} {:?} {:?} {:?}", decided.reason, texts.method, texts.host, texts.path);
            self.0.lock().push(told);
        }

        fn accept_failed(&self, _: &io::Error) {}
    }

    /// A Check of that path, on the host `a`.
    fn message(path: &str) -> Vec<u8> {
        let http = HttpRequest { method: "GET".into(), path: path.into(), host: "a".into(), ..HttpRequest::default() };
        let request = Some(Request { http: Some(http), ..Request::default() });
        CheckRequest { attributes: Some(AttributeContext { request, ..AttributeContext::default() }) }.encode_to_vec()
    }

    #[tokio::test]
    async fn whatever_comes_of_a_request_its_line_can_say_which_it_was() {
        let told = Arc::new(Told::default());
        let engine = Engine::for_tests(Arc::clone(&told) as _);
        let now = QueueTimes { arrived: Instant::now(), left: Instant::now() };
        drop(engine.check(message("/x?secret").into(), Duration::ZERO).await);
        drop(engine.turn_away(&message("/late?secret"), TurnedAway { times: now }));
        drop(engine.turn_away(b"\xff", TurnedAway { times: now }));
        drop(engine.check(message("/a//b").into(), Duration::ZERO).await);
        let wanted = [
            r#"no_route Some("GET") Some("a") Some("/x")"#,
            r#"overloaded Some("GET") Some("a") Some("/late")"#,
            "overloaded None None None",
            r#"request_empty_segment Some("GET") Some("a") Some("/a//b")"#,
        ];
        assert_eq!(*told.0.lock(), wanted);
    }

    #[tokio::test]
    async fn an_observer_that_fails_changes_no_answer() {
        let policy = "issuers: [{ issuer: 'https://a.test/', audiences: [api] }]\n\
                      routes:\n  - { path: /public, access: public }\n  - { path: /private, access: authenticated }\n";
        let check = async |observer: Arc<dyn Observer>, path: &str| {
            let config = crate::config::parse(policy, "test.yaml", &std::collections::BTreeMap::new()).unwrap().config;
            let verifier =
                portcullis_engine::token_cache::cached_verifier::CachedVerifier::new([], std::hash::RandomState::new());
            let authorizer = portcullis_engine::authorizer::Authorizer::new(config.policy, verifier);
            let engine = Engine { authorizer, ..Engine::for_tests(observer) };
            let answer = engine.check(message(path).into(), Duration::ZERO).await;
            CheckResponse::decode(answer.into_bytes()).unwrap()
        };
        let internal = CheckResponse::decode(response::internal().into_bytes()).unwrap();
        for (path, code) in [("/public", 0), ("/private", 16), ("/elsewhere", 7)] {
            let (wanted, got) = (check(Arc::new(Deaf), path).await, check(Arc::new(Broken), path).await);
            assert_eq!(wanted.status.as_ref().unwrap().code, code, "{path}: {wanted:?}");
            assert_eq!(got, wanted, "{path}");
            assert_ne!(got, internal);
        }
    }

    #[test]
    fn the_future_of_a_check_has_no_room_for_waiting() {
        let engine = Engine::for_tests(Arc::new(Deaf));
        let size = size_of_val(&engine.check(Bytes::new(), Duration::ZERO));
        assert!(size <= 256, "{size} bytes, which are copied several times");
    }
}
