//! Metrics of what goes on at the moment of a scrape. The parts of the service that know it are asked then, so that no Check
//! pays for it.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
};

use super::recent_peak::RecentPeak;

/// The state of the service at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveFigures {
    /// Checks that were read and whose turn has not come. A part of them may be an estimate.
    pub checks_queued: usize,
    /// Checks that are being decided, or wait for keys.
    pub checks_in_work: usize,
    /// Checks that wait for keys.
    pub key_waiters: usize,
}

type Source = Box<dyn Fn() -> LiveFigures + Send + Sync>;

/// The metrics of the moment. Without a source all of them are 0.
#[derive(Clone)]
pub(super) struct Live {
    source: Arc<OnceLock<Source>>,
    /// The ages of Checks in milliseconds.
    ages: Arc<RecentPeak<i64>>,
}

impl Live {
    /// Metrics without a source.
    pub(super) fn new() -> Self {
        Self { source: Arc::default(), ages: Arc::new(RecentPeak::new()) }
    }

    /// Reads figures from there. The first source stays.
    pub(super) fn read_from(&self, source: impl Fn() -> LiveFigures + Send + Sync + 'static) {
        drop(self.source.set(Box::new(source)));
    }

    /// Adds the age of a Check.
    pub(super) fn add_age(&self, millis: i64) {
        self.ages.add(millis);
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("ages", &self.ages).finish_non_exhaustive()
    }
}

impl Collector for Live {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures = self.source.get().map_or_else(LiveFigures::default, |source| source());
        let LiveFigures { checks_queued, checks_in_work, key_waiters } = figures;
        let gauges = [
            (
                "ext_authz_checks_in_flight",
                "Checks that were read and not answered yet",
                checks_queued + checks_in_work,
            ),
            ("ext_authz_checks_queued", "Checks that were read and wait for their thread", checks_queued),
            ("ext_authz_checks_waiting_for_keys", "Checks that wait for an issuer's keys", key_waiters),
        ];
        for (name, help, value) in gauges {
            let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)?;
        }
        let help = "Seconds since Envoy received the request of a Check, by both clocks, the highest of the last minute or two";
        let age = ConstGauge::new(self.ages.get().map_or(0.0, seconds));
        age.encode(encoder.encode_descriptor("ext_authz_request_age_seconds", help, None, age.metric_type())?)
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of 285,000 years are exact")]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1e3
}
