//! Tests with more connections and calls than there is room for: those that hang take nothing from others.

use std::{net::SocketAddr, time::Duration};

use portcullis::limits;
use portcullis_demo::issuer::DemoIssuer;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::support::{
    check::{Client, get},
    config, issuer,
    process::{Serve, portcullis},
    scoped,
};

/// A process may have so many file descriptors: what `ulimit -n` often says on small systems.
const DESCRIPTORS: usize = 256;

/// The service with few file descriptors.
async fn serve(issuer: &DemoIssuer) -> (tempfile::TempDir, Serve) {
    serve_with(issuer, DESCRIPTORS).await
}

/// The service on two threads, with so many file descriptors.
async fn serve_with(issuer: &DemoIssuer, descriptors: usize) -> (tempfile::TempDir, Serve) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    std::fs::write(&file, config(issuer.issuer())).unwrap();
    let program = portcullis(&[]).as_std().get_program().to_owned();
    let script = format!("ulimit -n {descriptors} && exec \"$0\" serve --threads 2 --config \"$1\"");
    let mut command = tokio::process::Command::new("sh");
    command.arg("-c").arg(script).arg(program).arg(&file).env_clear();
    (dir, Serve::spawn(command).await)
}

/// Connections to the admin port with so much of a request each.
async fn hang(admin: SocketAddr, count: usize, sent: &str) -> Vec<TcpStream> {
    let mut hanging = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(admin).await.unwrap();
        // It may have been closed already.
        let _ = stream.write_all(sent.as_bytes()).await;
        hanging.push(stream);
    }
    hanging
}

/// The number of these connections that are open at their other end.
async fn open(hanging: &mut [TcpStream]) -> usize {
    let mut open = 0;
    for stream in hanging {
        let read = timeout(Duration::from_millis(1), stream.read(&mut [0; 64])).await;
        open += usize::from(read.is_err());
    }
    open
}

/// The time that a probe takes to be answered.
async fn probe(admin: SocketAddr) -> Duration {
    let began = Instant::now();
    let answer = reqwest::get(format!("http://{admin}/healthz")).await.unwrap();
    assert_eq!(answer.status(), 200);
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_admin_connections_take_nothing_from_anybody() {
    let issuer = issuer().await;
    let (_dir, serve) = serve(&issuer).await;
    for sent in ["GET /healthz HTTP/1.1\r\nHost: a\r\n", "", "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut hanging = hang(serve.admin, DESCRIPTORS, sent).await;
        for _ in 0..3 {
            assert!(probe(serve.admin).await < Duration::from_secs(5), "{sent:?}");
        }
        // Envoy's new connections, and keys that have to be fetched for a token of a new one.
        issuer.rotate().await.unwrap();
        tokio::time::sleep(limits::FETCH_COOLDOWN).await;
        for _ in 0..8 {
            let client = Client::connect(serve.grpc).await;
            let got = client.send(&get("/api/private").bearer(&scoped(&issuer, ""))).await;
            assert_eq!((got.status, got.reason.as_str()), (200, "ok"), "{sent:?}");
        }
        // What has an answer to read is not closed, as far as the client sees: it has it.
        if !sent.ends_with("\r\n\r\n") {
            assert!(open(&mut hanging).await < limits::ADMIN_CONNECTIONS, "the probes had places of theirs: {sent:?}");
        }
    }
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert_eq!(code, Some(0));
    assert!(!log.contains("can't be accepted"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ports_full_of_idle_connections_leave_descriptors_for_keys() {
    let issuer = issuer().await;
    let (_dir, serve) = serve(&issuer).await;
    // The gRPC port first: its connections stay open until another one needs a place.
    let mut idle = Vec::new();
    for _ in 0..DESCRIPTORS {
        let client = Client::connect(serve.grpc).await;
        assert_eq!(client.send(&get("/api/public")).await.status, 200);
        idle.push(client);
    }
    let _hanging = hang(serve.admin, DESCRIPTORS, "").await;
    issuer.rotate().await.unwrap();
    tokio::time::sleep(limits::FETCH_COOLDOWN).await;
    let client = Client::connect(serve.grpc).await;
    let got = client.send(&get("/api/private").bearer(&scoped(&issuer, ""))).await;
    assert_eq!((got.status, got.reason.as_str()), (200, "ok"), "its key was fetched");
    assert!(probe(serve.admin).await < Duration::from_secs(5));
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert_eq!(code, Some(0));
    assert!(!log.contains("can't be accepted") && !log.contains("Too many open files"), "{log}");
}

/// A process without any file descriptor left goes on, and is itself again when there are some.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_the_admin_port_waits_and_burns_no_core() {
    /// The file descriptors of the process. It has 24 itself, so that three quarters of them, for gRPC, are more than the rest.
    const FEWER: usize = 64;
    let issuer = issuer().await;
    let (_dir, serve) = serve_with(&issuer, FEWER).await;
    // Each connection to the gRPC port on which nothing is asked stays for 40 s.
    let taken = hang(serve.grpc, FEWER, "").await;
    let waiting = hang(serve.admin, 4, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let before = cpu_time(&serve);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let used = cpu_time(&serve).saturating_sub(before);
    assert!(used < Duration::from_millis(500), "{used:?} of two seconds");
    drop((taken, waiting));
    let began = Instant::now();
    while timeout(Duration::from_secs(1), reqwest::get(format!("http://{}/healthz", serve.admin))).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not come back");
    }
    assert!(probe(serve.admin).await < Duration::from_secs(5));
    let metrics = reqwest::get(format!("http://{}/metrics", serve.admin)).await.unwrap().text().await.unwrap();
    let failures = metrics.lines().find_map(|line| line.strip_prefix("portcullis_connections_accept_failures_total "));
    assert!(failures.unwrap().parse::<u64>().unwrap() > 0, "{metrics}");
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert_eq!(code, Some(0));
    assert!(log.contains("a connection can't be accepted"), "it had no descriptor left: {log}");
}

/// The processor time that a process has used so far.
pub(crate) fn cpu_time(serve: &Serve) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", serve.child.id().unwrap())).unwrap();
    // Its name, which may hold spaces, is in parentheses; user and system time are the 14th and 15th field.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
