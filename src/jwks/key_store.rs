//! The keys of all issuers, shared by Checks and refreshers.
//!
//! One entry an issuer, made at start and never removed, so that the number of entries is bounded by the configuration
//! and one issuer's trouble stays in its entry. Guards never leave this file: what goes out is cloned.

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

pub use super::issuer_keys::{Due, Generation, IssuerKeys, Miss, Snapshot};
use super::key_set::KeySet;
use crate::limits;

/// Where the verifier finds keys.
pub trait KeyLookup {
    /// The issuer's keys, if there are any that may be used.
    fn current(&self, issuer: &str) -> Option<Snapshot>;
}

/// The keys of all issuers.
#[derive(Debug, Default)]
pub struct KeyStore {
    issuers: DashMap<Arc<str>, Entry>,
}

#[derive(Debug)]
struct Entry {
    keys: IssuerKeys,
    /// Wakes the refresher.
    wanted: Arc<Notify>,
    /// Counts ended fetches; wakes waiting Checks.
    ended: watch::Sender<u64>,
    /// Whether there are keys, or an attempt to get some has ended.
    settled: watch::Sender<bool>,
    waiters: Arc<Semaphore>,
}

/// What a Check does about a missing key.
#[derive(Debug)]
pub enum MissAnswer {
    /// Look once more: there are newer keys.
    LookAgain,
    /// The key doesn't exist.
    Fresh,
    /// Wait for the fetch, then look once more.
    Wait(Waiter),
    /// The keys can't be had now; try again after that time.
    Unavailable(Duration),
}

/// A place in the bounded queue of Checks that wait for a fetch.
#[derive(Debug)]
pub struct Waiter {
    ended: watch::Receiver<u64>,
    _place: OwnedSemaphorePermit,
}

impl Waiter {
    /// Returns when the fetch has ended, well or not.
    pub async fn fetch_ended(mut self) {
        // An error means that the store is gone: nothing to wait for.
        let _ = self.ended.changed().await;
    }
}

/// How an issuer's keys are, for people.
#[derive(Clone, Debug, serde::Serialize)]
pub struct IssuerStatus {
    /// The issuer.
    pub issuer: String,
    /// How many keys can be used now.
    pub keys: usize,
    /// The names of those that have one.
    pub kids: Vec<String>,
    /// What is wrong with keys of the set that can't be used.
    pub skipped: Vec<String>,
    /// Seconds since they were fetched, be it by an earlier run.
    pub age_seconds: Option<u64>,
    /// Whether there are keys, or an attempt to get some has ended.
    pub settled: bool,
    /// What the last fetch failed with, if it did.
    pub last_error: Option<String>,
}

/// The store at one moment.
#[derive(Clone, Copy, Debug)]
pub struct KeysAt<'a> {
    store: &'a KeyStore,
    now: Instant,
}

impl KeyLookup for KeysAt<'_> {
    fn current(&self, issuer: &str) -> Option<Snapshot> {
        let entry = self.store.issuers.get(issuer)?;
        entry.keys.current(self.now).cloned()
    }
}

impl KeyStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an issuer. Done at start, once for each.
    pub fn add(&self, issuer: Arc<str>, keys: IssuerKeys) {
        let (ended, settled) = (watch::Sender::new(keys.attempts()), watch::Sender::new(keys.is_settled()));
        let waiters = Arc::new(Semaphore::new(limits::KEY_WAITERS));
        self.issuers.insert(issuer, Entry { keys, wanted: Arc::new(Notify::new()), ended, settled, waiters });
    }

    /// The store at that moment.
    #[must_use]
    pub fn at(&self, now: Instant) -> KeysAt<'_> {
        KeysAt { store: self, now }
    }

    /// A Check misses a key that generation `seen` of an issuer's keys has not.
    #[must_use]
    pub fn on_miss(&self, issuer: &str, seen: Generation, now: Instant) -> MissAnswer {
        let Some(mut entry) = self.issuers.get_mut(issuer) else { return MissAnswer::Unavailable(Duration::ZERO) };
        match entry.keys.on_miss(seen, now) {
            Miss::LookAgain => MissAnswer::LookAgain,
            Miss::Fresh => MissAnswer::Fresh,
            Miss::Unavailable(wait) => MissAnswer::Unavailable(wait),
            Miss::Wait => {
                entry.wanted.notify_one();
                // Subscribed under the guard: a fetch that ends from here on is seen.
                match Arc::clone(&entry.waiters).try_acquire_owned() {
                    Ok(place) => MissAnswer::Wait(Waiter { ended: entry.ended.subscribe(), _place: place }),
                    Err(_) => MissAnswer::Unavailable(Duration::ZERO),
                }
            }
        }
    }

    /// What a key that is still missing means after waiting: `None` if the set is fresh, so that the key doesn't exist;
    /// the time to try again after if the keys could not be had.
    #[must_use]
    pub fn after_waiting(&self, issuer: &str, now: Instant) -> Option<Duration> {
        match self.issuers.get(issuer)?.keys.after_waiting(now) {
            Miss::Fresh | Miss::LookAgain => None,
            Miss::Wait => Some(Duration::ZERO),
            Miss::Unavailable(wait) => Some(wait),
        }
    }

    /// When the refresher of an issuer has to act.
    #[must_use]
    pub fn due(&self, issuer: &str, now: Instant) -> Due {
        self.issuers.get(issuer).map_or(Due::Never, |entry| entry.keys.due(now))
    }

    /// What wakes the refresher of an issuer early.
    #[must_use]
    pub fn wanted(&self, issuer: &str) -> Option<Arc<Notify>> {
        self.issuers.get(issuer).map(|entry| Arc::clone(&entry.wanted))
    }

    /// The refresher begins a fetch.
    pub fn begin(&self, issuer: &str) {
        if let Some(mut entry) = self.issuers.get_mut(issuer) {
            entry.keys.begin();
        }
    }

    /// Puts keys of an earlier run to use, which were fetched `age` ago.
    pub fn restore(&self, issuer: &str, set: KeySet, age: Duration, now: Instant) {
        if let Some(mut entry) = self.issuers.get_mut(issuer) {
            entry.keys.restore(set, age, now);
            entry.settled.send_replace(true);
        }
    }

    /// The machine was suspended for so long.
    pub fn slept(&self, issuer: &str, by: Duration, now: Instant) {
        if let Some(mut entry) = self.issuers.get_mut(issuer) {
            entry.keys.slept(by, now);
        }
    }

    /// The refresher's fetch has ended: with a set, and for how long it says that it stays true.
    pub fn end(&self, issuer: &str, outcome: Result<(KeySet, Option<Duration>), String>, jitter: f64, now: Instant) {
        let Some(mut entry) = self.issuers.get_mut(issuer) else { return };
        match outcome {
            Ok((set, lifetime)) => entry.keys.succeed(set, lifetime, now),
            Err(error) => entry.keys.fail(error, jitter, now),
        }
        let attempts = entry.keys.attempts();
        entry.ended.send_replace(attempts);
        entry.settled.send_replace(true);
    }

    /// Returns when every issuer has keys, or has been asked for them in vain.
    pub async fn settled(&self) {
        let receivers: Vec<watch::Receiver<bool>> =
            self.issuers.iter().map(|entry| entry.settled.subscribe()).collect();
        for mut receiver in receivers {
            let _ = receiver.wait_for(|settled| *settled).await;
        }
    }

    /// How all issuers' keys are, sorted by issuer.
    #[must_use]
    pub fn status(&self, now: Instant) -> Vec<IssuerStatus> {
        let usable = |keys: &'_ IssuerKeys| keys.current(now).map(|snapshot| Arc::clone(&snapshot.set));
        let kids = |set: &KeySet| set.keys().iter().filter_map(|key| key.kid().map(str::to_owned)).collect();
        let status = |issuer: &str, keys: &IssuerKeys| IssuerStatus {
            issuer: issuer.to_owned(),
            keys: usable(keys).map_or(0, |set| set.keys().len()),
            kids: usable(keys).map(|set| kids(&set)).unwrap_or_default(),
            skipped: usable(keys)
                .map(|set| set.skipped().iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            age_seconds: keys.age(now).map(|age| age.as_secs()),
            settled: keys.is_settled(),
            last_error: keys.last_failure().map(str::to_owned),
        };
        let mut all: Vec<_> = self.issuers.iter().map(|entry| status(entry.key(), &entry.keys)).collect();
        all.sort_by(|a, b| a.issuer.cmp(&b.issuer));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{jwks::source::Secret, jwt::algorithm::Algorithm};

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
}
