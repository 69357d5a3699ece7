//! Starting and stopping, as a process.

use std::time::Duration;

use axum::{Router, routing::get as route};
use portcullis_demo::issuer::{Alg, Fault, TokenRequest};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::support::{
    check::{Client, get},
    config, issuer,
    process::Serve,
    scoped,
    service::TestService,
};

async fn file(text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("portcullis.yaml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

async fn ready(admin: std::net::SocketAddr) -> bool {
    reqwest::get(format!("http://{admin}/readyz")).await.is_ok_and(|answer| answer.status() == 200)
}

async fn until_ready(serve: &Serve) {
    for _ in 0..500 {
        if ready(serve.admin).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not ready after ten seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_variables_protect_every_path() {
    let issuer = issuer().await;
    let environment = [
        ("PORTCULLIS_ISSUER", issuer.issuer()),
        ("PORTCULLIS_AUDIENCE", "https://api.example.com"),
        ("PORTCULLIS_LISTEN__GRPC", "127.0.0.1:0"),
        ("PORTCULLIS_LISTEN__ADMIN", "127.0.0.1:0"),
        // A proxy of the environment is for others.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
        // What Kubernetes injects for a Service called `portcullis`.
        ("PORTCULLIS_PORT", "tcp://10.0.0.1:9191"),
        ("PORTCULLIS_SERVICE_HOST", "10.0.0.1"),
        ("PORTCULLIS_SERVICE_PORT", "9191"),
        ("PORTCULLIS_PORT_9191_TCP_ADDR", "10.0.0.1"),
    ];
    let serve = Serve::start(&[], &environment).await;
    until_ready(&serve).await;
    let client = Client::connect(serve.grpc).await;
    let token = scoped(&issuer, "");
    for path in ["/", "/a", "/api/public", "/a/b/c/d"] {
        for method in ["GET", "POST", "DELETE", "OPTIONS", "PURGE"] {
            assert_eq!(client.send(&get(path).method(method)).await.status, 401, "{method} {path}");
            assert_eq!(client.send(&get(path).method(method).bearer(&token)).await.status, 200, "{method} {path}");
        }
    }
    let expired = issuer.mint(&TokenRequest::new().expires_in(-60)).unwrap();
    assert_eq!(client.send(&get("/").bearer(&expired)).await.status, 401);
}

/// An issuer whose keys take a while, so that a Check waits for them: a request in flight.
pub(crate) async fn slow_issuer(keys: String, wait: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = format!("http://{}/", listener.local_addr().unwrap());
    let metadata = format!(r#"{{"issuer":"{name}","jwks_uri":"{name}jwks"}}"#);
    let slow = move || {
        let keys = keys.clone();
        async move {
            tokio::time::sleep(wait).await;
            keys
        }
    };
    let pages = Router::new()
        .route("/.well-known/openid-configuration", route(move || std::future::ready(metadata.clone())))
        .route("/jwks", route(slow));
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move { axum::serve(listener, pages).await });
    name
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_lets_requests_in_flight_finish_and_exits_0() {
    let minter = issuer().await;
    // Longer than it takes to close the listeners, shorter than a Check waits.
    let name = slow_issuer(minter.jwk_set().to_string(), Duration::from_millis(1500)).await;
    let (_dir, path) = file(&config(&name)).await;
    let serve = Serve::start(&["--config", &path], &[]).await;
    let client = Client::connect(serve.grpc).await;
    let token = minter.mint(&TokenRequest::new().claim("iss", name.as_str())).unwrap();
    let ask = get("/api/private").bearer(&token);
    let (got, status) = tokio::join!(client.send(&ask), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        serve.signal("TERM");
        serve.ended().await.0
    });
    assert_eq!((got.status, got.reason.as_str()), (200, "ok"), "its keys came, and it was answered");
    assert_eq!(status, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_no_trouble_in_the_log() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer())).await;
    let serve = Serve::start(&["--config", &path], &[]).await;
    until_ready(&serve).await;
    // Until no connection to the admin port is open, whose end its server would wait for.
    tokio::time::sleep(Duration::from_millis(200)).await;
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert_eq!(code, Some(0));
    assert!(!log.contains("\"ERROR\"") && !log.contains("\"WARN\""), "{log}");
    assert!(log.trim_end().lines().last().unwrap().contains("\"stopped\""), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_a_request_do_not_hold_up_the_end() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer())).await;
    let serve = Serve::start(&["--config", &path], &[]).await;
    until_ready(&serve).await;
    let mut silent = TcpStream::connect(serve.grpc).await.unwrap();
    silent.write_all(b"PRI * HT").await.unwrap();
    // A peer that opened HTTP/2 and died: it acknowledges nothing.
    let mut dead = TcpStream::connect(serve.grpc).await.unwrap();
    dead.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut half = TcpStream::connect(serve.admin).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nhost: x").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = tokio::time::Instant::now();
    serve.signal("TERM");
    assert_eq!(serve.ended().await.0, Some(0), "nothing was cut off");
    // Far from the drain's deadline of twenty seconds.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let minter = issuer().await;
    let name = slow_issuer(String::new(), Duration::from_secs(60)).await;
    let (_dir, path) = file(&config(&name)).await;
    let serve = Serve::start(&["--config", &path], &[]).await;
    let client = Client::connect(serve.grpc).await;
    let token = minter.mint(&TokenRequest::new().claim("iss", name.as_str())).unwrap();
    let ask = get("/api/private").bearer(&token);
    let cut_off = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        serve.signal("TERM");
        tokio::time::sleep(Duration::from_millis(100)).await;
        serve.signal("INT");
        serve.ended().await
    };
    // Its two seconds of waiting for keys are not over before the signals.
    let (got, (status, log)) = tokio::join!(client.try_send(&ask), cut_off);
    assert!(got.is_err(), "answered before it was cut off: {got:?}");
    assert_eq!(status, Some(1), "{log}");
    let line = log.lines().last().unwrap();
    assert!(line.contains("stopped by a second signal: Checks in flight are cut off"), "{log}");
    assert!(line.contains("\"signal\":\"SIGINT\"") && line.contains("\"checks.cut_off\":1"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_stopping() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer())).await;
    let serve = Serve::start(&["--config", &path, "--drain-notice", "500ms"], &[]).await;
    until_ready(&serve).await;
    let client = Client::connect(serve.grpc).await;
    let token = scoped(&issuer, "read:messages");
    let ask = get("/api/private-scoped").bearer(&token);
    assert_eq!(client.send(&ask).await.status, 200);
    serve.signal("TERM");
    // During the notice the listener is open, readiness has fallen, and requests are answered.
    let mut answered = 0;
    while ready(serve.admin).await {
        assert_eq!(client.send(&ask).await.status, 200);
        answered += 1;
        assert!(answered < 10_000, "readiness does not fall");
    }
    // Until it says goodbye. What it takes before that it answers, and never with anything else.
    while let Ok(got) = client.try_send(&ask).await {
        assert_eq!(got.status, 200);
        answered += 1;
    }
    assert!(answered > 0);
    drop(client);
    assert_eq!(serve.ended().await.0, Some(0));
}

/// Asks `grpc.health.v1` on a new connection about the whole server and the service.
async fn health(serve: &Serve) -> [ServingStatus; 2] {
    let channel = tonic::transport::Endpoint::new(format!("http://{}", serve.grpc)).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    let mut said = [ServingStatus::Unknown; 2];
    for (service, said) in ["", "envoy.service.auth.v3.Authorization"].into_iter().zip(&mut said) {
        let asked = HealthCheckRequest { service: service.to_owned() };
        *said = client.check(asked).await.unwrap().into_inner().status();
    }
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn during_the_notice_health_says_so_and_new_connections_are_answered() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer())).await;
    // Longer than this test: only the second signal ends it.
    let serve = Serve::start(&["--config", &path], &[("PORTCULLIS_DRAIN_NOTICE", "5m")]).await;
    until_ready(&serve).await;
    let early = Client::connect(serve.grpc).await;
    let ask = get("/api/private").bearer(&scoped(&issuer, ""));
    assert_eq!(early.send(&ask).await.status, 200);
    assert_eq!(health(&serve).await, [ServingStatus::Serving; 2]);
    serve.signal("TERM");
    while ready(serve.admin).await {}
    let mut waited = 0;
    while health(&serve).await != [ServingStatus::NotServing; 2] {
        waited += 1;
        assert!(waited < 1000, "health does not fall");
    }
    for _ in 0..100 {
        assert_eq!(early.send(&ask).await.status, 200, "a connection from before");
        assert_eq!(Client::connect(serve.grpc).await.send(&ask).await.status, 200, "a new connection");
    }
    serve.signal("TERM");
    let (code, log) = serve.ended().await;
    assert_eq!(code, Some(0), "a second signal ends it at once, and there was nothing to cut off: {log}");
    assert!(!log.contains("cut off"), "{log}");
    assert!(log.contains("\"drain.notice\":\"300s\""), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_line_holds_a_token_or_a_query() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer())).await;
    let serve = Serve::start(&["--config", &path, "--log", "trace,portcullis=trace"], &[]).await;
    until_ready(&serve).await;
    let client = Client::connect(serve.grpc).await;
    let token = issuer.mint(&TokenRequest::new().subject("canary-subject").scope("read:messages")).unwrap();
    for asked in [
        get("/api/private-scoped?access=canary-query").bearer(&token),
        get("/api/private?canary-query").bearer(&crate::support::tampered(&token)),
        get("/api/private").header("authorization", format!("Bearer  {token} x")),
        get("/api/private").header("cookie", "canary-cookie"),
        get("/api/private").bearer("canary-opaque"),
    ] {
        client.send(&asked).await;
    }
    drop(client);
    serve.signal("TERM");
    let (_, log) = serve.ended().await;
    assert!(log.contains("request denied"), "{log}");
    let parts: Vec<&str> = token.split('.').collect();
    for secret in [parts[0], parts[1], parts[2], "canary"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unix_socket_serves_as_well() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("portcullis.sock");
    let text = config(issuer.issuer()).replace("'127.0.0.1:0', admin", &format!("'unix:{}', admin", socket.display()));
    let service = TestService::start(&text).await;
    let connect = tower::service_fn(move |_: http::Uri| {
        let socket = socket.clone();
        async move { tokio::net::UnixStream::connect(socket).await.map(hyper_util::rt::TokioIo::new) }
    });
    let endpoint = tonic::transport::Endpoint::from_static("http://portcullis.invalid");
    let client = Client::over(endpoint.connect_with_connector(connect).await.unwrap());
    assert_eq!(client.send(&get("/api/private")).await.status, 401);
    assert_eq!(client.send(&get("/api/private").bearer(&scoped(&issuer, ""))).await.status, 200);
    drop(client);
    assert_eq!(service.stop().await.unwrap(), portcullis::service::Stopped::Clean);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_is_logged_with_the_names_of_the_keys() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer())).await;
    let serve = Serve::start(&["--config", &path], &[]).await;
    until_ready(&serve).await;
    let old = issuer.kid(Alg::Rs256);
    issuer.rotate().await.unwrap();
    let client = Client::connect(serve.grpc).await;
    assert_eq!(client.send(&get("/api/private").bearer(&scoped(&issuer, ""))).await.status, 200);
    serve.signal("TERM");
    let (_, log) = serve.ended().await;
    let changed = log.lines().find(|line| line.contains("the issuer's keys have changed")).unwrap();
    let entry: serde_json::Value = serde_json::from_str(changed).unwrap();
    let text = |field: &str| entry["fields"][field].as_str().unwrap().to_owned();
    assert!(text("keys.removed").contains(&old) && text("keys.added").contains(&issuer.kid(Alg::Rs256)), "{changed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_changed_during_an_outage_are_named_once_they_come() {
    let issuer = issuer().await;
    let (_dir, path) = file(&config(issuer.issuer())).await;
    let serve = Serve::start(&["--config", &path], &[]).await;
    until_ready(&serve).await;
    issuer.set_fault(Some(Fault::Error500)).await.unwrap();
    let client = Client::connect(serve.grpc).await;
    let ask = get("/api/private").bearer(&scoped(&issuer, ""));
    assert_eq!(client.send(&ask).await.status, 503);
    issuer.set_fault(None).await.unwrap();
    for _ in 0..200 {
        if client.send(&ask).await.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    serve.signal("TERM");
    let (_, log) = serve.ended().await;
    let changed: Vec<&str> = log.lines().filter(|line| line.contains("the issuer's keys have changed")).collect();
    assert!(changed.len() == 1 && changed[0].contains(&issuer.kid(Alg::Rs256)), "{changed:?}");
}
