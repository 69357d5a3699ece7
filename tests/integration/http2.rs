//! HTTP/2 from a proxy that carries many clients: what one of them does through it costs the others nothing, and a connection
//! that ends for an error, or a call that is rejected unread, is counted and logged. The bounds one by one are tested beside `ext_authz::connection`.

use portcullis::limits;
use prost::Message as _;
use tokio::net::TcpStream;

use crate::support::{
    check::get,
    config,
    http2::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, Peer, check, check_headers, frame, grpc, header, open,
        taken_back,
    },
    issuer,
    process::Serve,
    service::TestService,
};

async fn connect(address: std::net::SocketAddr) -> Peer<TcpStream> {
    Peer::new(TcpStream::connect(address).await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_that_are_taken_back_in_one_write_cost_no_other_check_of_the_connection() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let (_, before) = service.page("/metrics").await;
    for line in [
        "portcullis_connections_accepted_total 0\n",
        "portcullis_connections_refused_total 0\n",
        "portcullis_connections_closed_for_room_total 0\n",
        "portcullis_connections_open 0\n",
    ] {
        assert!(before.contains(line), "{line} not in:\n{before}");
    }
    let message = get("/api/public").message().encode_to_vec();
    for count in [1000, 16 * 1024] {
        let mut peer = connect(service.grpc).await;
        let early = peer.stream();
        let mut bytes = open(early);
        let mut good = Vec::new();
        for at in 0..count {
            bytes.extend(taken_back(peer.stream()));
            if at % 100 == 0 {
                let stream = peer.stream();
                bytes.extend(check(stream, &message));
                good.push(stream);
            }
        }
        bytes.extend(frame(DATA, END_STREAM, early, &grpc(&message)));
        good.push(early);
        peer.send(&bytes).await;
        for stream in good {
            assert!(peer.is_answered(stream).await, "{count}: {stream} {:?}", peer.goodbye);
        }
        assert!(peer.check(&message).await);
    }
    let (_, metrics) = service.page("/metrics").await;
    for reason in portcullis::ext_authz::service::ConnectionFailure::REASONS {
        let line = format!("portcullis_connections_closed_for_error_total{{reason=\"{reason}\"}} 0\n");
        assert!(metrics.contains(&line), "{line} not in:\n{metrics}");
    }
}

/// Headers with one CONTINUATION frame too many.
fn flood(stream: u32) -> Vec<u8> {
    let more = (0..=limits::CONTINUATION_FRAMES).flat_map(|_| frame(CONTINUATION, 0, stream, &header("x", "y")));
    frame(HEADERS, 0, stream, &check_headers()).into_iter().chain(more).collect()
}

/// The metrics, as soon as they have that line; else after two seconds.
async fn metrics_with(serve: &Serve, line: &str) -> String {
    let mut text = String::new();
    for _ in 0..100 {
        let page = reqwest::get(format!("http://{}/metrics", serve.admin)).await.unwrap();
        text = page.text().await.unwrap();
        if text.contains(line) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_for_an_error_are_counted_and_logged_at_a_bounded_rate() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    std::fs::write(&path, config(issuer.issuer())).unwrap();
    let serve = Serve::start(&["--config", path.to_str().unwrap()], &[]).await;
    let message = get("/api/public").message().encode_to_vec();
    let began = tokio::time::Instant::now();
    for _ in 0..50 {
        let mut peer = connect(serve.grpc).await;
        assert!(peer.check(&message).await);
        let stream = peer.stream();
        peer.send(&flood(stream)).await;
        assert_eq!(peer.ended().await.unwrap().1, "too_many_continuations");
    }
    let most = began.elapsed().as_secs() + 2;
    let mut still = connect(serve.grpc).await;
    assert!(still.check(&message).await);
    // The last ones may still be at their ends.
    let after = metrics_with(&serve, "portcullis_connections_open 1\n").await;
    for line in [
        "portcullis_connections_closed_for_error_total{reason=\"enhance_your_calm\"} 50\n",
        "portcullis_connections_closed_for_error_total{reason=\"protocol_error\"} 0\n",
        "portcullis_connections_accepted_total 51\n",
        "portcullis_connections_open 1\n",
    ] {
        assert!(after.contains(line), "{line} not in:\n{after}");
    }
    // A second later one more line is due, which says how many were left out.
    tokio::time::sleep(limits::CONNECTION_LINES).await;
    let stream = still.stream();
    still.send(&frame(DATA, 0, stream, b"on a stream that is not open")).await;
    still.ended().await;
    let mut last = connect(serve.grpc).await;
    let stream = last.stream();
    last.send(&flood(stream)).await;
    last.ended().await;
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert_eq!(code, Some(0), "{log}");
    let lines: Vec<serde_json::Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &serde_json::Value| line["fields"]["connection.reason"].is_string())
        .collect();
    let of =
        |reason: &str| lines.iter().filter(|line| line["fields"]["connection.reason"] == reason).collect::<Vec<_>>();
    let calm = of("enhance_your_calm");
    assert!((2..=usize::try_from(most).unwrap() + 1).contains(&calm.len()), "{log}");
    let logged = u64::try_from(calm.len()).unwrap();
    let left_out: u64 = calm.iter().map(|line| line["fields"]["lines.left_out"].as_u64().unwrap()).sum();
    assert_eq!(logged + left_out, 51, "{log}");
    assert!(calm[0]["fields"]["error"].as_str().unwrap().contains("too_many_continuations"), "{}", calm[0]);
    assert_eq!((&calm[0]["level"], of("protocol_error").len()), (&"WARN".into(), 1), "{log}");
}

/// The opening of a Check with an `:authority`.
fn open_to(authority: &str, stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &[header(":authority", authority), check_headers()].concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_whose_authority_is_none_are_counted_and_logged_with_the_remedy_whatever_the_filter_is() {
    const ISTIO: &str = "outbound|9191||portcullis.shop.svc.cluster.local";
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    std::fs::write(&path, config(issuer.issuer())).unwrap();
    for filter in ["info", "off,portcullis=info"] {
        let before = ["--config", path.to_str().unwrap(), "--log"];
        let serve = Serve::start(&[&before[..], &[filter]].concat(), &[]).await;
        let mut peer = connect(serve.grpc).await;
        let names = [ISTIO, "portcullis_grpc::9191", "default/portcullis", "ext authz", "%2Frun%2Fportcullis.sock"];
        for name in names {
            let stream = peer.stream();
            peer.send(&open_to(name, stream)).await;
        }
        // No scheme.
        let stream = peer.stream();
        let headers = [&[0x83][..], &header(":path", "/a")].concat();
        peer.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &headers)).await;
        peer.ping().await;
        assert_eq!(peer.resets.len(), names.len() + 1, "{filter}");
        let message = get("/api/public").message().encode_to_vec();
        let good = peer.stream();
        let headers = [header(":authority", "portcullis"), check_headers()].concat();
        peer.send(
            &[frame(HEADERS, END_HEADERS, good, &headers), frame(DATA, END_STREAM, good, &grpc(&message))].concat(),
        )
        .await;
        assert!(peer.is_answered(good).await, "{filter}");
        let page = reqwest::get(format!("http://{}/metrics", serve.admin)).await.unwrap().text().await.unwrap();
        for line in [
            "portcullis_calls_rejected_total{part=\"authority\"} 5\n",
            "portcullis_calls_rejected_total{part=\"headers\"} 1\n",
        ] {
            assert!(page.contains(line), "{filter}: {line} not in:\n{page}");
        }
        serve.signal("TERM");
        let (code, log) = serve.ended().await;
        assert_eq!(code, Some(0), "{log}");
        let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let about: Vec<_> = lines.filter(|line| line["fields"]["calls.rejected"].is_u64()).collect();
        let first = about.first().unwrap_or_else(|| panic!("{filter}: {log}"));
        assert_eq!((&first["level"], &first["fields"]["http2.authority"]), (&"WARN".into(), &ISTIO.into()), "{log}");
        assert!(first["fields"]["message"].as_str().unwrap().contains("`authority: portcullis` in `envoy_grpc`"));
        assert!(!log.contains("malformed headers"), "h2's own event is not logged: {log}");
    }
}
