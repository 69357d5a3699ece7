//! Latencies and medians.

use std::time::Duration;

/// Buckets for each power of two: within 1.6 %.
const STEPS: u64 = 64;

/// How often which latency was seen, in buckets of equal ratio.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: Vec<u64>,
    count: u64,
}

impl Latency {
    /// Counts one.
    pub fn add(&mut self, latency: Duration) {
        let place = place(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        if place >= self.buckets.len() {
            self.buckets.resize(place + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket += 1;
        }
        self.count += 1;
    }

    /// What that share of the calls did not exceed, in milliseconds: 0.99 for the 99th percentile.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number of calls, and nanoseconds")]
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = self.count as f64 * share;
        let mut seen = 0;
        for (place, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && seen as f64 >= wanted {
                return upper(place) as f64 / 1e6;
            }
        }
        0.0
    }
}

fn place(nanoseconds: u64) -> usize {
    let exponent = nanoseconds.max(STEPS).ilog2() - STEPS.ilog2();
    // Below `STEPS` each nanosecond has its own.
    usize::try_from(u64::from(exponent) * STEPS + (nanoseconds >> exponent)).unwrap_or(usize::MAX)
}

fn upper(place: usize) -> u64 {
    let place = place as u64;
    let exponent = (place / STEPS).saturating_sub(1);
    ((place - exponent * STEPS + 1) << exponent) - 1
}

/// A figure over some rounds.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Figure {
    /// The middle one; the mean of two where their number is even.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// All of them, in order of time.
    pub rounds: Vec<f64>,
}

impl Figure {
    /// Of these.
    #[must_use]
    pub fn of(rounds: impl IntoIterator<Item = f64>) -> Self {
        let rounds: Vec<f64> = rounds.into_iter().collect();
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
        let last = sorted.len().saturating_sub(1);
        Self { median: f64::midpoint(at(low), at(high)), min: at(0), max: at(last), rounds }
    }

    /// Round by round, this in proportion to that: what drifts from round to round drops out.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        Self::of(self.rounds.iter().zip(&other.rounds).map(|(this, that)| this / that))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_within_its_bounds() {
        for nanoseconds in [0, 1, 63, 64, 65, 127, 128, 129, 1_000, 123_456, 5_000_000_000] {
            let upper = upper(place(nanoseconds));
            assert!(upper >= nanoseconds && upper <= nanoseconds + nanoseconds / 64, "{nanoseconds}: {upper}");
        }
    }

    #[test]
    fn quantiles_are_of_all_that_was_counted() {
        let mut latency = Latency::default();
        for milliseconds in 1..=100 {
            latency.add(Duration::from_millis(milliseconds));
        }
        assert!((latency.quantile(0.5) - 50.0).abs() < 1.0);
        assert!((latency.quantile(0.99) - 99.0).abs() < 2.0);
    }

    #[test]
    fn the_median_of_two_is_between_them() {
        assert!((Figure::of([3.0, 1.0, 2.0]).median - 2.0).abs() < f64::EPSILON);
        let even = Figure::of([4.0, 1.0, 2.0, 3.0]);
        assert!((even.median - 2.5).abs() < f64::EPSILON && even.min < 1.5 && even.max > 3.5);
    }
}
