//! The same against a certified OpenID provider that we did not write: keys, discovery and tokens are its own.

use std::process::Stdio;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStdin, Command},
};

use crate::{
    support::{config, envoy::Envoy, process::tool, service::TestService, tampered},
    upstream,
};

struct Provider {
    _child: Child,
    /// It ends when its input closes.
    _input: ChildStdin,
    about: Value,
}

impl Provider {
    async fn start() -> Self {
        tool("oidc-provider");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/oidc-provider/server.mjs");
        let mut command = Command::new("node");
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let line = BufReader::new(child.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
        Self { _child: child, _input: input, about: serde_json::from_str(&line).unwrap() }
    }

    fn about(&self, what: &str) -> &str {
        self.about[what].as_str().unwrap()
    }

    async fn token(&self, scope: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
            self.about("client_id"),
            self.about("client_secret"),
            scope.replace(':', "%3A"),
        );
        let request = reqwest::Client::new().post(self.about("token_endpoint")).body(form);
        let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_a_certified_provider_open_what_they_should() {
    let provider = Provider::start().await;
    let service = TestService::start(&config(provider.about("issuer"))).await;
    let upstream = upstream().await;
    let envoy = Envoy::start(service.grpc, upstream.addr(), &[]).await;
    let with_scope = provider.token("read:messages").await;
    let without = provider.token("").await;

    let enough = envoy.get("/api/private-scoped", Some(&with_scope)).await;
    assert_eq!(enough.status, 200, "{enough:?}");
    assert_eq!(enough.seen_upstream("x-auth-client-id").as_deref(), Some(provider.about("client_id")));
    assert_eq!(enough.seen_upstream("x-auth-scopes").as_deref(), Some("read:messages"));
    let lacking = envoy.get("/api/private-scoped", Some(&without)).await;
    assert_eq!(lacking.status, 403);
    assert!(lacking.header("www-authenticate").unwrap().contains("insufficient_scope"));
    assert_eq!(envoy.get("/api/private", Some(&without)).await.status, 200);
    assert_eq!(envoy.get("/api/private", Some(&tampered(&without))).await.status, 401);
    assert_eq!(envoy.get("/api/private", None).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_tokens_meet_the_strict_profile_of_rfc_9068() {
    let provider = Provider::start().await;
    let strict = config(provider.about("issuer")).replacen("    audiences", "    strict: true\n    audiences", 1);
    let service = TestService::start(&strict).await;
    let token = provider.token("read:messages").await;
    let ask = crate::support::check::get("/api/private-scoped").bearer(&token);
    assert_eq!(service.client().await.send(&ask).await.status, 200);
}
