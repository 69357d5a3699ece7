//! Tests of a service whose log is not read, can't be written, or gets too many lines.

use std::{
    io::{PipeReader, Read as _, Write as _, pipe},
    net::SocketAddr,
    process::Stdio,
    time::Duration,
};

use portcullis::{
    limits,
    service::telemetry::{log_format::Format, panic_hook, subscriber},
};
use portcullis_demo::issuer::DemoIssuer;
use tokio::{process::Child, task::JoinSet};

use crate::support::{
    check::{Ask, Client, get},
    config, issuer,
    process::{own_address, portcullis},
    scoped,
};

/// The bytes that a pipe of Linux holds while they are not read.
const PIPE_BYTES: usize = 64 * 1024;

/// A running service whose log the test does not read by itself.
struct Blind {
    child: Child,
    admin: SocketAddr,
    client: Client,
    _dir: tempfile::TempDir,
}

fn file(issuer: &str, grpc: SocketAddr, admin: SocketAddr) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    let listen = format!("grpc: '{grpc}', admin: '{admin}'");
    let text = config(issuer).replace("grpc: '127.0.0.1:0', admin: '127.0.0.1:0'", &listen);
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

impl Blind {
    async fn start(issuer: &DemoIssuer, stderr: impl Into<Stdio>, level: &str) -> Self {
        let (grpc, admin) = (own_address(), own_address());
        let (dir, path) = file(issuer.issuer(), grpc, admin);
        let mut command = portcullis(&["serve", "--config", &path, "--log", level, "--log-format", "json"]);
        let child = command.stderr(stderr).spawn().unwrap();
        for _ in 0..500 {
            if page(admin, "/readyz").await.is_some_and(|(status, _)| status == 200) {
                let client = Client::connect(grpc).await;
                return Self { child, admin, client, _dir: dir };
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not ready after ten seconds");
    }

    async fn metric(&self, name: &str) -> u64 {
        let (_, text) = page(self.admin, "/metrics").await.unwrap();
        let prefix = format!("{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
    }

    async fn is_alive(&self) {
        assert_eq!(page(self.admin, "/healthz").await.unwrap(), (200, "ok\n".to_owned()));
    }

    /// Sends requests, 64 at a time, each of which is answered as it should be.
    async fn all(&self, count: usize, ask: impl Fn(usize) -> (Ask, u16)) {
        let mut under_way = JoinSet::new();
        for n in 0..count {
            let (ask, wanted) = ask(n);
            let client = self.client.clone();
            under_way.spawn(async move { assert_eq!(client.send(&ask).await.status, wanted, "{ask:?}") });
            if under_way.len() >= 64 {
                under_way.join_next().await.unwrap().unwrap();
            }
        }
        under_way.join_all().await;
    }

    /// Denied and allowed, public and with a token, in turn.
    async fn mixed(&self, count: usize, token: &str) {
        self.all(count, |n| match n % 4 {
            0 => (get("/api/public"), 200),
            1 => (get("/api/private-scoped").bearer(token), 200),
            2 => (get("/api/private"), 401),
            _ => (get("/nowhere").bearer(token), 403),
        })
        .await;
    }

    /// Ends it as an orchestrator does, and returns its exit code.
    async fn terminated(mut self) -> Option<i32> {
        let pid = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        // Far from the 30 s after which it would be killed.
        tokio::time::timeout(Duration::from_secs(15), self.child.wait()).await.unwrap().unwrap().code()
    }
}

async fn page(admin: SocketAddr, path: &str) -> Option<(u16, String)> {
    let answer = reqwest::get(format!("http://{admin}{path}")).await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

/// Reads a pipe to its end on a thread of its own.
fn read_all(mut log: PipeReader) -> std::thread::JoinHandle<Vec<serde_json::Value>> {
    std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not whole: {line}"))).collect()
    })
}

fn messages<'a>(lines: &'a [serde_json::Value], message: &str) -> Vec<&'a serde_json::Value> {
    lines.iter().map(|line| &line["fields"]).filter(|fields| fields["message"] == message).collect()
}

const LOST: &str = "lines of this log were lost: it was not read, or could not be written";
const DROPPED: &str = "portcullis_log_lines_dropped_total";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_whose_reader_is_gone_changes_no_answer() {
    let issuer = issuer().await;
    let (reader, writer) = pipe().unwrap();
    let service = Blind::start(&issuer, writer, "info").await;
    drop(reader);
    service.mixed(2000, &scoped(&issuer, "read:messages")).await;
    service.is_alive().await;
    assert!(service.metric(DROPPED).await > 0);
    assert_eq!(service.metric("portcullis_panics_total").await, 0);
    assert_eq!(service.terminated().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_not_read_changes_no_answer_and_does_not_hold_up_the_end() {
    let issuer = issuer().await;
    let (reader, writer) = pipe().unwrap();
    let service = Blind::start(&issuer, writer, "debug").await;
    let token = scoped(&issuer, "read:messages");
    // More than 10,000 denials, and 15,000 lines about allowed requests: more than the pipe and the queue take.
    service.mixed(30_000, &token).await;
    service.is_alive().await;
    assert!(service.metric(DROPPED).await > 0);
    service.mixed(400, &token).await;
    service.is_alive().await;
    assert_eq!(service.metric("portcullis_panics_total").await, 0);
    assert_eq!(service.terminated().await, Some(0));
    drop(reader);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_read_again_says_how_many_lines_were_lost_and_has_whole_lines_only() {
    let issuer = issuer().await;
    let (reader, writer) = pipe().unwrap();
    let service = Blind::start(&issuer, writer, "debug").await;
    let token = scoped(&issuer, "read:messages");
    // Each with as much text as a line may have of a request: some 700 bytes.
    let (long, host) = ("x".repeat(200), ["x".repeat(60).as_str(); 3].join("."));
    let asks = |n: usize| (get(&format!("/api/messages/{n}{long}")).host(&host).bearer(&token), 200);
    service.all(9000, asks).await;
    let dropped = service.metric(DROPPED).await;
    assert!(dropped > 0);
    let log = read_all(reader);
    // Until the writing thread has made room.
    tokio::time::sleep(Duration::from_secs(1)).await;
    service.all(10, asks).await;
    assert_eq!(service.metric(DROPPED).await, dropped, "none is lost any more");
    assert_eq!(service.terminated().await, Some(0));
    let lines = log.join().unwrap();
    let told: Vec<u64> = messages(&lines, LOST).iter().map(|line| line["log.lines_lost"].as_u64().unwrap()).collect();
    assert_eq!(told.iter().sum::<u64>(), dropped, "{told:?}");
    let allowed = messages(&lines, "request allowed").len();
    assert_eq!(allowed + usize::try_from(dropped).unwrap(), 9010, "each is in the log or counted");
    assert_eq!(messages(&lines, "stopped").len(), 1, "the last line is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_for_the_log_prevents_no_start_and_keys_rotate() {
    let issuer = issuer().await;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let service = Blind::start(&issuer, full, "info").await;
    let old = scoped(&issuer, "read:messages");
    service.mixed(400, &old).await;
    tokio::time::sleep(limits::FETCH_COOLDOWN).await;
    issuer.rotate().await.unwrap();
    service.mixed(2000, &scoped(&issuer, "read:messages")).await;
    service.all(1, |_| (get("/api/private").bearer(&old), 401)).await;
    service.is_alive().await;
    let dropped = service.metric(DROPPED).await;
    assert!(dropped >= 20, "{dropped}: those of the start, the rotation, and some of the denials");
    assert_eq!(service.metric("portcullis_panics_total").await, 0);
    assert_eq!(service.terminated().await, Some(0));
}

#[tokio::test]
async fn an_error_at_the_start_ends_it_whatever_becomes_of_the_log() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (_dir, path) = file("https://a.test/", taken.local_addr().unwrap(), own_address());
    let (_unread, mut writer) = pipe().unwrap();
    writer.write_all(&[b'x'; PIPE_BYTES]).unwrap();
    let (gone, closed) = pipe().unwrap();
    drop(gone);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let nowhere = path.replace("portcullis.yaml", "nowhere.yaml");
    // Before logging has begun, an error waits for its reader; then nothing does.
    for (config, stderr) in [
        (&path, Stdio::from(writer)),
        (&path, closed.try_clone().unwrap().into()),
        (&path, full.try_clone().unwrap().into()),
        (&nowhere, closed.into()),
        (&nowhere, full.into()),
    ] {
        let mut child = portcullis(&["serve", "--config", config]).stderr(stderr).spawn().unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(15), child.wait()).await.unwrap();
        assert_eq!(ended.unwrap().code(), Some(2), "{config}");
    }
}

#[tokio::test]
async fn an_error_at_the_start_is_still_shown() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (_dir, path) = file("https://a.test/", taken.local_addr().unwrap(), own_address());
    let output = portcullis(&["serve", "--config", &path]).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.lines().last().unwrap().starts_with("error: can't listen on"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_denials_has_few_lines_and_none_is_left_uncounted() {
    let issuer = issuer().await;
    let (reader, writer) = pipe().unwrap();
    let service = Blind::start(&issuer, writer, "info").await;
    let log = read_all(reader);
    let began = tokio::time::Instant::now();
    service.all(5000, |_| (get("/api/private"), 401)).await;
    // A few of another rule are not lost among them.
    service.all(7, |_| (get("/api/private-scoped"), 401)).await;
    let seconds = began.elapsed().as_secs() + 2;
    let (_, metrics) = page(service.admin, "/metrics").await.unwrap();
    let counted = metrics.lines().find(|line| line.contains("no_credentials") && line.contains("/api/private\""));
    assert!(counted.unwrap().ends_with(" 5000"), "{metrics}");
    assert_eq!(service.metric(DROPPED).await, 0);
    assert_eq!(service.terminated().await, Some(0));
    let lines = log.join().unwrap();
    let by_rule = |message, rule: &str| {
        let all = messages(&lines, message).into_iter();
        all.filter(|line| line["rule.id"].as_str().unwrap().ends_with(rule)).collect::<Vec<_>>()
    };
    let logged = by_rule("request denied", "/api/private").len();
    assert!(logged as u64 <= u64::from(limits::DENIAL_LINES) * seconds, "{logged} lines in {seconds} s");
    let left_out = by_rule("more requests were denied", "/api/private");
    assert!(left_out.len() as u64 <= seconds, "at most one a second: {left_out:?}");
    assert!(left_out.iter().all(|line| line["deny.code"] == "no_credentials"), "{left_out:?}");
    let left_out: u64 = left_out.iter().map(|line| line["lines.left_out"].as_u64().unwrap()).sum();
    assert_eq!(logged as u64 + left_out, 5000);
    assert_eq!(by_rule("request denied", "/api/private-scoped").len(), 7);
}

/// In a process of its own: there is one panic hook and one log in each.
#[test]
fn a_panic_is_a_line_of_the_log_and_quotes_nothing() {
    const CHILD: &str = "PORTCULLIS_TEST_PANICS";
    #[expect(clippy::disallowed_methods, reason = "a test that runs itself")]
    let is_child = std::env::var_os(CHILD).is_some();
    if is_child {
        subscriber::init("info", Format::Json).unwrap();
        panic_hook::install();
        let secret = String::from("eyJsecret");
        let threads = [
            std::thread::Builder::new().name("check-7".into()).spawn(|| panic!("a literal")).unwrap(),
            std::thread::spawn(move || panic!("it was {secret}")),
        ];
        threads.into_iter().for_each(|thread| drop(thread.join().unwrap_err()));
        assert_eq!(panic_hook::panics(), 2);
        portcullis::service::telemetry::log_output::flush(limits::LOG_FLUSH);
        return;
    }
    let run = |stderr: Stdio| {
        let name = "logs::a_panic_is_a_line_of_the_log_and_quotes_nothing";
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture"]).env(CHILD, "1").stdout(Stdio::null()).stderr(stderr);
        command.output().unwrap()
    };
    let output = run(Stdio::piped());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let lines: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let panics = messages(&lines, "a bug: the code has panicked");
    assert_eq!(lines.len(), 2, "{said}");
    // The threads run side by side.
    let (named, other): (Vec<&serde_json::Value>, Vec<_>) =
        panics.into_iter().partition(|panic| panic["thread.name"] == "check-7");
    assert_eq!((named.len(), other.len()), (1, 1), "{said}");
    assert_eq!(named[0]["panic.message"], "a literal");
    assert!(
        [&named, &other].into_iter().flatten().all(|panic| panic["panic.at"].as_str().unwrap().contains("logs.rs:")),
        "{said}"
    );
    assert!(!said.contains("eyJsecret") && other[0].get("panic.message").is_none(), "{said}");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert!(run(full.into()).status.success(), "a panic that can't be logged is no abort");
}
