//! The highest of the values of the last minute or two, for metrics that are looked at less often than their values change.
//!
//! A value is shown for at least [`limits::PEAK_SHOWN`], to every scraper. A maximum that each scrape resets would be hidden
//! from the next one.

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::limits;

/// The highest of the recent values.
#[derive(Debug)]
pub(super) struct RecentPeak<T>(Mutex<Periods<T>>);

#[derive(Debug)]
struct Periods<T> {
    /// The beginning of the current period.
    began: Instant,
    /// The highest values of the period before and of the current one.
    before: Option<T>,
    current: Option<T>,
}

impl<T: Copy + Ord> RecentPeak<T> {
    /// A peak without a value.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Periods { began: Instant::now(), before: None, current: None }))
    }

    /// Adds a value of now.
    pub(super) fn add(&self, value: T) {
        let mut periods = self.at(Instant::now());
        periods.current = periods.current.max(Some(value));
    }

    /// Returns the highest of the values that are shown now, if there are any.
    pub(super) fn get(&self) -> Option<T> {
        let periods = self.at(Instant::now());
        periods.before.max(periods.current)
    }

    fn at(&self, now: Instant) -> MutexGuard<'_, Periods<T>> {
        // Whatever panicked, the periods are changed whole or not at all.
        let mut periods = self.0.lock();
        let age = now.saturating_duration_since(periods.began);
        if age >= limits::PEAK_SHOWN {
            let current = periods.current.take();
            periods.before = current.filter(|_| age < 2 * limits::PEAK_SHOWN);
            periods.began = now;
        }
        periods
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn a_peak_is_shown_for_a_period_at_least_and_two_at_most() {
        let peak = RecentPeak::new();
        assert_eq!(peak.get(), None);
        peak.add(5);
        peak.add(3);
        assert_eq!(peak.get(), Some(5));
        advance(limits::PEAK_SHOWN - MS).await;
        peak.add(7);
        assert_eq!(peak.get(), Some(7));
        advance(limits::PEAK_SHOWN).await;
        peak.add(1);
        assert_eq!(peak.get(), Some(7), "the period before is shown as well");
        advance(limits::PEAK_SHOWN).await;
        assert_eq!(peak.get(), Some(1));
        advance(2 * limits::PEAK_SHOWN).await;
        assert_eq!(peak.get(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn values_below_zero_have_a_peak_too() {
        let peak = RecentPeak::new();
        peak.add(-7);
        peak.add(-3);
        assert_eq!(peak.get(), Some(-3));
    }
}
