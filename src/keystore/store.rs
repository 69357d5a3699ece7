//! The keys of all issuers of one configuration, shared by Checks and refreshers.
//!
//! One entry an issuer, so that the number of entries is bounded by the configuration and one issuer's trouble stays in
//! its entry. A reload makes a store of its own, which shares the entries of issuers that it left alone: whoever still
//! holds the store before it sees the keys that belong to it. Guards never leave this module: what goes out is cloned.

mod entry;
mod places;

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
    time::Instant,
};

use super::clock_skew::ClockSkew;
pub use super::issuer_keys::{Due, FetchCount, IssuerKeys, Miss};
use entry::{Entry, FetchFacts, Refresher};
use places::{Place, Places};
use portcullis_engine::{
    keys::{
        key_ref::Fingerprint,
        key_set::KeySet,
        lookup::{Generation, KeyLookup, KeyNeed, Snapshot},
    },
    time::UnixTime,
};

/// The keys of all issuers of one configuration.
#[derive(Debug, Default)]
pub struct KeyStore {
    issuers: DashMap<Arc<str>, Slot>,
    /// Places for those who wait, of this store and of those before and after it.
    places: Arc<Places>,
    /// The notice that keys have come or a fetch has ended, of this store and of those before and after it.
    changed: Arc<Notify>,
}

/// An issuer's keys, and the task that keeps them fresh for as long as somebody holds this.
#[derive(Clone, Debug)]
struct Slot {
    entry: Arc<Entry>,
    refresher: Option<Arc<Refresher>>,
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
    since: FetchCount,
    _place: Place,
}

impl Waiter {
    /// Returns the number of fetches that had begun when the token came: only a later one can say that its key does not exist.
    #[must_use]
    pub const fn since(&self) -> FetchCount {
        self.since
    }

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
    /// The time of the fetch that brought them, in seconds since 1970, be it by an earlier run.
    pub last_success: Option<i64>,
    /// Seconds until the next fetch is due; `None` for keys that came with the configuration.
    pub next_refresh_seconds: Option<u64>,
    /// The number of fetches that have failed since the last one that succeeded.
    pub failures: u32,
    /// The least number of seconds by which the issuer's clock is ahead of this machine's; negative if it is behind.
    pub clock_skew_seconds: Option<f64>,
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
        let slot = self.store.issuers.get(issuer)?;
        slot.entry.keys().current(self.now).cloned()
    }

    fn are_still(&self, issuer: &str, set: &Fingerprint) -> bool {
        let Some(slot) = self.store.issuers.get(issuer) else { return false };
        slot.entry.keys().current(self.now).is_some_and(|snapshot| snapshot.set.fingerprint() == *set)
    }
}

impl KeyStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that takes over from this one: those who wait in either share their places.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self { issuers: DashMap::new(), places: Arc::clone(&self.places), changed: Arc::clone(&self.changed) }
    }

    /// Returns the notice that is given whenever keys have come or a fetch has ended, in this store and in those that take over
    /// from it. It wakes one listener.
    #[must_use]
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Adds an issuer, once for each.
    pub fn add(&self, issuer: Arc<str>, keys: IssuerKeys) {
        self.issuers.insert(issuer, Slot { entry: Arc::new(Entry::new(keys)), refresher: None });
    }

    /// Shares the entry that another store has for an issuer: keys, state and refresher. Whether it has one.
    pub fn adopt(&self, issuer: &str, from: &Self) -> bool {
        let Some(slot) = from.issuers.get(issuer).map(|slot| slot.clone()) else { return false };
        self.issuers.insert(issuer.into(), slot);
        true
    }

    /// A store with that issuer's entry alone, for its refresher: it must not keep the others alive.
    #[must_use]
    pub fn only(&self, issuer: &str) -> Self {
        let only = self.successor();
        if let Some(slot) = self.issuers.get(issuer) {
            let entry = Arc::clone(&slot.entry);
            only.issuers.insert(issuer.into(), Slot { entry, refresher: None });
        }
        only
    }

    /// The task that keeps an issuer's keys fresh: it ends with the last store that shares the entry.
    pub fn refreshed_by(&self, issuer: &str, task: AbortHandle) {
        if let Some(mut slot) = self.issuers.get_mut(issuer) {
            slot.refresher = Some(Arc::new(Refresher::new(task)));
        }
    }

    /// Keys of an issuer and their age, as they are now: those that may be used.
    #[must_use]
    pub fn held(&self, issuer: &str, now: Instant) -> Option<(Arc<KeySet>, Duration)> {
        let slot = self.issuers.get(issuer)?;
        let keys = slot.entry.keys();
        Some((Arc::clone(&keys.current(now)?.set), keys.age(now)?))
    }

    /// The store at that moment.
    #[must_use]
    pub fn at(&self, now: Instant) -> KeysAt<'_> {
        KeysAt { store: self, now }
    }

    /// Answers a Check with a need that generation `seen` of an issuer's keys does not meet.
    #[must_use]
    pub fn on_miss(&self, issuer: &str, seen: Generation, need: KeyNeed, now: Instant) -> MissAnswer {
        let Some(entry) = self.entry(issuer) else { return MissAnswer::Unavailable(Duration::ZERO) };
        let mut keys = entry.keys_mut();
        let (miss, since) = (keys.on_miss(seen, need, now), keys.begun());
        self.answer(&entry, &keys, (miss, need, since), now)
    }

    /// Answers a Check again after it waited, `since` that many fetches had begun, until one ended `in_time`, or until no time was
    /// left.
    #[must_use]
    pub fn after_waiting(
        &self,
        issuer: &str,
        (seen, need): (Generation, KeyNeed),
        (since, in_time): (FetchCount, bool),
        now: Instant,
    ) -> MissAnswer {
        let Some(entry) = self.entry(issuer) else { return MissAnswer::Unavailable(Duration::ZERO) };
        let mut keys = entry.keys_mut();
        let miss = keys.after_waiting(seen, need, since, in_time, now);
        // Not from now on: of the fetches to come, the first is new enough.
        self.answer(&entry, &keys, (miss, need, since), now)
    }

    /// Turns a miss into an answer: a Check waits only where there is a place.
    fn answer(
        &self,
        entry: &Entry,
        keys: &IssuerKeys,
        (miss, need, since): (Miss, KeyNeed, FetchCount),
        now: Instant,
    ) -> MissAnswer {
        let place = match miss {
            Miss::Wait => {
                entry.wanted.notify_one();
                self.places.take(&entry.places, need, keys.is_failing(now))
            }
            Miss::LookAgain | Miss::Fresh | Miss::Unavailable(_) => None,
        };
        let miss = if miss == Miss::Wait && place.is_none() { keys.without_waiting(need, now) } else { miss };
        match (miss, place) {
            // Subscribed under the guard: a fetch that ends from here on is seen.
            (Miss::Wait, Some(place)) => {
                MissAnswer::Wait(Waiter { ended: entry.ended.subscribe(), since, _place: place })
            }
            (Miss::Wait, None) => MissAnswer::Unavailable(Duration::ZERO),
            (Miss::LookAgain, _) => MissAnswer::LookAgain,
            (Miss::Fresh, _) => MissAnswer::Fresh,
            (Miss::Unavailable(wait), _) => MissAnswer::Unavailable(wait),
        }
    }

    /// Returns the number of Checks that wait for keys now, also of those that an earlier store made wait.
    #[must_use]
    pub fn waiters(&self) -> usize {
        self.places.taken()
    }

    /// When the refresher of an issuer has to act.
    #[must_use]
    pub fn due(&self, issuer: &str, now: Instant) -> Due {
        self.entry(issuer).map_or(Due::Never, |entry| entry.keys().due(now))
    }

    /// What wakes the refresher of an issuer early.
    #[must_use]
    pub fn wanted(&self, issuer: &str) -> Option<Arc<Notify>> {
        self.entry(issuer).map(|entry| Arc::clone(&entry.wanted))
    }

    /// The refresher begins a fetch. Returns whether it was asked for.
    pub fn begin(&self, issuer: &str, now: Instant) -> bool {
        self.entry(issuer).is_some_and(|entry| entry.keys_mut().begin(now))
    }

    /// Puts keys of an earlier run to use, which were fetched `age` ago. `jitter` between 0 and 1 delays the first fetch.
    pub fn restore(&self, issuer: &str, set: impl Into<Arc<KeySet>>, age: Duration, jitter: f64, now: Instant) {
        if let Some(entry) = self.entry(issuer) {
            let mut keys = entry.keys_mut();
            keys.restore(set, age, jitter, now);
            // Who came before looks again, and asks for a fetch that does not wait if its key is not among these.
            entry.ended.send_replace(keys.attempts());
            entry.settled.send_replace(true);
            drop(keys);
            self.changed.notify_one();
        }
    }

    /// The machine was suspended for so long.
    pub fn slept(&self, issuer: &str, by: Duration, now: Instant) {
        if let Some(entry) = self.entry(issuer) {
            entry.keys_mut().slept(by, now);
        }
    }

    /// The refresher's fetch has ended: with a set, and for how long it says that it stays true.
    pub fn end(&self, issuer: &str, outcome: Result<(KeySet, Option<Duration>), String>, jitter: f64, now: Instant) {
        let Some(entry) = self.entry(issuer) else { return };
        let mut keys = entry.keys_mut();
        match outcome {
            Ok((set, lifetime)) => keys.succeed(set, lifetime, jitter, now),
            Err(error) => keys.fail(error, jitter, now),
        }
        entry.ended.send_replace(keys.attempts());
        entry.settled.send_replace(true);
        drop(keys);
        self.changed.notify_one();
    }

    /// Notes when an issuer's keys were fetched, by our clock.
    pub fn note_success(&self, issuer: &str, at: UnixTime) {
        if let Some(entry) = self.entry(issuer) {
            entry.facts().last_success = Some(at);
        }
    }

    /// Notes how an issuer's clock differs from ours. Returns the difference that is tolerated.
    pub fn note_clock_skew(&self, issuer: &str, skew: ClockSkew) -> Duration {
        let Some(entry) = self.entry(issuer) else { return Duration::MAX };
        let mut facts = entry.facts();
        facts.clock_skew = Some(skew);
        facts.clock_tolerance
    }

    /// Sets the difference to an issuer's clock that is tolerated.
    pub fn set_clock_tolerance(&self, issuer: &str, tolerance: Duration) {
        if let Some(entry) = self.entry(issuer) {
            entry.facts().clock_tolerance = tolerance;
        }
    }

    /// Returns when every issuer has keys, or has been asked for them in vain, or is no more. Does not keep the store.
    pub fn settled(&self) -> impl Future<Output = ()> + Send + use<> {
        let receivers: Vec<watch::Receiver<bool>> =
            self.issuers.iter().map(|slot| slot.entry.settled.subscribe()).collect();
        async move {
            for mut receiver in receivers {
                let _ = receiver.wait_for(|settled| *settled).await;
            }
        }
    }

    fn entry(&self, issuer: &str) -> Option<Arc<Entry>> {
        self.issuers.get(issuer).map(|slot| Arc::clone(&slot.entry))
    }

    /// How all issuers' keys are, sorted by issuer.
    #[must_use]
    pub fn status(&self, now: Instant) -> Vec<IssuerStatus> {
        let usable = |keys: &'_ IssuerKeys| keys.current(now).map(|snapshot| Arc::clone(&snapshot.set));
        let kids = |set: &KeySet| set.keys().iter().filter_map(|key| key.kid().map(str::to_owned)).collect();
        let until = |due: Due| match due {
            Due::Now => Some(0),
            Due::At(at) => Some(at.saturating_duration_since(now).as_secs()),
            Due::Never => None,
        };
        let status = |issuer: &str, keys: &IssuerKeys, facts: FetchFacts| IssuerStatus {
            issuer: issuer.to_owned(),
            keys: usable(keys).map_or(0, |set| set.keys().len()),
            kids: usable(keys).map(|set| kids(&set)).unwrap_or_default(),
            skipped: usable(keys)
                .map(|set| set.skipped().iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            age_seconds: keys.age(now).map(|age| age.as_secs()),
            last_success: facts.last_success.map(UnixTime::as_secs),
            next_refresh_seconds: until(keys.due(now)),
            failures: keys.failures(),
            clock_skew_seconds: facts.clock_skew.map(ClockSkew::as_secs_f64),
            settled: keys.is_settled(),
            last_error: keys.last_failure().map(str::to_owned),
        };
        let all = self.issuers.iter().map(|slot| status(slot.key(), &slot.entry.keys(), *slot.entry.facts()));
        let mut all: Vec<_> = all.collect();
        all.sort_by(|a, b| a.issuer.cmp(&b.issuer));
        all
    }
}

#[cfg(test)]
mod tests;
