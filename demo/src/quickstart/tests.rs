//! The list against stand-ins for Envoy: one that opens everything, one that is shut, one that does its job.

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, Uri, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{issuer::DemoIssuer, server::Server, upstream::DemoUpstream};

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn issuer() -> DemoIssuer {
    let listener = listener().await;
    let name = format!("http://{}/", listener.local_addr().unwrap());
    DemoIssuer::start(listener, &name, "https://api.example.com").await.unwrap()
}

fn stack(envoy: std::net::SocketAddr, issuer: &DemoIssuer) -> Stack {
    let envoy = format!("http://{envoy}/");
    Stack { envoy, issuer: issuer.issuer().to_owned(), audience: "https://api.example.com".to_owned() }
}

async fn verdicts(stack: &Stack) -> Vec<(&'static str, usize)> {
    let client = Client::new().unwrap();
    let tokens = Tokens::obtain(&client, &stack.issuer, &stack.audience).await.unwrap();
    let mut verdicts = Vec::new();
    for case in cases(tokens) {
        let answer = send(&client, stack, &case).await.unwrap();
        verdicts.push((case.credentials, judge(&case.expect, &answer).len()));
    }
    verdicts
}

#[tokio::test]
async fn a_backend_without_a_gate_fails_all_but_the_public_case() {
    let (issuer, upstream) = (issuer().await, DemoUpstream::start(listener().await).unwrap());
    let stack = stack(upstream.addr(), &issuer);
    let good: Vec<_> = verdicts(&stack).await.into_iter().filter(|(_, problems)| *problems == 0).collect();
    assert_eq!(good, [("no token", 0)]);
    assert!(!run(Screen::silent(), &Client::new().unwrap(), &stack).await.unwrap());
}

#[tokio::test]
async fn a_gate_that_is_always_shut_passes_only_where_no_route_is() {
    let issuer = issuer().await;
    let router = Router::new().fallback(async || StatusCode::FORBIDDEN);
    let shut = Server::start(listener().await, router).unwrap();
    let good = verdicts(&stack(shut.addr(), &issuer)).await.into_iter().filter(|(_, problems)| *problems == 0).count();
    assert_eq!(good, 2);
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_never_answers_is_given_up() {
    let stack = Stack {
        envoy: "http://127.0.0.1:1".to_owned(),
        issuer: "http://127.0.0.1:1/".to_owned(),
        audience: String::new(),
    };
    let error = run(Screen::silent(), &Client::new().unwrap(), &stack).await.unwrap_err().to_string();
    assert!(
        error.starts_with("the stack is not ready after 30 s: no answer from `http://127.0.0.1:1/token`"),
        "{error}"
    );
}

/// The scopes of a valid token.
fn verified(keys: &JwkSet, token: &str) -> Option<String> {
    let header = decode_header(token).ok()?;
    let mut validation = Validation::new(header.alg);
    validation.algorithms = vec![header.alg];
    validation.leeway = 5;
    validation.set_audience(&["https://api.example.com"]);
    assert_ne!(header.alg, Algorithm::HS256);
    let key = DecodingKey::from_jwk(keys.find(&header.kid?)?).ok()?;
    let claims = decode::<Value>(token, &key, &validation).ok()?.claims;
    Some(claims["scope"].as_str().unwrap_or_default().to_owned())
}

/// What Envoy, Portcullis and the upstream answer together; `leaks` forwards what the client calls itself.
fn gate(keys: &JwkSet, leaks: bool, path: &str, headers: &HeaderMap) -> Response {
    let deny = |status: StatusCode, challenge: &'static str| (status, [(WWW_AUTHENTICATE, challenge)]).into_response();
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap());
    let scopes = authorization.map(|value| verified(keys, value.strip_prefix("Bearer ").unwrap()));
    let mut seen = json!({});
    match (path, scopes) {
        ("/api/public", _) => {}
        ("/api/private" | "/api/private-scoped", None) => {
            return deny(StatusCode::UNAUTHORIZED, r#"Bearer realm="api""#);
        }
        ("/api/private" | "/api/private-scoped", Some(None)) => {
            return deny(StatusCode::UNAUTHORIZED, r#"Bearer realm="api", error="invalid_token""#);
        }
        ("/api/private-scoped", Some(Some(scopes))) if scopes != "read:messages" => {
            let challenge = r#"Bearer realm="api", error="insufficient_scope", scope="read:messages""#;
            return deny(StatusCode::FORBIDDEN, challenge);
        }
        ("/api/private" | "/api/private-scoped", Some(_)) => seen["x-auth-subject"] = json!("demo-client"),
        _ => return StatusCode::FORBIDDEN.into_response(),
    }
    if let (true, Some(value)) = (leaks, headers.get("x.auth.subject")) {
        seen["x.auth.subject"] = json!(value.to_str().unwrap());
    }
    Json(json!({ "headers": seen })).into_response()
}

async fn gated(leaks: bool) -> Vec<(&'static str, usize)> {
    let issuer = issuer().await;
    let keys: JwkSet = serde_json::from_value(issuer.jwk_set()).unwrap();
    let router =
        Router::new().fallback(async move |uri: Uri, headers: HeaderMap| gate(&keys, leaks, uri.path(), &headers));
    let server = Server::start(listener().await, router).unwrap();
    verdicts(&stack(server.addr(), &issuer)).await
}

#[tokio::test]
async fn a_gate_that_does_its_job_passes_and_a_leak_shows() {
    let wrong = |verdicts: Vec<(&'static str, usize)>| -> Vec<&'static str> {
        verdicts.into_iter().filter(|(_, problems)| *problems > 0).map(|(credentials, _)| credentials).collect()
    };
    assert!(wrong(gated(false).await).is_empty(), "{:?}", gated(false).await);
    let leaking = ["no token, x-auth-subject: intruder", "a token, x-auth-subject: intruder"];
    assert_eq!(wrong(gated(true).await), leaking);
}
