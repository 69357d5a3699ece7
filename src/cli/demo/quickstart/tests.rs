//! The list against stand-ins for Envoy: one that opens everything, one that is shut.

use axum::{Router, http::StatusCode};
use tokio::net::TcpListener;

use super::*;
use crate::cli::demo::{issuer::DemoIssuer, server::Server, upstream::DemoUpstream};

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
    assert!(!run(Screen::new(), &Client::new().unwrap(), &stack).await.unwrap());
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
    let error = run(Screen::new(), &Client::new().unwrap(), &stack).await.unwrap_err().to_string();
    assert!(
        error.starts_with("the stack is not ready after 30 s: no answer from `http://127.0.0.1:1/token`"),
        "{error}"
    );
}
