//! The state of one issuer's keys: when to fetch next, and what a missing key means. Pure: the time is an argument, and
//! a refresher task does what this says.
//!
//! Fetches of one issuer never overlap (one task makes them), so a late answer can't overwrite a newer one.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::key_set::KeySet;
use crate::limits;

/// Counts the key sets an issuer has had here. Newer is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

impl Generation {
    /// Before the first set.
    pub const NONE: Self = Self(0);
}

/// A key set and which one it is.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The keys.
    pub set: Arc<KeySet>,
    /// Which set of the issuer it is.
    pub generation: Generation,
}

/// What to do about a key that a token needs and the current set has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// There are newer keys than those that were looked at: look again.
    LookAgain,
    /// The set was fetched just now, so the key doesn't exist: the client's fault.
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
    /// No fetch before this moment: the cooldown after a success, the back-off after a failure.
    not_before: Option<Instant>,
    refresh_at: Option<Instant>,
    wanted: bool,
    in_flight: bool,
    fixed: bool,
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
            not_before: None,
            refresh_at: None,
            wanted: true,
            in_flight: false,
            fixed: false,
        }
    }

    /// Keys that came with the configuration and never change.
    #[must_use]
    pub fn fixed(set: KeySet, now: Instant) -> Self {
        let snapshot = Snapshot { set: Arc::new(set), generation: Generation(1) };
        let held = Some(Held { snapshot, since: now, age_then: Duration::ZERO });
        Self { held, fixed: true, ..Self::awaiting_first_fetch(Duration::MAX) }
    }

    /// Puts keys of an earlier run to use, which were fetched `age` ago. Those that were fetched since stay.
    pub fn restore(&mut self, set: impl Into<Arc<KeySet>>, age: Duration, now: Instant) {
        if self.held.is_none() {
            let snapshot = Snapshot { set: set.into(), generation: Generation(1) };
            self.held = Some(Held { snapshot, since: now, age_then: age });
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

    /// A token needs a key that generation `seen` has not. May ask for a fetch.
    pub fn on_miss(&mut self, seen: Generation, now: Instant) -> Miss {
        if self.current(now).is_some_and(|snapshot| snapshot.generation > seen) {
            return Miss::LookAgain;
        }
        if self.fixed {
            return Miss::Fresh;
        }
        if self.in_flight || self.wanted {
            return Miss::Wait;
        }
        let wait = self.not_before.map(|at| at.saturating_duration_since(now)).filter(|wait| !wait.is_zero());
        match wait {
            None => {
                self.wanted = true;
                Miss::Wait
            }
            Some(_) if self.failures == 0 => Miss::Fresh,
            Some(wait) => Miss::Unavailable(wait),
        }
    }

    /// What a miss means when no waiting is left: the last fetch succeeded, or it did not.
    #[must_use]
    pub fn after_waiting(&self, now: Instant) -> Miss {
        let settled = self.fixed || (self.attempts > 0 && self.failures == 0 && !self.in_flight);
        if settled && self.current(now).is_some() {
            return Miss::Fresh;
        }
        let wait = self.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        Miss::Unavailable(wait)
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

    /// A fetch begins.
    pub fn begin(&mut self) {
        self.in_flight = true;
        self.wanted = false;
    }

    /// The fetch brought a set, which says that it stays true for `lifetime`.
    pub fn succeed(&mut self, set: KeySet, lifetime: Option<Duration>, now: Instant) {
        let previous = self.held.as_ref().map_or(0, |held| held.snapshot.generation.0);
        let snapshot = Snapshot { set: Arc::new(set), generation: Generation(previous.saturating_add(1)) };
        self.held = Some(Held { snapshot, since: now, age_then: Duration::ZERO });
        self.finish();
        self.failures = 0;
        self.last_failure = None;
        self.not_before = Some(now + limits::FETCH_COOLDOWN);
        self.refresh_at = Some(now + refresh_after(lifetime).min(self.max_stale / 2));
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
        self.in_flight = false;
        self.attempts = self.attempts.saturating_add(1);
    }

    /// How many fetches have ended, well or not.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.attempts
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
