use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::{net::UnixStream, task::JoinSet, time::advance};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::ext_authz::{
    connection::{Accepted, serve},
    connections::Connections,
    proto::envoy::service::auth::v3::{CheckResponse, check_response::HttpResponse},
    service::{Current, Decided, Engine, Observer},
};

/// Remembers the reasons, and how many decisions had a path: one that was judged. Each of those takes so long.
#[derive(Default)]
struct Seen {
    reasons: Mutex<Vec<&'static str>>,
    takes: Duration,
}

impl Observer for Seen {
    fn decided(&self, decided: &Decided<'_>) {
        if decided.reason != "overloaded" {
            std::thread::sleep(self.takes);
        }
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).push(decided.reason);
    }

    fn accept_failed(&self, _: &io::Error) {}
}

impl Seen {
    fn taken(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.reasons.lock().unwrap())
    }
}

fn service(seen: &Arc<Seen>) -> Service {
    Service::new(Arc::new(Current::from_pointee(Engine::for_tests(Arc::clone(seen) as _))))
}

/// A call for a path that no rule covers.
fn message() -> Bytes {
    use crate::ext_authz::proto::envoy::service::auth::v3::{
        AttributeContext, CheckRequest,
        attribute_context::{HttpRequest, Request},
    };
    let http = HttpRequest { method: "GET".into(), path: "/x".into(), host: "a".into(), ..HttpRequest::default() };
    let request = Some(Request { http: Some(http), ..Request::default() });
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
    let response = check(service.clone(), Full::new(message()), call).await;
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
}

#[tokio::test(start_paused = true)]
async fn waiting_in_the_queue_takes_time_from_waiting_for_keys() {
    let reads = Reads::new();
    reads.read();
    let call = reads.call(Some(1000 * MS));
    advance(400 * MS).await;
    let picked_up = call.pick_up().unwrap();
    assert_eq!(picked_up.key_wait, deadline::key_wait_within(Some(1000 * MS)));
    assert_eq!((picked_up.at - picked_up.arrived).as_millis(), 400);
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
