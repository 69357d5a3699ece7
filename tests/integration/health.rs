//! `portcullis health`: its exit code and its one line for an instance that is well, and for whatever else may be there.

use std::{convert::Infallible, net::SocketAddr, path::Path, time::Duration};

use axum::{Router, body::Body, http::StatusCode, routing::get as route};
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, time::Instant};

use crate::{
    lifecycle::slow_issuer,
    support::{
        config,
        process::{Serve, nobody, portcullis},
    },
};

/// A policy that needs no keys, so that it is ready at once.
const OPEN: &str = "routes: [{ path: /open, access: public }]\n";

const NO_HTTP: &str = "no answer in HTTP/1.1: another service listens there, or this one has just ended";

/// The exit code of `health`, and what it printed.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: i32,
    line: String,
}

async fn health(arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let mut command = portcullis(&[&["health"], arguments].concat());
    let output = command.envs(environment.iter().copied()).output().await.unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains('\u{1b}'), "{text}");
    Said { code: output.status.code().unwrap(), line: text }
}

/// Asks the admin port at that address.
async fn of_admin(admin: SocketAddr, arguments: &[&str]) -> Said {
    health(arguments, &[("PORTCULLIS_LISTEN__ADMIN", &admin.to_string())]).await
}

fn said(code: i32, line: &str) -> Said {
    Said { code, line: format!("{line}\n") }
}

async fn start(dir: &Path, text: &str, environment: &[(&str, &str)]) -> (Serve, String) {
    let path = dir.join("portcullis.yaml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let on_loopback = [("PORTCULLIS_LISTEN__GRPC", "127.0.0.1:0"), ("PORTCULLIS_LISTEN__ADMIN", "127.0.0.1:0")];
    let environment = [&on_loopback[..], environment].concat();
    (Serve::start(&["--config", &path], &environment).await, path)
}

/// Asks again until it says that.
async fn until(expected: &Said, arguments: &[&str], environment: &[(&str, &str)]) {
    let mut last = None;
    for _ in 0..200 {
        let said = health(arguments, environment).await;
        if said == *expected {
            return;
        }
        last = Some(said);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{last:?}, not {expected:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_is_healthy_until_it_stops_and_alive_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (serve, _) = start(dir.path(), OPEN, &[("PORTCULLIS_DRAIN_NOTICE", "5m")]).await;
    let admin = serve.admin;
    let environment = [("PORTCULLIS_LISTEN__ADMIN", &*admin.to_string())];
    let ready = said(0, &format!("healthy: http://{admin}/readyz: it is ready"));
    let alive = said(0, &format!("healthy: http://{admin}/healthz: it shows signs of life"));
    until(&ready, &[], &environment).await;
    assert_eq!(of_admin(admin, &["--live"]).await, alive);
    let json = of_admin(admin, &["--format", "json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.line).unwrap();
    let asked = format!("http://{admin}/readyz");
    assert_eq!(json, serde_json::json!({ "healthy": true, "asked": asked, "found": "it is ready" }));
    serve.signal("TERM");
    until(&said(1, &format!("not healthy: {asked}: it is not ready: it is stopping")), &[], &environment).await;
    assert_eq!(of_admin(admin, &["--live"]).await, alive);
    serve.signal("TERM");
    serve.ended().await;
    let gone = said(1, &format!("not healthy: http://{admin}/healthz: nothing listens there"));
    assert_eq!(of_admin(admin, &[]).await, gone);
    assert_eq!(of_admin(admin, &["--live"]).await, gone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_has_no_keys_yet_is_alive() {
    let issuer = slow_issuer(String::new(), Duration::from_secs(60)).await;
    let dir = tempfile::tempdir().unwrap();
    let (serve, _) = start(dir.path(), &config(&issuer), &[]).await;
    let waits = format!("not healthy: http://{}/readyz: it is not ready: it waits for keys of `{issuer}`", serve.admin);
    assert_eq!(of_admin(serve.admin, &[]).await, said(1, &waits));
    assert_eq!(of_admin(serve.admin, &["--live"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_stalled_gives_no_answer_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let (serve, _) = start(dir.path(), OPEN, &[]).await;
    serve.signal("STOP");
    let began = Instant::now();
    for arguments in [&["--timeout", "300ms"][..], &["--live", "--timeout", "300ms"]] {
        let line = format!("not healthy: {}: no answer within 300ms", serve.admin);
        assert_eq!(of_admin(serve.admin, arguments).await, said(1, &line));
    }
    let off = [("PORTCULLIS_LISTEN__ADMIN", "off"), ("PORTCULLIS_LISTEN__GRPC", &*serve.grpc.to_string())];
    let line = format!("not healthy: {}: no answer within 300ms", serve.grpc);
    assert_eq!(health(&["--timeout", "300ms"], &off).await, said(1, &line));
    // What the line says is also what has passed, three times: no less, and not ten times as much.
    assert!((900..9000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    serve.signal("CONT");
    until(&said(0, &format!("healthy: {} (gRPC): it is serving", serve.grpc)), &[], &off).await;
}

/// A server of other pages.
async fn stranger(status: StatusCode, page: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let pages = Router::new().fallback(route(move || std::future::ready((status, page))));
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move { axum::serve(listener, pages).await });
    address
}

/// A server that says something at once, and then nothing; without a word, it closes.
async fn chatterbox(words: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, words).await;
            if !words.is_empty() {
                open.push(stream);
            }
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn something_else_on_the_port_is_not_healthy() {
    let dir = tempfile::tempdir().unwrap();
    let (serve, _) = start(dir.path(), OPEN, &[]).await;
    for (address, found) in [
        (stranger(StatusCode::OK, "ok").await, "200: this is not the admin port of Portcullis"),
        (stranger(StatusCode::OK, "<html>").await, "200: this is not the admin port of Portcullis"),
        (stranger(StatusCode::NOT_FOUND, "").await, "404: this is not the admin port of Portcullis"),
        (chatterbox(b"SSH-2.0-x\r\n").await, NO_HTTP),
        // One mistake that is easily made.
        (serve.grpc, NO_HTTP),
        (chatterbox(b"").await, NO_HTTP),
        (nobody(), "nothing listens there"),
    ] {
        for arguments in [&[][..], &["--live"]] {
            let line = format!("not healthy: http://{address}/healthz: {found}");
            assert_eq!(of_admin(address, arguments).await, said(1, &line));
        }
    }
    // One that has a page of that name, and is not us.
    let other = stranger(StatusCode::OK, "ok\n").await;
    let line = format!("not healthy: http://{other}/readyz: 200: this is not the admin port of Portcullis");
    assert_eq!(of_admin(other, &[]).await, said(1, &line));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let line = format!("not healthy: {address}: no answer within 100ms");
    assert_eq!(of_admin(address, &["--timeout", "100ms"]).await, said(1, &line));
}

/// Reading from a stranger that never stops would keep the time from being looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_that_never_stops_is_not_listened_to_for_longer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's task")]
    let told = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // What comes before it is asked would be no answer.
        let mut asked = [0; 4096];
        assert!(tokio::io::AsyncReadExt::read(&mut stream, &mut asked).await.unwrap() > 0);
        let words = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(4096);
        let mut bytes = 0;
        while tokio::io::AsyncWriteExt::write_all(&mut stream, &words).await.is_ok() {
            bytes += words.len();
        }
        bytes
    });
    let said = of_admin(address, &["--timeout", "5s"]).await;
    assert_eq!(said, self::said(1, &format!("not healthy: http://{address}/healthz: {NO_HTTP}")));
    // Twice what an answer may have, and what the system keeps on the way.
    let bytes = told.await.unwrap();
    assert!(bytes < 16 << 20, "it has listened to {bytes} bytes");
}

/// A server that speaks HTTP/2 and answers every request with that status.
async fn other_http2(status: StatusCode) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's task")]
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(move |_| async move {
                let mut response = hyper::Response::new(Body::empty());
                *response.status_mut() = status;
                Ok::<_, Infallible>(response)
            });
            let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer);
            drop(serving.await);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn something_else_on_the_grpc_port_is_not_healthy() {
    let dir = tempfile::tempdir().unwrap();
    let (serve, _) = start(dir.path(), OPEN, &[]).await;
    let no_http = "no answer in HTTP/2: another service listens there, or this one has just ended";
    for (address, found) in [
        (serve.admin, no_http),
        (chatterbox(b"SSH-2.0-OpenSSH_9.9\r\n").await, no_http),
        (chatterbox(b"").await, no_http),
        (nobody(), "nothing listens there"),
        (other_http2(StatusCode::NOT_FOUND).await, "no gRPC health: this is not the gRPC port of Portcullis"),
        (other_http2(StatusCode::FORBIDDEN).await, "grpc-status 7: this is not the gRPC port of Portcullis"),
    ] {
        let environment = [("PORTCULLIS_LISTEN__ADMIN", "off"), ("PORTCULLIS_LISTEN__GRPC", &*address.to_string())];
        for arguments in [&[][..], &["--live"]] {
            let line = format!("not healthy: {address} (gRPC): {found}");
            assert_eq!(health(arguments, &environment).await, said(1, &line));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_admin_port_grpc_health_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("p.sock");
    let socket = format!("unix:{}", socket.display());
    let environment =
        [("PORTCULLIS_LISTEN__ADMIN", "off"), ("PORTCULLIS_LISTEN__GRPC", &*socket), ("PORTCULLIS_DRAIN_NOTICE", "5m")];
    let (serve, path) = start(dir.path(), OPEN, &environment).await;
    until(&said(0, &format!("healthy: {socket} (gRPC): it is serving")), &[], &environment).await;
    serve.signal("TERM");
    let stopping = said(1, &format!("not healthy: {socket} (gRPC): NOT_SERVING: it starts or stops"));
    until(&stopping, &[], &environment).await;
    let alive = said(0, &format!("healthy: {socket} (gRPC): it shows signs of life: NOT_SERVING"));
    assert_eq!(health(&["--live"], &environment).await, alive);
    serve.signal("TERM");
    serve.ended().await;
    let gone = said(1, &format!("not healthy: {socket} (gRPC): nothing listens there"));
    // The file may say the address as well.
    std::fs::write(&path, format!("listen: {{ admin: off, grpc: '{socket}' }}\n")).unwrap();
    assert_eq!(health(&["--config", &path], &[]).await, gone);
    std::fs::remove_file(socket.strip_prefix("unix:").unwrap()).unwrap();
    let none = said(1, &format!("not healthy: {socket} (gRPC): there is no such socket"));
    assert_eq!(health(&[], &[("PORTCULLIS_CONFIG", &path)]).await, none);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_on_all_addresses_is_asked_on_loopback_and_a_broken_policy_does_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let (serve, path) = start(dir.path(), OPEN, &[("PORTCULLIS_LISTEN__ADMIN", "0.0.0.0:0")]).await;
    let port = serve.admin.port();
    let broken = "issuers: [{ issuer: nonsense, jwks_file: /nowhere }]\nroutes: 7\n";
    std::fs::write(&path, format!("{broken}listen: {{ admin: '0.0.0.0:{port}' }}\n")).unwrap();
    until(&said(0, &format!("healthy: http://127.0.0.1:{port}/readyz: it is ready")), &["--config", &path], &[]).await;
}

#[tokio::test]
async fn a_wrong_command_line_or_address_is_exit_2() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    std::fs::write(&file, "routes: [").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, environment, told) in [
        (&["--timeout", "2"][..], &[][..], "a time from 1ms to 1m"),
        (&["--timeout", "0s"], &[], "a time from 1ms to 1m"),
        (&["--ready"], &[], "--ready"),
        (&["--config", file], &[], "portcullis.yaml"),
        (&["--config", "/nowhere.yaml"], &[], "no such file"),
        (&[], &[("PORTCULLIS_LISTEN__ADMIN", "localhost")], "is not an address with a port"),
        (&[], &[("PORTCULLIS_LISTEN__ADMIN", "127.0.0.1:0")], "port 0 in `listen.admin`"),
        (&[], &[("PORTCULLIS_LISTEN__ADMIN", "off"), ("PORTCULLIS_LISTEN__GRPC", "[::]:0")], "port 0 in `listen.grpc`"),
    ] {
        let got = health(arguments, environment).await;
        assert!(got.code == 2 && got.line.contains(told), "{arguments:?} {environment:?}: {got:?}");
    }
}
