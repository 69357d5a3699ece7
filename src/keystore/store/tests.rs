//! What Checks are told of keys, and what a reload takes over.

use super::*;
use crate::limits;
use portcullis_engine::keys::{algorithm::Algorithm, secret::Secret};

fn set() -> KeySet {
    KeySet::from_secret(&Secret::new(vec![1; 32]), &[Algorithm::HS256])
}

const NEW: KeyNeed = KeyNeed::New([1; 32]);

fn new(n: usize) -> KeyNeed {
    KeyNeed::New(portcullis_engine::digest::sha256(&n.to_be_bytes()))
}

/// Ends a fetch of an issuer, well or not.
fn fetch(store: &KeyStore, issuer: &str, outcome: Result<(KeySet, Option<Duration>), String>, now: Instant) {
    store.begin(issuer, now);
    store.end(issuer, outcome, 0.0, now);
}

fn down() -> Result<(KeySet, Option<Duration>), String> {
    Err("down".to_owned())
}

fn generation(store: &KeyStore, issuer: &str, now: Instant) -> Generation {
    store.at(now).current(issuer).map_or(Generation::NONE, |snapshot| snapshot.generation)
}

/// Asks for so many tokens; returns the places of those that wait.
fn waiting(store: &KeyStore, issuer: &str, need: impl Fn(usize) -> KeyNeed, most: usize, now: Instant) -> Vec<Waiter> {
    let seen = generation(store, issuer, now);
    let answers = (0..most).map(|n| store.on_miss(issuer, seen, need(n), now));
    answers.filter_map(|answer| if let MissAnswer::Wait(waiter) = answer { Some(waiter) } else { None }).collect()
}

fn store() -> KeyStore {
    let store = KeyStore::new();
    store.add("a".into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    store
}

#[tokio::test(start_paused = true)]
async fn waiters_are_answered_when_the_fetch_ends() {
    let store = store();
    let now = Instant::now();
    let MissAnswer::Wait(first) = store.on_miss("a", Generation::NONE, NEW, now) else { panic!("should wait") };
    let MissAnswer::Wait(second) = store.on_miss("a", Generation::NONE, NEW, now) else { panic!("should wait") };
    let since = first.since();
    assert_eq!(since, second.since());
    fetch(&store, "a", Ok((set(), None)), now);
    first.fetch_ended().await;
    second.fetch_ended().await;
    assert!(store.at(now).current("a").is_some());
    let again = store.after_waiting("a", (generation(&store, "a", now), NEW), (since, true), now);
    assert!(matches!(again, MissAnswer::Fresh), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn who_came_before_saved_keys_were_read_looks_again_and_waits_for_no_delayed_fetch() {
    let store = store();
    let now = Instant::now();
    let MissAnswer::Wait(early) = store.on_miss("a", Generation::NONE, NEW, now) else { panic!("should wait") };
    let since = early.since();
    store.restore("a", set(), Duration::from_secs(1), 1.0, now);
    assert!(matches!(store.due("a", now), Due::At(_)), "replicas that start together do not ask together");
    tokio::time::timeout(Duration::from_millis(1), early.fetch_ended()).await.unwrap();
    let again = store.after_waiting("a", (generation(&store, "a", now), NEW), (since, true), now);
    assert!(matches!(again, MissAnswer::Wait(_)) && store.due("a", now) == Due::Now, "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_waiters_is_bounded_for_all_issuers_and_all_stores_together() {
    let old = store();
    let now = Instant::now();
    let store = old.successor();
    store.add("b".into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    assert!(store.adopt("a", &old));
    let mut waiters = waiting(&old, "a", new, limits::KEY_WAITERS / 2, now);
    waiters.extend(waiting(&store, "b", new, limits::KEY_WAITERS, now));
    assert_eq!(waiters.len(), limits::KEY_WAITERS);
    for issuer in ["a", "b"] {
        let late = store.on_miss(issuer, Generation::NONE, NEW, now);
        assert!(matches!(late, MissAnswer::Unavailable(_)), "{issuer}: {late:?}");
    }
    drop(waiters);
    assert_eq!(waiting(&store, "a", new, 2 * limits::KEY_WAITERS, now).len(), limits::KEY_WAITERS, "alone as well");
}

#[tokio::test(start_paused = true)]
async fn false_signatures_have_few_places_and_who_finds_none_is_refused() {
    let (store, now) = (store(), Instant::now());
    let replacement = |_| KeyNeed::Replacement;
    fetch(&store, "a", Ok((set(), None)), now);
    let waiters = waiting(&store, "a", replacement, 1000, now);
    assert_eq!(waiters.len(), limits::REPLACEMENT_WAITERS);
    let seen = generation(&store, "a", now);
    let late = store.on_miss("a", seen, KeyNeed::Replacement, now);
    assert!(matches!(late, MissAnswer::Fresh), "a young set: {late:?}");
    let late = store.on_miss("a", seen, KeyNeed::Replacement, now + limits::KEYS_CONFIRMED);
    assert!(matches!(late, MissAnswer::Unavailable(_)), "an old one: {late:?}");
    let rest = waiting(&store, "a", new, 1000, now);
    assert_eq!(rest.len(), limits::KEY_WAITERS - limits::REPLACEMENT_WAITERS, "they take none from unknown keys");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_fails_has_few_places_and_takes_none_from_the_others() {
    let (store, now) = (store(), Instant::now());
    for other in ["b", "c", "d"] {
        store.add(other.into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    }
    let then = now + limits::FETCH_BACKOFF_MIN;
    let mut waiters = Vec::new();
    for (issuer, places) in [("a", limits::FAILING_ISSUER_WAITERS), ("b", limits::FAILING_ISSUER_WAITERS), ("c", 0)] {
        fetch(&store, issuer, down(), now);
        let new = waiting(&store, issuer, new, 1000, then);
        assert_eq!(new.len(), places, "{issuer}");
        waiters.extend(new);
        let late = store.on_miss(issuer, Generation::NONE, NEW, then);
        assert!(matches!(late, MissAnswer::Unavailable(_)), "{issuer}: {late:?}");
    }
    assert_eq!(waiters.len(), limits::FAILING_WAITERS);
    let healthy = waiting(&store, "d", new, 1000, then);
    assert_eq!(healthy.len(), limits::KEY_WAITERS - limits::FAILING_WAITERS);
}

#[tokio::test(start_paused = true)]
async fn those_who_waited_before_an_issuer_began_to_hang_count_as_well() {
    let (store, now) = (store(), Instant::now());
    store.begin("a", now);
    let early = waiting(&store, "a", new, limits::FAILING_ISSUER_WAITERS + 4, now);
    assert_eq!(early.len(), limits::FAILING_ISSUER_WAITERS + 4);
    let slow = now + limits::FETCH_SLOW + Duration::from_millis(1);
    assert_eq!(waiting(&store, "a", |n| new(n + 1000), 1000, slow).len(), 0);
    drop(early);
    assert_eq!(waiting(&store, "a", |n| new(n + 1000), 1000, slow).len(), limits::FAILING_ISSUER_WAITERS);
}

#[tokio::test(start_paused = true)]
async fn one_issuers_failure_leaves_the_others_alone() {
    let store = store();
    store.add("b".into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    let now = Instant::now();
    assert!(store.status(now).iter().all(|issuer| !issuer.settled));
    fetch(&store, "a", down(), now);
    assert_eq!(store.status(now).iter().map(|issuer| issuer.settled).collect::<Vec<_>>(), [true, false]);
    fetch(&store, "b", Ok((set(), None)), now);
    assert!(store.at(now).current("a").is_none() && store.at(now).current("b").is_some());
    store.settled().await;
    let missed = store.on_miss("a", Generation::NONE, NEW, now);
    assert!(matches!(missed, MissAnswer::Unavailable(wait) if wait == limits::FETCH_BACKOFF_MIN / 2), "{missed:?}");
    let missed = store.on_miss("b", generation(&store, "b", now), NEW, now);
    assert!(matches!(missed, MissAnswer::Wait(_)), "{missed:?}");
    let status = store.status(now);
    assert_eq!((status[0].last_error.as_deref(), status[1].keys), (Some("down"), 1));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_nobody_added_is_unavailable() {
    let now = Instant::now();
    assert!(matches!(store().on_miss("x", Generation::NONE, NEW, now), MissAnswer::Unavailable(_)));
    assert!(store().at(now).current("x").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_adopts_an_issuer_shares_its_keys_and_its_refresher() {
    let (old, new) = (store(), KeyStore::new());
    let mut tasks = tokio::task::JoinSet::new();
    old.refreshed_by("a", tasks.spawn(std::future::pending::<()>()));
    assert!(new.adopt("a", &old) && !new.adopt("x", &old));
    let (now, refresher) = (Instant::now(), old.only("a"));
    let MissAnswer::Wait(waiter) = old.on_miss("a", Generation::NONE, NEW, now) else { panic!("should wait") };
    fetch(&refresher, "a", Ok((set(), None)), now);
    waiter.fetch_ended().await;
    assert!(new.at(now).current("a").is_some() && old.at(now).current("a").is_some());
    drop((old, refresher));
    tokio::time::sleep(limits::FETCH_COOLDOWN).await;
    assert!(tasks.try_join_next().is_none(), "the other one still shares it");
    drop(new);
    assert!(tasks.join_next().await.unwrap().unwrap_err().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn keys_are_still_those_of_a_set_while_it_is_the_one_in_use() {
    let (store, now) = (store(), Instant::now());
    let other = || KeySet::from_secret(&Secret::new(vec![2; 32]), &[Algorithm::HS256]);
    let sets = [set().fingerprint(), other().fingerprint()];
    let are_still = |issuer: &str, at: Instant| {
        let keys = store.at(at);
        sets.map(|set| {
            let answer = keys.are_still(issuer, &set);
            let current = keys.current(issuer);
            assert_eq!(answer, current.is_some_and(|snapshot| snapshot.set.fingerprint() == set), "{issuer}");
            answer
        })
    };
    let (last, beyond) = (limits::KEYS_MAX_STALE, limits::KEYS_MAX_STALE + Duration::from_nanos(1));
    assert_eq!(are_still("a", now), [false, false], "none were fetched");
    store.end("a", Ok((set(), None)), 0.0, now);
    assert_eq!(are_still("a", now), [true, false]);
    assert_eq!(are_still("a", now + last), [true, false]);
    assert_eq!(are_still("a", now + beyond), [false, false], "stale");
    assert_eq!(are_still("x", now), [false, false], "nobody added it");
    store.end("a", Ok((other(), None)), 0.0, now + last);
    assert_eq!(are_still("a", now + beyond), [false, true], "replaced");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_issuer_that_is_no_more() {
    let store = store();
    let settled = store.settled();
    drop(store);
    settled.await;
}
