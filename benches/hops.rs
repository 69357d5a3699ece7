//! How long each hop of a Check takes: the message read, the request judged, the token taken apart and verified, the decision,
//! the answer; and all of it together. Finding the rule by number of routes is in `policy`.
//!
//! `cargo bench --bench hops`. `cargo test --bench hops` runs each once, as `make test` does.

#![expect(clippy::panic, reason = "a benchmark of something else than it says is worse than none")]

#[path = "support/issuer.rs"]
mod issuer;
#[path = "support/load.rs"]
mod load;

use std::{hint::black_box, io, sync::Arc, time::Duration};

use bytes::Bytes;
use divan::{Bencher, counter::BytesCount};
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, check_response::HttpResponse};
use issuer::{Issuer, NOW, Stopped};
use portcullis::ext_authz::{
    decode::attributes::Attributes,
    response::{self, Replies},
    service::{Decided, Engine, Observer},
};
use portcullis_engine::{
    answer::identity::IdentityHeaders,
    authorizer::{Authorizer, Decision, Outcome},
    jwt::compact::Compact,
    keys::algorithm::Algorithm,
    oauth::{access_token::AccessToken, credentials::Credentials},
    token_cache::cached_verifier::CachedVerifier,
};
use prost::Message as _;
use tokio_util::task::TaskTracker;

const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS512", "ES256", "ES384", "EdDSA", "HS256"];

fn main() {
    divan::main();
}

fn algorithm(name: &str) -> Algorithm {
    Algorithm::from_name(name).unwrap_or_else(|| panic!("{name} is no algorithm"))
}

fn rs256() -> Issuer {
    Issuer::new(algorithm("RS256"))
}

/// The message, as Envoy's bytes.
#[divan::bench]
fn reader(bencher: Bencher<'_, '_>) {
    let message = rs256().message(0);
    let decode = || Attributes::decode(black_box(&message)).is_ok();
    assert!(decode(), "the message is good");
    bencher.counter(BytesCount::new(message.len())).bench(decode);
}

/// The canonical request: path, method, host, credentials.
#[divan::bench]
fn judged(bencher: Bencher<'_, '_>) {
    let message = rs256().message(0);
    let attributes = Attributes::decode(&message).unwrap_or_default();
    let judge = || black_box(&attributes).judged().is_ok();
    assert!(judge(), "the request can be judged");
    bencher.bench(judge);
}

/// The token out of its header.
#[divan::bench]
fn credentials(bencher: Bencher<'_, '_>) {
    let value = format!("Bearer {}", rs256().token(0));
    let parse = || matches!(Credentials::parse([black_box(value.as_bytes())]), Ok(Credentials::Bearer(_)));
    assert!(parse(), "there is a token");
    bencher.bench(parse);
}

/// The three parts of a token, decoded.
#[divan::bench]
fn compact_parse(bencher: Bencher<'_, '_>) {
    let text = rs256().token(0);
    let parse = || AccessToken::parse(black_box(text.as_bytes())).is_ok_and(|token| Compact::parse(token).is_ok());
    assert!(parse(), "the token has three parts");
    bencher.bench(parse);
}

/// A signature alone.
#[divan::bench(args = ALGORITHMS)]
fn signature(bencher: Bencher<'_, '_>, name: &str) {
    let issuer = Issuer::new(algorithm(name));
    let text = issuer.token(0);
    let token = AccessToken::parse(text.as_bytes()).ok().and_then(|token| Compact::parse(token).ok());
    let (token, set) = (token.unwrap_or_else(|| panic!("a token")), issuer.key_set());
    let key = set.keys().first().unwrap_or_else(|| panic!("a key"));
    let verify = || key.verify(algorithm(name), black_box(token.signing_input.as_bytes()), &token.signature);
    assert!(verify(), "the signature is good");
    bencher.bench(verify);
}

/// A token that nobody has seen: its signature, and every check of it.
#[divan::bench(args = ALGORITHMS, sample_count = 50, sample_size = 20)]
fn verify_afresh(bencher: Bencher<'_, '_>, name: &str) {
    let issuer = Issuer::new(algorithm(name));
    let (keys, text) = (issuer.keys(), issuer.token(0));
    let verify = |verifier: CachedVerifier| {
        let token = AccessToken::parse(black_box(text.as_bytes()));
        token.is_ok_and(|token| verifier.verify(token, &keys.at(Stopped::now()), NOW).is_ok())
    };
    assert!(verify(issuer.verifier()), "the token is good");
    // Each verifier remembers nothing.
    bencher.with_inputs(|| issuer.verifier()).bench_values(verify);
}

/// A token that is remembered: shown again and again, or one of many.
#[divan::bench(args = [1, 10_000])]
fn remembered(bencher: Bencher<'_, '_>, tokens: usize) {
    let issuer = Issuer::new(algorithm("EdDSA"));
    let (keys, verifier) = (issuer.keys(), issuer.verifier());
    let texts: Vec<String> = (0..tokens).map(|user| issuer.token(user)).collect();
    let verify = |text: &String| {
        let token = AccessToken::parse(black_box(text.as_bytes()));
        token.is_ok_and(|token| verifier.verify(token, &keys.at(Stopped::now()), NOW).is_ok())
    };
    assert!(texts.iter().all(verify), "every token is good");
    let mut turn = 0_usize;
    bencher.bench_local(|| {
        turn = (turn + 1) % texts.len();
        texts.get(turn).is_some_and(verify)
    });
    assert_eq!(verifier.cache().stats().misses, tokens as u64, "each was verified once");
}

/// What is decided of one request, and its answer. `allow` or `deny`: for want of a scope.
#[divan::bench(args = ["allow", "deny"])]
fn answer(bencher: Bencher<'_, '_>, which: &str) {
    let issuer = rs256();
    let (authorizer, keys) = (Authorizer::new(issuer.policy(), issuer.verifier()), issuer.keys());
    let message = if which == "allow" { issuer.message(0) } else { issuer.message_to("/api/v1/admin", 0) };
    let attributes = Attributes::decode(&message).unwrap_or_default();
    let replies = Replies::new(&IdentityHeaders::default());
    let request = attributes.judged().unwrap_or_else(|reason| panic!("{reason:?}"));
    let Outcome::Decided(decision) = authorizer.decide(&request, &keys.at(Stopped::now()), NOW) else {
        panic!("the key is there");
    };
    assert_eq!(matches!(decision, Decision::Allow(_)), which == "allow");
    bencher.bench(|| match black_box(&decision) {
        Decision::Allow(permit) => response::allow(permit, &attributes, &replies),
        Decision::Deny(denial) => response::deny(denial, &attributes, &replies),
    });
}

struct Deaf;

impl Observer for Deaf {
    fn decided(&self, _: &Decided<'_>) {}

    fn accept_failed(&self, _: &io::Error) {}
}

/// From the bytes that came to the bytes that go, with a token that is remembered; nobody counts or logs.
#[divan::bench]
fn check(bencher: Bencher<'_, '_>) {
    let issuer = rs256();
    let engine = Engine {
        revision: "bench".into(),
        authorizer: Authorizer::new(issuer.policy(), issuer.verifier()),
        keys: Arc::new(issuer.keys()),
        replies: Replies::new(&IdentityHeaders::default()),
        clock: Arc::new(Stopped),
        observer: Arc::new(Deaf),
        in_flight: TaskTracker::new(),
    };
    let message = Bytes::from(issuer.message(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    let check = || runtime.block_on(engine.check(black_box(message.clone()), Duration::ZERO));
    let answer = CheckResponse::decode(check().into_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(answer.http_response, Some(HttpResponse::OkResponse(_))), "the answer is an allow");
    assert_eq!(answer.status.map(|status| status.code), Some(0), "the answer is an allow");
    bencher.bench(check);
}
