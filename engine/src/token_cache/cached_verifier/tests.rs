//! That a verifier remembers, and that nobody can tell.
#![expect(clippy::needless_pass_by_value, reason = "json!() at the call reads better")]
#![expect(clippy::arithmetic_side_effects, reason = "a test's own sums")]

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::{
    jwt::{claims::Claims, issuer_rules::NonEmpty, verifier::tests::rules},
    keys::{
        algorithm::Algorithm,
        key_set::KeySet,
        lookup::{Generation, KeyNeed, Snapshot},
    },
    limits,
    token_cache::cache::PLACE,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

struct Keys(Option<Snapshot>);

impl KeyLookup for Keys {
    fn current(&self, _: &str) -> Option<Snapshot> {
        self.0.clone()
    }
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// A set of these keys: a seed and a `kid` each.
fn keys(published: &[(u8, &str)]) -> Keys {
    let jwk = |(seed, kid): &(u8, &str)| {
        let x = URL_SAFE_NO_PAD.encode(pair(*seed).public_key().as_ref());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#)
    };
    let text = format!(r#"{{"keys":[{}]}}"#, published.iter().map(jwk).collect::<Vec<_>>().join(","));
    let set = Arc::new(KeySet::parse(text.as_bytes(), &[Algorithm::EdDSA]).unwrap());
    Keys(Some(Snapshot { set, generation: Generation::NONE }))
}

fn token(seed: u8, kid: &str, claims: Value) -> String {
    let mut all = json!({"iss": "https://issuer.test/", "aud": "https://api.test", "exp": NOW.as_secs() + 60});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(json!({"alg": "EdDSA", "kid": kid})), encode(all));
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(pair(seed).sign(input.as_bytes())))
}

/// A good token without a `kid`, or with these other names of its key.
fn nameless(seed: u8, names: Value) -> String {
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut header = json!({"alg": "EdDSA"});
    header.as_object_mut().unwrap().extend(names.as_object().unwrap().clone());
    let now = NOW.as_secs();
    let claims = json!({"iss": "https://issuer.test/", "aud": "https://api.test", "iat": now, "exp": now + 60});
    let input = format!("{}.{}", encode(header), encode(claims));
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(pair(seed).sign(input.as_bytes())))
}

fn verifier() -> CachedVerifier {
    let algorithms = NonEmpty::new(vec![Algorithm::EdDSA]).unwrap();
    CachedVerifier::new(
        [IssuerRules { algorithms, max_token_age: Some(Duration::from_secs(100)), ..rules() }],
        RandomState::new(),
    )
}

fn verify(verifier: &CachedVerifier, token: &str, keys: &Keys, now: UnixTime) -> Result<(), Unverified> {
    verifier.verify(AccessToken::parse(token.as_bytes()).unwrap(), keys, now).map(|_| ())
}

fn hits(verifier: &CachedVerifier) -> (u64, u64) {
    let stats = verifier.cache().stats();
    (stats.hits, stats.misses)
}

fn good() -> String {
    token(1, "a", json!({"iat": NOW.as_secs() - 50}))
}

#[test]
fn the_second_time_no_signature_is_checked() {
    let (verifier, keys, token) = (verifier(), keys(&[(1, "a")]), good());
    for times in 0..3 {
        assert_eq!(verify(&verifier, &token, &keys, NOW), Ok(()));
        assert_eq!(hits(&verifier), (times, 1));
    }
}

#[test]
fn another_set_with_the_same_key_under_its_name_is_as_good() {
    let (verifier, token) = (verifier(), good());
    verify(&verifier, &token, &keys(&[(1, "a")]), NOW).unwrap();
    let grown = keys(&[(2, "b"), (1, "a")]);
    for times in 1..3 {
        verify(&verifier, &token, &grown, NOW).unwrap();
        assert_eq!(hits(&verifier), (times, 1));
    }
}

#[test]
fn a_key_that_is_gone_replaced_renamed_or_ambiguous_vouches_for_nothing() {
    let (verifier, token) = (verifier(), good());
    let first = keys(&[(1, "a")]);
    verify(&verifier, &token, &first, NOW).unwrap();
    for (set, fault) in [
        (keys(&[(2, "b")]), TokenFault::UnknownKey),
        (keys(&[(1, "b")]), TokenFault::UnknownKey),
        (keys(&[(2, "a")]), TokenFault::BadSignature),
        (Keys(None), TokenFault::UnknownKey),
        (keys(&[(1, "a"), (2, "a")]), TokenFault::AmbiguousKey),
    ] {
        let Err(Unverified::KeyMissing(missing)) = verify(&verifier, &token, &set, NOW) else { panic!("{fault:?}") };
        assert_eq!(missing.fault, fault);
    }
    assert_eq!(hits(&verifier).0, 0);
    verify(&verifier, &token, &first, NOW).unwrap();
    assert_eq!(hits(&verifier).0, 1, "the key is back");
}

#[test]
fn a_token_without_a_kid_is_tried_with_few_keys_and_remembered_by_the_one_that_signed_it() {
    let (token, now) = (nameless(2, json!({})), NOW);
    let few = keys(&[(1, "a"), (2, "b"), (3, "c"), (4, "d")]);
    let many = keys(&[(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]);
    let (renamed, gone) = (keys(&[(9, "x"), (2, "y")]), keys(&[(1, "a"), (3, "c")]));
    let missing = |got: Result<(), Unverified>| match got.unwrap_err() {
        Unverified::KeyMissing(missing) => (missing.need, missing.fault),
        Unverified::Refused(fault) => panic!("{fault:?}"),
    };
    let (verifier, ambiguous) = (verifier(), (KeyNeed::Replacement, TokenFault::AmbiguousKey));
    assert_eq!(verify(&verifier, &token, &few, now), Ok(()));
    assert_eq!(verify(&verifier, &token, &few, now), Ok(()));
    assert_eq!(hits(&verifier), (1, 1));
    assert_eq!(verify(&verifier, &token, &renamed, now), Ok(()), "the very key is there");
    assert_eq!(hits(&verifier), (2, 1));
    // Each as a verifier that remembers nothing says.
    for (keys, expected) in [(&many, ambiguous), (&gone, (KeyNeed::Replacement, TokenFault::BadSignature))] {
        assert_eq!(missing(verify(&verifier, &token, keys, now)), expected);
        assert_eq!(missing(verify(&self::verifier(), &token, keys, now)), expected);
    }
    assert_eq!(verify(&verifier, &token, &few, now), Ok(()));
    // An empty name, and one that no key has, are names.
    for kid in ["", "z"] {
        let (need, fault) = missing(verify(&verifier, &nameless(2, json!({"kid": kid})), &few, now));
        assert!(matches!(need, KeyNeed::New(_)) && fault == TokenFault::UnknownKey, "{kid:?}");
    }
}

#[test]
fn times_are_asked_again_each_time_whichever_way_the_clock_goes() {
    let keys = keys(&[(1, "a")]);
    let at = |seconds: i64| {
        NOW.plus(Duration::from_secs(1000)).minus(Duration::from_secs(1000_u64.saturating_sub_signed(seconds)))
    };
    let cases = [
        (json!({"iat": NOW.as_secs()}), 64, 65, TokenFault::Expired),
        (json!({"iat": NOW.as_secs() - 50}), 55, 56, TokenFault::TooOld),
        (json!({"iat": NOW.as_secs()}), -5, -6, TokenFault::IssuedInFuture),
        (json!({"iat": NOW.as_secs() - 50, "nbf": NOW.as_secs()}), -5, -6, TokenFault::NotYetValid),
    ];
    for (claims, last, beyond, fault) in cases {
        let (verifier, token) = (verifier(), token(1, "a", claims));
        verify(&verifier, &token, &keys, NOW).unwrap();
        assert_eq!(verify(&verifier, &token, &keys, at(last)), Ok(()), "{fault:?}");
        assert_eq!(hits(&verifier).0, 1, "{fault:?}");
        assert_eq!(verify(&verifier, &token, &keys, at(beyond)), Err(Unverified::Refused(fault)));
        assert_eq!(verify(&verifier, &token, &keys, NOW), Ok(()));
    }
}

/// Shows a token until it is among those that were shown again and again.
fn shown_often(verifier: &CachedVerifier, token: &str, keys: &Keys) {
    (0..=limits::RECENT_REQUESTS).for_each(|_| verify(verifier, token, keys, NOW).unwrap());
    verify(verifier, token, keys, NOW).unwrap();
    assert!(is_recent(verifier, token));
}

fn is_recent(verifier: &CachedVerifier, token: &str) -> bool {
    verifier.cache().recent().get(token.as_bytes()).is_some()
}

#[test]
fn a_token_that_is_shown_often_is_judged_as_any_other() {
    let (first, token) = (keys(&[(1, "a")]), good());
    for (set, now, refused) in [
        (keys(&[(1, "a")]), 0, false),
        (keys(&[(2, "b"), (1, "a")]), 0, false),
        (keys(&[(1, "a")]), 54, false),
        (keys(&[(1, "a")]), 56, true),
        (keys(&[(2, "b")]), 0, true),
        (keys(&[(1, "b")]), 0, true),
        (keys(&[(2, "a")]), 0, true),
        (Keys(None), 0, true),
        (keys(&[(1, "a"), (2, "a")]), 0, true),
    ] {
        let verifier = verifier();
        shown_often(&verifier, &token, &first);
        let refusals = |verifier: &CachedVerifier| refusals(verifier).0 + refusals(verifier).1;
        let before = (hits(&verifier).0, refusals(&verifier));
        for _ in 0..3 {
            assert_eq!(verify(&verifier, &token, &set, NOW.plus(Duration::from_secs(now))).is_err(), refused);
        }
        let (more_hits, more_refusals) = (hits(&verifier).0 - before.0, refusals(&verifier) - before.1);
        assert_eq!((more_hits, more_refusals), if refused { (0, 3) } else { (3, 0) });
    }
}

#[test]
fn a_token_that_is_shown_often_moves_to_the_next_set_and_leaves_when_it_expires() {
    let (verifier, token) = (verifier(), good());
    shown_often(&verifier, &token, &keys(&[(1, "a")]));
    let grown = keys(&[(2, "b"), (1, "a")]);
    verify(&verifier, &token, &grown, NOW).unwrap();
    let set =
        |verifier: &CachedVerifier| verifier.cache().recent().get(token.as_bytes()).map(|found| found.basis().set);
    assert_eq!(set(&verifier), grown.0.as_ref().map(|snapshot| snapshot.set.fingerprint()));
    assert!(verify(&verifier, &token, &grown, NOW.minus(Duration::from_secs(60))).is_err());
    assert!(is_recent(&verifier, &token), "it may become true again");
    assert!(verify(&verifier, &token, &grown, NOW.plus(Duration::from_secs(65))).is_err());
    assert!(!is_recent(&verifier, &token));
}

#[test]
fn a_token_that_is_shown_often_leaves_when_its_key_vouches_for_it_no_more() {
    let (first, token) = (keys(&[(1, "a")]), good());
    for set in [keys(&[(2, "b")]), keys(&[(2, "a")]), keys(&[(1, "a"), (2, "a")]), Keys(None)] {
        let verifier = verifier();
        shown_often(&verifier, &token, &first);
        assert!(verify(&verifier, &token, &set, NOW).is_err());
        assert!(!is_recent(&verifier, &token));
        verify(&verifier, &token, &first, NOW).unwrap();
        assert!(is_recent(&verifier, &token), "the key is back");
    }
}

#[test]
fn an_expired_token_that_is_never_shown_again_leaves_while_others_are_verified() {
    let (verifier, keys, shown) = (verifier(), keys(&[(1, "a")]), good());
    shown_often(&verifier, &shown, &keys);
    let others_come_at = |now| {
        (0..limits::RECENT_SWEEP).for_each(|n| {
            let other = token(2, "a", json!({"iat": NOW.as_secs(), "jti": format!("{n} {now:?}")}));
            assert!(verify(&verifier, &other, &keys, now).is_err());
        });
    };
    others_come_at(NOW.plus(Duration::from_secs(55)));
    assert!(is_recent(&verifier, &shown), "it is still true");
    others_come_at(NOW.plus(Duration::from_secs(56)));
    assert!(!is_recent(&verifier, &shown));
}

#[test]
fn tokens_that_share_a_place_are_never_taken_for_each_other() {
    let (verifier, keys) = (verifier(), keys(&[(1, "a")]));
    // Four for each place.
    let tokens: Vec<(String, String)> = (0..4 * limits::RECENT_TOKENS)
        .map(|n| (format!("user {n}"), token(1, "a", json!({"iat": NOW.as_secs(), "sub": format!("user {n}")}))))
        .collect();
    for _ in 0..10 {
        for (subject, token) in &tokens {
            let token = AccessToken::parse(token.as_bytes()).unwrap();
            let verified = verifier.verify(token, &keys, NOW).unwrap();
            assert_eq!(verified.subject(), Some(&**subject));
        }
    }
    let recent = tokens.iter().filter(|(_, token)| is_recent(&verifier, token)).count();
    assert!((limits::RECENT_TOKENS / 2..=limits::RECENT_TOKENS).contains(&recent), "{recent}");
    assert_eq!(hits(&verifier), (9 * tokens.len() as u64, tokens.len() as u64));
}

#[test]
fn what_was_never_verified_is_never_among_those_shown_often() {
    let (verifier, keys, token) = (verifier(), keys(&[(1, "a")]), token_of_another_key());
    for _ in 0..3 * limits::RECENT_REQUESTS {
        assert!(verify(&verifier, &token, &keys, NOW).is_err());
    }
    assert!(!is_recent(&verifier, &token));
}

#[test]
fn another_configuration_has_nothing_of_the_one_before() {
    let (verifier, keys, token) = (verifier(), keys(&[(1, "a")]), good());
    shown_often(&verifier, &token, &keys);
    let rules = || IssuerRules { algorithms: NonEmpty::new(vec![Algorithm::EdDSA]).unwrap(), ..rules() };
    for next in [verifier.successor([rules()]), verifier.keeping(AskedClaims::default())] {
        assert!(!is_recent(&next, &token) && next.cache().stats().entries == 0);
        let before = hits(&next);
        verify(&next, &token, &keys, NOW).unwrap();
        assert_eq!(hits(&next), (before.0, before.1 + 1), "it counts on");
    }
}

#[test]
fn claims_are_kept_if_they_are_asked_about() {
    let mut asked = AskedClaims::default();
    asked.ask("org");
    let (keys, token) =
        (keys(&[(1, "a")]), token(1, "a", json!({"iat": NOW.as_secs(), "org": 7, "x": "y", "sub": "u"})));
    let text = AccessToken::parse(token.as_bytes()).unwrap();
    let kept = |verifier: &CachedVerifier| verifier.verify(text, &keys, NOW).unwrap().claims().clone();
    assert_eq!(kept(&verifier().keeping(asked)), Claims::parse(br#"{"org":7}"#).unwrap());
    assert!(kept(&verifier()).has("x"));
    let none = verifier().keeping(AskedClaims::default());
    assert_eq!(kept(&none), Claims::none());
    let verified = none.verify(text, &keys, NOW).unwrap();
    assert_eq!((verified.subject(), verified.client_id(), verified.scopes().as_str()), (Some("u"), None, ""));
}

#[test]
fn an_expired_token_is_forgotten_and_a_refused_one_never_kept() {
    let (verifier, keys, token) = (verifier(), keys(&[(1, "a")]), good());
    verify(&verifier, &token, &keys, NOW).unwrap();
    assert_eq!(verifier.cache().stats().entries, 1);
    assert!(verify(&verifier, &token, &keys, NOW.plus(Duration::from_secs(65))).is_err());
    assert_eq!(verifier.cache().stats().entries, 0);
    let forged = token_of_another_key();
    assert!(verify(&verifier, &forged, &keys, NOW).is_err());
    assert_eq!(verifier.cache().stats().entries, 0);
}

fn token_of_another_key() -> String {
    token(2, "a", json!({"iat": NOW.as_secs()}))
}

fn refusals(verifier: &CachedVerifier) -> (u64, u64) {
    let stats = verifier.cache().stats();
    (stats.refusals, stats.misses)
}

#[test]
fn the_second_time_no_signature_is_checked_of_a_refused_token_either() {
    let keys = keys(&[(1, "a"), (3, "c"), (4, "c")]);
    let malformed = format!("{}x.e30.AQID", good().split('.').next().unwrap());
    for (token, fault) in [
        (token_of_another_key(), TokenFault::BadSignature),
        (token(1, "b", json!({})), TokenFault::UnknownKey),
        (token(3, "c", json!({})), TokenFault::AmbiguousKey),
        (malformed, TokenFault::Malformed),
    ] {
        let verifier = verifier();
        for times in 0..3 {
            match verify(&verifier, &token, &keys, NOW).unwrap_err() {
                Unverified::KeyMissing(missing) => assert_eq!(missing.fault, fault),
                Unverified::Refused(refused) => assert_eq!((refused, fault), (TokenFault::Malformed, fault)),
            }
            assert_eq!(refusals(&verifier), (times, 1), "{fault:?}");
        }
        assert_eq!(verifier.cache().stats().entries, 0);
    }
}

#[test]
fn what_depends_on_the_time_the_configuration_or_on_keys_that_are_not_there_is_not_remembered() {
    let (first, none) = (keys(&[(1, "a")]), Keys(None));
    let header = |header: Value| format!("{}.e30.AQID", URL_SAFE_NO_PAD.encode(header.to_string()));
    let iat = NOW.as_secs() - 50;
    for (token, keys) in [
        (token(1, "a", json!({"iat": iat, "exp": NOW.as_secs() - 10})), &first),
        (token(1, "a", json!({"iat": iat, "nbf": NOW.as_secs() + 10})), &first),
        (token(1, "a", json!({"iat": iat, "aud": "another"})), &first),
        (token(1, "a", json!({"iat": iat, "iss": "https://another.test/"})), &first),
        (token(1, "a", json!({"iat": "now"})), &first),
        (header(json!({"alg": "RS256"})), &first),
        (header(json!({"alg": "none"})), &first),
        (header(json!({"alg": "EdDSA", "crit": []})), &first),
        ("opaque".to_owned(), &first),
        (good(), &none),
    ] {
        let verifier = verifier();
        for times in 1..3 {
            assert!(verify(&verifier, &token, keys, NOW).is_err());
            assert_eq!(refusals(&verifier), (0, times), "{token}");
        }
    }
}

#[test]
fn a_refused_token_is_judged_by_the_keys_that_are_there() {
    let (verifier, token) = (verifier(), good());
    let seen = |set: &Keys, generation: u64| {
        let set = Arc::clone(&set.0.as_ref().unwrap().set);
        let keys = Keys(Some(Snapshot { set, generation: Generation::for_tests(generation) }));
        match verify(&verifier, &token, &keys, NOW) {
            Err(Unverified::KeyMissing(missing)) => Some((missing.seen, missing.fault)),
            other => {
                assert_eq!(other, Ok(()));
                None
            }
        }
    };
    let (without, with, replaced) = (keys(&[(2, "b")]), keys(&[(1, "a")]), keys(&[(2, "a")]));
    let is = |generation, fault| Some((Generation::for_tests(generation), fault));
    assert_eq!(seen(&without, 1), is(1, TokenFault::UnknownKey));
    assert_eq!(seen(&without, 2), is(2, TokenFault::UnknownKey), "the same keys, fetched once more");
    assert_eq!(refusals(&verifier), (1, 1));
    assert_eq!(seen(&replaced, 3), is(3, TokenFault::BadSignature));
    assert_eq!(refusals(&verifier), (1, 2));
    assert_eq!(seen(&replaced, 4), is(4, TokenFault::BadSignature));
    // Another store counts from the start: it is the set that counts, not its number.
    assert_eq!(seen(&with, 1), None, "its key is there");
    assert_eq!(seen(&without, 1), is(1, TokenFault::UnknownKey));
    assert_eq!(seen(&with, 1), None);
    assert_eq!(verifier.cache().stats().hits, 1);
}

#[test]
fn a_good_token_never_looks_among_refused_ones() {
    let (verifier, keys, token) = (verifier(), keys(&[(1, "a")]), good());
    verify(&verifier, &token, &keys, NOW).unwrap();
    // This never happens by itself; it shows that refused tokens are not looked at for a verified one.
    verifier.cache().refused().put(sha256(token.as_bytes()), Refusal::Malformed);
    (0..3 * limits::RECENT_REQUESTS).for_each(|_| verify(&verifier, &token, &keys, NOW).unwrap());
}

#[test]
fn forgeries_push_no_good_token_out() {
    let (verifier, keys, token) = (verifier(), keys(&[(1, "a")]), good());
    verify(&verifier, &token, &keys, NOW).unwrap();
    let forged = token_of_another_key();
    let header = forged.split('.').next().unwrap();
    for n in 0..2 * limits::REFUSED_TOKENS {
        assert!(verify(&verifier, &format!("{header}.x.{n}"), &keys, NOW).is_err());
    }
    let before = hits(&verifier);
    verify(&verifier, &token, &keys, NOW).unwrap();
    assert_eq!(hits(&verifier), (before.0 + 1, before.1));
    assert!(verifier.cache().refused().len() <= limits::REFUSED_TOKENS);
}

#[test]
fn another_configuration_has_nothing_of_what_the_one_before_refused() {
    let (verifier, keys, token) = (verifier(), keys(&[(1, "a")]), token_of_another_key());
    for _ in 0..2 {
        assert!(verify(&verifier, &token, &keys, NOW).is_err());
    }
    assert_eq!(refusals(&verifier), (1, 1));
    let rules = || IssuerRules { algorithms: NonEmpty::new(vec![Algorithm::EdDSA]).unwrap(), ..rules() };
    for next in [verifier.successor([rules()]), verifier.keeping(AskedClaims::default())] {
        let misses = refusals(&next).1;
        assert!(verify(&next, &token, &keys, NOW).is_err());
        assert_eq!(refusals(&next), (1, misses + 1), "it counts on");
    }
}

#[test]
fn its_bytes_are_bounded_and_so_are_its_entries_however_small() {
    for filler in [0, 8000] {
        let token = Arc::new(VerifiedToken::for_tests(json!({ "filler": "x".repeat(filler) })));
        let cache = TokenCache::new(RandomState::new());
        let tokens = limits::TOKEN_CACHE_ENTRIES + 50_000;
        for n in 0..tokens {
            cache.put(sha256(&n.to_be_bytes()), Arc::clone(&token));
        }
        let stats = cache.stats();
        assert!(stats.bytes <= limits::TOKEN_CACHE_BYTES as u64, "{stats:?}");
        assert!(stats.entries <= limits::TOKEN_CACHE_ENTRIES as u64, "{stats:?}");
        let least = if filler == 0 { limits::TOKEN_CACHE_ENTRIES / 2 } else { limits::TOKEN_CACHE_BYTES / 8000 / 2 };
        assert!(stats.entries > least as u64, "and it is used: {stats:?}");
        assert_eq!(stats.evictions, tokens as u64 - stats.entries, "each of the others was evicted, and counted");
    }
}

#[test]
fn an_entry_weighs_what_it_holds_and_never_too_little() {
    let weight = |filler: usize, scope: &str| {
        let claims = json!({ "sub": "user", "client_id": "client", "scope": scope, "filler": "x".repeat(filler) });
        let token = Arc::new(VerifiedToken::for_tests(claims));
        let size = token.size();
        let cache = TokenCache::new(RandomState::new());
        cache.put([0; 32], token);
        (size, cache.stats().bytes)
    };
    let (size, bytes) = weight(5000, "");
    assert_eq!(bytes, (size + PLACE) as u64);
    assert!(PLACE >= size_of::<Arc<VerifiedToken>>() + size_of::<[u8; 32]>());
    assert!((5000 + size_of::<VerifiedToken>()..7000).contains(&size), "{size}");
    assert_eq!(weight(6000, "").0, size + 1000);
    assert_eq!(weight(5000, "a b c").0, size + 2 * "a b c".len() + limits::ALLOCATION_BYTES, "a claim, and the scopes");
    let texts = VerifiedToken::for_tests(json!({ "sub": "u".repeat(100) })).size();
    assert!(texts >= VerifiedToken::for_tests(json!({ "x": "u".repeat(100) })).size() + 100, "sub is held twice");
}

#[test]
fn debug_of_a_cache_shows_how_it_did() {
    let shown = format!("{:?}", TokenCache::new(RandomState::new()));
    let stats = "CacheStats { hits: 0, misses: 0, refusals: 0, evictions: 0, entries: 0, bytes: 0 }";
    assert_eq!(shown, format!("TokenCache {{ stats: {stats}, .. }}"));
}
