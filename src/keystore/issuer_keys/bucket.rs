//! A token bucket: some fetches at once, then one more in each interval.

use tokio::time::Instant;

use crate::limits;

/// A bucket of [`limits::FETCH_BURST`] on-demand fetches, which gets one more every [`limits::FETCH_COOLDOWN`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FetchBucket {
    /// The moment when the bucket is full again, if nothing more is taken. A bucket whose moment has passed is full.
    full_at: Option<Instant>,
}

impl FetchBucket {
    /// Takes one fetch, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let most = limits::FETCH_COOLDOWN.saturating_mul(limits::FETCH_BURST);
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + limits::FETCH_COOLDOWN;
        let is_allowed = full_at.saturating_duration_since(now) <= most;
        if is_allowed {
            self.full_at = Some(full_at);
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const INTERVAL: Duration = limits::FETCH_COOLDOWN;
    const MOMENT: Duration = Duration::from_millis(1);

    /// Takes all that there are; returns their number.
    fn drain(bucket: &mut FetchBucket, now: Instant) -> u32 {
        (0..100).take_while(|_| bucket.take(now)).count().try_into().unwrap()
    }

    #[test]
    fn three_at_once_then_one_in_each_interval() {
        let (mut bucket, now) = (FetchBucket::default(), Instant::now());
        assert_eq!(drain(&mut bucket, now), limits::FETCH_BURST);
        for round in 1..=10 {
            assert_eq!(drain(&mut bucket, now + INTERVAL * round - MOMENT), 0, "{round}");
            assert_eq!(drain(&mut bucket, now + INTERVAL * round), 1, "{round}");
        }
    }

    #[test]
    fn asking_in_vain_takes_nothing_and_no_more_than_three_are_saved() {
        let (mut bucket, now) = (FetchBucket::default(), Instant::now());
        drain(&mut bucket, now);
        for millis in 0..5000 {
            assert!(!bucket.take(now + MOMENT * millis));
        }
        assert!(bucket.take(now + INTERVAL));
        assert_eq!(drain(&mut bucket, now + INTERVAL * 3), 2);
        assert_eq!(drain(&mut bucket, now + INTERVAL * 1000), limits::FETCH_BURST);
    }
}
