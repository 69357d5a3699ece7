//! The number of headers that a client may send, and their spellings.

use crate::{Stack, lints::changes, support::scoped};

/// Two headers that every request of these tests has: `host` and `connection`.
const USUAL: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_portcullis_adds_finds_room_beside_nearly_a_hundred_headers() {
    let names: Vec<String> = (0..100).map(|n| format!("x-n{n}")).collect();
    for (changes, status) in [(&[][..], 200), (changes("header-count"), 500)] {
        let stack = Stack::with(changes).await;
        let bearer = format!("Bearer {}", scoped(&stack.issuer, "read:messages"));
        for (path, sent) in [("/api/public", 95), ("/api/private", 92)] {
            let mut headers: Vec<(&str, &str)> = vec![("authorization", &bearer)];
            let more = names.iter().map(|name| (name.as_str(), "a"));
            headers.extend(more.take(sent - USUAL - headers.len()));
            assert_eq!(stack.envoy.send("GET", path, &headers).await.status, status, "{path}");
        }
        let beyond: Vec<(&str, &str)> = names.iter().chain(&names).map(|name| (name.as_str(), "a")).collect();
        assert_eq!(stack.envoy.send("GET", "/api/public", &beyond).await.status, 431);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_with_an_underscore_is_refused_before_portcullis_sees_it() {
    let stack = Stack::start().await;
    for name in ["x_auth_subject", "X_Anything", "x-team_id"] {
        let got = stack.envoy.send("GET", "/api/public", &[(name, "a")]).await;
        assert_eq!(got.status, 400, "{name}");
    }
    let stack = Stack::with(changes("underscores")).await;
    let got = stack.envoy.send("GET", "/api/public", &[("x_auth_subject", "a"), ("x_team", "a")]).await;
    assert_eq!((got.status, got.seen_upstream("x_team").as_deref()), (200, Some("a")), "{got:?}");
    assert_eq!(got.seen_upstream("x_auth_subject"), None, "a spelling that Portcullis knows");
}
