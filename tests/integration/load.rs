//! The service under load: keys that rotate, and floods of what nobody signed.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis::limits;
use portcullis_demo::issuer::{Alg, DemoIssuer, TokenRequest};
use serde_json::json;
use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::support::{
    AUDIENCE,
    check::{Client, Got, get},
    config, issuer,
    process::Serve,
    service::TestService,
};

fn token(issuer: &DemoIssuer) -> String {
    issuer.mint(&TokenRequest::new().alg(Alg::Es256)).unwrap()
}

/// Sends requests, 200 in each second, each with a token of its own.
async fn load(client: &Client, issuer: &Arc<DemoIssuer>, requests: usize) -> Vec<Got> {
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut under_way = JoinSet::new();
    for _ in 0..requests {
        pace.tick().await;
        let (client, issuer) = (client.clone(), Arc::clone(issuer));
        under_way.spawn(async move { client.send(&get("/api/private").bearer(&token(&issuer))).await });
    }
    under_way.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_denies_no_token_and_costs_one_fetch() {
    let issuer = Arc::new(issuer().await);
    let service = TestService::start(&config(issuer.issuer())).await;
    let client = service.client().await;
    let old = token(&issuer);
    for got in load(&client, &issuer, 400).await {
        assert_eq!((got.status, got.reason.as_str()), (200, "ok"));
    }
    assert_eq!(issuer.key_set_reads(), 1);
    issuer.rotate().await.unwrap();
    for got in load(&client, &issuer, 400).await {
        assert_eq!((got.status, got.reason.as_str()), (200, "ok"), "a token of the new key");
    }
    assert_eq!(issuer.key_set_reads(), 2, "one fetch for the new key");
    let got = client.send(&get("/api/private").bearer(&old)).await;
    assert_eq!((got.status, got.reason.as_str()), (401, "token_unknown_key"), "a token of the old one");
}

/// Bytes that a process has in memory.
fn resident(serve: &Serve) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", serve.child.id().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// A token that nobody signed, as large as tokens are.
fn unsigned(kid: &str, issuer: &str) -> String {
    let header = json!({ "alg": "RS256", "kid": kid });
    let claims = json!({ "iss": issuer, "aud": AUDIENCE, "exp": 4_000_000_000_u64, "filler": "x".repeat(600) });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", encode(&header), encode(&claims), URL_SAFE_NO_PAD.encode([7; 256]))
}

/// Sends 20,000 tokens, 64 at a time. (50,000 are sent in virtual time; this one is about memory.)
async fn flood(client: &Client, forged: impl Fn(usize) -> String, reason: &str) {
    let mut under_way = JoinSet::new();
    for n in 0..20_000 {
        let (client, ask) = (client.clone(), get("/api/private").bearer(&forged(n)));
        under_way.spawn(async move { client.send(&ask).await });
        if under_way.len() >= 64 {
            let got = under_way.join_next().await.unwrap().unwrap();
            assert_eq!((got.status, got.reason.as_str()), (401, reason));
        }
    }
    for got in under_way.join_all().await {
        assert_eq!((got.status, got.reason.as_str()), (401, reason));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_take_no_memory_and_few_fetches() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portcullis.yaml");
    std::fs::write(&file, config(issuer.issuer())).unwrap();
    let serve = Serve::start(&["--config", file.to_str().unwrap()], &[]).await;
    let client = Client::connect(serve.grpc).await;
    let good = token(&issuer);
    assert_eq!(client.send(&get("/api/private").bearer(&good)).await.status, 200);
    // What allocators and connections take once.
    for n in 0..2000 {
        client.send(&get("/api/private").bearer(&unsigned("warm", &format!("https://{n}.evil.test/")))).await;
    }
    let (before, reads) = (resident(&serve), issuer.key_set_reads());
    flood(&client, |n| unsigned("k", &format!("https://{n}.evil.test/")), "token_unknown_issuer").await;
    assert_eq!(issuer.key_set_reads(), reads, "foreign issuers ask for no fetch");
    let (began, reads) = (tokio::time::Instant::now(), issuer.key_set_reads());
    flood(&client, |n| unsigned(&format!("random {n}"), issuer.issuer()), "token_unknown_key").await;
    let refills = usize::try_from(began.elapsed().as_secs() / limits::FETCH_COOLDOWN.as_secs()).unwrap();
    let most = usize::try_from(limits::FETCH_BURST).unwrap() + refills;
    assert!(issuer.key_set_reads() - reads <= most, "a burst, and one fetch in each interval");
    let grown = resident(&serve).saturating_sub(before);
    // What was sent is 60 MB.
    assert!(grown < 24 * 1024 * 1024, "{grown} bytes");
    assert_eq!(client.send(&get("/api/private").bearer(&good)).await.status, 200);
}
