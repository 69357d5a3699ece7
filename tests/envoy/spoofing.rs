//! What clients send to be taken for somebody else, and paths that two parsers read differently.

use crate::{Stack, support::scoped};

/// A change of the sample by which Envoy lets such names pass, so that Portcullis has to remove them.
pub(crate) const ALL_NAMES: (&str, &str) =
    ("headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: ALLOW");

const SPELLINGS: [&str; 11] = [
    "x-auth-subject",
    "X-Auth-Subject",
    "x_auth_subject",
    "x_auth-subject",
    "x.auth.subject",
    "X-Auth_Scopes",
    "x-auth-client-id",
    "x_auth_issuer",
    "x~auth~subject",
    "x!auth|scopes",
    "X`Auth'Client^Id",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cannot_bring_its_own_identity() {
    forged_identity(&Stack::with(&[ALL_NAMES]).await).await;
}

pub(crate) async fn forged_identity(stack: &Stack) {
    let bearer = format!("Bearer {}", scoped(&stack.issuer, "read:messages"));
    for path in ["/api/public", "/api/feed", "/api/private"] {
        for spelling in SPELLINGS {
            let mut headers = vec![(spelling, "spoofed"), (spelling, "spoofed-twice")];
            if path == "/api/private" {
                headers.push(("authorization", &bearer));
            }
            let got = stack.envoy.send("GET", path, &headers).await;
            // The upstream has no feed, and echoes all the same.
            assert_eq!(got.status, if path == "/api/feed" { 404 } else { 200 }, "{path} {spelling}");
            assert!(got.body.contains("\"headers\""), "the upstream's echo: {}", got.body);
            assert!(!got.body.contains("spoofed"), "{path} {spelling}: {}", got.body);
        }
    }
    let got =
        stack.envoy.send("GET", "/api/private", &[("x-auth-subject", "spoofed"), ("authorization", &bearer)]).await;
    assert_eq!(got.seen_upstream("x-auth-subject").as_deref(), Some("auth0|7"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overrides_of_method_and_path_do_not_pass() {
    let stack = Stack::with(&[ALL_NAMES]).await;
    let headers = [
        ("Daphne-Root-Path", "/spoofed"),
        ("SCRIPT_NAME", "/spoofed"),
        ("Script*Name", "/spoofed"),
        ("Destination", "/spoofed"),
        ("$WSSN", "spoofed"),
        ("x~original~url", "/spoofed"),
        ("x-http-method-override", "DELETE-spoofed"),
        ("x-method-override", "spoofed"),
        ("X-HTTP-Method", "spoofed"),
        ("x-original-url", "/spoofed"),
        ("x_rewrite_url", "/spoofed"),
        ("x-forwarded-host", "spoofed"),
        ("Forwarded", "host=spoofed"),
        ("x-forwarded-prefix", "/spoofed"),
    ];
    let got = stack.envoy.send("GET", "/api/public", &headers).await;
    assert_eq!(got.status, 200);
    assert!(!got.body.contains("spoofed"), "{}", got.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_spelling_of_a_protected_path_reaches_the_upstream() {
    spellings_of_a_path(&Stack::start().await).await;
}

pub(crate) async fn spellings_of_a_path(stack: &Stack) {
    let paths = [
        "/api/private",
        "/api/private/",
        "/api//private",
        "//api/private",
        "/api/./private",
        "/api/public/../private",
        "/api/%2e/private",
        "/api/public/%2e%2e/private",
        "/api%2fprivate",
        "/api%2Fprivate",
        "/api%5cprivate",
        "/api\\private",
        "/api/private;x",
        "/api;x/private",
        "/api/private%00",
        "/api/%70rivate",
        "/API/private",
        "/api/PRIVATE",
        "/api/private?x",
        "/api/private#x",
        "/api/private%20",
        "/api/private%2e",
        "/api/private.",
        "/api/%252e%252e/private",
        "/api/public/..;/private",
        "/api/private%c0%af",
        "/api/privat%65",
        "*",
        "http://api.example.com/api/private",
        "/api/private/%2e",
        "/api/public/..%2fprivate",
        "/api/public%2f..%2fprivate",
    ];
    for path in paths {
        let got = stack.envoy.get(path, None).await;
        assert!(matches!(got.status, 400 | 401 | 403), "{path}: {got:?}");
        assert!(!got.body.contains("\"headers\""), "{path} reached the upstream: {}", got.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_requests_are_refused_and_the_service_goes_on() {
    let stack = Stack::start().await;
    let requests: [&[u8]; 7] = [
        b"GET /api/public HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n",
        b"CONNECT api.example.com:443 HTTP/1.1\r\nhost: api.example.com:443\r\nconnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: api.example.com\r\nconnection: close\r\n\r\n",
        b"GET /api/private HTTP/1.1\r\nhost: user@api.example.com\r\nconnection: close\r\n\r\n",
        b"GET /api/private HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
        b"GET /api/private HTTP/1.1\r\nhost: api.example.com\r\nauthorization: Bearer \xFF\xFE\r\nconnection: close\r\n\r\n",
        b"GET /api/private HTTP/1.1\r\nhost: api.example.com\r\nauthorization: Bearer a\r\nauthorization: Bearer b\r\nconnection: close\r\n\r\n",
    ];
    for request in requests {
        let got = stack.envoy.raw(request).await;
        assert!((400..500).contains(&got.status), "{}: {got:?}", String::from_utf8_lossy(request));
    }
    assert_eq!(stack.envoy.get("/api/public", None).await.status, 200);
}
