//! The bound on connections keeps file descriptors free: which connection is closed when it is reached.

use std::{net::SocketAddr, time::Duration};

use portcullis_demo::issuer::TokenRequest;
use prost::Message as _;
use tokio::net::TcpStream;

use crate::support::{
    check::{Client, get},
    config,
    http2::{DATA, END_STREAM, Peer, frame, grpc, open},
    issuer,
    process::Serve,
};

async fn connect(address: SocketAddr) -> Peer<TcpStream> {
    Peer::new(TcpStream::connect(address).await.unwrap()).await
}

fn public() -> Vec<u8> {
    get("/api/public").message().encode_to_vec()
}

/// A connection on which one Check was asked, and answered.
async fn used(address: SocketAddr) -> Peer<TcpStream> {
    let mut peer = connect(address).await;
    assert!(peer.check(&public()).await);
    peer
}

async fn page(serve: &Serve, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    let answer = client.get(format!("http://{}{path}", serve.admin)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn metric(serve: &Serve, name: &str) -> u64 {
    let (_, text) = page(serve, "/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("portcullis_connections_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in:\n{text}")).parse().unwrap()
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_few_file_descriptors_connections_that_stay_idle_keep_nobody_out() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer()));
    let serve = Serve::start_after("ulimit -n 256", &["--config", &path], &[]).await;
    assert_eq!(metric(&serve, "limit").await, 192);
    let mut idle = Vec::new();
    for _ in 0..256 {
        idle.push(used(serve.grpc).await);
    }
    // Envoy's new connection, the admin port, and a fetch for a key that is new.
    let client = Client::connect(serve.grpc).await;
    assert_eq!(client.send(&get("/api/public")).await.status, 200);
    assert_eq!(page(&serve, "/healthz").await.0, 200);
    issuer.rotate().await.unwrap();
    let token = issuer.mint(&TokenRequest::new()).unwrap();
    let mut status = 0;
    for _ in 0..40 {
        status = client.send(&get("/api/private").bearer(&token)).await.status;
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(status, 200, "its key was fetched");
    // The oldest ones were told to go, and none with a loss; the newest ones stay.
    assert_eq!(idle[0].ended().await, Some((0, String::new())), "NO_ERROR");
    assert!(idle[255].check(&public()).await);
    assert_eq!(metric(&serve, "refused_total").await, 0);
    let room = metric(&serve, "closed_for_room_total").await;
    assert!((60..=70).contains(&room), "{room}");
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert_eq!(code, Some(0));
    assert!(log.contains("longest unused gRPC connection is closed") && !log.contains("can't be accepted"), "{log}");
    assert!(log.matches("longest unused gRPC connection").count() < 40, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_soft_limit_of_file_descriptors_is_raised_to_the_hard_one() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer()));
    let serve = Serve::start_after("ulimit -Sn 100; ulimit -Hn 400", &["--config", &path], &[]).await;
    assert_eq!(metric(&serve, "limit").await, 300);
    let serve =
        Serve::start_after("ulimit -n 400", &["--config", &path], &[("PORTCULLIS_LISTEN__MAX_CONNECTIONS", "500")])
            .await;
    assert_eq!(metric(&serve, "limit").await, 300, "not what is configured");
    serve.signal("TERM");
    let (_, log) = serve.ended().await;
    assert!(log.contains("more than three quarters of the limit of open files"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_with_a_check_in_flight_never_goes_and_where_all_are_busy_a_new_one_is_refused() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer()).replacen("listen: {", "listen: { max_connections: 3,", 1));
    let serve = Serve::start(&["--config", &path], &[]).await;
    assert_eq!(metric(&serve, "limit").await, 3);
    // The half of a Check on each. The second one is taken back, so that its connection is the only one without.
    let mut busy = Vec::new();
    for _ in 0..3 {
        let mut peer = connect(serve.grpc).await;
        let stream = peer.stream();
        peer.send(&open(stream)).await;
        peer.ping().await;
        busy.push((peer, stream));
    }
    let mut refused = TcpStream::connect(serve.grpc).await.unwrap();
    let read = tokio::io::AsyncReadExt::read(&mut refused, &mut [0; 1]).await;
    assert!(matches!(read, Ok(0) | Err(_)), "closed at once: {read:?}");
    assert_eq!(metric(&serve, "refused_total").await, 1);
    let (peer, stream) = &mut busy[1];
    peer.send(&frame(3, 0, *stream, &8_u32.to_be_bytes())).await;
    peer.ping().await;
    let mut new = used(serve.grpc).await;
    assert_eq!(busy.remove(1).0.ended().await, Some((0, String::new())));
    for (peer, stream) in &mut busy {
        peer.send(&frame(DATA, END_STREAM, *stream, &grpc(&public()))).await;
        assert!(peer.is_answered(*stream).await);
    }
    assert!(new.check(&public()).await);
    assert_eq!(metric(&serve, "closed_for_room_total").await, 1);
    serve.signal("TERM");
    let (_, log) = serve.ended().await;
    assert!(log.contains("a gRPC connection is refused"), "{log}");
}

/// Memory that the process takes, in KiB.
fn resident(serve: &Serve) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", serve.child.id()?)).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_connections_keep_nobody_out() {
    // Two thirds of what this process may have: 5,000 where it may have 7,500.
    let count = (portcullis::service::listen::descriptors::raise_limit() / 3 * 2).min(5000);
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer()));
    let serve = Serve::start(&["--config", &path], &[]).await;
    let before = resident(&serve);
    let mut idle = Vec::new();
    for _ in 0..count {
        idle.push(used(serve.grpc).await.into_inner());
    }
    let client = Client::connect(serve.grpc).await;
    assert_eq!(client.send(&get("/api/public")).await.status, 200);
    assert_eq!(page(&serve, "/healthz").await.0, 200);
    assert_eq!(metric(&serve, "closed_for_room_total").await, 0);
    if let (Some(before), Some(after)) = (before, resident(&serve)) {
        let each = (after - before) / u64::try_from(count).unwrap();
        println!("{count} idle connections: {after} KiB, {each} KiB each");
        assert!(each < 40, "{each} KiB for an idle connection");
    }
}
