//! The cache is invisible: whatever happened before, a verifier with a history says what one without would say, to every
//! token, at every moment, with whatever keys are there; the exact denial, and the exact token.

use std::{cell::Cell, hash::RandomState, sync::Arc, time::Duration};

use portcullis::keystore::store::{IssuerKeys, KeyStore};
use portcullis_engine::{
    jwt::{
        claims::Claims,
        issuer_rules::IssuerRules,
        verified_token::VerifiedToken,
        verifier::{Unverified, Verifier},
    },
    keys::{key_set::KeySet, secret::Secret},
    oauth::access_token::AccessToken,
    time::UnixTime,
    token_cache::cached_verifier::CachedVerifier,
};
use proptest::{
    collection::vec,
    prelude::*,
    sample,
    test_runner::{TestCaseError, TestRunner},
};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::{
    judge,
    keyring::SECRETS,
    published,
    subject::signed,
    token::{self, ISSUER, NOW, claims},
};

/// The issuer with a shared secret.
const OTHER: &str = "https://secret.example/";

/// What may happen next.
#[derive(Clone, Debug)]
enum Step {
    /// That token is shown.
    Ask(usize),
    /// The clock shows that many milliseconds after `NOW`, be it earlier than before.
    Clock(i64),
    /// A fetch brings that key set.
    Keys(usize),
    /// The other issuer has that secret now.
    Secret(usize),
    /// So many seconds pass in which no fetch succeeds.
    Wait(u64),
    /// Another configuration is active, with a key store of its own and that key set.
    Reload(usize, usize),
}

/// Tokens of every kind that a history could matter to.
fn tokens() -> Vec<String> {
    let mut tokens = Vec::new();
    let mut add = |sign: &str, kid: Option<&str>, changes: Value| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let header: Map<String, Value> = kid.into_iter().map(|kid| ("kid".to_owned(), kid.into())).collect();
        tokens.push(signed(sign, &header, &claims.to_string()));
    };
    for key in ["ed25519", "ed25519-b"] {
        for kid in [Some("k1"), Some("k2"), None] {
            add(key, kid, json!({}));
        }
    }
    add("ed25519", Some("k1"), json!({"exp": NOW + 90, "nbf": NOW + 20}));
    add("ed25519", Some("k1"), json!({"exp": NOW + 900, "iat": NOW - 40}));
    add("ed25519", Some("k1"), json!({"exp": NOW + 900, "iat": NOW + 30, "nbf": 0}));
    add("ed25519", Some("k1"), json!({"exp": f64::from(1_800_000_010_u32) + 0.5}));
    add("ed25519", Some("k1"), json!({"aud": "another"}));
    add("rsa", Some("k1"), json!({}));
    add("secret", Some("k1"), json!({"iss": OTHER}));
    add("secret-b", None, json!({"iss": OTHER}));
    add("ed25519", Some("k1"), json!({"iss": OTHER}));
    // The first one with the signature of another.
    let (message, signature) = (tokens[0].rsplit_once('.').unwrap().0, tokens[6].rsplit_once('.').unwrap().1);
    let forged = format!("{message}.{signature}");
    tokens.push(forged);
    // Texts that are no token under any keys, and tokens without a true signature.
    let header = tokens[0].split('.').next().unwrap().to_owned();
    tokens.extend(["e30.e30.AR", "opaque", "a.b.c.d.e"].map(str::to_owned));
    tokens.extend([format!("{header}.W10.AQID"), format!("{header}.e30.AQID")]);
    tokens
}

/// The configurations of the first issuer.
fn issuers() -> [Value; 4] {
    [
        json!({}),
        json!({"max_token_age": "100s"}),
        json!({"clock_tolerance": "0s"}),
        json!({"algorithms": ["EdDSA", "RS256"], "audiences": ["another"]}),
    ]
}

/// Key sets as an issuer may publish them one after another.
fn key_sets() -> Vec<Vec<Value>> {
    let key = |key: &str, kid: &str| json!({"key": key, "kid": kid});
    vec![
        vec![key("ed25519", "k1")],
        vec![key("ed25519-b", "k1")],
        vec![key("ed25519", "k2")],
        vec![key("ed25519", "k1"), key("ed25519-b", "k1")],
        vec![key("ed25519", "k1"), key("ed25519-b", "k2")],
        vec![key("ed25519-b", "k2"), key("ed25519", "k1")],
        vec![key("ed25519", "k2"), key("ed25519-b", "k1")],
        vec![key("ed25519", "k1"), key("ed25519", "k2")],
        vec![json!({"key": "ed25519", "without": ["kid"]})],
        vec![json!({"key": "ed25519", "without": ["kid"]}), key("ed25519-b", "k1")],
        vec![key("rsa", "k1")],
        vec![json!({"key": "rsa", "kid": "k1", "alg": "PS256"}), key("ed25519", "k1")],
        vec![json!({"key": "ed25519", "kid": "k1", "use": "enc"}), key("rsa", "k2")],
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // The ends of the tokens' times, and around them.
    let ends = [-5_000, 0, 5_000, 10_000, 15_000, 15_500, 20_000, 25_000, 65_000, 95_000, 105_000];
    let near = prop_oneof![Just(-1_i64), Just(0), Just(1)];
    prop_oneof![
        8 => (0..tokens().len()).prop_map(Step::Ask),
        // Some again and again, so that there are hits: two issuers, and a token that lives long.
        8 => sample::select(vec![0, 7, 12]).prop_map(Step::Ask),
        // And forgeries.
        4 => sample::select(vec![3, 15, 16]).prop_map(Step::Ask),
        2 => (sample::select(ends.to_vec()), near).prop_map(|(end, off)| Step::Clock(end + off)),
        1 => (-200_000..1_000_000_i64).prop_map(Step::Clock),
        2 => (0..key_sets().len()).prop_map(Step::Keys),
        1 => (0..2_usize).prop_map(Step::Secret),
        1 => sample::select(vec![1, 600, 43_200, 86_400]).prop_map(Step::Wait),
        1 => (0..issuers().len(), 0..key_sets().len()).prop_map(|(issuer, keys)| Step::Reload(issuer, keys)),
    ]
}

/// The configurations that histories are played under.
fn rules(issuer: &Value) -> Vec<IssuerRules> {
    let first = judge::issuer(issuer.as_object().unwrap());
    let second = json!({"issuer": OTHER, "audiences": [token::AUDIENCE], "secret_file": "secret"});
    let routes = json!([{"path": "/**", "access": "public"}]);
    let config = judge::parse(&json!({"issuers": [first, second], "routes": routes}).to_string());
    config.issuers.into_iter().map(|issuer| issuer.rules).collect()
}

struct World {
    rules: Vec<IssuerRules>,
    store: KeyStore,
    now: Instant,
    clock: i64,
}

/// All that a caller can see of an answer.
type Seen = Result<(String, Option<String>, Option<String>, String, UnixTime, Claims), Unverified>;

impl World {
    fn new(issuer: &Value) -> Self {
        Self::at(issuer, 0, Instant::now(), 0)
    }

    /// Makes a service that begins then, with that key set.
    fn at(issuer: &Value, keys: usize, now: Instant, clock: i64) -> Self {
        let (rules, store) = (rules(issuer), KeyStore::new());
        for rules in &rules {
            store.add(rules.issuer.clone(), IssuerKeys::awaiting_first_fetch(Duration::from_secs(86_400)));
        }
        let mut world = Self { rules, store, now, clock };
        world.publish(keys);
        world.fetched(OTHER, world.secret(0));
        world
    }

    /// A fetch of the first issuer's keys brings that set.
    fn publish(&mut self, keys: usize) {
        let set = KeySet::parse(&published::key_set(&key_sets()[keys], None), self.algorithms(0)).unwrap();
        self.fetched(ISSUER, set);
    }

    fn algorithms(&self, issuer: usize) -> &[portcullis_engine::keys::algorithm::Algorithm] {
        self.rules[issuer].algorithms.as_slice()
    }

    fn secret(&self, index: usize) -> KeySet {
        KeySet::from_secret(&Secret::new(SECRETS[index].1.to_vec()), self.algorithms(1))
    }

    fn fetched(&mut self, issuer: &str, set: KeySet) {
        self.store.begin(issuer, self.now);
        self.store.end(issuer, Ok((set, None)), 1.0, self.now);
    }

    /// The answer of a verifier with a cache.
    fn ask(&self, verifier: &CachedVerifier, token: &str) -> Seen {
        let token = AccessToken::parse(token.as_bytes()).unwrap();
        verifier.verify(token, &self.store.at(self.now), self.unix_time()).map(|token| seen(&token))
    }

    /// The answer of the verifier itself, which remembers nothing.
    fn ask_verifier(&self, token: &str) -> Seen {
        let verifier = Verifier::new(self.rules.clone());
        let token = AccessToken::parse(token.as_bytes()).unwrap();
        verifier.verify(token, &self.store.at(self.now), self.unix_time()).map(|token| seen(&token))
    }

    fn unix_time(&self) -> UnixTime {
        UnixTime::from_millis(NOW * 1000 + self.clock)
    }
}

fn seen(token: &VerifiedToken) -> (String, Option<String>, Option<String>, String, UnixTime, Claims) {
    (
        token.issuer().to_owned(),
        token.subject().map(str::to_owned),
        token.client_id().map(str::to_owned),
        token.scopes().to_scope_string(),
        token.expires_at(),
        token.claims().clone(),
    )
}

/// Plays a history in which each token is shown so many times running; the hits, and how many tokens were verified in all.
fn play(issuer: &Value, steps: &[Step], tokens: &[String], times: usize) -> Result<[u64; 3], TestCaseError> {
    let mut world = World::new(issuer);
    let mut with_history = CachedVerifier::new(world.rules.clone(), RandomState::new());
    let mut verified = 0;
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Ask(token) => {
                let fresh = world.ask_verifier(&tokens[*token]);
                for _ in 0..times {
                    let remembered = world.ask(&with_history, &tokens[*token]);
                    prop_assert_eq!(&remembered, &fresh, "step {}, token {}", at, token);
                    verified += u64::from(fresh.is_ok());
                }
            }
            Step::Clock(clock) => world.clock = *clock,
            Step::Keys(index) => world.publish(*index),
            Step::Reload(issuer, keys) => {
                world = World::at(&issuers()[*issuer], *keys, world.now, world.clock);
                with_history = with_history.successor(world.rules.clone());
            }
            Step::Secret(index) => world.fetched(OTHER, world.secret(*index)),
            Step::Wait(seconds) => world.now += Duration::from_secs(*seconds),
        }
    }
    let stats = with_history.cache().stats();
    Ok([stats.hits, stats.refusals, verified])
}

#[test]
fn the_cache_is_invisible() {
    let [hits, refusals, verified] = histories(1);
    // Neither is everything a hit nor nothing: else nothing was shown.
    assert!(refusals > 100, "{refusals} tokens were refused again");
    assert!(hits > 100 && verified > hits + 100, "{hits} hits of {verified} verified tokens");
}

/// Tokens that are shown again and again are found in another way than those that are shown a second time.
#[test]
fn the_cache_is_invisible_to_whoever_asks_again_and_again() {
    let [hits, refusals, verified] = histories(4);
    assert!(refusals > 1000, "{refusals} tokens were refused again");
    assert!(hits > verified * 2 / 3 && verified > hits + 100, "{hits} hits of {verified} verified tokens");
}

/// Plays random histories, see [`play`]: hits, refusals and tokens that were verified.
fn histories(times: usize) -> [u64; 3] {
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let tokens = tokens();
    let counts = [0; 3].map(Cell::new);
    let histories = (sample::select(issuers().to_vec()), vec(step(), 1..80));
    let outcome = TestRunner::new(config).run(&histories, |(issuer, steps)| {
        let new = play(&issuer, &steps, &tokens, times)?;
        counts.iter().zip(new).for_each(|(count, more)| count.set(count.get() + more));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    counts.map(|count| count.get())
}

#[test]
fn a_removed_key_vouches_for_nothing_that_is_remembered() {
    let tokens = tokens();
    let mut world = World::new(&json!({}));
    let verifier = CachedVerifier::new(world.rules.clone(), RandomState::new());
    assert!(world.ask(&verifier, &tokens[0]).is_ok() && world.ask(&verifier, &tokens[0]).is_ok());
    assert_eq!(verifier.cache().stats().hits, 1);
    for index in [1, 2, 3, 8, 12] {
        let set = KeySet::parse(&published::key_set(&key_sets()[index], None), world.algorithms(0)).unwrap();
        world.fetched(ISSUER, set);
        assert!(world.ask(&verifier, &tokens[0]).is_err(), "{index}");
    }
    assert_eq!(verifier.cache().stats().hits, 1);
    // The key is back, beside another: it counts again.
    let set = KeySet::parse(&published::key_set(&key_sets()[5], None), world.algorithms(0)).unwrap();
    world.fetched(ISSUER, set);
    assert!(world.ask(&verifier, &tokens[0]).is_ok());
}

#[test]
fn many_threads_see_one_answer() {
    let world = Arc::new(World::new(&json!({})));
    let (verifier, tokens) =
        (Arc::new(CachedVerifier::new(world.rules.clone(), RandomState::new())), Arc::new(tokens()));
    let expected: Vec<Seen> = tokens.iter().map(|token| world.ask_verifier(token)).collect();
    assert!(expected.iter().any(Result::is_ok) && expected.iter().any(Result::is_err));
    std::thread::scope(|scope| {
        for offset in 0..4 {
            let (world, verifier, tokens, expected) = (&world, &verifier, &tokens, &expected);
            scope.spawn(move || {
                for round in 0..200 {
                    let at = (round + offset) % tokens.len();
                    assert_eq!(world.ask(verifier, &tokens[at]), expected[at]);
                }
            });
        }
    });
}
