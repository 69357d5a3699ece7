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
        Self { held, wanted: false, fixed: true, attempts: 1, ..Self::awaiting_first_fetch(Duration::MAX) }
    }

    /// Puts keys of an earlier run to use, which were fetched `age` ago. Those that were fetched since stay.
    pub fn restore(&mut self, set: KeySet, age: Duration, now: Instant) {
        if self.held.is_none() {
            let snapshot = Snapshot { set: Arc::new(set), generation: Generation(1) };
            self.held = Some(Held { snapshot, since: now, age_then: age });
        }
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

    /// How old the keys are, if there are any.
    #[must_use]
    pub fn age(&self, now: Instant) -> Option<Duration> {
        self.held.as_ref().map(|held| held.age(now))
    }
}

/// When to fetch anew: well ahead of the end that the set names for itself, within bounds.
fn refresh_after(lifetime: Option<Duration>) -> Duration {
    let Some(lifetime) = lifetime else { return limits::KEYS_REFRESH_AFTER };
    let ahead = lifetime.saturating_sub(lifetime / 4);
    ahead.clamp(*limits::KEYS_REFRESH_RANGE.start(), *limits::KEYS_REFRESH_RANGE.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{jwks::source::Secret, jwt::algorithm::Algorithm};

    fn set() -> KeySet {
        KeySet::from_secret(&Secret::new(vec![1; 32]), &[Algorithm::HS256])
    }

    fn fetched(now: Instant) -> IssuerKeys {
        let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
        keys.begin();
        keys.succeed(set(), None, now);
        keys
    }

    fn failed(times: u32, now: Instant) -> IssuerKeys {
        let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
        for _ in 0..times {
            keys.begin();
            keys.fail("down".to_owned(), 1.0, now);
        }
        keys
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_fetch_is_due_at_once_and_tokens_wait_for_it() {
        let now = Instant::now();
        let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
        assert_eq!(keys.due(now), Due::Now);
        assert_eq!(keys.on_miss(Generation::NONE, now), Miss::Wait);
        keys.begin();
        assert_eq!(keys.on_miss(Generation::NONE, now), Miss::Wait);
    }

    #[test]
    fn after_a_success_a_miss_is_the_clients_fault_until_the_cooldown_ends() {
        let now = Instant::now();
        let mut keys = fetched(now);
        let seen = keys.current(now).unwrap().generation;
        assert_eq!(keys.on_miss(seen, now + limits::FETCH_COOLDOWN - SECOND), Miss::Fresh);
        assert_eq!(keys.due(now + limits::FETCH_COOLDOWN), Due::At(now + limits::KEYS_REFRESH_AFTER));
        assert_eq!(keys.on_miss(seen, now + limits::FETCH_COOLDOWN), Miss::Wait);
        assert_eq!(keys.due(now + limits::FETCH_COOLDOWN), Due::Now);
    }

    #[test]
    fn a_miss_against_older_keys_looks_again_instead_of_fetching() {
        let now = Instant::now();
        let mut keys = fetched(now);
        assert_eq!(keys.on_miss(Generation::NONE, now), Miss::LookAgain);
    }

    #[test]
    fn after_a_failure_a_miss_is_our_trouble() {
        let now = Instant::now();
        let mut keys = failed(1, now);
        assert_eq!(keys.on_miss(Generation::NONE, now), Miss::Unavailable(SECOND));
        assert_eq!(keys.on_miss(Generation::NONE, now + SECOND), Miss::Wait);
        assert_eq!(keys.after_waiting(now), Miss::Unavailable(SECOND));
        assert_eq!(keys.last_failure(), Some("down"));
    }

    #[test]
    fn back_off_doubles_up_to_its_maximum_and_jitter_only_shortens_it() {
        let now = Instant::now();
        let wait = |times| failed(times, now).not_before.unwrap() - now;
        assert_eq!([wait(1), wait(2), wait(3)], [SECOND, SECOND * 2, SECOND * 4]);
        assert_eq!(wait(6), limits::FETCH_BACKOFF_MAX);
        assert_eq!(wait(200), limits::FETCH_BACKOFF_MAX);
        let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
        keys.fail("down".to_owned(), 0.0, now);
        assert_eq!(keys.not_before.unwrap() - now, SECOND / 2);
    }

    #[test]
    fn keys_outlive_failures_up_to_max_stale() {
        let now = Instant::now();
        let mut keys = fetched(now);
        keys.begin();
        keys.fail("down".to_owned(), 1.0, now + SECOND * 300);
        assert!(keys.current(now + limits::KEYS_MAX_STALE).is_some());
        assert!(keys.current(now + limits::KEYS_MAX_STALE + SECOND).is_none());
        let later = now + limits::KEYS_MAX_STALE + SECOND;
        assert!(matches!(keys.after_waiting(later), Miss::Unavailable(_)));
    }

    #[test]
    fn a_success_after_failures_forgets_them() {
        let now = Instant::now();
        let mut keys = failed(5, now);
        keys.begin();
        keys.succeed(set(), None, now);
        assert_eq!((keys.last_failure(), keys.after_waiting(now)), (None, Miss::Fresh));
        assert_eq!(keys.attempts(), 6);
    }

    #[test]
    fn fixed_keys_are_never_fetched_and_never_stale() {
        let now = Instant::now();
        let mut keys = IssuerKeys::fixed(set(), now);
        let seen = keys.current(now).unwrap().generation;
        assert_eq!(keys.due(now), Due::Never);
        assert_eq!(keys.on_miss(seen, now + SECOND * 100), Miss::Fresh);
        assert!(keys.current(now + limits::KEYS_MAX_STALE * 2).is_some());
    }

    #[test]
    fn a_set_is_refreshed_ahead_of_its_own_end_within_bounds() {
        let (least, most) = (*limits::KEYS_REFRESH_RANGE.start(), *limits::KEYS_REFRESH_RANGE.end());
        let of = |seconds| refresh_after(Some(SECOND * seconds));
        assert_eq!(refresh_after(None), limits::KEYS_REFRESH_AFTER);
        assert_eq!(of(600), SECOND * 450);
        assert_eq!([of(0), of(1), of(79)], [least; 3]);
        assert_eq!([of(4801), of(u32::MAX)], [most; 2]);
        assert_eq!(refresh_after(Some(Duration::MAX)), most);
        let now = Instant::now();
        let mut keys = IssuerKeys::awaiting_first_fetch(limits::KEYS_MAX_STALE);
        keys.begin();
        keys.succeed(set(), Some(SECOND * 600), now);
        assert_eq!(keys.due(now + SECOND), Due::At(now + SECOND * 450));
    }

    #[test]
    fn saved_keys_count_with_their_age_and_give_way_to_fetched_ones() {
        let now = Instant::now();
        let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 100);
        keys.restore(set(), SECOND * 60, now);
        assert_eq!(keys.age(now), Some(SECOND * 60));
        assert!(keys.current(now + SECOND * 40).is_some() && keys.current(now + SECOND * 41).is_none());
        assert_eq!(keys.due(now), Due::Now, "they are refreshed at once");
        let seen = keys.current(now).unwrap().generation;
        assert_eq!(keys.on_miss(seen, now), Miss::Wait, "a key that they lack may exist");
        assert!(matches!(keys.after_waiting(now), Miss::Unavailable(_)), "nobody has said that it does not");
        keys.begin();
        keys.succeed(set(), None, now);
        keys.restore(set(), SECOND, now);
        assert_eq!(keys.age(now), Some(Duration::ZERO));
        assert!(keys.current(now).unwrap().generation > seen);
    }

    #[test]
    fn max_stale_is_the_issuers_own() {
        let now = Instant::now();
        let mut keys = IssuerKeys::awaiting_first_fetch(SECOND * 600);
        keys.succeed(set(), None, now);
        assert!(keys.current(now + SECOND * 600).is_some() && keys.current(now + SECOND * 601).is_none());
    }
}
