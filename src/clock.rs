//! Wall time has one door. A Check reads the clock once and hands the value down, so that one decision is made at one
//! moment and tests choose that moment.

use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_engine::time::UnixTime;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The current moment.
    fn now(&self) -> UnixTime;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one door to wall time")]
    fn now(&self) -> UnixTime {
        // A clock before 1970 reads as the epoch: tokens with `iat` are then from the future, and those without are
        // as valid as such a clock can tell.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
