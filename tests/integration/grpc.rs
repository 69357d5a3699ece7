//! The gRPC side as tools see it: health, reflection, `grpcurl` as the README prints it.

use std::process::Stdio;

use tokio::process::Command;
use tonic::transport::Endpoint;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::support::{config, issuer, process::tool, service::TestService};

/// Runs grpcurl against the service. The README has 127.0.0.1:9191; the port is the only difference.
async fn grpcurl(service: &TestService, before: &[&str], after: &[&str]) -> (bool, String) {
    let mut command = Command::new(tool("bin/grpcurl"));
    command.arg("-plaintext").args(before).arg(service.grpc.to_string()).args(after).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpcurl_lists_and_describes() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let (good, text) = grpcurl(&service, &[], &["list"]).await;
    assert!(good, "{text}");
    // Each version of grpcurl asks by one version of reflection, v1alpha or v1, and that one is in its list.
    for name in ["envoy.service.auth.v3.Authorization", "grpc.health.v1.Health", "grpc.reflection.v1"] {
        assert!(text.contains(name), "{name} not in {text}");
    }
    let (good, text) = grpcurl(&service, &[], &["describe", "envoy.service.auth.v3.Authorization"]).await;
    assert!(good && text.contains("rpc Check"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reflection_v1_lists_the_services() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let endpoint = Endpoint::from_shared(format!("http://{}", service.grpc)).unwrap();
    let mut client = ServerReflectionClient::new(endpoint.connect().await.unwrap());
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else { panic!("{answer:?}") };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    for name in ["envoy.service.auth.v3.Authorization", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]
    {
        assert!(names.contains(&name), "{name} not in {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpcurl_asks_for_health() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    for request in ["{}", r#"{"service": "envoy.service.auth.v3.Authorization"}"#] {
        let (good, text) = grpcurl(&service, &["-d", request], &["grpc.health.v1.Health/Check"]).await;
        assert!(good && text.contains("SERVING") && !text.contains("NOT_SERVING"), "{text}");
    }
    let (good, text) = grpcurl(&service, &["-d", r#"{"service": "no.such"}"#], &["grpc.health.v1.Health/Check"]).await;
    assert!(!good && text.to_lowercase().contains("not"), "{text}");
}

/// The shell blocks of the README that call grpcurl.
fn readme_blocks() -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let blocks = readme.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0.to_owned());
    blocks.filter(|block| block.contains("grpcurl ")).collect()
}

/// Runs a block as a user pastes it, with the addresses of this test in place of the defaults.
async fn paste(block: &str, service: &TestService, issuer: &str) -> (bool, String) {
    let script = block.replace("127.0.0.1:9191", &service.grpc.to_string()).replace("http://127.0.0.1:9400/", issuer);
    #[expect(clippy::disallowed_methods, reason = "where this machine's programs are")]
    let path = format!("{}:{}", tool("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-eu", "-o", "pipefail", "-c", &script]).env("PATH", path).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_calls_work_as_printed() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let blocks = readme_blocks();
    let wanted: [&[&str]; 3] = [
        &["envoy.service.auth.v3.Authorization", "grpc.health.v1.Health", "\"status\": \"SERVING\""],
        &["\"code\": 16", "deniedResponse", "Unauthorized", r#"Bearer realm=\"api\""#],
        &["okResponse", "x-auth-subject", "read:messages"],
    ];
    assert_eq!(blocks.len(), wanted.len());
    for (block, wanted) in blocks.iter().zip(wanted) {
        let (good, text) = paste(block, &service, issuer.issuer()).await;
        assert!(good, "{block}\n{text}");
        for word in wanted {
            assert!(text.contains(word), "{word} not in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_request_in_json_is_understood() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    // Every kind of field, so that no tool refuses a capture from Envoy for a field that we lack.
    let request = r#"{"attributes": {
        "source": {"address": {"socketAddress": {"address": "10.0.0.1", "portValue": 5}}, "principal": "spiffe://a"},
        "destination": {"address": {"pipe": {"path": "/x"}}, "labels": {"a": "b"}},
        "request": {"time": "2026-01-01T00:00:00Z", "http": {"id": "1", "method": "GET", "path": "/api/public",
            "host": "a.test", "scheme": "https", "size": "-1", "protocol": "HTTP/2", "headers": {"x": "y"},
            "headerMap": {"headers": [{"key": "x", "rawValue": "eQ=="}]}}},
        "contextExtensions": {"a": "b"}, "metadataContext": {"filterMetadata": {"n": {"k": 1}}},
        "routeMetadataContext": {}, "tlsSession": {"sni": "a.test"}}}"#;
    let (good, text) = grpcurl(&service, &["-d", request], &["envoy.service.auth.v3.Authorization/Check"]).await;
    assert!(good && text.contains("okResponse"), "{text}");
}
