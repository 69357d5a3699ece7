use axum::routing::get;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    task::JoinSet,
    time::advance,
};

use super::*;

/// A page of so many bytes.
const LARGE: usize = 300_000;

/// A connection that is served, and what its client holds of it.
struct Served {
    client: DuplexStream,
    activity: Arc<Activity>,
    stopping: CancellationToken,
    tasks: JoinSet<()>,
    began: Instant,
}

impl Served {
    fn start() -> Self {
        let pages =
            Router::new().route("/small", get(async || "ok\n")).route("/large", get(async || "x".repeat(LARGE)));
        let (client, server) = duplex(1024);
        let (activity, stopping, mut tasks) = (Arc::new(Activity::new()), CancellationToken::new(), JoinSet::new());
        tasks.spawn(serve(server, pages, Arc::clone(&activity), stopping.clone()));
        Self { client, activity, stopping, tasks, began: Instant::now() }
    }

    /// Sends a request for the small page, and reads its answer.
    async fn ask(&mut self) {
        self.client.write_all(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            assert_ne!(self.client.read_buf(&mut answer).await.unwrap(), 0, "it was closed");
        }
    }

    /// All that comes until it is closed, and the seconds since it began.
    async fn until_closed(&mut self) -> (String, u64) {
        let mut answer = Vec::new();
        // One that is closed with something unread may be reset.
        let _ = self.client.read_to_end(&mut answer).await;
        (String::from_utf8(answer).unwrap(), self.began.elapsed().as_secs())
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_headers_take_too_long_is_closed() {
    for sent in ["", "GET /small HTTP/1.1\r\nHost: a\r\n"] {
        let mut served = Served::start();
        served.client.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(served.until_closed().await, (String::new(), limits::ADMIN_HEADER_WAIT.as_secs()), "{sent:?}");
    }
    // A client that sends one byte from time to time gets no more time.
    let mut served = Served::start();
    let dribbling = async {
        for byte in b"GET /small HTTP/1.1\r\nHost: a\r\n".chunks(1) {
            if served.client.write_all(byte).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    dribbling.await;
    assert!(served.tasks.join_next().await.is_some());
    assert!(served.began.elapsed() <= limits::ADMIN_HEADER_WAIT + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_between_two_scrapes_and_no_longer_than_its_limit() {
    let mut served = Served::start();
    for _ in 0..3 {
        served.ask().await;
        advance(Duration::from_secs(60)).await;
    }
    served.ask().await;
    let (rest, seconds) = served.until_closed().await;
    assert_eq!((rest.as_str(), seconds), ("", 180 + limits::ADMIN_IDLE.as_secs()));
}

#[tokio::test(start_paused = true)]
async fn the_next_request_of_a_kept_connection_has_no_more_time_than_the_first() {
    let mut served = Served::start();
    served.ask().await;
    advance(Duration::from_secs(30)).await;
    served.client.write_all(b"GET /small").await.unwrap();
    assert_eq!(served.until_closed().await.1, 30 + limits::ADMIN_HEADER_WAIT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_read_is_given_up() {
    let mut served = Served::start();
    served.client.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(served.tasks.join_next().await.is_some());
    assert_eq!(served.began.elapsed().as_secs(), limits::ADMIN_ANSWER_WAIT.as_secs());
    // One that is read is whole.
    let mut served = Served::start();
    served.client.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let (answer, _) = served.until_closed().await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {LARGE}")), "{head}");
    assert_eq!(body.len(), LARGE);
}

#[tokio::test(start_paused = true)]
async fn headers_and_bodies_are_bounded() {
    let line = |bytes: usize| format!("GET /small?{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes));
    let spare = limits::ADMIN_HEADER_BYTES - line(0).len();
    let many = |count: usize| format!("GET /small HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(count));
    let posted = |headers: &str| format!("GET /small HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\nx");
    for (sent, status) in [
        (line(spare - 1), "200 OK"),
        (line(spare + 1), "431 Request Header Fields Too Large"),
        (line(100_000), "431 Request Header Fields Too Large"),
        (many(limits::ADMIN_HEADERS), "200 OK"),
        (many(limits::ADMIN_HEADERS + 1), "431 Request Header Fields Too Large"),
        (posted("Content-Length: 0"), "200 OK"),
        (posted("Content-Length: 1"), "413 Payload Too Large"),
        (posted("Content-Length: 100000000000"), "413 Payload Too Large"),
        (posted("Transfer-Encoding: chunked"), "413 Payload Too Large"),
    ] {
        let mut served = Served::start();
        let start = sent.chars().take(60).collect::<String>();
        let (mut read, mut write) = tokio::io::split(served.client);
        served.tasks.spawn(async move { drop(write.write_all(sent.as_bytes()).await) });
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") && !answer.ends_with(b"ok\n") {
            assert_ne!(read.read_buf(&mut answer).await.unwrap(), 0, "{start:?}: {answer:?}");
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{start:?}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn when_it_stops_only_answers_that_are_being_sent_go_on() {
    for (sent, length) in [("", 0), ("GET /small HTT", 0), ("GET /large HTTP/1.1\r\nHost: a\r\n\r\n", LARGE)] {
        let mut served = Served::start();
        served.client.write_all(sent.as_bytes()).await.unwrap();
        advance(Duration::from_secs(1)).await;
        served.stopping.cancel();
        let (answer, seconds) = served.until_closed().await;
        assert_eq!((answer.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len()), seconds), (length, 1), "{sent}");
    }
    let mut idle = Served::start();
    idle.ask().await;
    idle.stopping.cancel();
    assert_eq!(idle.until_closed().await.1, 0);
}

#[tokio::test(start_paused = true)]
async fn who_sends_an_answer_counts_as_used_last() {
    let mut answering = Served::start();
    answering.client.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::task::yield_now().await;
    advance(Duration::from_secs(1)).await;
    let mut idle = Served::start();
    idle.ask().await;
    advance(Duration::from_secs(1)).await;
    let new = Served::start();
    let order = [&idle, &new, &answering].map(|served| served.activity.used());
    assert!(order.is_sorted(), "{order:?}");
}
