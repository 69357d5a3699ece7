//! The quickstart and the answer table, as a client sees them through Envoy; `versions` asks another one for the same.

use std::collections::BTreeSet;

use portcullis_demo::issuer::{Alg, TokenRequest};
use serde_json::Value;

use crate::{
    Stack,
    envoy_faults::{HA, SAMPLE},
    support::{self, scoped, service::TestService, tampered},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_opens_a_route() {
    scopes(&Stack::start().await).await;
}

pub(crate) async fn scopes(stack: &Stack) {
    let envoy = &stack.envoy;
    assert_eq!(envoy.get("/api/public", None).await.status, 200);
    let none = envoy.get("/api/private", None).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some(r#"Bearer realm="api""#)));
    assert_eq!(none.header("content-type"), Some("application/problem+json"));
    assert_eq!(none.header("cache-control"), Some("no-store"));
    let private = envoy.get("/api/private", Some(&scoped(&stack.issuer, ""))).await;
    assert_eq!(private.status, 200);
    assert_eq!(private.seen_upstream("x-auth-subject").as_deref(), Some("auth0|7"));
    assert_eq!(private.seen_upstream("x-auth-issuer").as_deref(), Some(stack.issuer.issuer()));

    let lacking = envoy.get("/api/private-scoped", Some(&scoped(&stack.issuer, "openid"))).await;
    let challenge = lacking.header("www-authenticate").unwrap();
    assert_eq!(lacking.status, 403);
    assert!(challenge.contains(r#"error="insufficient_scope""#) && challenge.contains(r#"scope="read:messages""#));
    let enough = envoy.get("/api/private-scoped", Some(&scoped(&stack.issuer, "read:messages"))).await;
    assert_eq!((enough.status, enough.seen_upstream("x-auth-scopes").as_deref()), (200, Some("read:messages")));

    let nowhere = envoy.get("/nowhere", Some(&scoped(&stack.issuer, "read:messages"))).await;
    assert_eq!((nowhere.status, nowhere.header("www-authenticate")), (403, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_tokens_never_reach_the_upstream() {
    bad_tokens(&Stack::start().await).await;
}

pub(crate) async fn bad_tokens(stack: &Stack) {
    let mint = |request: TokenRequest| stack.issuer.mint(&request).unwrap();
    let good = mint(TokenRequest::new());
    let foreign = mint(TokenRequest::new().claim("iss", "https://evil.example.com/"));
    let cases = [
        (mint(TokenRequest::new().expires_in(-60)), 401),
        (tampered(&good), 401),
        (mint(TokenRequest::new().audience("https://other.example.com")), 401),
        (mint(TokenRequest::new().header("alg", "none")), 401),
        (foreign, 401),
        ("opaque".to_owned(), 401),
        ("a".repeat(20 * 1024), 400),
    ];
    for (token, status) in cases {
        let got = stack.envoy.get("/api/private", Some(&token)).await;
        assert_eq!(got.status, status);
        let error = if status == 401 { "invalid_token" } else { "invalid_request" };
        assert!(got.header("www-authenticate").unwrap().contains(&format!("error=\"{error}\"")));
        let body: Value = serde_json::from_str(&got.body).unwrap();
        assert_eq!(body["error"], error);
        assert!(body.get("headers").is_none(), "the upstream's echo");
    }
    for alg in [Alg::Ps256, Alg::Es256, Alg::EdDsa] {
        let token = mint(TokenRequest::new().alg(alg));
        assert_eq!(stack.envoy.get("/api/private", Some(&token)).await.status, 200, "{alg:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_access_log_says_why() {
    access_log(&Stack::start().await).await;
}

pub(crate) async fn access_log(stack: &Stack) {
    let denied = stack.envoy.get("/api/private-scoped", Some(&scoped(&stack.issuer, "openid"))).await;
    let entry = stack.envoy.access_log("/api/private-scoped").await;
    let body: Value = serde_json::from_str(&denied.body).unwrap();
    assert!(body["request_id"].is_string());
    assert_eq!(entry["request_id"], body["request_id"], "what the client was told finds the line");
    assert_eq!((&entry["decision"], &entry["reason"]), (&"deny".into(), &"insufficient_scope".into()));
    assert_eq!((&entry["rule"], &entry["client_id"]), (&"* /api/private-scoped".into(), &"demo-client".into()));
    assert!(entry["scopes"].to_string().contains("openid"), "{entry}");
    stack.envoy.get("/api/public?secret=1", None).await;
    let entry = stack.envoy.access_log("/api/public").await;
    assert_eq!((&entry["decision"], &entry["reason"]), (&"allow".into(), &"ok".into()));
    assert!(!stack.envoy.log("access.log").contains("secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_access_log_names_the_subject_where_that_is_asked_for() {
    let issuer = support::issuer().await;
    let config = format!("{}identity: {{ subject_in_metadata: true }}\n", support::config(issuer.issuer()));
    let service = TestService::start(&config).await;
    let stack = Stack::of(issuer, service, &[]).await;
    stack.envoy.get("/api/private", Some(&scoped(&stack.issuer, "read:messages"))).await;
    assert_eq!(stack.envoy.access_log("/api/private").await["subject"], "auth0|7");
    stack.envoy.get("/api/public", None).await;
    assert_eq!(stack.envoy.access_log("/api/public").await.get("subject"), None);
}

#[test]
fn the_samples_print_every_value_that_the_readme_lists_for_the_access_log() {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n### Envoy's access log\n").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let listed: BTreeSet<&str> = rows.map(|(key, _)| key).collect();
    assert_eq!(listed.len(), 7, "{listed:?}");
    for sample in [SAMPLE, HA, include_str!("../../envoy/kubernetes-envoy.yaml")] {
        let printed = sample.split("(envoy.filters.http.ext_authz:").skip(1).filter_map(|rest| rest.split(')').next());
        assert_eq!(printed.collect::<BTreeSet<_>>(), listed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preflights_pass_and_denials_carry_cors_headers() {
    cors(&Stack::start().await).await;
}

pub(crate) async fn cors(stack: &Stack) {
    let origin = ("origin", "http://localhost:3000");
    let asks = ("access-control-request-method", "GET");
    let preflight = stack.envoy.send("OPTIONS", "/api/private", &[origin, asks]).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, Some(origin.1)));
    let denied = stack.envoy.send("GET", "/api/private", &[origin]).await;
    assert_eq!((denied.status, denied.header("access-control-allow-origin")), (401, Some(origin.1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_callers_see_a_grpc_status() {
    grpc_status(&Stack::start().await).await;
}

pub(crate) async fn grpc_status(stack: &Stack) {
    let headers = [("content-type", "application/grpc"), ("te", "trailers"), ("content-length", "0")];
    let none = stack.envoy.send("POST", "/pkg.Greeter/Hello", &headers).await;
    assert_eq!((none.status, none.header("grpc-status")), (200, Some("16")));
    assert!(none.header("grpc-message").unwrap().contains("token"), "{none:?}");
    let bearer = format!("Bearer {}", scoped(&stack.issuer, "other"));
    let lacking = [&headers[..], &[("authorization", &bearer)]].concat();
    let lacking = stack.envoy.send("POST", "/pkg.Greeter/Hello", &lacking).await;
    assert_eq!(lacking.header("grpc-status"), Some("7"));
    let malformed = [&headers[..], &[("authorization", "Bearer")]].concat();
    let malformed = stack.envoy.send("POST", "/pkg.Greeter/Hello", &malformed).await;
    assert_eq!(malformed.header("grpc-status"), Some("3"), "not Envoy's own 13");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joined_headers_get_the_same_answers() {
    let stack = Stack::with(&[("encode_raw_headers: true", "encode_raw_headers: false")]).await;
    let good = scoped(&stack.issuer, "read:messages");
    assert_eq!(stack.envoy.get("/api/private-scoped", Some(&good)).await.status, 200);
    assert_eq!(stack.envoy.get("/api/private-scoped", None).await.status, 401);
    let bearer = format!("Bearer {good}");
    for first in ["Basic YTpi", "Bearer x"] {
        let two = [("authorization", first), ("authorization", bearer.as_str())];
        assert_eq!(stack.envoy.send("GET", "/api/private", &two).await.status, 400, "{first}");
    }
}
