//! The state of one issuer's keys: when to fetch next, and what a missing key means. Pure: the time is an argument, and
//! a refresher task does what this says.
//!
//! Fetches of one issuer never overlap (one task makes them), so a late answer can't overwrite a newer one.

mod bucket;
mod waited;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::limits;
use bucket::FetchBucket;
use portcullis_engine::keys::{
    key_set::KeySet,
    lookup::{Generation, KeyNeed, Snapshot},
};
use waited::WaitedKeys;

/// A number of fetches of an issuer's keys that had begun at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchCount(u64);

/// An answer to a token whose need the current set does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// There are newer keys than those that were looked at: look again.
    LookAgain,
    /// The set is new enough to count: the key does not exist, which is the client's fault.
    Fresh,
    /// A fetch is under way or was asked for: wait for it.
    Wait,
    /// The keys can't be had before that time has passed: our trouble, never the client's.
    Unavailable(Duration),
}

/// When the next fetch is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Now.
    Now,
    /// Then, unless a missing key asks earlier.
    At(Instant),
    /// Never: the keys came with the configuration.
    Never,
}

/// The state machine.
#[derive(Debug)]
pub struct IssuerKeys {
    max_stale: Duration,
    held: Option<Held>,
    last_failure: Option<String>,
    failures: u32,
    attempts: u64,
    /// The number of fetches that have begun, which is that of the last one.
    begun: u64,
    /// The number of the last fetch that succeeded.
    answered: u64,
    /// No fetch before this moment: the back-off after a failure.
    not_before: Option<Instant>,
    refresh_at: Option<Instant>,
    wanted: bool,
    /// Since when a fetch is under way.
    in_flight: Option<Instant>,
    fixed: bool,
    /// Fetches that tokens may ask for which need a key that the set lacks.
    for_new: FetchBucket,
    /// Fetches that tokens may ask for which are refuted by a key that the set has.
    for_replacement: FetchBucket,
    waited: WaitedKeys,
}

#[derive(Debug)]
struct Held {
    snapshot: Snapshot,
    since: Instant,
    /// How old they were then: nothing when they were fetched, more when they were saved earlier.
    age_then: Duration,
}

impl Held {
    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since).saturating_add(self.age_then)
    }
}

impl IssuerKeys {
    /// The state before the first fetch, which is due at once. Keys that can't be refreshed stay in use up to the age of
    /// `max_stale`.
    #[must_use]
    pub fn awaiting_first_fetch(max_stale: Duration) -> Self {
        Self {
            max_stale,
            held: None,
            last_failure: None,
            failures: 0,
            attempts: 0,
            begun: 0,
            answered: 0,
            not_before: None,
            refresh_at: None,
            wanted: true,
            in_flight: None,
            fixed: false,
            for_new: FetchBucket::default(),
            for_replacement: FetchBucket::default(),
            waited: WaitedKeys::default(),
        }
    }

    /// Keys that came with the configuration and never change.
    #[must_use]
    pub fn fixed(set: KeySet, now: Instant) -> Self {
        let snapshot = Snapshot { set: Arc::new(set), generation: Generation::FIRST };
        let held = Some(Held { snapshot, since: now, age_then: Duration::ZERO });
        Self { held, fixed: true, ..Self::awaiting_first_fetch(Duration::MAX) }
    }

    /// Puts keys of an earlier run to use, which were fetched `age` ago. Those that were fetched since stay. `jitter` between
    /// 0 and 1 spreads the first fetches of replicas that start together; a token that needs a key does not wait for that.
    pub fn restore(&mut self, set: impl Into<Arc<KeySet>>, age: Duration, jitter: f64, now: Instant) {
        if self.held.is_none() {
            let snapshot = Snapshot { set: set.into(), generation: Generation::FIRST };
            self.held = Some(Held { snapshot, since: now, age_then: age });
            if self.begun == 0 {
                self.wanted = false;
                self.refresh_at = Some(now + limits::FIRST_FETCH_JITTER.mul_f64(jitter.clamp(0.0, 1.0)));
            }
        }
    }

    /// The machine was suspended for so long: the keys are older than timers say, and are fetched anew at once.
    pub fn slept(&mut self, by: Duration, now: Instant) {
        if let (Some(held), false) = (&mut self.held, self.fixed) {
            held.age_then = held.age_then.saturating_add(by);
            self.refresh_at = Some(now);
        }
    }

    /// Whether there are keys, or at least an attempt to get some has ended.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.held.is_some() || self.attempts > 0
    }

    /// The keys to verify with, unless they are older than their `max_stale`.
    #[must_use]
    pub fn current(&self, now: Instant) -> Option<&Snapshot> {
        let held = self.held.as_ref()?;
        let usable = self.fixed || held.age(now) <= self.max_stale;
        usable.then_some(&held.snapshot)
    }

    /// Answers a token with a need that generation `seen` does not meet. May ask for a fetch.
    pub fn on_miss(&mut self, seen: Generation, need: KeyNeed, now: Instant) -> Miss {
        if self.current(now).is_some_and(|snapshot| snapshot.generation > seen) {
            return Miss::LookAgain;
        }
        if self.fixed {
            return Miss::Fresh;
        }
        match need {
            // An issuer's outage is no reason to doubt keys that it confirmed a moment ago.
            KeyNeed::Replacement if self.is_failing(now) && self.is_confirmed(now) => return Miss::Fresh,
            KeyNeed::New(key) if self.is_failing(now) && self.waited.contains(&key) => {
                return Miss::Unavailable(self.backoff(now));
            }
            KeyNeed::New(_) | KeyNeed::Replacement => {}
        }
        if self.in_flight.is_some() || self.wanted {
            return Miss::Wait;
        }
        if self.failures > 0 {
            // The back-off alone decides how often an issuer that fails is asked.
            let backoff = self.backoff(now);
            self.wanted = backoff.is_zero();
            return if self.wanted { Miss::Wait } else { Miss::Unavailable(backoff) };
        }
        let bucket = match need {
            KeyNeed::New(_) => &mut self.for_new,
            KeyNeed::Replacement => &mut self.for_replacement,
        };
        if bucket.take(now) {
            self.wanted = true;
            return Miss::Wait;
        }
        // Nothing is wrong with the issuer, so a flood must not look as if there were.
        if self.current(now).is_some() { Miss::Fresh } else { Miss::Unavailable(Duration::ZERO) }
    }

    /// Answers a token again that came when `since` fetches had begun: a fetch has ended since, or, if not `in_time`, no time is
    /// left. May ask for another fetch, as the one that the token waited for may have begun before the issuer published the
    /// key.
    pub fn after_waiting(
        &mut self,
        seen: Generation,
        need: KeyNeed,
        since: FetchCount,
        in_time: bool,
        now: Instant,
    ) -> Miss {
        let current = self.current(now).map(|snapshot| snapshot.generation);
        if current.is_some_and(|generation| generation > seen) {
            return Miss::LookAgain;
        }
        if self.fixed || (current.is_some() && self.answered > since.0) {
            return Miss::Fresh;
        }
        if in_time && self.failures == 0 {
            return self.on_miss(seen, need, now);
        }
        if let KeyNeed::New(key) = need {
            self.waited.insert(key);
        }
        self.without_waiting(need, now)
    }

    /// Answers a token that can't wait although there is something to wait for.
    #[must_use]
    pub fn without_waiting(&self, need: KeyNeed, now: Instant) -> Miss {
        match need {
            KeyNeed::Replacement if self.is_confirmed(now) => Miss::Fresh,
            KeyNeed::New(_) | KeyNeed::Replacement => Miss::Unavailable(self.backoff(now)),
        }
    }

    /// Returns the number of fetches that have begun.
    #[must_use]
    pub fn begun(&self) -> FetchCount {
        FetchCount(self.begun)
    }

    /// Says whether the last fetch failed, or the one that is under way takes so long that it probably will.
    #[must_use]
    pub fn is_failing(&self, now: Instant) -> bool {
        let is_slow = |began| now.saturating_duration_since(began) > limits::FETCH_SLOW;
        self.failures > 0 || self.in_flight.is_some_and(is_slow)
    }

    /// Says whether the last success is so young that a key of the set decides about signatures without another fetch.
    fn is_confirmed(&self, now: Instant) -> bool {
        let is_young = |held: &Held| held.age(now) < limits::KEYS_CONFIRMED;
        self.current(now).is_some() && self.held.as_ref().is_some_and(is_young)
    }

    fn backoff(&self, now: Instant) -> Duration {
        self.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    /// When the next fetch is due.
    #[must_use]
    pub fn due(&self, now: Instant) -> Due {
        if self.fixed {
            return Due::Never;
        }
        let at = if self.wanted { self.not_before } else { self.refresh_at.max(self.not_before) };
        match at {
            Some(at) if at > now => Due::At(at),
            _ => Due::Now,
        }
    }

    /// A fetch begins. Returns whether it was asked for, by a token or because it is the first one.
    pub fn begin(&mut self, now: Instant) -> bool {
        self.in_flight = Some(now);
        self.begun = self.begun.saturating_add(1);
        std::mem::take(&mut self.wanted)
    }

    /// The fetch brought a set, which says that it stays true for `lifetime`. `jitter` between 0 and 1 spreads the next
    /// fetches of replicas that started together over the time before it is due, so that it is never late.
    pub fn succeed(&mut self, set: KeySet, lifetime: Option<Duration>, jitter: f64, now: Instant) {
        let previous = self.held.as_ref().map_or(Generation::NONE, |held| held.snapshot.generation);
        let snapshot = Snapshot { set: Arc::new(set), generation: previous.next() };
        self.held = Some(Held { snapshot, since: now, age_then: Duration::ZERO });
        self.finish();
        self.answered = self.begun;
        self.failures = 0;
        self.last_failure = None;
        self.waited.clear();
        self.not_before = None;
        let due = refresh_after(lifetime).min(self.max_stale / 2);
        self.refresh_at = Some(now + due.mul_f64(limits::REFRESH_JITTER.mul_add(-jitter.clamp(0.0, 1.0), 1.0)));
    }

    /// The fetch failed. `jitter` between 0 and 1 spreads replicas over the second half of the back-off.
    pub fn fail(&mut self, error: String, jitter: f64, now: Instant) {
        self.finish();
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let backoff = limits::FETCH_BACKOFF_MIN.saturating_mul(1 << doublings).min(limits::FETCH_BACKOFF_MAX);
        let at = now + backoff.mul_f64(0.5_f64.mul_add(jitter.clamp(0.0, 1.0), 0.5));
        self.last_failure = Some(error);
        self.not_before = Some(at);
        self.refresh_at = Some(at);
    }

    fn finish(&mut self) {
        self.in_flight = None;
        self.attempts = self.attempts.saturating_add(1);
    }

    /// How many fetches have ended, well or not.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Returns the number of fetches that have failed since the last one that succeeded.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// What the last fetch failed with, if it did.
    #[must_use]
    pub fn last_failure(&self) -> Option<&str> {
        self.last_failure.as_deref()
    }

    /// How old the keys are, if there are any that age.
    #[must_use]
    pub fn age(&self, now: Instant) -> Option<Duration> {
        self.held.as_ref().filter(|_| !self.fixed).map(|held| held.age(now))
    }
}

/// When to fetch anew: well ahead of the end that the set names for itself, within bounds.
fn refresh_after(lifetime: Option<Duration>) -> Duration {
    let Some(lifetime) = lifetime else { return limits::KEYS_REFRESH_AFTER };
    let ahead = lifetime.saturating_sub(lifetime / 4);
    ahead.clamp(*limits::KEYS_REFRESH_RANGE.start(), *limits::KEYS_REFRESH_RANGE.end())
}

#[cfg(test)]
mod tests;
