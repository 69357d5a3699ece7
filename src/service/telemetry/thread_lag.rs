//! The lag of the threads that answer Checks: by how much a timer of each runs late. A Check on that thread waits as long, for
//! the thread or for a processor, and the part of it that passes before the Check is read shows nowhere else.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::gauge::ConstGauge,
};
use tokio::time::Instant;

use super::recent_peak::RecentPeak;

/// The lag of one thread.
#[derive(Debug)]
pub struct ThreadLag {
    thread: Box<str>,
    /// The time at which the timer has to run next.
    due: Mutex<Instant>,
    peak: RecentPeak<Duration>,
}

impl ThreadLag {
    /// The lag of a thread whose timer is due at that time.
    #[must_use]
    pub fn new(thread: &str, due: Instant) -> Self {
        Self { thread: thread.into(), due: Mutex::new(due), peak: RecentPeak::new() }
    }

    /// Notes that the timer has run now, and the time at which it is due next.
    pub fn ran(&self, next: Instant) {
        let due = std::mem::replace(&mut *self.due(), next);
        self.peak.add(due.elapsed());
    }

    /// Returns the longest lag of the last minute or two. Where the timer is late at the moment, that counts as well: a thread
    /// that is stuck lags more and more.
    #[must_use]
    pub fn get(&self) -> Duration {
        let late_now = self.due().elapsed();
        self.peak.get().unwrap_or_default().max(late_now)
    }

    fn due(&self) -> MutexGuard<'_, Instant> {
        self.due.lock()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ThreadLabels {
    thread: String,
}

/// The lags of all threads of one service, as a metric.
#[derive(Clone, Debug, Default)]
pub(super) struct ThreadLags(Arc<Mutex<Vec<Arc<ThreadLag>>>>);

impl ThreadLags {
    /// Shows these threads from now on.
    pub(super) fn show(&self, threads: Vec<Arc<ThreadLag>>) {
        *self.threads() = threads;
    }

    fn threads(&self) -> MutexGuard<'_, Vec<Arc<ThreadLag>>> {
        self.0.lock()
    }
}

impl Collector for ThreadLags {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Seconds by which a thread that answers Checks ran late, the longest of the last minute or two";
        let kind = ConstGauge::new(0.0).metric_type();
        let mut family = encoder.encode_descriptor("thread_lag_seconds", help, None, kind)?;
        for lag in self.threads().iter() {
            let labels = ThreadLabels { thread: lag.thread.to_string() };
            ConstGauge::new(lag.get().as_secs_f64()).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::limits;

    #[tokio::test(start_paused = true)]
    async fn a_thread_lags_by_what_its_timer_runs_late() {
        let second = Duration::from_secs(1);
        let lag = ThreadLag::new("check-0", Instant::now() + second);
        assert_eq!(lag.get(), Duration::ZERO);
        advance(second).await;
        assert_eq!(lag.get(), Duration::ZERO, "due, and not late");
        advance(second / 4).await;
        assert_eq!(lag.get(), second / 4, "it has not run yet");
        lag.ran(Instant::now() + second);
        assert_eq!(lag.get(), second / 4, "it ran that late");
        advance(second + second / 8).await;
        lag.ran(Instant::now() + second);
        assert_eq!(lag.get(), second / 4, "the longest one is shown");
        advance(31 * second).await;
        assert_eq!(lag.get(), 30 * second, "stuck, it lags more and more");
        lag.ran(Instant::now() + limits::PEAK_SHOWN * 3);
        advance(limits::PEAK_SHOWN * 2).await;
        assert_eq!(lag.get(), Duration::ZERO, "long ago");
    }
}
