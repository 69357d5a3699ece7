//! The gRPC side as tools see it: health, reflection, `grpcurl` as the README prints it.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{config, issuer, process::tool, scoped, service::TestService};

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
    for name in ["envoy.service.auth.v3.Authorization", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]
    {
        assert!(text.contains(name), "{name} not in {text}");
    }
    let (good, text) = grpcurl(&service, &[], &["describe", "envoy.service.auth.v3.Authorization"]).await;
    assert!(good && text.contains("rpc Check"), "{text}");
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

/// The JSON objects that the README gives to `Authorization/Check`, in order.
fn readme_requests() -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let calls = readme.split("grpcurl -plaintext -d '").skip(1);
    let calls = calls.filter(|call| call.contains("envoy.service.auth.v3.Authorization/Check"));
    calls.map(|call| call.split_once('\'').unwrap().0.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_check_requests_work_as_printed() {
    let issuer = issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let requests = readme_requests();
    assert!(requests.len() >= 2, "the README has {} calls", requests.len());
    for request in requests {
        let with_token = request.replace("$TOKEN", &scoped(&issuer, "read:messages"));
        let (good, text) =
            grpcurl(&service, &["-d", &with_token], &["envoy.service.auth.v3.Authorization/Check"]).await;
        assert!(good, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        if request.contains("$TOKEN") {
            assert!(answer["okResponse"].is_object(), "{text}");
            assert!(answer["status"]["code"].is_null() || answer["status"]["code"] == 0, "{text}");
        } else {
            assert_eq!(answer["status"]["code"], 16, "{text}");
            assert_eq!(answer["deniedResponse"]["status"]["code"], "Unauthorized", "{text}");
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
