//! Log lines about clocks that differ: one when a difference goes beyond the tolerance of an issuer, one when it no longer
//! does. None in between, so the number of lines is bounded by the changes.

use std::{collections::HashSet, time::Duration};

use parking_lot::{Mutex, MutexGuard};

use crate::{keystore::clock_skew::ClockSkew, service::telemetry::events};

/// The issuers whose clock was last seen to differ from ours by more than their tolerance.
#[derive(Debug, Default)]
pub(crate) struct ClockLines(Mutex<HashSet<String>>);

impl ClockLines {
    /// Logs that the clocks differ by too much, or that they no longer do.
    pub(crate) fn compared(&self, issuer: &str, skew: ClockSkew, tolerance: Duration) {
        let is_off = skew.distance() > tolerance;
        let mut off = self.off();
        let is_news = if is_off { off.insert(issuer.to_owned()) } else { off.remove(issuer) };
        drop(off);
        match (is_news, is_off) {
            (true, true) => events::clock_differs(issuer, skew.as_secs_f64(), tolerance),
            (true, false) => events::clock_agrees_again(issuer, skew.as_secs_f64()),
            (false, _) => {}
        }
    }

    /// Forgets issuers that are no more.
    pub(crate) fn retain(&self, issuer_stays: impl Fn(&str) -> bool) {
        self.off().retain(|issuer| issuer_stays(issuer));
    }

    fn off(&self) -> MutexGuard<'_, HashSet<String>> {
        // A panic under the lock leaves a set all the same: at worst a line too many is logged.
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::keystore::clock_skew::DatedAnswer;
    use portcullis_engine::time::UnixTime;

    #[test]
    fn an_issuer_is_held_while_its_clock_differs_and_until_it_is_no_more() {
        let (lines, now, tolerance) = (ClockLines::default(), Instant::now(), Duration::from_secs(60));
        let compared = |issuer: &str, ahead: i64| {
            let date = UnixTime::from_secs(1_000_000 + ahead);
            let answer = DatedAnswer { date, age: Duration::ZERO, asked: now, answered: now };
            lines.compared(issuer, answer.skew(UnixTime::from_secs(1_000_000), now), tolerance);
        };
        let held = || {
            let mut held: Vec<String> = lines.off().iter().cloned().collect();
            held.sort();
            held
        };
        for (issuer, ahead) in [("a", 3600), ("b", -3600), ("c", 60), ("d", 61)] {
            compared(issuer, ahead);
        }
        assert_eq!(held(), ["a", "b", "d"]);
        compared("a", 0);
        lines.retain(|issuer| issuer != "b");
        assert_eq!(held(), ["d"]);
    }
}
