//! Hours of trouble with keys, and floods, in virtual time.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use portcullis::limits;
use portcullis_demo::issuer::{Alg, DemoIssuer, TokenRequest};
use serde_json::{Value, json};
use tokio::time::Instant;

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

/// A token that is good before a test begins and after it has ended: the clock of the issuer is a real one, which goes faster
/// than that of the test on a busy machine, and slower otherwise.
fn token(issuer: &DemoIssuer) -> String {
    let request = TokenRequest::new().alg(Alg::EdDsa).expires_in(1_000_000);
    issuer.mint(&request.claim("iat", 1_700_000_000).claim("nbf", 1_700_000_000)).unwrap()
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
    issuer.rotate().await.unwrap();
    service.keys.publish(&issuer.jwk_set());
    let before = service.keys.fetches();
    let tokens: Vec<String> = (0..500).map(|_| token(&issuer)).collect();
    let asks: Vec<_> = tokens.iter().map(|token| get("/api/private").bearer(token)).collect();
    let (mut waited, mut turned_away) = (0, 0);
    for (got, took) in join_all(asks.iter().map(|ask| service.send(ask))).await {
        match (got.status, got.reason.as_str()) {
            (200, "ok") => waited += usize::from(took == FETCH_TIME),
            (503, "keys_unavailable") => {
                turned_away += usize::from(took.is_zero() && got.header("retry-after").is_some())
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        (waited, turned_away),
        (limits::KEY_WAITERS, 500 - limits::KEY_WAITERS),
        "who finds no place is told at once"
    );
    assert_eq!(service.keys.fetches(), before + 1);
    for token in &tokens {
        assert_eq!(ask(&service, token).await, is(200, "ok"), "a fetch later");
    }
    assert_eq!(ask(&service, &old).await, is(401, "token_unknown_key"), "the key that was dropped, cached or not");
}

/// A token that nobody signed, with that header and issuer.
fn unsigned(header: &Value, issuer: &str) -> String {
    unsigned_claims(header, &json!({ "iss": issuer, "aud": AUDIENCE, "exp": 4_000_000_000_u64 }))
}

/// A token with that header, these claims and a false signature.
fn unsigned_claims(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", encode(header), encode(claims), URL_SAFE_NO_PAD.encode([7; 64]))
}

/// Sends 50,000 tokens, a thousand at once in each second, with valid ones in between.
async fn flood(service: &VirtualService, valid: &[String], forged: impl Fn(usize) -> String) -> Vec<Got> {
    flood_of(1000, service, valid, forged).await
}

/// Sends so many tokens at once in each of 50 seconds, with valid ones in between.
async fn flood_of(
    size: usize,
    service: &VirtualService,
    valid: &[String],
    forged: impl Fn(usize) -> String,
) -> Vec<Got> {
    let mut answers = Vec::new();
    for second in 0..50 {
        let batch: Vec<_> = (0..size).map(|n| get("/api/private").bearer(&forged(second * size + n))).collect();
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
async fn a_flood_of_unknown_keys_costs_few_fetches_and_valid_tokens_nothing() {
    let (issuer, service) = up("").await;
    let valid: Vec<String> = (0..5).map(|_| token(&issuer)).collect();
    let before = service.keys.fetches();
    let random = |n: usize| unsigned(&json!({ "alg": "RS256", "kid": format!("random {n}") }), issuer.issuer());
    let answers = flood(&service, &valid, random).await;
    assert_eq!(answers.len(), 50_000);
    let fetches = service.keys.fetches() - before;
    let most =
        usize::try_from(limits::FETCH_BURST + 60 / u32::try_from(limits::FETCH_COOLDOWN.as_secs()).unwrap()).unwrap();
    assert!((10..=most).contains(&fetches), "{fetches} fetches");
    let mut with_a_fetch = 0;
    for batch in answers.chunks(1000) {
        let of =
            |status, reason: &str| batch.iter().filter(|got| (got.status, &*got.reason) == (status, reason)).count();
        match (of(401, "token_unknown_key"), of(503, "keys_unavailable")) {
            (1000, 0) => {}
            // While a fetch is under way the answer is not known, and not all find a place to wait for it.
            (waited, 0..1000) if waited == limits::KEY_WAITERS => with_a_fetch += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(with_a_fetch, fetches, "without a fetch a flood makes no 5xx");
    assert_eq!(service.cache.stats().entries, 5, "what is forged takes no room");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_false_signatures_under_a_known_kid_is_no_worse() {
    let (issuer, service) = up("").await;
    let valid = [token(&issuer)];
    let before = service.keys.fetches();
    let header = json!({ "alg": "EdDSA", "kid": issuer.kid(Alg::EdDsa) });
    // Each costs a signature check, which takes its time in a test.
    let answers = flood_of(50, &service, &valid, |_| unsigned(&header, issuer.issuer())).await;
    for got in &answers {
        assert_eq!((got.status, got.reason.as_str()), (401, "token_bad_signature"), "with a place or without");
    }
    let fetches = service.keys.fetches() - before;
    assert!((10..=15).contains(&fetches), "{fetches} fetches");
}

/// A second of 400 requests, 15 % of them forged; the rest are good, with those tokens in turn. Returns when good ones were
/// refused, and asserts that these are 401 for an unknown key, and no forged one our trouble.
async fn mixed_second(service: &VirtualService, good: &[String], forged: impl Fn(usize) -> String) -> Vec<Instant> {
    let asks = (0..400).map(|n| {
        let text = if n % 20 < 3 { forged(n) } else { good[n % good.len()].clone() };
        (n, text)
    });
    let answers = asks.map(async |(n, text)| {
        tokio::time::sleep(Duration::from_micros(2500) * u32::try_from(n).unwrap()).await;
        let came = Instant::now();
        (n, came, service.send(&get("/api/private").bearer(&text)).await.0)
    });
    let mut refused = Vec::new();
    for (n, came, got) in join_all(answers).await {
        match (n % 20 < 3, got.status, got.reason.as_str()) {
            (false, 200, "ok") | (true, 401, _) => {}
            (false, 401, "token_unknown_key") => refused.push(came),
            other => panic!("{other:?}"),
        }
    }
    refused
}

fn tokens(issuer: &DemoIssuer, count: usize) -> Vec<String> {
    (0..count).map(|_| token(issuer)).collect()
}

#[tokio::test(start_paused = true)]
async fn two_rotations_amid_false_signatures_under_known_kids_refuse_no_good_token() {
    let (issuer, service) = up("").await;
    for _ in 0..2 {
        let (good, header) = (tokens(&issuer, 50), json!({ "alg": "EdDSA", "kid": issuer.kid(Alg::EdDsa) }));
        let forged = |n: usize| {
            let claims = json!({ "iss": issuer.issuer(), "aud": AUDIENCE, "exp": 4_000_000_000_u64, "jti": n });
            unsigned_claims(&header, &claims)
        };
        for second in 0..20 {
            assert_eq!(mixed_second(&service, &good, forged).await, [], "second {second}");
        }
        issuer.rotate().await.unwrap();
        service.keys.publish(&issuer.jwk_set());
    }
    assert_eq!(mixed_second(&service, &tokens(&issuer, 50), |_| "forged".to_owned()).await, []);
}

#[tokio::test(start_paused = true)]
async fn amid_random_unknown_kids_a_new_key_is_refused_for_one_refill_at_most_and_known_ones_never() {
    let (issuer, service) = up("").await;
    let random = |n: usize| {
        let kid = format!("random {n} {:?}", Instant::now());
        unsigned(&json!({ "alg": "EdDSA", "kid": kid }), issuer.issuer())
    };
    let known = tokens(&issuer, 50);
    for second in 0..20 {
        assert_eq!(mixed_second(&service, &known, random).await, [], "second {second}");
    }
    // A provider that publishes the old key for a while beside the new one.
    let mut both = issuer.jwk_set();
    issuer.rotate().await.unwrap();
    let new = issuer.jwk_set()["keys"].as_array().unwrap().clone();
    both["keys"].as_array_mut().unwrap().extend(new);
    service.keys.publish(&both);
    let new = tokens(&issuer, 50);
    let (published, mut refused) = (Instant::now(), Vec::new());
    while published.elapsed() < limits::FETCH_COOLDOWN * 4 {
        refused.extend(mixed_second(&service, &new, random).await);
        assert_eq!(mixed_second(&service, &known, random).await, [], "known keys lose nothing");
    }
    let longest = refused.iter().map(|at| *at - published).max().unwrap_or_default();
    assert!(longest <= limits::FETCH_COOLDOWN + FETCH_TIME, "{longest:?}");
}

/// The test policy with two issuers, each of which has its keys, those of both, at a place of its own.
fn two_issuers(good: &DemoIssuer, hanging: &DemoIssuer) -> String {
    let source = |host: &str| format!("    jwks_uri: https://{host}.test/jwks\n    audiences: [{AUDIENCE}]\n");
    let text = config(good.issuer()).replacen(&format!("    audiences: [{AUDIENCE}]\n"), &source("good"), 1);
    text.replace("routes:", &format!("  - issuer: {}\n{}routes:", hanging.issuer(), source("hanging")))
}

/// Adds the current keys of these issuers to those of before; returns the set with all of them.
fn add_keys(all: &mut Vec<Value>, issuers: [&DemoIssuer; 2]) -> Value {
    let sets = issuers.map(DemoIssuer::jwk_set);
    for key in sets.iter().flat_map(|set| set["keys"].as_array().unwrap()).filter(|key| key["kty"] == "OKP") {
        if !all.contains(key) {
            all.push(key.clone());
        }
    }
    json!({ "keys": all })
}

#[tokio::test(start_paused = true)]
async fn forged_tokens_of_an_issuer_that_hangs_cost_nobody_else_anything() {
    let (good, hanging) = (issuer().await, issuer().await);
    let text = two_issuers(&good, &hanging);
    let keys = Arc::new(ScriptedKeys::default());
    // With the keys of before, so that tokens go on to be good; and without those that are not needed, as sets are bounded.
    let all = RefCell::new(Vec::new());
    let published = || add_keys(&mut all.borrow_mut(), [&good, &hanging]);
    keys.publish(&published());
    let service = VirtualService::start(&text, Arc::clone(&keys));
    service.store.settled().await;
    let known = [tokens(&good, 20), tokens(&hanging, 20)].concat();
    keys.hang("hanging.test");

    let waiting = Cell::new(0_usize);
    let most = Cell::new([0_usize; 3]);
    let began = Instant::now();
    // 1,360 in each of twelve seconds.
    let flood = (0..12 * 1360).map(async |n: u32| {
        tokio::time::sleep(Duration::from_secs(1) / 1360 * n).await;
        let kid = format!("random {n}");
        let ask = get("/api/private").bearer(&unsigned(&json!({ "alg": "EdDSA", "kid": kid }), hanging.issuer()));
        // In the second that Envoy's sample gives, less the margin.
        let asked = began.elapsed();
        waiting.set(waiting.get() + 1);
        let phase = usize::from(asked > limits::FETCH_SLOW * 2) + usize::from(asked > limits::FETCH_TIMEOUT);
        let mut highest = most.get();
        highest[phase] = highest[phase].max(waiting.get());
        most.set(highest);
        let (got, _) = service.send_within(&ask, Duration::from_millis(800)).await;
        waiting.set(waiting.get() - 1);
        assert_eq!((got.status, got.reason.as_str()), (503, "keys_unavailable"));
    });
    let others = async {
        for n in 0..240 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let (got, took) = service.send(&get("/api/private").bearer(&known[n % known.len()])).await;
            assert_eq!((got.status, took), (200, Duration::ZERO), "a known key, {n}");
            let (got, took) = service.send(&get("/api/public")).await;
            assert_eq!((got.status, took), (200, Duration::ZERO), "a public route, {n}");
            if n % 60 == 45 {
                // The other issuer has a new key.
                good.rotate().await.unwrap();
                keys.publish(&published());
                let (got, took) = service.send(&get("/api/private").bearer(&token(&good))).await;
                assert_eq!(
                    (got.status, &*got.reason, took),
                    (200, "ok", FETCH_TIME),
                    "a new key of the other issuer, {n}"
                );
            }
        }
    };
    tokio::join!(join_all(flood), others);
    // One more than those who wait has just been asked.
    let [at_first, slow, failing] = most.get();
    assert!(at_first <= limits::KEY_WAITERS + 1, "{at_first}");
    assert!(
        slow <= limits::FAILING_ISSUER_WAITERS + 1 && failing <= limits::FAILING_ISSUER_WAITERS + 1,
        "{slow} {failing}"
    );
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_a_forged_token_under_a_known_key_is_refused_and_a_new_key_waits_once() {
    let (issuer, service) = up("").await;
    service.keys.hang("keys.test");
    let header = json!({ "alg": "EdDSA", "kid": issuer.kid(Alg::EdDsa) });
    let forged = get("/api/private").bearer(&unsigned(&header, issuer.issuer()));
    issuer.rotate().await.unwrap();
    let new = get("/api/private").bearer(&token(&issuer));
    let sent = async |ask| {
        let (got, took) = service.send(ask).await;
        (got.status, got.reason, took)
    };
    assert_eq!(sent(&new).await, (503, "keys_unavailable".to_owned(), limits::KEY_WAIT), "it waits once");
    let mut times_waited = 0;
    for second in 0..540 {
        let (status, reason, took) = sent(&new).await;
        assert_eq!((status, reason.as_str()), (503, "keys_unavailable"), "second {second}");
        times_waited += usize::from(!took.is_zero());
        let (status, reason, took) = sent(&forged).await;
        assert_eq!((status, reason.as_str(), took), (401, "token_bad_signature", Duration::ZERO), "second {second}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(times_waited, 0);
    tokio::time::sleep(limits::KEYS_CONFIRMED).await;
    let (status, reason, _) = sent(&forged).await;
    assert_eq!((status, reason.as_str()), (503, "keys_unavailable"), "the key may have been replaced long since");
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
