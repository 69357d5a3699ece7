//! Troubles of a running service, and the figures in `/metrics` that tell them.

use std::{io::Write as _, net::SocketAddr, time::Duration};

use envoy_types::pb::{envoy::service::auth::v3::CheckRequest, google::protobuf::Timestamp};
use portcullis::{
    clock::{Clock as _, SystemClock},
    limits,
};
use portcullis_demo::issuer::{DemoIssuer, TokenRequest};
use prost::Message as _;
use serde_json::Value;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use super::{lifecycle::slow_issuer, overload::cpu_time};
use crate::support::{
    check::{Client, get},
    config,
    http2::{DATA, END_HEADERS, END_STREAM, HEADERS, Peer, check, check_headers, frame, grpc, header, open},
    issuer,
    process::Serve,
    scoped, tampered,
};

/// The service, and the directory of its configuration.
async fn serve(issuer: &str, environment: &[(&str, &str)]) -> (tempfile::TempDir, Serve) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    std::fs::write(&path, config(issuer)).unwrap();
    let serve = Serve::start(&["--config", path.to_str().unwrap(), "--threads", "2"], environment).await;
    (dir, serve)
}

async fn metrics(admin: SocketAddr) -> String {
    reqwest::get(format!("http://{admin}/metrics")).await.unwrap().text().await.unwrap()
}

/// The value of a series.
fn value(metrics: &str, series: &str) -> f64 {
    let found = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in:\n{metrics}")).parse().unwrap()
}

/// The values of all series of a metric.
fn values(metrics: &str, metric: &str) -> Vec<f64> {
    let of_metric = metrics.lines().filter(|line| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with('{')));
    of_metric.map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect()
}

/// Waits until a series has that value.
async fn until(serve: &Serve, series: &str, wanted: f64) {
    let began = Instant::now();
    loop {
        let metrics = metrics(serve.admin).await;
        let found = value(&metrics, &format!("portcullis_{series}"));
        if (found - wanted).abs() < 1e-9 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{series} is {found}, not {wanted}:\n{metrics}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A Check that Envoy received just now.
fn received_now(mut message: CheckRequest) -> CheckRequest {
    let millis = SystemClock.now().as_millis();
    let request = message.attributes.as_mut().unwrap().request.as_mut().unwrap();
    let (seconds, nanos) = (millis / 1000, i32::try_from(millis % 1000).unwrap() * 1_000_000);
    request.time = Some(Timestamp { seconds, nanos });
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_counted_later_is_there_from_the_start() {
    let issuer = issuer().await;
    let (_dir, serve) = serve(issuer.issuer(), &[]).await;
    let metrics = metrics(serve.admin).await;
    for outcome in ["unreachable", "timeout", "status", "other_issuer", "key_set", "bug"] {
        let labels = format!("issuer=\"{}\",outcome=\"{outcome}\"", issuer.issuer());
        assert_eq!(value(&metrics, &format!("portcullis_jwks_refresh_total{{{labels}}}")), 0.0);
    }
    for outcome in ["success", "unchanged", "invalid", "unreadable", "tests_failed"] {
        assert_eq!(value(&metrics, &format!("portcullis_config_reloads_total{{outcome=\"{outcome}\"}}")), 0.0);
    }
    for code in ["internal", "overloaded", "keys_unavailable"] {
        assert_eq!(value(&metrics, &format!("portcullis_ext_authz_failures_total{{code=\"{code}\"}}")), 0.0);
    }
    assert_eq!(values(&metrics, "portcullis_thread_lag_seconds").len(), 2, "one for each thread");
    assert_eq!(value(&metrics, "portcullis_draining"), 0.0);
    assert_eq!(value(&metrics, "portcullis_panics_total"), 0.0);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_says_when_it_started_and_how_much_of_a_processor_it_took() {
    let issuer = issuer().await;
    let before = SystemClock.now().as_secs() as f64;
    let (_dir, serve) = serve(issuer.issuer(), &[]).await;
    let (after, least) = (SystemClock.now().as_secs() as f64, cpu_time(&serve).as_secs_f64());
    let text = metrics(serve.admin).await;
    let most = cpu_time(&serve).as_secs_f64();
    // The system tells the time of its own start in whole seconds.
    let started = value(&text, "process_start_time_seconds");
    assert!((before - 2.0..=after + 2.0).contains(&started), "{started}, not from {before} to {after}");
    let cpu = value(&text, "process_cpu_seconds_total");
    assert!((least - 1e-6..=most + 1e-6).contains(&cpu), "{cpu}, not from {least} to {most}");
}

/// Frozen, suspended or without any processor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stood_still_shows_it_in_the_lag_of_its_threads_and_in_the_age_of_checks() {
    /// The part of the time in which a thread's timer is due.
    const DUE: Duration = limits::HEARTBEAT;
    let issuer = issuer().await;
    let (_dir, serve) = serve(issuer.issuer(), &[]).await;
    let client = Client::connect(serve.grpc).await;
    client.message(received_now(get("/api/public").message())).await;
    let stopped = Instant::now();
    serve.signal("STOP");
    let message = received_now(get("/api/public").message());
    let (got, stood_still) = tokio::join!(client.message(message), async {
        sleep(DUE + Duration::from_millis(1500)).await;
        let stood_still = stopped.elapsed();
        serve.signal("CONT");
        stood_still
    });
    assert_eq!(got.status, 200);
    let text = metrics(serve.admin).await;
    let lags = values(&text, "portcullis_thread_lag_seconds");
    assert!(lags.iter().all(|lag| *lag >= 1.4), "{lags:?} after {stood_still:?}");
    // The age of one Check in each second is looked at: if not of that one, then of one that comes a second later.
    let age = value(&text, "portcullis_ext_authz_request_age_seconds");
    assert!(age >= 2.4, "{age} after {stood_still:?}");
    // What the duration of the Check itself does not show: it was read once the process went on.
    let duration = value(&text, "portcullis_ext_authz_check_duration_seconds_sum");
    assert!(duration < stood_still.as_secs_f64(), "{duration} after {stood_still:?}");
}

/// A service that gets a processor for a few milliseconds, and for a twentieth of the time, as with a quota.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_with_little_of_a_processor_shows_it_in_the_time_in_the_queue() {
    const CHECKS: usize = 250;
    let issuer = issuer().await;
    let (_dir, serve) = serve(issuer.issuer(), &[]).await;
    let mut peer = Peer::new(TcpStream::connect(serve.grpc).await.unwrap()).await;
    let message = get("/api/private").bearer(&scoped(&issuer, "")).message().encode_to_vec();
    let streams: Vec<u32> = (0..CHECKS).map(|_| peer.stream()).collect();
    let bytes: Vec<u8> = streams.iter().flat_map(|stream| check(*stream, &message)).collect();
    serve.signal("STOP");
    peer.send(&bytes).await;
    let answered = async {
        for stream in streams {
            assert!(peer.is_answered(stream).await);
        }
    };
    let starved = async {
        loop {
            sleep(Duration::from_millis(60)).await;
            serve.signal("CONT");
            serve.signal("STOP");
        }
    };
    tokio::select! { () = answered => {}, () = starved => {} }
    serve.signal("CONT");
    let text = metrics(serve.admin).await;
    let queued =
        |bucket: &str| value(&text, &format!("portcullis_ext_authz_queue_duration_seconds_bucket{{le=\"{bucket}\"}}"));
    assert_eq!(queued("+Inf"), CHECKS as f64);
    let long = CHECKS as f64 - queued("0.05");
    assert!(long > CHECKS as f64 / 10.0, "{long} waited for their turn for longer than 50 ms:\n{text}");
}

/// More Checks at once than a thread can decide before their deadlines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overload_shows_in_the_queue_in_what_was_turned_away_and_in_the_log() {
    const CHECKS: usize = 1000;
    /// The deadline of each Check. All of them together take some ten times as long.
    const DEADLINE: Duration = Duration::from_millis(10);
    let issuer = issuer().await;
    let (_dir, serve) = serve(issuer.issuer(), &[]).await;
    let (client, ask) = (Client::connect(serve.grpc).await, get("/api/private").bearer(&scoped(&issuer, "")));
    assert_eq!(client.send(&ask).await.status, 200);
    let timeout = format!("{}m", DEADLINE.as_millis());
    let headers = [check_headers(), header("grpc-timeout", &timeout)].concat();
    let message = grpc(&ask.message().encode_to_vec());
    let mut peer = Peer::new(TcpStream::connect(serve.grpc).await.unwrap()).await;
    let streams: Vec<u32> = (0..CHECKS).map(|_| peer.stream()).collect();
    let call = |stream: &u32| {
        [frame(HEADERS, END_HEADERS, *stream, &headers), frame(DATA, END_STREAM, *stream, &message)].concat()
    };
    peer.send(&streams.iter().flat_map(call).collect::<Vec<u8>>()).await;
    for stream in streams {
        assert!(peer.is_answered(stream).await);
    }

    let text = metrics(serve.admin).await;
    let turned_away = value(&text, "portcullis_ext_authz_failures_total{code=\"overloaded\"}");
    assert!(turned_away > 0.0, "{text}");
    let denied = "portcullis_ext_authz_checks_total{decision=\"deny\",code=\"overloaded\",rule=\"\"}";
    assert_eq!(value(&text, denied), turned_away);
    assert_eq!(value(&text, "portcullis_ext_authz_queue_duration_seconds_count"), CHECKS as f64 + 1.0);
    // Nothing is turned away before half of its time has passed.
    let queued = value(&text, "portcullis_ext_authz_queue_duration_seconds_sum");
    assert!(queued >= turned_away * DEADLINE.as_secs_f64() / 2.0, "{queued} s, and {turned_away} turned away");
    until(&serve, "ext_authz_checks_queued", 0.0).await;
    assert_eq!(client.send(&ask).await.status, 200, "the overload is over");

    drop((client, peer));
    serve.signal("TERM");
    let (_, log) = serve.ended().await;
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<Value> = lines.filter(|line| line["fields"]["deny.code"] == "overloaded").collect();
    assert!(lines.iter().all(|line| line["level"] == "WARN"), "{log}");
    let left_out = |line: &Value| line["fields"]["lines.left_out"].as_f64();
    let told: f64 = lines.iter().map(|line| left_out(line).unwrap_or(1.0)).sum();
    assert_eq!(told, turned_away, "each is in a line or in the number of those left out:\n{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_that_wait_for_keys_are_counted_while_they_do() {
    let minter = issuer().await;
    let name = slow_issuer(minter.jwk_set().to_string(), Duration::from_millis(1500)).await;
    let (_dir, serve) = serve(&name, &[]).await;
    let client = Client::connect(serve.grpc).await;
    let ask = get("/api/private").bearer(&minter.mint(&TokenRequest::new().claim("iss", name.as_str())).unwrap());
    let (one, other, ()) = tokio::join!(client.send(&ask), client.send(&ask), async {
        until(&serve, "ext_authz_checks_waiting_for_keys", 2.0).await;
        until(&serve, "ext_authz_checks_in_flight", 2.0).await;
    });
    assert_eq!((one.status, other.status), (200, 200));
    until(&serve, "ext_authz_checks_waiting_for_keys", 0.0).await;
    until(&serve, "ext_authz_checks_in_flight", 0.0).await;
    assert_eq!(value(&metrics(serve.admin).await, "portcullis_ext_authz_checks_queued"), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envoy_that_restarts_and_a_connection_that_is_cut_show_in_the_connections() {
    let issuer = issuer().await;
    let (_dir, serve) = serve(issuer.issuer(), &[]).await;
    let message = get("/api/public").message().encode_to_vec();
    let connect = async || Peer::new(TcpStream::connect(serve.grpc).await.unwrap()).await;
    let (mut one, mut other) = (connect().await, connect().await);
    assert!(one.check(&message).await && other.check(&message).await);
    until(&serve, "connections_open", 2.0).await;
    // One ends as a process does that stops, the other one as a process that is killed in the midst of a Check.
    drop(one);
    until(&serve, "connections_open", 1.0).await;
    assert_eq!(
        values(&metrics(serve.admin).await, "portcullis_connections_closed_for_error_total").iter().sum::<f64>(),
        0.0
    );
    let stream = other.stream();
    other.send(&open(stream)).await;
    other.ping().await;
    other.into_inner().set_zero_linger().unwrap();
    until(&serve, "connections_closed_for_error_total{reason=\"broken_off\"}", 1.0).await;
    until(&serve, "connections_open", 0.0).await;
    assert_eq!(value(&metrics(serve.admin).await, "portcullis_ext_authz_checks_cancelled_total"), 1.0);
    assert!(connect().await.check(&message).await);
    until(&serve, "connections_accepted_total", 3.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_are_remembered_are_told_from_those_that_are_verified_and_refused() {
    let issuer = issuer().await;
    let (_dir, serve) = serve(issuer.issuer(), &[]).await;
    let client = Client::connect(serve.grpc).await;
    let good = scoped(&issuer, "");
    for _ in 0..5 {
        assert_eq!(client.send(&get("/api/private").bearer(&good)).await.status, 200);
    }
    for _ in 0..3 {
        assert_eq!(client.send(&get("/api/private").bearer("a.b.c")).await.reason, "token_malformed");
    }
    let text = metrics(serve.admin).await;
    let figures = ["hits_total", "refusals_total", "evictions_total", "entries"]
        .map(|name| value(&text, &format!("portcullis_token_cache_{name}")));
    assert_eq!(figures, [4.0, 2.0, 0.0, 1.0], "{text}");
    // Where the first one came before the keys, it was verified once more.
    let misses = value(&text, "portcullis_token_cache_misses_total");
    assert!((2.0..=3.0).contains(&misses), "{text}");
}

/// Floods of forged tokens, and an issuer that can't be reached.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_shows_by_its_reason_and_troubles_of_ours_and_of_issuers_apart_from_it() {
    let issuer = issuer().await;
    let (_dir, serve) = serve(issuer.issuer(), &[]).await;
    let client = Client::connect(serve.grpc).await;
    let good = scoped(&issuer, "");
    assert_eq!(client.send(&get("/api/private").bearer(&good)).await.status, 200);
    let elsewhere = DemoIssuer::start(
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
        "https://elsewhere.test/",
        crate::support::AUDIENCE,
    )
    .await
    .unwrap();
    let foreign = scoped(&elsewhere, "");
    for _ in 0..50 {
        assert_eq!(client.send(&get("/api/private").bearer(&foreign)).await.status, 401);
        assert_eq!(client.send(&get("/api/private").bearer(&tampered(&good))).await.status, 401);
    }
    let text = metrics(serve.admin).await;
    let denied = |code: &str, rule: &str| {
        value(&text, &format!("portcullis_ext_authz_checks_total{{decision=\"deny\",code=\"{code}\",rule=\"{rule}\"}}"))
    };
    let rule = "* /api/private";
    assert_eq!(denied("token_unknown_issuer", rule), 50.0, "{text}");
    assert_eq!(denied("token_bad_signature", rule), 50.0, "{text}");
    assert_eq!(values(&text, "portcullis_ext_authz_failures_total").iter().sum::<f64>(), 0.0, "{text}");
    let all = values(&text, "portcullis_ext_authz_checks_total").iter().sum::<f64>();
    assert_eq!((all, value(&text, "portcullis_ext_authz_queue_duration_seconds_count")), (101.0, 101.0));
    // An issuer that is gone, and a token with a key that is not known.
    issuer.rotate().await.unwrap();
    let new = scoped(&issuer, "");
    drop(issuer);
    assert_eq!(client.send(&get("/api/private").bearer(&new)).await.status, 503);
    until(&serve, "ext_authz_failures_total{code=\"keys_unavailable\"}", 1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_about_to_stop_says_so() {
    let issuer = issuer().await;
    let (_dir, serve) = serve(issuer.issuer(), &[("PORTCULLIS_DRAIN_NOTICE", "5m")]).await;
    until(&serve, "draining", 0.0).await;
    serve.signal("TERM");
    until(&serve, "draining", 1.0).await;
    serve.signal("TERM");
    assert_eq!(serve.ended().await.0, Some(0), "nothing was cut off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_the_admin_port_are_counted() {
    let issuer = issuer().await;
    let (_dir, serve) = serve(issuer.issuer(), &[]).await;
    let mut hanging = Vec::new();
    for _ in 0..5 {
        let mut stream = std::net::TcpStream::connect(serve.admin).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
        hanging.push(stream);
    }
    // With the one that asks.
    until(&serve, "admin_connections_open", 6.0).await;
    drop(hanging);
    until(&serve, "admin_connections_open", 1.0).await;
}
