//! The end of a service: how long stopping takes, and what became of the Checks in flight.

use std::time::Duration;

use crate::limits;

/// The end of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything in flight was answered.
    Clean,
    /// Checks in flight were cut off: at the deadline, or by a second signal.
    CutOff {
        /// The number of these Checks.
        checks: usize,
        /// The signal, if it was not the deadline.
        signal: Option<&'static str>,
    },
}

/// The times that stopping takes.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// From NOT_SERVING to closing the listeners: Checks are still answered.
    pub notice: Duration,
    /// From closing the listeners to giving up.
    pub deadline: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { notice: limits::DRAIN_NOTICE, deadline: limits::DRAIN_DEADLINE }
    }
}
