//! The way into the service: past tonic for a Check as Envoy makes it, through tonic for everything else. Both lead to the same
//! answers, and what is no gRPC is no 200.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use portcullis_demo::issuer::TokenRequest;
use prost::Message as _;
use tonic::{
    body::Body,
    codegen::Service as _,
    transport::{Channel, Endpoint},
};

use crate::support::{check::get, config, issuer, service::TestService};

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// What came back: the HTTP status, the status of the call, and the bytes of the body.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    http: u16,
    grpc: Option<String>,
    body: Vec<u8>,
}

async fn send(channel: &mut Channel, request: http::request::Builder, body: Vec<u8>) -> Reply {
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
    let body = Body::new(Full::new(Bytes::from(body)).map_err(|never| match never {}));
    let response: Response<Body> = channel.call(request.body(body).unwrap()).await.unwrap();
    let (parts, mut body) = response.into_parts();
    let mut status = parts.headers.get("grpc-status").cloned();
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await {
        match frame.unwrap().into_data() {
            Ok(data) => bytes.extend(data),
            Err(frame) => status = frame.into_trailers().unwrap().get("grpc-status").cloned().or(status),
        }
    }
    let grpc = status.map(|status| status.to_str().unwrap().to_owned());
    Reply { http: parts.status.as_u16(), grpc, body: bytes }
}

fn post(path: &str) -> http::request::Builder {
    Request::builder().method("POST").uri(path).header("content-type", "application/grpc").header("te", "trailers")
}

fn framed(flag: u8, length: usize, message: &[u8]) -> Vec<u8> {
    [&[flag][..], &u32::try_from(length).unwrap().to_be_bytes(), message].concat()
}

async fn connect(service: &TestService) -> Channel {
    Endpoint::try_from(format!("http://{}", service.grpc)).unwrap().connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways_in_lead_to_the_same_answer() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let mut channel = connect(&service).await;
    let token = issuer.mint(&TokenRequest::new().scope("read:messages")).unwrap();
    let asks = [get("/api/private-scoped").bearer(&token), get("/api/private"), get("/nowhere"), get("//")];
    let messages = asks.iter().map(|ask| ask.message().encode_to_vec());
    for message in messages.chain([Vec::new(), b"\xFF no message".to_vec()]) {
        let body = framed(0, message.len(), &message);
        let short = send(&mut channel, post(CHECK), body.clone()).await;
        assert_eq!((short.http, short.grpc.as_deref()), (200, Some("0")), "{short:?}");
        // tonic answers whatever method a call has; the short way is for POST alone.
        let long = send(&mut channel, post(CHECK).method("PUT"), body).await;
        assert_eq!(short.grpc, long.grpc);
        let answer =
            |reply: &Reply| envoy_types::pb::envoy::service::auth::v3::CheckResponse::decode(&reply.body[5..]).unwrap();
        assert_eq!(answer(&short), answer(&long));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_one_message_is_denied_in_a_message() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let mut channel = connect(&service).await;
    let token = issuer.mint(&TokenRequest::new().scope("read:messages")).unwrap();
    let good = get("/api/private-scoped").bearer(&token).message().encode_to_vec();
    let whole = framed(0, good.len(), &good);
    let large = |length: usize| framed(0, length, &vec![0; length]);
    let cases = [
        ("no body", Vec::new()),
        ("cut short", framed(0, good.len() + 1, &good)),
        ("compressed without a word", framed(1, good.len(), &good)),
        ("a flag that does not exist", framed(2, good.len(), &good)),
        // tonic drops the second one. Nobody knows which of two was meant.
        ("two messages", [whole.clone(), whole].concat()),
        ("too large", large(portcullis::limits::CHECK_REQUEST_BYTES + 1)),
    ];
    for (name, body) in cases {
        let reply = send(&mut channel, post(CHECK), body).await;
        assert_eq!((reply.http, reply.grpc.as_deref()), (200, Some("0")), "{name}: a gRPC error may be an allow");
        let answer = envoy_types::pb::envoy::service::auth::v3::CheckResponse::decode(&reply.body[5..]).unwrap();
        assert_eq!(answer.status.unwrap().code, 3, "{name}");
    }
    // So large that there is no telling what it would cost: an error, as by tonic.
    let body = framed(0, portcullis::limits::CHECK_MESSAGE_BYTES + 1, &good);
    let short = send(&mut channel, post(CHECK), body.clone()).await;
    let long = send(&mut channel, post(CHECK).method("PUT"), body).await;
    assert_eq!((short.grpc.as_deref(), short.body.len()), (Some("11"), 0));
    assert_eq!(short.grpc, long.grpc);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_out_of_the_ordinary_goes_the_long_way() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let mut channel = connect(&service).await;
    let message = get("/api/public").message().encode_to_vec();
    let body = framed(0, message.len(), &message);
    let gzip = send(&mut channel, post(CHECK).header("grpc-encoding", "gzip"), body.clone()).await;
    assert_eq!(gzip.grpc.as_deref(), Some("12"), "compression is not implemented: {gzip:?}");
    let identity = send(&mut channel, post(CHECK).header("grpc-encoding", "identity"), body.clone()).await;
    assert_eq!(identity.grpc.as_deref(), Some("0"));
    for path in ["/", "/envoy.service.auth.v3.Authorization/check", "/envoy.service.auth.v2.Authorization/Check"] {
        let other = send(&mut channel, post(path), body.clone()).await;
        assert_ne!(other.grpc.as_deref(), Some("0"), "{path}: {other:?}");
        assert!(other.body.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_headers_of_a_call_are_bounded() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let mut channel = connect(&service).await;
    let message = get("/api/public").message().encode_to_vec();
    // Beside the one: its name, the others, and 32 bytes for each (RFC 9113 section 6.5.2).
    let most = portcullis::limits::CALL_HEADER_BYTES as usize;
    for (length, http, grpc) in [(most - 1024, 200, Some("0")), (most, 431, None)] {
        let request = post(CHECK).header("x-large", "a".repeat(length));
        let reply = send(&mut channel, request, framed(0, message.len(), &message)).await;
        assert_eq!((reply.http, reply.grpc.as_deref()), (http, grpc), "{length}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_grpc_is_no_200() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let mut channel = connect(&service).await;
    for path in [CHECK, "/api/public", "/"] {
        for kind in [None, Some("application/json"), Some("text/plain; x=application/grpc")] {
            let request = Request::builder().method("POST").uri(path);
            let request = kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
            let reply = send(&mut channel, request, b"\0\0\0\0\0".to_vec()).await;
            assert_eq!(reply, Reply { http: 415, grpc: None, body: Vec::new() }, "{path} {kind:?}");
        }
    }
}
