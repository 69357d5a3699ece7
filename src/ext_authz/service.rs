//! One call of `Check`: decode, decide, answer. Always an answer: a request's problem is a denial in the message, never
//! a gRPC error, which Envoy may be configured to take for an allow.

mod check;
mod decided;

use std::{io, sync::Arc};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status};

use super::{
    deadline,
    decode::request_age,
    proto::service::authorization_server::Authorization,
    queue::{Call, PickedUp, QueueTimes, TurnedAway},
    response::{Answer, Replies},
};
use crate::{clock::Clock, keystore::store::KeyStore, limits};
pub use decided::{Decided, RequestTexts};
use portcullis_engine::{authorizer::Authorizer, reason::RequestFault};

/// Hears of decisions: logs and metrics.
pub trait Observer: Send + Sync + 'static {
    /// A request was decided.
    fn decided(&self, decided: &Decided<'_>);

    /// A connection could not be accepted.
    fn accept_failed(&self, error: &io::Error);

    /// The time of a Check was looked at, which is done for a sample of them: so many milliseconds have passed since Envoy
    /// received the request, by the clocks of both. Fewer than none where Envoy's clock is ahead.
    fn request_age(&self, millis: i64) {
        let _ = millis;
    }

    /// A Check was taken back by its caller, or its connection has ended, before it was answered.
    fn cancelled(&self) {}

    /// Something has happened to a connection. Observers that do not count connections ignore it.
    fn connection(&self, event: ConnectionEvent<'_>) {
        let _ = event;
    }
}

/// An event in the life of a connection.
#[derive(Clone, Copy, Debug)]
pub enum ConnectionEvent<'a> {
    /// A connection was accepted, and is served.
    Opened,
    /// A connection was accepted and closed at once: as many as may be are open, and none could be closed in time.
    Refused,
    /// A connection was closed so that another one finds room.
    MadeRoom,
    /// A connection has ended with an error: what was in flight on it is lost. `Closed` follows.
    Failed(&'a ConnectionFailure),
    /// A connection that was opened is closed.
    Closed,
}

/// The reason for which a connection has ended with an error.
#[derive(Clone, Debug)]
pub struct ConnectionFailure {
    /// A word of [`Self::REASONS`].
    pub reason: &'static str,
    /// The text of h2's error, and that of its GOAWAY.
    pub text: String,
}

impl ConnectionFailure {
    /// The peer, or the network, has broken it off.
    pub const BROKEN: &'static str = "broken_off";
    /// The peer gave no sign of life.
    pub const KEEPALIVE: &'static str = "keepalive_timeout";
    /// The reason of every other error.
    pub const OTHER: &'static str = "other";
    /// All there are: the error codes of HTTP/2 (RFC 9113, section 7), and what has none.
    pub const REASONS: [&'static str; 17] = [
        "no_error",
        "protocol_error",
        "internal_error",
        "flow_control_error",
        "settings_timeout",
        "stream_closed",
        "frame_size_error",
        "refused_stream",
        "cancel",
        "compression_error",
        "connect_error",
        "enhance_your_calm",
        "inadequate_security",
        "http_1_1_required",
        Self::BROKEN,
        Self::KEEPALIVE,
        Self::OTHER,
    ];

    /// A failure with that text, or as much of it as may be logged: a peer may have written a part of it.
    #[must_use]
    pub fn new(reason: &'static str, text: &str) -> Self {
        Self { reason, text: text.chars().take(limits::CONNECTION_ERROR_CHARS).collect() }
    }
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

#[cfg(test)]
impl Engine {
    /// One that denies everything.
    pub(crate) fn for_tests(observer: Arc<dyn Observer>) -> Self {
        let verifier =
            portcullis_engine::token_cache::cached_verifier::CachedVerifier::new([], std::hash::RandomState::new());
        Self {
            revision: "test".into(),
            authorizer: Authorizer::new(portcullis_engine::policy::Policy::default(), verifier),
            keys: Arc::new(KeyStore::new()),
            replies: Replies::new(&portcullis_engine::answer::identity::IdentityHeaders::default()),
            clock: Arc::new(crate::clock::SystemClock),
            observer,
            in_flight: TaskTracker::new(),
        }
    }
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

    /// Answers one message whose turn has come.
    pub(super) async fn answer(&self, message: Bytes, picked_up: Result<PickedUp, TurnedAway>) -> Answer {
        // Once: whatever is swapped meanwhile, also while it waits for a key, one configuration answers the whole Check.
        let engine = self.current.load_full();
        let _in_flight = engine.in_flight.token();
        if request_age::is_due(QueueTimes::from(&picked_up).left) {
            engine.note_age(&message);
        }
        match picked_up {
            Ok(picked_up) => engine.check_call(message, picked_up).await,
            Err(turned_away) => engine.turn_away(&message, turned_away),
        }
    }

    /// Tells that a Check was taken back before it was answered.
    #[cold]
    pub(super) fn cancelled(&self) {
        self.current.load().observer.cancelled();
    }

    /// The denial of a call whose message can't be read.
    pub(super) fn refuse(&self, fault: RequestFault, times: QueueTimes) -> Answer {
        self.current.load().refuse(fault, times)
    }
}

#[tonic::async_trait]
impl Authorization for Service {
    async fn check(&self, request: Request<Bytes>) -> Result<Response<Answer>, Status> {
        let (metadata, mut extensions, message) = request.into_parts();
        let picked_up = match extensions.remove::<Arc<Call>>() {
            Some(call) => call.pick_up(),
            None => Ok(PickedUp::at_once(deadline::key_wait(&metadata.into_headers()))),
        };
        Ok(Response::new(self.answer(message, picked_up).await))
    }
}
