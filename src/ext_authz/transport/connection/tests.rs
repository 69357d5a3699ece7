//! Each bound of HTTP/2 with a peer that sends as much as it allows, while Checks on the same connection are answered; and then
//! one more.

use std::{convert::Infallible, os::unix::net::UnixStream as Pair, task::Waker, time::Duration};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, DuplexStream, duplex},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::*;
use crate::ext_authz::{
    service::{Current, Engine, Service},
    transport::connections::Connections,
};
use http2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PING, PRIORITY, Peer, SETTINGS,
    WINDOW_UPDATE, check, check_headers, frame, grpc, header, open, remembered_header, taken_back,
};

#[path = "../../../../tests/support/http2.rs"]
mod http2;

/// Remembers what it is told.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn decided(&self, _: &crate::ext_authz::service::Decided<'_>) {}

    fn accept_failed(&self, _: &io::Error) {}

    fn connection(&self, event: ConnectionEvent<'_>) {
        self.0.lock().push(match event {
            ConnectionEvent::Failed(failure) => format!("{}: {}", failure.reason, failure.text),
            other => format!("{other:?}"),
        });
    }
}

fn front() -> Front {
    let service = Service::new(Arc::new(Current::from_pointee(Engine::for_tests(Arc::new(Notes::default())))));
    Front::new(service, Routes::default())
}

async fn place() -> Place {
    Arc::new(Connections::new(10, CancellationToken::new())).enter().await.unwrap()
}

/// A connection that is served in the background, and what was told of it.
async fn connect() -> (Peer<DuplexStream>, Arc<Notes>) {
    let (ours, theirs) = duplex(8 * 1024 * 1024);
    let notes = Arc::new(Notes::default());
    let observer = Arc::clone(&notes);
    #[expect(clippy::disallowed_methods, reason = "a test's task")]
    tokio::spawn(async move { serve_stream(ours, &front(), &*observer, &place().await, &builder()).await });
    (Peer::new(theirs).await, notes)
}

/// Connects to h2 alone, with our bounds and without turns, so that it reads all that has come at once. The service answers
/// nothing.
async fn connect_to_h2() -> (Peer<DuplexStream>, JoinHandle<hyper::Result<()>>) {
    let (ours, theirs) = duplex(8 * 1024 * 1024);
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
        let _unread = request;
        std::future::pending::<Result<http::Response<tonic::body::Body>, Infallible>>().await
    });
    #[expect(clippy::disallowed_methods, reason = "a test's task")]
    let served = tokio::spawn(async move { builder().serve_connection(TokioIo::new(ours), service).await });
    (Peer::new(theirs).await, served)
}

/// Sends `abuse` as often as is allowed, around Checks that are answered; then once more, which ends the connection.
async fn holds(count: usize, mut abuse: impl FnMut(&mut Peer<DuplexStream>) -> Vec<u8>, reason: &str, text: &str) {
    let (mut peer, notes) = connect().await;
    let early = peer.stream();
    peer.send(&open(early)).await;
    for _ in 0..count {
        let bytes = abuse(&mut peer);
        peer.send(&bytes).await;
    }
    peer.send(&frame(DATA, END_STREAM, early, &grpc(b""))).await;
    assert!(peer.is_answered(early).await, "{reason} {text}: {:?}", peer.goodbye);
    assert!(peer.check(b"").await);
    assert_eq!((&peer.goodbye, &*notes.0.lock()), (&None, &vec!["Opened".to_owned()]), "{text}");
    let bytes = abuse(&mut peer);
    peer.send(&bytes).await;
    let (_, said) = peer.ended().await.unwrap();
    assert_eq!(said, text);
    let notes = notes.0.lock();
    let [_, failed, closed] = &notes[..] else { panic!("{notes:?}") };
    assert!(failed.starts_with(&format!("{reason}: connection error detected: ")), "{failed}");
    assert!(failed.ends_with(text), "{failed}");
    assert_eq!(closed, "Closed");
}

#[tokio::test(start_paused = true)]
async fn streams_that_h2_resets_are_bounded() {
    // A length that is not that of the body.
    let malformed = [check_headers(), header("content-length", "5")].concat();
    holds(
        limits::ERROR_RESETS,
        |peer| frame(HEADERS, END_HEADERS | END_STREAM, peer.stream(), &malformed),
        "enhance_your_calm",
        "too_many_internal_resets",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn empty_data_frames_are_bounded() {
    let abuse = |peer: &mut Peer<DuplexStream>| {
        let stream = peer.stream();
        [open(stream), frame(DATA, 0, stream, b""), frame(DATA, END_STREAM, stream, b"")].concat()
    };
    holds(limits::EMPTY_DATA_FRAMES, abuse, "enhance_your_calm", "too_many_data_frames").await;
}

/// A Check whose headers come in a first frame, in so many others, and in a last one.
fn continued(stream: u32, frames: usize) -> Vec<u8> {
    let mut bytes = frame(HEADERS, END_STREAM, stream, &check_headers());
    (0..frames).for_each(|_| bytes.extend(frame(CONTINUATION, 0, stream, &header("x", "y"))));
    bytes.extend(frame(CONTINUATION, END_HEADERS, stream, &header("x", "z")));
    bytes
}

#[tokio::test(start_paused = true)]
async fn continuation_frames_are_bounded() {
    let (mut rounds, most) = (0, limits::CONTINUATION_FRAMES);
    let abuse = |peer: &mut Peer<DuplexStream>| {
        rounds += 1;
        continued(peer.stream(), if rounds > 100 { most + 1 } else { most })
    };
    holds(100, abuse, "enhance_your_calm", "too_many_continuations").await;
}

#[tokio::test(start_paused = true)]
async fn a_long_list_of_headers_is_answered_and_a_far_too_long_one_ends_the_connection() {
    let most = usize::try_from(limits::CALL_HEADER_BYTES).unwrap();
    // By reference to one that is remembered, of 4,000 bytes with its name and 32 more.
    let large = remembered_header("x", &"a".repeat(4000 - 33));
    let with = |stream: u32, count: usize| {
        let headers = [check_headers(), large.clone(), vec![0xBE; count - 1]].concat();
        frame(HEADERS, END_HEADERS | END_STREAM, stream, &headers)
    };
    let (mut rounds, abuse) = (0, usize::try_from(limits::HEADER_ABUSE).unwrap());
    let send = |peer: &mut Peer<DuplexStream>| {
        rounds += 1;
        let bytes = match rounds {
            1 => most - 1000,
            2 => most + 4000,
            3 => abuse * most - 1000,
            _ => abuse * most + 4000,
        };
        with(peer.stream(), bytes / 4000)
    };
    holds(3, send, "enhance_your_calm", "header_list_way_too_large").await;
}

#[tokio::test(start_paused = true)]
async fn frames_are_bounded() {
    let (mut rounds, most) = (0, usize::try_from(limits::FRAME_BYTES).unwrap());
    let abuse = |peer: &mut Peer<DuplexStream>| {
        rounds += 1;
        let stream = peer.stream();
        let payload = vec![0; if rounds > 100 { most + 1 } else { most }];
        [open(stream), frame(DATA, END_STREAM, stream, &payload)].concat()
    };
    holds(100, abuse, "frame_size_error", "").await;
}

#[tokio::test(start_paused = true)]
async fn the_table_of_headers_is_bounded() {
    let mut rounds = 0;
    let abuse = |peer: &mut Peer<DuplexStream>| {
        rounds += 1;
        // An update of the table's size (RFC 7541 section 6.3) to 4,096, or one more.
        let update: &[u8] = if rounds > 100 { &[0x3F, 0xE2, 0x1F] } else { &[0x3F, 0xE1, 0x1F] };
        frame(HEADERS, END_HEADERS | END_STREAM, peer.stream(), &[update, &check_headers()].concat())
    };
    holds(100, abuse, "protocol_error", "").await;
}

#[tokio::test(start_paused = true)]
async fn one_stream_more_than_may_be_open_is_refused_alone() {
    let (mut peer, notes) = connect().await;
    let streams: Vec<u32> = (0..=limits::CONCURRENT_STREAMS).map(|_| peer.stream()).collect();
    for stream in &streams {
        peer.send(&open(*stream)).await;
    }
    peer.ping().await;
    let (refused, streams) = streams.split_last().unwrap();
    assert_eq!(peer.resets, [(*refused, 7)]);
    for stream in streams {
        peer.send(&frame(DATA, END_STREAM, *stream, &grpc(b""))).await;
    }
    for stream in streams {
        assert!(peer.is_answered(*stream).await);
    }
    assert_eq!(*notes.0.lock(), ["Opened"]);
}

#[tokio::test(start_paused = true)]
async fn of_streams_that_we_have_reset_some_are_remembered_and_the_others_end_nothing() {
    let (mut peer, notes) = connect().await;
    // No gRPC: answered with 415 at once, and reset as its body is not read.
    let foreign = [&[0x83, 0x86, 0x84][..], &header("content-type", "text/plain")].concat();
    let streams: Vec<u32> = (0..=limits::REMEMBERED_RESETS).map(|_| peer.stream()).collect();
    for stream in &streams {
        peer.send(&frame(HEADERS, END_HEADERS, *stream, &foreign)).await;
        assert!(peer.is_answered(*stream).await);
    }
    peer.ping().await;
    assert_eq!(peer.resets, streams.iter().map(|stream| (*stream, 0)).collect::<Vec<_>>(), "NO_ERROR");
    peer.resets.clear();
    for stream in &streams {
        peer.send(&frame(DATA, 0, *stream, b"late")).await;
    }
    peer.ping().await;
    assert_eq!(peer.resets, [(*streams.last().unwrap(), 5)], "STREAM_CLOSED for the one that is forgotten");
    assert!(peer.check(b"").await);
    assert_eq!(*notes.0.lock(), ["Opened"]);
}

#[tokio::test(start_paused = true)]
async fn floods_that_h2_answers_or_ignores_cost_nobody_anything() {
    let (mut peer, notes) = connect().await;
    let early = peer.stream();
    peer.send(&open(early)).await;
    let floods = [
        frame(PING, 0, 0, b"12345678"),
        frame(SETTINGS, 0, 0, &[]),
        frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()),
        frame(PRIORITY, 0, 1_000_001, &[0, 0, 0, 0, 7]),
        frame(0x42, 0, 0, b"unknown"),
    ];
    for flood in &floods {
        peer.send(&flood.repeat(20_000)).await;
        assert!(peer.check(b"").await, "{flood:?}");
    }
    peer.send(&frame(DATA, END_STREAM, early, &grpc(b""))).await;
    assert!(peer.is_answered(early).await);
    assert_eq!((&peer.goodbye, &*notes.0.lock()), (&None, &vec!["Opened".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_not_taken_hold_up_no_other() {
    let (mut peer, notes) = connect().await;
    // SETTINGS_INITIAL_WINDOW_SIZE 0: only a stream with a window of its own is answered.
    peer.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).await;
    for _ in 0..limits::CONCURRENT_STREAMS - 1 {
        let stream = peer.stream();
        peer.send(&check(stream, b"")).await;
    }
    for _ in 0..10 {
        let stream = peer.stream();
        let window = frame(WINDOW_UPDATE, 0, stream, &65_535_u32.to_be_bytes());
        peer.send(&[open(stream), window, frame(DATA, END_STREAM, stream, &grpc(b""))].concat()).await;
        assert!(peer.is_answered(stream).await);
    }
    assert_eq!(*notes.0.lock(), ["Opened"]);
}

/// One turn brings less than h2 allows, so that neither taking streams back nor small frames can end a
/// connection, however much comes at once.
#[test]
fn what_is_read_in_a_turn_stays_below_what_h2_allows() {
    let most = limits::READ_PER_TURN + usize::try_from(limits::FRAME_BYTES).unwrap();
    assert!(most / taken_back(1).len() < limits::PENDING_RESETS);
    let small = frame(DATA, 0, 1, b"x").len();
    let budget = usize::try_from(limits::CONNECTION_WINDOW).unwrap() / 2;
    assert!(most / small * (limits::SMALL_DATA_FRAME - 1) < budget);
}

#[tokio::test(start_paused = true)]
async fn streams_that_are_taken_back_end_nothing_however_many_come_at_once() {
    for count in [1000, limits::PENDING_RESETS, 2 * limits::PENDING_RESETS] {
        let (mut peer, notes) = connect().await;
        let early = peer.stream();
        let mut bytes = open(early);
        (0..count).for_each(|_| bytes.extend(taken_back(peer.stream())));
        let late = peer.stream();
        bytes.extend(check(late, b""));
        bytes.extend(frame(DATA, END_STREAM, early, &grpc(b"")));
        peer.send(&bytes).await;
        assert!(peer.is_answered(early).await && peer.is_answered(late).await, "{count}: {:?}", peer.goodbye);
        assert_eq!(*notes.0.lock(), ["Opened"]);
    }
}

/// With time that stands still: a message may take as long as this machine needs.
#[tokio::test(start_paused = true)]
async fn a_full_set_of_streams_may_send_messages_in_frames_of_one_byte() {
    let (mut peer, notes) = connect().await;
    let streams: Vec<u32> = (0..limits::CONCURRENT_STREAMS).map(|_| peer.stream()).collect();
    let mut bytes = Vec::new();
    streams.iter().for_each(|stream| bytes.extend(open(*stream)));
    let message = grpc(&[b'x'; 40]);
    let (last, first) = message.split_last().unwrap();
    for byte in first {
        streams.iter().for_each(|stream| bytes.extend(frame(DATA, 0, *stream, &[*byte])));
    }
    streams.iter().for_each(|stream| bytes.extend(frame(DATA, END_STREAM, *stream, &[*last])));
    peer.send(&bytes).await;
    for stream in streams {
        assert!(peer.is_answered(stream).await, "{:?}", peer.goodbye);
    }
    assert_eq!((&peer.goodbye, &*notes.0.lock()), (&None, &vec!["Opened".to_owned()]));
}

/// The bound that turns keep out of reach: h2's, where everything is read at once.
#[tokio::test(start_paused = true)]
async fn streams_that_are_taken_back_before_they_are_looked_at_are_bounded() {
    for (count, goodbye) in [
        (limits::PENDING_RESETS, None),
        (limits::PENDING_RESETS + 1, Some((ENHANCE_YOUR_CALM, "too_many_resets".to_owned()))),
    ] {
        let (mut peer, served) = connect_to_h2().await;
        let bytes: Vec<u8> = (0..count).flat_map(|_| taken_back(peer.stream())).collect();
        peer.send(&bytes).await;
        peer.ping().await;
        assert_eq!(peer.goodbye, goodbye, "{count}");
        served.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn small_data_frames_that_are_not_read_are_bounded() {
    let budget = usize::try_from(limits::CONNECTION_WINDOW).unwrap() / 2 / (limits::SMALL_DATA_FRAME - 1);
    for (count, goodbye) in [(budget, None), (budget + 1, Some((ENHANCE_YOUR_CALM, "too_many_data_frames".to_owned())))]
    {
        let (mut peer, served) = connect_to_h2().await;
        let stream = peer.stream();
        peer.send(&[open(stream), frame(DATA, 0, stream, b"x").repeat(count)].concat()).await;
        peer.ping().await;
        assert_eq!(peer.goodbye, goodbye, "{count}");
        served.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn windows_are_bounded() {
    let full = |stream: u32, bytes: u32| -> Vec<u8> {
        let whole = limits::FRAME_BYTES;
        let count = usize::try_from(bytes / whole).unwrap();
        let rest = vec![0; usize::try_from(bytes % whole).unwrap()];
        let whole = frame(DATA, 0, stream, &vec![0; usize::try_from(whole).unwrap()]);
        [open(stream), whole.repeat(count), frame(DATA, 0, stream, &rest)].concat()
    };
    let (mut peer, served) = connect_to_h2().await;
    let first = peer.stream();
    peer.send(&full(first, limits::STREAM_WINDOW)).await;
    peer.ping().await;
    assert_eq!(peer.resets, []);
    peer.send(&frame(DATA, 0, first, b"x")).await;
    peer.ping().await;
    assert_eq!(peer.resets, [(first, 3)], "FLOW_CONTROL_ERROR, of the stream alone");
    assert_eq!(peer.goodbye, None);
    served.abort();

    let (mut peer, _served) = connect_to_h2().await;
    for _ in 0..limits::CONNECTION_WINDOW / limits::STREAM_WINDOW {
        let stream = peer.stream();
        peer.send(&full(stream, limits::STREAM_WINDOW)).await;
    }
    peer.ping().await;
    assert_eq!((peer.resets.len(), &peer.goodbye), (0, &None));
    let stream = peer.stream();
    peer.send(&[open(stream), frame(DATA, 0, stream, b"x")].concat()).await;
    assert_eq!(peer.ended().await, Some((3, String::new())), "FLOW_CONTROL_ERROR");
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_is_asked_is_closed() {
    let (ours, theirs) = Pair::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let (began, notes) = (Instant::now(), Arc::new(Notes::default()));
    serve(Accepted::Unix(ours), front(), Arc::clone(&notes) as _, place().await).await;
    assert_eq!(began.elapsed().as_secs(), limits::FIRST_CALL.as_secs());
    let mut sent = Vec::new();
    UnixStream::from_std(theirs).unwrap().read_to_end(&mut sent).await.unwrap();
    assert_eq!(*notes.0.lock(), ["Opened", "Closed"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_used_stays() {
    let used = AtomicBool::new(true);
    assert!(timeout(Duration::from_secs(3600), unused(&used)).await.is_err());
    assert!(timeout(Duration::from_secs(3600), unused(&AtomicBool::new(false))).await.is_ok());
}

#[tokio::test]
async fn a_peer_that_only_looks_is_no_failure_and_one_that_breaks_off_is() {
    for (is_used, expected) in [(false, None), (true, Some("broken_off"))] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let ours = listener.accept().await.unwrap().0;
        let (notes, front, place, builder) = (Arc::new(Notes::default()), front(), place().await, builder());
        let served = serve_stream(ours, &front, &*notes, &place, &builder);
        tokio::join!(served, async move {
            if is_used {
                let mut peer = Peer::new(theirs).await;
                assert!(peer.check(b"").await);
                // Closed with a reset, as by a system whose process was killed.
                peer.into_inner().set_zero_linger().unwrap();
            }
        });
        let notes = notes.0.lock();
        let failed = notes.iter().find(|note| note.contains(": ")).map(|note| note.split_once(": ").unwrap().0);
        assert_eq!(failed, expected, "{notes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_without_a_sign_of_life_is_given_up() {
    let (mut peer, notes) = connect().await;
    assert!(peer.check(b"").await);
    let began = Instant::now();
    // Nothing is read, so that no PING is answered.
    tokio::time::sleep(limits::KEEPALIVE_INTERVAL + limits::KEEPALIVE_TIMEOUT + Duration::from_secs(1)).await;
    drop(peer);
    let notes = notes.0.lock();
    assert!(notes.iter().any(|note| note.starts_with("keepalive_timeout: ")), "{notes:?} {:?}", began.elapsed());
}

/// Decides each Check in 2 ms of a time that goes on by nothing else.
#[derive(Debug, Default)]
struct Slow(Notes);

impl Observer for Slow {
    fn decided(&self, decided: &crate::ext_authz::service::Decided<'_>) {
        if decided.reason != "overloaded" {
            // The clock goes on at once. What would be waited for is that others see it.
            let _ = pin!(tokio::time::advance(Duration::from_millis(2))).poll(&mut Context::from_waker(Waker::noop()));
        }
        self.0.0.lock().push(decided.reason.to_owned());
    }

    fn accept_failed(&self, _: &io::Error) {}
}

/// A Check of 2 KB that has 500 ms.
fn large_check(stream: u32) -> Vec<u8> {
    let headers = [check_headers(), header("grpc-timeout", "500m")].concat();
    [frame(HEADERS, END_HEADERS, stream, &headers), frame(DATA, END_STREAM, stream, &grpc(&[b'x'; 2000]))].concat()
}

#[tokio::test(start_paused = true)]
async fn checks_beyond_a_turn_wait_from_the_time_that_they_came() {
    const CALLS: usize = 900;
    let slow = Arc::new(Slow::default());
    let observer = Arc::clone(&slow) as Arc<dyn Observer>;
    let service = Service::new(Arc::new(Current::from_pointee(Engine::for_tests(Arc::clone(&observer)))));
    let (ours, theirs) = duplex(8 * 1024 * 1024);
    #[expect(clippy::disallowed_methods, reason = "a test's task")]
    tokio::spawn(async move {
        let front = Front::new(service, Routes::default());
        serve_stream(ours, &front, &*observer, &place().await, &builder()).await;
    });
    let mut peer = Peer::new(theirs).await;
    let streams: Vec<u32> = (0..CALLS).map(|_| peer.stream()).collect();
    let bytes: Vec<u8> = streams.iter().flat_map(|stream| large_check(*stream)).collect();
    peer.send(&bytes).await;
    for stream in streams {
        assert!(peer.is_answered(stream).await);
    }
    let reasons = slow.0.0.lock();
    let is_decided: Vec<bool> = reasons.iter().map(|reason| reason != "overloaded").collect();
    assert_eq!(is_decided.len(), CALLS);
    // Until 250 ms have passed, none is turned away; then those that have more than 256 behind them; from 500 ms on all.
    let early = is_decided.iter().position(|is_decided| !is_decided).unwrap();
    let again = early + is_decided[early..].iter().position(|is_decided| *is_decided).unwrap();
    let late = again + is_decided[again..].iter().position(|is_decided| !is_decided).unwrap();
    assert_eq!((early, late - again), (126, 124));
    assert!(is_decided[late..].iter().all(|is_decided| !is_decided));
    // How many wait is an estimate, and rather too low.
    let behind = CALLS - again;
    assert!((limits::WAITING_CHECKS..=limits::WAITING_CHECKS + 30).contains(&behind), "{behind}");
}

/// Decides each Check in 2 ms.
#[derive(Debug, Default)]
struct Sleeping(Notes);

impl Observer for Sleeping {
    fn decided(&self, decided: &crate::ext_authz::service::Decided<'_>) {
        if decided.reason != "overloaded" {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.0.0.lock().push(decided.reason.to_owned());
    }

    fn accept_failed(&self, _: &io::Error) {}
}

/// A proxy in a thread of its own, through a socket that holds some 30 Checks: the others wait at the proxy.
#[tokio::test]
async fn checks_that_a_socket_does_not_hold_wait_as_well() {
    const CALLS: usize = 900;
    let (ours, theirs) = Pair::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let proxy = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut peer = Peer::new(UnixStream::from_std(theirs).unwrap()).await;
            let streams: Vec<u32> = (0..CALLS).map(|_| peer.stream()).collect();
            let bytes: Vec<u8> = streams.iter().flat_map(|stream| large_check(*stream)).collect();
            peer.send(&bytes).await;
            for stream in streams {
                assert!(peer.is_answered(stream).await);
            }
        });
    });
    let slow = Arc::new(Sleeping::default());
    let observer = Arc::clone(&slow) as Arc<dyn Observer>;
    let service = Service::new(Arc::new(Current::from_pointee(Engine::for_tests(Arc::clone(&observer)))));
    serve(Accepted::Unix(ours), Front::new(service, Routes::default()), observer, place().await).await;
    proxy.join().unwrap();
    let reasons = slow.0.0.lock();
    let early = reasons.iter().position(|reason| reason == "overloaded");
    let turned_away = reasons.iter().filter(|reason| *reason == "overloaded").count();
    // All of them are 1.8 s of work, and each may wait for 0.5 s: 250 find time, or fewer.
    assert!(reasons.len() == CALLS && turned_away > CALLS / 2, "{turned_away} were turned away");
    assert!(early > Some(0), "the first ones are decided: {early:?}");
}
