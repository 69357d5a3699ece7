//! The metrics of the configuration: which one is active, since when, and how reloads went.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// The metrics of the configuration.
#[derive(Debug)]
pub struct ConfigMetrics {
    reloads: Family<OutcomeLabels, Counter>,
    last_reload_successful: Gauge,
    loaded: Gauge,
    revision: Arc<ArcSwap<String>>,
}

impl ConfigMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (reloads, last_reload_successful, loaded) = (Family::default(), Gauge::default(), Gauge::default());
        registry.register("config_reloads", "Attempts to load the configuration anew, by outcome", reloads.clone());
        // The start has loaded one.
        last_reload_successful.set(1);
        let help = "1 if the last attempt to load the configuration succeeded, 0 if an older one is still active";
        registry.register("config_last_reload_successful", help, last_reload_successful.clone());
        let help = "When the active configuration was loaded, in seconds since 1970";
        registry.register("config_loaded_timestamp_seconds", help, loaded.clone());
        let revision = Arc::<ArcSwap<String>>::default();
        registry.register_collector(Box::new(Revision(Arc::clone(&revision))));
        Self { reloads, last_reload_successful, loaded, revision }
    }

    /// Makes the series of reloads, one for each outcome that there may be, so that an alert on their increase sees the first
    /// one.
    pub fn expect_reloads(&self, outcomes: impl Iterator<Item = &'static str>) {
        for outcome in outcomes {
            drop(self.reloads.get_or_create(&OutcomeLabels { outcome }));
        }
    }

    /// Names the configuration that is active from now on, and the time at which it was loaded, in seconds since 1970.
    pub fn loaded(&self, revision: &str, at: i64) {
        self.loaded.set(at);
        self.revision.store(Arc::new(revision.to_owned()));
    }

    /// Counts an attempt to load the configuration anew, by outcome, of a closed list.
    pub fn reloaded(&self, outcome: &'static str, ok: bool) {
        self.reloads.get_or_create(&OutcomeLabels { outcome }).inc();
        self.last_reload_successful.set(i64::from(ok));
    }
}

/// The metric that names the active configuration: one series at a time.
#[derive(Debug)]
struct Revision(Arc<ArcSwap<String>>);

impl Collector for Revision {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let info = Info::new([("revision", self.0.load().to_string())]);
        let help = "The active configuration, by the beginning of its SHA-256";
        info.encode(encoder.encode_descriptor("config", help, None, info.metric_type())?)
    }
}
