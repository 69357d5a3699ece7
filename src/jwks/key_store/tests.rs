//! What Checks are told of keys, and what a reload takes over.

use super::*;
use crate::{jwks::source::Secret, jwt::algorithm::Algorithm, limits};

fn set() -> KeySet {
    KeySet::from_secret(&Secret::new(vec![1; 32]), &[Algorithm::HS256])
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
    let MissAnswer::Wait(first) = store.on_miss("a", Generation::NONE, now) else { panic!("should wait") };
    let MissAnswer::Wait(second) = store.on_miss("a", Generation::NONE, now) else { panic!("should wait") };
    store.begin("a");
    store.end("a", Ok((set(), None)), 0.0, now);
    first.fetch_ended().await;
    second.fetch_ended().await;
    assert!(store.at(now).current("a").is_some());
    assert_eq!(store.after_waiting("a", now), None);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_waiters_is_bounded() {
    let store = store();
    let now = Instant::now();
    let waiters: Vec<_> = (0..limits::KEY_WAITERS).map(|_| store.on_miss("a", Generation::NONE, now)).collect();
    assert!(waiters.iter().all(|answer| matches!(answer, MissAnswer::Wait(_))));
    assert!(matches!(store.on_miss("a", Generation::NONE, now), MissAnswer::Unavailable(_)));
    drop(waiters);
    assert!(matches!(store.on_miss("a", Generation::NONE, now), MissAnswer::Wait(_)));
}

#[tokio::test(start_paused = true)]
async fn one_issuers_failure_leaves_the_others_alone() {
    let store = store();
    store.add("b".into(), IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE));
    let now = Instant::now();
    assert!(store.status(now).iter().all(|issuer| !issuer.settled));
    store.begin("a");
    store.end("a", Err("down".to_owned()), 0.0, now);
    assert_eq!(store.status(now).iter().map(|issuer| issuer.settled).collect::<Vec<_>>(), [true, false]);
    store.begin("b");
    store.end("b", Ok((set(), None)), 0.0, now);
    assert!(store.at(now).current("a").is_none() && store.at(now).current("b").is_some());
    store.settled().await;
    assert_eq!(
        (store.after_waiting("a", now), store.after_waiting("b", now)),
        (Some(limits::FETCH_BACKOFF_MIN / 2), None)
    );
    let status = store.status(now);
    assert_eq!((status[0].last_error.as_deref(), status[1].keys), (Some("down"), 1));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_nobody_added_is_unavailable() {
    let now = Instant::now();
    assert!(matches!(store().on_miss("x", Generation::NONE, now), MissAnswer::Unavailable(_)));
    assert!(store().at(now).current("x").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_adopts_an_issuer_shares_its_keys_and_its_refresher() {
    let (old, new) = (store(), KeyStore::new());
    let mut tasks = tokio::task::JoinSet::new();
    old.refreshed_by("a", tasks.spawn(std::future::pending::<()>()));
    assert!(new.adopt("a", &old) && !new.adopt("x", &old));
    let (now, refresher) = (Instant::now(), old.only("a"));
    let MissAnswer::Wait(waiter) = old.on_miss("a", Generation::NONE, now) else { panic!("should wait") };
    refresher.begin("a");
    refresher.end("a", Ok((set(), None)), 0.0, now);
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
