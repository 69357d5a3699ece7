//! A bounded rate of log lines: at most one in a time, which says how many were left out.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Lets one line pass in a time.
#[derive(Debug)]
pub(crate) struct Throttle {
    every: Duration,
    state: Mutex<(Option<Instant>, u64)>,
}

impl Throttle {
    /// A throttle that has let nothing pass yet.
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, state: Mutex::new((None, 0)) }
    }

    /// Returns the number of lines that were left out, if one may be logged now.
    pub(crate) fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock();
        let (last, left_out) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < self.every) {
            *left_out = left_out.saturating_add(1);
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_passes_in_a_time_and_says_how_many_were_left_out() {
        let throttle = Throttle::new(Duration::from_secs(1));
        let said: Vec<_> = (0..4).map(|_| throttle.admit(Instant::now())).collect();
        assert_eq!(said, [Some(0), None, None, None]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.admit(Instant::now()), Some(3));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.admit(Instant::now()), Some(0));
    }
}
