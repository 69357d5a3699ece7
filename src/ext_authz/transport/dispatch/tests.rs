use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::{
    net::UnixStream,
    task::JoinSet,
    time::{advance, timeout},
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    clock::Clock,
    ext_authz::{
        proto::envoy::service::auth::v3::{CheckResponse, check_response::HttpResponse},
        service::{Current, Decided, Engine, Observer},
        transport::{
            connection::{Accepted, serve},
            connections::Connections,
        },
    },
};
use portcullis_engine::time::UnixTime;

/// Remembers the reasons, the times in the queue, and the ages of requests. Each decision about a path takes so long.
#[derive(Default)]
struct Seen {
    reasons: Mutex<Vec<&'static str>>,
    queued: Mutex<Vec<Duration>>,
    ages: Mutex<Vec<i64>>,
    cancelled: AtomicUsize,
    takes: Duration,
}

impl Observer for Seen {
    fn decided(&self, decided: &Decided<'_>) {
        if decided.reason != "overloaded" {
            std::thread::sleep(self.takes);
        }
        self.reasons.lock().push(decided.reason);
        self.queued.lock().push(decided.queued);
    }

    fn request_age(&self, millis: i64) {
        self.ages.lock().push(millis);
    }

    fn cancelled(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    fn accept_failed(&self, _: &io::Error) {}
}

impl Seen {
    fn taken(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.reasons.lock())
    }

    /// Milliseconds that Checks were queued.
    fn queued(&self) -> Vec<u128> {
        std::mem::take(&mut *self.queued.lock()).iter().map(Duration::as_millis).collect()
    }
}

fn service(seen: &Arc<Seen>) -> Service {
    Service::new(Arc::new(Current::from_pointee(Engine::for_tests(Arc::clone(seen) as _))))
}

/// A clock that stands still.
struct At(UnixTime);

impl Clock for At {
    fn now(&self) -> UnixTime {
        self.0
    }
}

/// A call for a path that no rule covers.
fn message() -> Bytes {
    message_of(0)
}

/// A call that Envoy received at that time, in seconds since 1970.
fn message_of(seconds: i64) -> Bytes {
    use crate::ext_authz::proto::envoy::service::auth::v3::{
        AttributeContext, CheckRequest,
        attribute_context::{HttpRequest, Request},
    };
    let http = HttpRequest { method: "GET".into(), path: "/x".into(), host: "a".into(), ..HttpRequest::default() };
    let time = (seconds > 0).then_some(prost_types::Timestamp { seconds, nanos: 0 });
    let request = Some(Request { time, http: Some(http) });
    let message = CheckRequest { attributes: Some(AttributeContext { request, ..AttributeContext::default() }) };
    let message = message.encode_to_vec();
    [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), &message].concat().into()
}

/// The HTTP status of an answer, and its `Retry-After`.
fn read(body: &[u8]) -> (i32, Option<String>) {
    let answer = CheckResponse::decode(&body[5..]).unwrap();
    let grpc = answer.status.unwrap().code;
    let Some(HttpResponse::DeniedResponse(denied)) = answer.http_response else { panic!("not denied") };
    let status = denied.status.unwrap().code;
    assert_eq!(grpc == 14, status == 503);
    let headers = denied.headers.into_iter().filter_map(|option| option.header);
    (status, headers.into_iter().find(|header| header.key == "retry-after").map(|header| header.value))
}

async fn ask(service: &Service, call: Call) -> (i32, Option<String>) {
    let Ok(response) = check(service.clone(), Full::new(message()), call, ()).await;
    read(&response.into_body().collect().await.unwrap().to_bytes())
}

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn a_check_whose_deadline_has_passed_is_not_decided() {
    let (seen, reads) = (Arc::default(), Reads::new());
    let service = service(&seen);
    reads.read();
    let (in_time, late) = (reads.call(Some(251 * MS)), reads.call(Some(250 * MS)));
    advance(250 * MS).await;
    assert_eq!(ask(&service, in_time).await, (403, None));
    assert_eq!(ask(&service, late).await, (503, Some("1".to_owned())));
    assert_eq!(seen.taken(), ["no_route", "overloaded"]);
    assert_eq!(seen.queued(), [250, 250], "one that is decided, and one that is not");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_has_waited_for_long_is_turned_away_if_too_many_wait() {
    let (seen, reads) = (Arc::default(), Reads::new());
    let service = service(&seen);
    reads.read();
    let (one, other) = (reads.call(Some(250 * MS)), reads.call(Some(250 * MS)));
    let mut waiting: Vec<Call> = (0..limits::WAITING_CHECKS).map(|_| reads.call(None)).collect();
    advance(126 * MS).await;
    assert_eq!(ask(&service, one).await, (503, Some("1".to_owned())), "with it wait one more than may");
    waiting.pop();
    assert_eq!(ask(&service, other).await, (403, None));
    assert_eq!(seen.taken(), ["overloaded", "no_route"]);
    assert_eq!(seen.queued(), [126, 126]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_has_waited_in_the_queue_as_others_do() {
    let (seen, reads) = (Arc::<Seen>::default(), Reads::new());
    let service = service(&seen);
    reads.read();
    let call = reads.call(None);
    advance(30 * MS).await;
    // Compressed, so that it is not looked at.
    let body = Full::new(Bytes::from_static(&[1, 0, 0, 0, 0]));
    drop(check(service, body, call, ()).await);
    assert_eq!((seen.taken(), seen.queued()), (vec!["request_no_http"], vec![30]));
}

#[tokio::test(start_paused = true)]
async fn observers_hear_the_age_of_one_check_in_a_while_decided_or_not() {
    let (seen, reads) = (Arc::<Seen>::default(), Reads::new());
    let engine = Engine {
        clock: Arc::new(At(UnixTime::from_millis(1_800_000_000_700))),
        ..Engine::for_tests(Arc::clone(&seen) as _)
    };
    let service = Service::new(Arc::new(Current::from_pointee(engine)));
    reads.read();
    for _ in 0..3 {
        let call = reads.call(Some(250 * MS));
        drop(check(service.clone(), Full::new(message_of(1_800_000_000)), call, ()).await);
    }
    assert_eq!(*seen.ages.lock(), [700], "the first of them");
    let late = reads.call(Some(250 * MS));
    advance(limits::REQUEST_AGE_SAMPLED).await;
    drop(check(service.clone(), Full::new(message_of(1_800_000_001)), late, ()).await);
    assert_eq!(*seen.ages.lock(), [700, -300], "one that is turned away, of an Envoy whose clock is ahead");
    for odd in [1, 1_800_000_000 - 3600, 1_800_000_000 + 3602] {
        advance(limits::REQUEST_AGE_SAMPLED).await;
        reads.read();
        drop(check(service.clone(), Full::new(message_of(odd)), reads.call(None), ()).await);
        assert_eq!(seen.ages.lock().len(), 2, "a clock that is wrong by more than an hour: {odd}");
    }
    advance(limits::REQUEST_AGE_SAMPLED).await;
    reads.read();
    drop(check(service, Full::new(message()), reads.call(None), ()).await);
    assert_eq!(seen.ages.lock().len(), 2, "a message without a time has no age");
}

#[tokio::test(start_paused = true)]
async fn waiting_in_the_queue_takes_time_from_waiting_for_keys() {
    let reads = Reads::new();
    reads.read();
    let call = reads.call(Some(1000 * MS));
    advance(400 * MS).await;
    let picked_up = call.pick_up().unwrap();
    assert_eq!(picked_up.key_wait, deadline::key_wait_within(Some(1000 * MS)));
    assert_eq!(picked_up.times.queued().as_millis(), 400);
}

#[tokio::test(start_paused = true)]
async fn checks_that_are_taken_back_are_told_and_answered_ones_are_not() {
    let (seen, reads) = (Arc::<Seen>::default(), Reads::new());
    let service = service(&seen);
    let cancelled = || seen.cancelled.load(Ordering::Relaxed);
    reads.read();
    assert_eq!(ask(&service, reads.call(None)).await, (403, None));
    let late = reads.call(Some(MS));
    advance(2 * MS).await;
    assert_eq!(ask(&service, late).await.0, 503);
    assert_eq!(cancelled(), 0);

    // A message that never ends, and one that breaks off.
    let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
    let waits = timeout(MS, check(service.clone(), never, reads.call(None), ()));
    assert!(waits.await.is_err());
    assert_eq!(cancelled(), 1);
    let broken = StreamBody::new(stream::iter([Err::<Frame<Bytes>, _>("gone")]));
    drop(check(service, broken, reads.call(None), ()).await);
    assert_eq!(cancelled(), 2);
}

/// A flood on one connection, over a thread that is too slow for it: everything is answered, the first calls with a
/// decision, and what has waited for too long without one.
#[tokio::test]
async fn a_slow_thread_turns_away_what_it_has_no_time_for() {
    const CALLS: usize = 900;
    let seen = Arc::new(Seen { takes: 2 * MS, ..Seen::default() });
    let front = Front::new(service(&seen), Routes::default());
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let mut tasks = JoinSet::new();
    let observer = Arc::clone(&seen) as _;
    let place = Arc::new(Connections::new(1, CancellationToken::new())).enter().await.unwrap();
    tasks.spawn(async move { serve(Accepted::Unix(ours), front, observer, place).await });
    let theirs = TokioIo::new(UnixStream::from_std(theirs).unwrap());
    let (client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), theirs).await.unwrap();
    tasks.spawn(async move { connection.await.unwrap() });
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let request = Request::post(format!("http://a{CHECK}")).header(CONTENT_TYPE, GRPC);
        let request = request.header("grpc-timeout", "500m").body(Full::new(message())).unwrap();
        let mut client = client.clone();
        calls.spawn(async move {
            let response = client.send_request(request).await.unwrap();
            read(&response.into_body().collect().await.unwrap().to_bytes())
        });
    }
    let answers = calls.join_all().await;
    let decided = answers.iter().filter(|answer| **answer == (403, None)).count();
    let turned_away = answers.iter().filter(|answer| **answer == (503, Some("1".to_owned()))).count();
    assert_eq!(decided + turned_away, CALLS, "{answers:?}");
    // All of them are 1.8 s of work, and each may wait for 0.5 s. How much of that they wait in the kernel is not known.
    assert!(decided > 0 && turned_away > 0, "{decided} were decided");
    let reasons = seen.taken();
    assert_eq!(reasons.iter().filter(|reason| **reason == "overloaded").count(), turned_away);
    assert_eq!(reasons.first(), Some(&"no_route"));
}
