//! Hours of trouble with keys, and floods, in virtual time.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use portcullis::{
    cli::demo::issuer::{Alg, DemoIssuer, TokenRequest},
    limits,
};
use serde_json::json;

use crate::support::{
    AUDIENCE,
    check::{Got, get},
    config, issuer,
    virtual_time::{FETCH_TIME, ScriptedKeys, VirtualService},
};

const MINUTE: Duration = Duration::from_secs(60);

/// The test policy, with keys from one place and these options.
fn text(issuer: &DemoIssuer, options: &str) -> String {
    let source = format!("    jwks_uri: https://keys.test/jwks\n{options}    audiences");
    config(issuer.issuer()).replacen("    audiences", &source, 1)
}

async fn up(options: &str) -> (DemoIssuer, VirtualService) {
    let issuer = issuer().await;
    let keys = Arc::new(ScriptedKeys::default());
    keys.publish(&issuer.jwk_set());
    let service = VirtualService::start(&text(&issuer, options), keys);
    service.store.settled().await;
    (issuer, service)
}

/// A token that outlives every test.
fn token(issuer: &DemoIssuer) -> String {
    issuer.mint(&TokenRequest::new().alg(Alg::EdDsa).expires_in(1_000_000)).unwrap()
}

async fn ask(service: &VirtualService, token: &str) -> (u16, String) {
    let (got, _) = service.send(&get("/api/private").bearer(token)).await;
    (got.status, got.reason)
}

fn is(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_dead_for_an_hour_is_no_outage_and_after_max_stale_it_is_503() {
    let (issuer, service) = up("    max_stale: 2h\n").await;
    let (known, fresh) = (token(&issuer), || token(&issuer));
    service.keys.go_down();
    for minute in 0..115 {
        assert_eq!(ask(&service, &known).await, is(200, "ok"), "in minute {minute}");
        assert_eq!(ask(&service, &fresh()).await, is(200, "ok"), "one that nobody has seen, in minute {minute}");
        tokio::time::sleep(MINUTE).await;
    }
    tokio::time::sleep(MINUTE * 6).await;
    for _ in 0..10 {
        let (got, _) = service.send(&get("/api/private").bearer(&known)).await;
        assert_eq!((got.status, got.reason.as_str()), (503, "keys_unavailable"), "our trouble is no 401");
        assert!(got.header("retry-after").is_some() && got.header("www-authenticate").is_none());
        assert_eq!(ask(&service, &fresh()).await, is(503, "keys_unavailable"));
        tokio::time::sleep(MINUTE).await;
    }
    assert_eq!(service.send(&get("/api/public")).await.0.status, 200);
    service.keys.publish(&issuer.jwk_set());
    tokio::time::sleep(limits::FETCH_BACKOFF_MAX + FETCH_TIME).await;
    assert_eq!(ask(&service, &known).await, is(200, "ok"), "back without a restart");
    assert_eq!(ask(&service, &fresh()).await, is(200, "ok"));
}

#[tokio::test(start_paused = true)]
async fn two_tokens_that_need_keys_while_the_fetch_fails_are_503_with_one_fetch() {
    let issuer = issuer().await;
    let service = VirtualService::start(&text(&issuer, ""), Arc::new(ScriptedKeys::default()));
    let tokens = [token(&issuer), token(&issuer)];
    for got in join_all(tokens.iter().map(|token| ask(&service, token))).await {
        assert_eq!(got, is(503, "keys_unavailable"));
    }
    assert_eq!(service.keys.fetches(), 1);

    // The same for a key that is missing in a set that is there.
    let (issuer, service) = up("").await;
    issuer.rotate().await.unwrap();
    service.keys.go_down();
    tokio::time::sleep(limits::FETCH_COOLDOWN).await;
    let before = service.keys.fetches();
    let tokens = [token(&issuer), token(&issuer)];
    for got in join_all(tokens.iter().map(|token| ask(&service, token))).await {
        assert_eq!(got, is(503, "keys_unavailable"));
    }
    assert_eq!(service.keys.fetches(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_tokens_of_a_new_key_wait_for_one_fetch_and_none_is_denied() {
    let (issuer, service) = up("").await;
    let old = token(&issuer);
    assert_eq!(ask(&service, &old).await, is(200, "ok"));
    tokio::time::sleep(limits::FETCH_COOLDOWN).await;
    issuer.rotate().await.unwrap();
    service.keys.publish(&issuer.jwk_set());
    let before = service.keys.fetches();
    let tokens: Vec<String> = (0..500).map(|_| token(&issuer)).collect();
    for got in join_all(tokens.iter().map(|token| ask(&service, token))).await {
        assert_eq!(got, is(200, "ok"));
    }
    assert_eq!(service.keys.fetches(), before + 1);
    assert_eq!(ask(&service, &old).await, is(401, "token_unknown_key"), "the key that was dropped, cached or not");
}

/// A token that nobody signed, with that header and issuer.
fn unsigned(header: &serde_json::Value, issuer: &str) -> String {
    let claims = json!({ "iss": issuer, "aud": AUDIENCE, "exp": 4_000_000_000_u64 });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", encode(header), encode(&claims), URL_SAFE_NO_PAD.encode([7; 64]))
}

/// Sends 50,000 tokens, a thousand in each second, with valid ones in between.
async fn flood(service: &VirtualService, valid: &[String], forged: impl Fn(usize) -> String) -> Vec<Got> {
    let mut answers = Vec::new();
    for second in 0..50 {
        let batch: Vec<_> = (0..1000).map(|n| get("/api/private").bearer(&forged(second * 1000 + n))).collect();
        let in_between = get("/api/private").bearer(&valid[second % valid.len()]);
        let flooding = join_all(batch.iter().map(|ask| service.send(ask)));
        // Polled after the flood has asked for a fetch: it must not wait for it.
        let (got, one) = tokio::join!(flooding, service.send(&in_between));
        assert_eq!((one.0.status, one.1), (200, Duration::ZERO), "a valid token waits for nobody, second {second}");
        answers.extend(got.into_iter().map(|(got, _)| got));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_costs_one_fetch_a_cooldown_and_valid_tokens_nothing() {
    let (issuer, service) = up("").await;
    let valid: Vec<String> = (0..5).map(|_| token(&issuer)).collect();
    let before = service.keys.fetches();
    let random = |n: usize| unsigned(&json!({ "alg": "RS256", "kid": format!("random {n}") }), issuer.issuer());
    let answers = flood(&service, &valid, random).await;
    assert_eq!(answers.len(), 50_000);
    for got in &answers {
        assert_eq!((got.status, got.reason.as_str()), (401, "token_unknown_key"));
    }
    let fetches = service.keys.fetches() - before;
    let most = 1 + 60 / usize::try_from(limits::FETCH_COOLDOWN.as_secs()).unwrap();
    assert!((5..=most).contains(&fetches), "{fetches} fetches");
    assert_eq!(service.cache.stats().entries, 5, "what is forged takes no room");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_false_signatures_under_a_known_kid_is_no_worse() {
    let (issuer, service) = up("").await;
    let valid = [token(&issuer)];
    let before = service.keys.fetches();
    let header = json!({ "alg": "EdDSA", "kid": issuer.kid(Alg::EdDsa) });
    for second in 0..30 {
        let forged = unsigned(&header, issuer.issuer());
        assert_eq!(ask(&service, &forged).await, is(401, "token_bad_signature"), "second {second}");
        assert_eq!(ask(&service, &valid[0]).await, is(200, "ok"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(service.keys.fetches() - before <= 7, "{}", service.keys.fetches() - before);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_foreign_issuers_costs_no_fetch_at_all() {
    let (issuer, service) = up("").await;
    let valid: Vec<String> = (0..5).map(|_| token(&issuer)).collect();
    let before = service.keys.fetches();
    let foreign = |n: usize| unsigned(&json!({ "alg": "RS256", "kid": "k" }), &format!("https://{n}.evil.test/"));
    for got in flood(&service, &valid, foreign).await {
        assert_eq!((got.status, got.reason.as_str()), (401, "token_unknown_issuer"));
    }
    assert_eq!(service.keys.fetches(), before);
    assert_eq!(service.cache.stats().entries, 5);
}

#[tokio::test(start_paused = true)]
async fn with_the_issuer_down_a_flood_is_answered_503_and_asks_no_more_than_the_back_off() {
    let (issuer, service) = up("").await;
    let valid = [token(&issuer)];
    service.keys.go_down();
    tokio::time::sleep(limits::FETCH_COOLDOWN).await;
    let before = service.keys.fetches();
    let random = |n: usize| unsigned(&json!({ "alg": "RS256", "kid": format!("random {n}") }), issuer.issuer());
    for got in flood(&service, &valid, random).await {
        assert_eq!((got.status, got.reason.as_str()), (503, "keys_unavailable"));
    }
    assert!(service.keys.fetches() - before <= 8, "{}", service.keys.fetches() - before);
}
