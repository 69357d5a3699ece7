//! Input that makes no sense gets a clear answer, and the service goes on.

use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, attribute_context::Request};
use tonic::Status;

use crate::support::{
    check::{Got, get},
    config, issuer,
    raw_check::RawClient,
    service::TestService,
};

/// Sends bytes that need not be a message.
async fn send_bytes(service: &TestService, bytes: Vec<u8>) -> Result<Got, Status> {
    RawClient::connect(service.grpc).await.send(bytes).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_say_nothing_are_denied() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let no_http = AttributeContext { request: Some(Request::default()), ..AttributeContext::default() };
    for attributes in [None, Some(AttributeContext::default()), Some(no_http)] {
        let got = client.message(CheckRequest { attributes }).await;
        assert_eq!((got.status, got.reason.as_str()), (400, "request_no_http"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_message_are_denied_and_not_a_grpc_error() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    // A `CheckRequest` whose path is not UTF-8, a length beyond the end, a wrong wire type, noise.
    let not_utf8 = vec![0x0A, 0x08, 0x22, 0x06, 0x12, 0x04, 0x22, 0x02, 0xFF, 0xFE];
    for bytes in [not_utf8, vec![0x0A, 0x7F], vec![0x08, 0x01, 0xFF], vec![0xFF; 64], vec![0; 1000]] {
        let got = send_bytes(&service, bytes.clone()).await.unwrap();
        assert_eq!((got.status, got.reason.as_str()), (400, "request_no_http"), "{bytes:?}");
    }
    assert_eq!(service.client().await.send(&get("/api/public")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_beyond_the_limit_is_a_denial_and_not_a_grpc_error() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let limit = portcullis::limits::CHECK_REQUEST_BYTES;
    let padded = |size: usize| {
        let with = |bytes: usize| get("/api/public").header("x", vec![b'a'; bytes]).message();
        // The lengths in front take as many bytes for every size near this one.
        let around = prost::Message::encoded_len(&with(size)) - size;
        let message = prost::Message::encode_to_vec(&with(size - around));
        assert_eq!(message.len(), size);
        message
    };
    assert_eq!(send_bytes(&service, padded(limit)).await.unwrap().status, 200);
    for size in [limit + 1, 8 * 1024 * 1024] {
        let got = send_bytes(&service, padded(size)).await.unwrap();
        assert_eq!((got.status, got.reason.as_str()), (400, "request_too_large"), "{size}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_bytes_need_not_be_text() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let odd = get("/api/public").header("x-odd", b"\xFF\x00\x80");
    assert_eq!(client.send(&odd).await.status, 200, "no rule reads it");
    let got = client.send(&get("/api/private").header("authorization", b"Bearer \xFF")).await;
    assert_eq!((got.status, got.reason.as_str()), (400, "malformed_credentials"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_pass_and_one_more_does_not() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer()).replace("/api/public,", "'/**',")).await;
    let client = service.client().await;
    let segments = |count: usize| "/a".repeat(count);
    let limit = portcullis::limits::PATH_SEGMENTS;
    assert_eq!(client.send(&get(&segments(limit))).await.status, 200);
    let got = client.send(&get(&segments(limit + 1))).await;
    assert_eq!((got.status, got.reason.as_str()), (400, "request_path_too_long"));
    let long = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
    let limit = portcullis::limits::PATH_BYTES;
    assert_eq!(client.send(&get(&long(limit))).await.status, 200);
    assert_eq!(client.send(&get(&long(limit + 1))).await.reason, "request_path_too_long");
}
