//! The difference between an issuer's clock and ours, from the `Date` of its answers (RFC 9110 section 6.6.1).
//!
//! A fetch tells the difference only within bounds: `Date` has whole seconds, and the answer was made at some moment between
//! question and answer. Of all differences that fit, the one that is nearest to zero counts, so a difference that is reported
//! is real, and clocks that agree as far as can be told have none.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits;
use portcullis_engine::time::UnixTime;

/// The time that an answer bears, and when it was asked for and came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedAnswer {
    /// The value of `Date`.
    pub date: UnixTime,
    /// The value of `Age`: the time for which a cache has kept the answer, zero without a cache.
    pub age: Duration,
    /// The moment at which the request was sent, or a little earlier.
    pub asked: Instant,
    /// The moment at which the headers of the answer were here.
    pub answered: Instant,
}

/// The least difference between two clocks that explains what was seen. Positive if the issuer's clock
/// is ahead of this machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSkew {
    millis: i64,
}

impl DatedAnswer {
    /// Compares the issuer's clock with ours, which says `wall` now.
    ///
    /// An answer out of a cache has the `Date` of its origin and is older by its `Age` (RFC 9111 section 4.2.3), but some
    /// caches write the time at which they send it. So its moment is anywhere between `Date` and `Date` plus `Age`.
    #[must_use]
    pub fn skew(&self, wall: UnixTime, now: Instant) -> ClockSkew {
        let at = |moment: Instant| wall.minus(now.saturating_duration_since(moment)).as_millis();
        let latest = self.date.plus(self.age).plus(limits::DATE_RESOLUTION);
        let least = self.date.as_millis().saturating_sub(at(self.answered));
        let most = latest.as_millis().saturating_sub(at(self.asked));
        // `least` is never above `most`, unless the answer came before the question.
        ClockSkew { millis: 0.clamp(least, most.max(least)) }
    }
}

impl ClockSkew {
    /// Returns the difference in seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.millis as f64 / 1000.0
    }

    /// Returns how far the clocks are apart, whichever is ahead.
    #[must_use]
    pub const fn distance(self) -> Duration {
        Duration::from_millis(self.millis.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_000_000);

    /// The skew by an answer with a `Date` that differs from our time by so many seconds, which came at once.
    fn skew(date: i64, age: u64) -> f64 {
        skew_after(date, age, Duration::ZERO)
    }

    fn skew_after(date: i64, age: u64, took: Duration) -> f64 {
        let answered = Instant::now() + Duration::from_secs(1_000);
        let date = UnixTime::from_secs(NOW.as_secs() + date);
        let answer = DatedAnswer { date, age: Duration::from_secs(age), asked: answered - took, answered };
        // What is compared does not depend on when it is compared.
        let later = Duration::from_secs(7);
        assert_eq!(answer.skew(NOW, answered), answer.skew(NOW.plus(later), answered + later));
        answer.skew(NOW, answered).as_secs_f64()
    }

    #[test]
    fn clocks_that_agree_as_far_as_can_be_told_have_no_skew() {
        for date in [0, -1] {
            assert!(skew(date, 0).abs() < f64::EPSILON, "within the second: {date}");
        }
        assert!(skew_after(-4, 0, Duration::from_secs(3)).abs() < f64::EPSILON, "made when it was asked for");
    }

    #[test]
    fn the_sign_says_whose_clock_is_ahead_and_the_value_is_the_least_that_fits() {
        let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-6, "{got} is not {wanted}");
        close(skew(3600, 0), 3600.0);
        close(skew(-3600, 0), -3599.0);
        // However long the answer was under way, the issuer's clock is ahead by what `Date` is.
        close(skew_after(10, 0, Duration::from_secs(3)), 10.0);
        close(skew_after(-10, 0, Duration::from_secs(3)), -6.0);
    }

    #[test]
    fn an_answer_out_of_a_cache_is_as_old_as_it_says_or_not_old_at_all() {
        let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-6, "{got} is not {wanted}");
        close(skew(-300, 300), 0.0);
        close(skew(0, 300), 0.0);
        close(skew(-150, 300), 0.0);
        close(skew(-3600, 300), -3299.0);
        close(skew(3600, 300), 3600.0);
        close(skew(-10, u64::MAX), 0.0);
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let now = Instant::now();
        for millis in [i64::MIN, i64::MAX] {
            let date = UnixTime::from_millis(millis);
            let answer = DatedAnswer { date, age: Duration::MAX, asked: now, answered: now };
            for wall in [i64::MIN, 0, i64::MAX] {
                let skew = answer.skew(UnixTime::from_millis(wall), now);
                assert!(skew.as_secs_f64().is_finite() && skew.distance() >= Duration::ZERO);
            }
        }
        let early = DatedAnswer { date: NOW, age: Duration::ZERO, asked: now + Duration::from_secs(9), answered: now };
        assert!(early.skew(NOW, now).distance() < Duration::from_secs(9), "the answer came before the question");
    }
}
