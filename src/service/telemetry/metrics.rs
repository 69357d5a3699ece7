//! Metrics, as OpenMetrics text. Label values come from the configuration or a closed list, so their number is bounded by
//! construction: no client can add a series. The one exception is the names of an issuer's keys, and a key set has a bounded
//! number of them. A reload takes those of rules and issuers away that are no more; everything else counts on.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use arc_swap::ArcSwap;
use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeLabelSet, EncodeMetric as _,
        text::{encode, encode_registry},
    },
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::Gauge,
        info::Info,
    },
    registry::Registry,
};

pub use super::{check_counters::CheckDurations, live::LiveFigures, thread_lag::ThreadLag};
use super::{
    check_counters::{CheckTimes, Checks, Part, Tally},
    config_metrics::ConfigMetrics,
    connections::ConnectionMetrics,
    issuer_metrics::{IssuerLabels, IssuerMetrics},
    live::Live,
    log_output, panic_hook,
    process::ProcessMetrics,
    rejected_calls,
    series::Series,
    thread_lag::ThreadLags,
    token_metrics::TokenMetrics,
};
use crate::{build_info, keystore::store::KeyStore};
use portcullis_engine::{reason::DenyReason, token_cache::cache::TokenCache};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    issuer: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabels {
    part: &'static str,
}

/// A use of the directory of saved keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysDirUse {
    /// The directory is opened, at a start or a reload.
    Open,
    /// Saved keys are read, when the task of their issuer starts.
    Read,
    /// Keys are saved, after they were fetched.
    Write,
}

impl KeysDirUse {
    const ALL: [Self; 3] = [Self::Open, Self::Read, Self::Write];

    const fn labels(self) -> OperationLabels {
        let operation = match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
        };
        OperationLabels { operation }
    }
}

/// The metrics of one running service. Not global: two services in one process count apart.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// The metrics whose names don't begin with ours.
    process: Registry,
    checks: Arc<Tally>,
    failures: Family<CodeLabels, Counter>,
    cancelled: Counter,
    live: Live,
    thread_lags: ThreadLags,
    refreshes: Series<RefreshLabels>,
    keys_dir_failures: Family<OperationLabels, Counter>,
    keys_saved: Series<IssuerLabels, Gauge>,
    /// The metrics of the configuration.
    pub config: ConfigMetrics,
    draining: Gauge,
    admin_connections: Gauge,
    /// The metrics of gRPC connections.
    pub connections: ConnectionMetrics,
    keys: Arc<ArcSwap<KeyStore>>,
    tokens: Arc<ArcSwap<TokenCache>>,
}

impl Metrics {
    /// Metrics that start at zero, with the state of the keys and of remembered tokens read at each scrape.
    #[must_use]
    pub fn new(keys: Arc<KeyStore>, tokens: Arc<TokenCache>) -> Self {
        let mut registry = Registry::with_prefix("portcullis");
        let checks = Arc::<Tally>::default();
        let help = "Checks answered, by decision, reason code and rule";
        registry.register("ext_authz_checks", help, Checks(Arc::clone(&checks)));
        let help = "Seconds from a Check's arrival to its answer, waiting for keys included";
        registry.register("ext_authz_check_duration_seconds", help, CheckTimes(Arc::clone(&checks), Part::Whole));
        let help = "Seconds from a Check's arrival until its thread began to decide it, or turned it away";
        registry.register("ext_authz_queue_duration_seconds", help, CheckTimes(Arc::clone(&checks), Part::Queue));
        let failures = failures(&mut registry);
        let cancelled = Counter::default();
        let help = "Checks that Envoy took back, or whose connection ended, before they were answered";
        registry.register("ext_authz_checks_cancelled", help, cancelled.clone());
        let (live, thread_lags) = (Live::new(), ThreadLags::default());
        registry.register_collector(Box::new(live.clone()));
        registry.register_collector(Box::new(thread_lags.clone()));
        let refreshes = Series::new();
        registry.register("jwks_refresh", "Fetches of an issuer's keys, by outcome", refreshes.family.clone());
        let keys_dir_failures = keys_dir_failures(&mut registry);
        let keys_saved = Series::new();
        let help = "1 if an issuer's keys could be saved in the directory for them last time, 0 if not";
        registry.register("jwks_keys_saved", help, keys_saved.family.clone());
        let (keys, tokens) = (Arc::new(ArcSwap::new(keys)), Arc::new(ArcSwap::new(tokens)));
        registry.register_collector(Box::new(IssuerMetrics(Arc::clone(&keys))));
        registry.register_collector(Box::new(TokenMetrics(Arc::clone(&tokens))));
        registry.register_collector(Box::new(ProcessCollector));
        let config = ConfigMetrics::register(&mut registry);
        registry.register("build", "The version of this program", Info::new(build_labels()));
        let mut process = Registry::default();
        process.register_collector(Box::new(ProcessMetrics::new()));
        let connections = ConnectionMetrics::register(&mut registry);
        let (draining, admin_connections) = (Gauge::default(), Gauge::default());
        registry.register("draining", "1 while it stops, 0 before", draining.clone());
        let help = "Connections to the admin port open now";
        registry.register("admin_connections_open", help, admin_connections.clone());
        Self {
            registry,
            process,
            checks,
            failures,
            cancelled,
            live,
            thread_lags,
            refreshes,
            keys_dir_failures,
            keys_saved,
            config,
            draining,
            admin_connections,
            connections,
            keys,
            tokens,
        }
    }

    /// Another configuration is active: these are its keys and remembered tokens.
    pub fn follow(&self, keys: Arc<KeyStore>, tokens: Arc<TokenCache>) {
        self.keys.store(keys);
        self.tokens.store(tokens);
    }

    /// Makes the series of the fetches of an issuer's keys: these are the outcomes that a fetch may have.
    pub fn start_refreshes(&self, issuer: &str, outcomes: impl Iterator<Item = &'static str>) {
        for outcome in outcomes {
            self.refreshes.start(RefreshLabels { issuer: issuer.to_owned(), outcome });
        }
    }

    /// Takes series away whose rule or issuer is no more. Those without a rule stay.
    pub fn retain(&self, rule_stays: impl Fn(&str) -> bool, issuer_stays: impl Fn(&str) -> bool) {
        self.checks.retain(rule_stays);
        self.refreshes.retain(|labels| issuer_stays(&labels.issuer));
        self.keys_saved.retain(|labels| issuer_stays(&labels.issuer));
    }

    /// Shows the figures of the running service and the lag of its threads.
    pub fn show(&self, threads: Vec<Arc<ThreadLag>>, figures: impl Fn() -> LiveFigures + Send + Sync + 'static) {
        self.thread_lags.show(threads);
        self.live.read_from(figures);
    }

    /// Counts a decision, and the name of the rule that it was made by.
    pub fn checked(&self, allowed: bool, code: &'static str, rule: Option<&Arc<str>>, took: CheckDurations) {
        self.checks.count(allowed, code, rule, took);
    }

    /// Counts a denial for a trouble that is not the client's, by its code, of a closed list.
    pub fn failed(&self, code: &'static str) {
        self.failures.get_or_create(&CodeLabels { code }).inc();
    }

    /// Counts a Check that was taken back before it was answered.
    pub fn cancelled(&self) {
        self.cancelled.inc();
    }

    /// Says that the service begins to stop.
    pub fn draining(&self) {
        self.draining.set(1);
    }

    /// Sets the number of connections that are open to the admin port.
    pub fn admin_connections(&self, open: usize) {
        self.admin_connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Notes the age of a Check in milliseconds.
    pub fn request_age(&self, millis: i64) {
        self.live.add_age(millis);
    }

    /// Counts a fetch of keys: `success`, or the kind of trouble, of a closed list.
    pub fn refreshed(&self, issuer: &str, outcome: &'static str) {
        self.refreshes.count(&RefreshLabels { issuer: issuer.to_owned(), outcome });
    }

    /// Counts a failure of the directory of saved keys.
    pub fn keys_dir_failed(&self, operation: KeysDirUse) {
        self.keys_dir_failures.get_or_create(&operation.labels()).inc();
    }

    /// Says whether an issuer's keys could be saved.
    pub fn keys_saved(&self, issuer: &str, are_saved: bool) {
        self.keys_saved.set(&IssuerLabels { issuer: issuer.to_owned() }, are_saved.into());
    }

    /// Renders all of them as OpenMetrics text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if encode_registry(&mut text, &self.process).and_then(|()| encode(&mut text, &self.registry)).is_err() {
            // Writing to a string does not fail; a scraper is told rather than shown half.
            text.clear();
            let _ = text.write_str("# EOF\n");
        }
        text
    }
}

/// Denials for troubles that are not the client's, of all rules together: the series are there from the start, as those of
/// each rule can't be.
fn failures(registry: &mut Registry) -> Family<CodeLabels, Counter> {
    let failures: Family<CodeLabels, Counter> = Family::default();
    for reason in DenyReason::all().filter(|reason| reason.is_our_trouble()) {
        drop(failures.get_or_create(&CodeLabels { code: reason.code() }));
    }
    let help = "Checks denied for a trouble of an issuer or of Portcullis, not of the client, by reason code";
    registry.register("ext_authz_failures", help, failures.clone());
    failures
}

/// Failures of the directory of saved keys: there from the start, so that an alert on their increase sees the first one.
fn keys_dir_failures(registry: &mut Registry) -> Family<OperationLabels, Counter> {
    let failures: Family<OperationLabels, Counter> = Family::default();
    for operation in KeysDirUse::ALL {
        drop(failures.get_or_create(&operation.labels()));
    }
    let help = "Times that the directory of saved keys could not be used, by what was tried";
    registry.register("keys_dir_failures", help, failures.clone());
    failures
}

/// The labels of `build_info`.
fn build_labels() -> Vec<(&'static str, &'static str)> {
    [("version", build_info::VERSION)].into_iter().chain(build_info::REVISION.map(|name| ("revision", name))).collect()
}

/// The counters of the whole process, which has one log, one panic hook and one subscriber to trace events.
#[derive(Debug)]
struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counters = [
            ("log_lines_dropped", "Log lines that were not written", log_output::dropped_lines()),
            ("panics", "Panics, caught ones included: each is a bug", panic_hook::panics()),
        ];
        for (name, help, value) in counters {
            let value = ConstCounter::new(value);
            value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)?;
        }
        let help = "gRPC calls reset unread, by the part of their HTTP/2 pseudo-headers that is missing or malformed";
        let mut family = encoder.encode_descriptor("calls_rejected", help, None, MetricType::Counter)?;
        for (part, calls) in rejected_calls::counts() {
            ConstCounter::new(calls).encode(family.encode_family(&PartLabels { part })?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
