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
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::Registry,
};

use super::{
    connections::ConnectionMetrics,
    issuer_metrics::IssuerMetrics,
    live::Live,
    log_output, panic_hook,
    process::ProcessMetrics,
    series::Series,
    tally::{CheckTimes, Checks, Part, Tally},
    thread_lag::ThreadLags,
};
pub use super::{live::LiveFigures, tally::CheckDurations, thread_lag::ThreadLag};
use crate::{build_info, decision::DenyReason, jwks::key_store::KeyStore, jwt::token_cache::TokenCache};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    issuer: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
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
    live: Live,
    thread_lags: ThreadLags,
    refreshes: Series<RefreshLabels>,
    keys_dir_failures: Family<OperationLabels, Counter>,
    reloads: Family<OutcomeLabels, Counter>,
    last_reload_successful: Gauge,
    config_loaded: Gauge,
    config_revision: Arc<ArcSwap<String>>,
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
        let (live, thread_lags) = (Live::new(), ThreadLags::default());
        registry.register_collector(Box::new(live.clone()));
        registry.register_collector(Box::new(thread_lags.clone()));
        let refreshes = Series::new();
        registry.register("jwks_refresh", "Fetches of an issuer's keys, by outcome", refreshes.family.clone());
        let keys_dir_failures = keys_dir_failures(&mut registry);
        let (keys, tokens) = (Arc::new(ArcSwap::new(keys)), Arc::new(ArcSwap::new(tokens)));
        registry.register_collector(Box::new(IssuerMetrics(Arc::clone(&keys))));
        registry.register_collector(Box::new(TokensCollector(Arc::clone(&tokens))));
        registry.register_collector(Box::new(ProcessCollector));
        let (reloads, last_reload_successful, config_loaded) = configuration(&mut registry);
        let config_revision = Arc::<ArcSwap<String>>::default();
        registry.register_collector(Box::new(RevisionCollector(Arc::clone(&config_revision))));
        registry.register("build", "The version of this program", Info::new(build_labels()));
        let mut process = Registry::default();
        process.register_collector(Box::new(ProcessMetrics::new()));
        let connections = ConnectionMetrics::register(&mut registry);
        let (draining, admin_connections) = (Gauge::default(), Gauge::default());
        registry.register("draining", "1 from the begin of a stop to its end, 0 before", draining.clone());
        let help = "Connections to the admin port open now";
        registry.register("admin_connections_open", help, admin_connections.clone());
        Self {
            registry,
            process,
            checks,
            failures,
            live,
            thread_lags,
            refreshes,
            keys_dir_failures,
            reloads,
            last_reload_successful,
            config_loaded,
            config_revision,
            draining,
            admin_connections,
            connections,
            keys,
            tokens,
        }
    }

    /// Another configuration is in force since then (seconds since 1970): these are its keys and remembered tokens.
    pub fn follow(&self, revision: &str, keys: Arc<KeyStore>, tokens: Arc<TokenCache>, since: i64) {
        self.keys.store(keys);
        self.tokens.store(tokens);
        self.loaded(revision, since);
    }

    /// The configuration of the start was loaded then, in seconds since 1970.
    pub fn started(&self, revision: &str, at: i64) {
        self.loaded(revision, at);
    }

    /// Sets what tells one configuration from another.
    fn loaded(&self, revision: &str, at: i64) {
        self.config_loaded.set(at);
        self.config_revision.store(Arc::new(revision.to_owned()));
    }

    /// Makes the series of the fetches of an issuer's keys: these are the outcomes that a fetch may have.
    pub fn start_refreshes(&self, issuer: &str, outcomes: impl Iterator<Item = &'static str>) {
        for outcome in outcomes {
            self.refreshes.start(RefreshLabels { issuer: issuer.to_owned(), outcome });
        }
    }

    /// Counts an attempt to load the configuration anew, by outcome, of a closed list.
    pub fn reloaded(&self, outcome: &'static str, ok: bool) {
        self.reloads.get_or_create(&OutcomeLabels { outcome }).inc();
        self.last_reload_successful.set(i64::from(ok));
    }

    /// Takes series away whose rule or issuer is no more. Those without a rule stay.
    pub fn retain(&self, rule_stays: impl Fn(&str) -> bool, issuer_stays: impl Fn(&str) -> bool) {
        self.checks.retain(rule_stays);
        self.refreshes.retain(|labels| issuer_stays(&labels.issuer));
    }

    /// Shows the figures of the running service and the lag of its threads.
    pub fn show(&self, threads: Vec<Arc<ThreadLag>>, figures: impl Fn() -> LiveFigures + Send + Sync + 'static) {
        self.thread_lags.show(threads);
        self.live.read_from(figures);
    }

    /// Makes the series of reloads, one for each outcome, so that an alert on their increase sees the first one.
    pub fn expect_reloads(&self, outcomes: impl Iterator<Item = &'static str>) {
        for outcome in outcomes {
            drop(self.reloads.get_or_create(&OutcomeLabels { outcome }));
        }
    }

    /// Counts a decision, and the name of the rule that it was made by.
    pub fn checked(&self, allowed: bool, code: &'static str, rule: Option<&Arc<str>>, took: CheckDurations) {
        self.checks.count(allowed, code, rule, took);
    }

    /// Counts a denial for a trouble that is not the client's, by its code, of a closed list.
    pub fn failed(&self, code: &'static str) {
        self.failures.get_or_create(&CodeLabels { code }).inc();
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
    for reason in [DenyReason::KeysUnavailable, DenyReason::Overloaded, DenyReason::Internal] {
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

/// What is counted of the configuration.
fn configuration(registry: &mut Registry) -> (Family<OutcomeLabels, Counter>, Gauge, Gauge) {
    let (reloads, ok, loaded) = (Family::default(), Gauge::default(), Gauge::default());
    registry.register("config_reloads", "Attempts to load the configuration anew, by outcome", reloads.clone());
    // What was loaded at the start was loaded well.
    ok.set(1);
    let help = "1 if the last attempt to load the configuration succeeded, 0 if an older one is still in force";
    registry.register("config_last_reload_successful", help, ok.clone());
    let help = "When the configuration in force was loaded, in seconds since 1970";
    registry.register("config_loaded_timestamp_seconds", help, loaded.clone());
    (reloads, ok, loaded)
}

/// The labels of `build_info`.
fn build_labels() -> Vec<(&'static str, &'static str)> {
    [("version", build_info::VERSION)].into_iter().chain(build_info::REVISION.map(|name| ("revision", name))).collect()
}

/// Names the active configuration.
#[derive(Debug)]
struct RevisionCollector(Arc<ArcSwap<String>>);

impl Collector for RevisionCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let info = Info::new([("revision", self.0.load().to_string())]);
        let help = "The active configuration, by the beginning of its SHA-256";
        info.encode(encoder.encode_descriptor("config", help, None, info.metric_type())?)
    }
}

/// The counters of the whole process, which has one log and one panic hook.
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
        Ok(())
    }
}

#[derive(Debug)]
struct TokensCollector(Arc<ArcSwap<TokenCache>>);

impl Collector for TokensCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = self.0.load().stats();
        let counters = [
            ("token_cache_hits", "Tokens that needed no signature check", stats.hits),
            ("token_cache_misses", "Tokens that were verified afresh, well or not", stats.misses),
            ("token_cache_refusals", "Tokens that needed no signature check to be refused", stats.refusals),
            ("token_cache_evictions", "Verified tokens that were forgotten to make room for others", stats.evictions),
        ];
        for (name, help, count) in counters {
            let count = ConstCounter::new(count);
            count.encode(encoder.encode_descriptor(name, help, None, count.metric_type())?)?;
        }
        let gauges = [
            ("token_cache_entries", "Verified tokens that are remembered", stats.entries),
            ("token_cache_bytes", "Bytes that they take, estimated", stats.bytes),
        ];
        for (name, help, value) in gauges {
            let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::jwks::issuer_keys::IssuerKeys;

    #[test]
    fn what_is_counted_is_shown() {
        let keys = Arc::new(KeyStore::new());
        keys.add("https://a.test/".into(), IssuerKeys::awaiting_first_fetch(crate::limits::KEYS_MAX_STALE));
        let metrics = Metrics::new(keys, Arc::default());
        let took = CheckDurations { queued: Duration::from_millis(20), whole: Duration::from_millis(30) };
        metrics.checked(false, "no_route", None, took);
        metrics.refreshed("https://a.test/", "timeout");
        let text = metrics.to_text();
        for line in [
            r#"portcullis_ext_authz_checks_total{decision="deny",code="no_route",rule=""} 1"#,
            "portcullis_ext_authz_check_duration_seconds_count 1",
            "portcullis_ext_authz_check_duration_seconds_sum 0.03",
            "portcullis_ext_authz_queue_duration_seconds_count 1",
            "portcullis_ext_authz_queue_duration_seconds_sum 0.02",
            r#"portcullis_jwks_refresh_total{issuer="https://a.test/",outcome="timeout"} 1"#,
            r#"portcullis_jwks_keys{issuer="https://a.test/"} 0"#,
            "portcullis_token_cache_hits_total 0",
            "portcullis_token_cache_entries 0",
            "portcullis_log_lines_dropped_total 0",
            "portcullis_panics_total 0",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} not in:\n{text}");
        }
    }

    #[test]
    fn series_are_there_from_the_start_with_0() {
        let metrics = Metrics::new(Arc::default(), Arc::default());
        metrics.start_refreshes("https://a.test/", ["success", "timeout"].into_iter());
        metrics.expect_reloads(["success", "invalid"].into_iter());
        let text = metrics.to_text();
        for line in [
            r#"portcullis_ext_authz_checks_total{decision="deny",code="internal",rule=""} 0"#,
            r#"portcullis_ext_authz_checks_total{decision="deny",code="overloaded",rule=""} 0"#,
            r#"portcullis_ext_authz_failures_total{code="internal"} 0"#,
            r#"portcullis_ext_authz_failures_total{code="keys_unavailable"} 0"#,
            r#"portcullis_ext_authz_failures_total{code="overloaded"} 0"#,
            "portcullis_ext_authz_queue_duration_seconds_count 0",
            "portcullis_ext_authz_checks_in_flight 0",
            "portcullis_ext_authz_checks_queued 0",
            "portcullis_ext_authz_checks_waiting_for_keys 0",
            "portcullis_ext_authz_request_age_seconds 0.0",
            r#"portcullis_jwks_refresh_total{issuer="https://a.test/",outcome="success"} 0"#,
            r#"portcullis_jwks_refresh_total{issuer="https://a.test/",outcome="timeout"} 0"#,
            r#"portcullis_config_reloads_total{outcome="success"} 0"#,
            r#"portcullis_config_reloads_total{outcome="invalid"} 0"#,
            "portcullis_connections_accepted_total 0",
            "portcullis_connections_refused_total 0",
            "portcullis_connections_closed_for_room_total 0",
            "portcullis_connections_accept_failures_total 0",
            "portcullis_connections_open 0",
            "portcullis_admin_connections_open 0",
            "portcullis_token_cache_evictions_total 0",
            "portcullis_draining 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} not in:\n{text}");
        }
        metrics.refreshed("https://a.test/", "timeout");
        metrics.retain(|_| true, |_| true);
        let text = metrics.to_text();
        assert!(text.contains(r#"{issuer="https://a.test/",outcome="timeout"} 1"#), "counts on from there: {text}");
        metrics.retain(|_| true, |_| false);
        assert!(!metrics.to_text().contains("a.test"), "and all of them go with their issuer");
    }

    #[test]
    fn figures_of_the_moment_are_read_at_each_scrape() {
        let metrics = Metrics::new(Arc::default(), Arc::default());
        let scrapes = std::sync::atomic::AtomicUsize::new(0);
        let lag = Arc::new(ThreadLag::new("check-0", tokio::time::Instant::now()));
        metrics.show(vec![lag], move || {
            let scrape = scrapes.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            LiveFigures { checks_queued: 10 * scrape, checks_in_work: 2, key_waiters: scrape }
        });
        metrics.request_age(-250);
        metrics.failed("overloaded");
        metrics.draining();
        metrics.admin_connections(3);
        for (in_flight, queued, waiting) in [(12, 10, 1), (22, 20, 2)] {
            let text = metrics.to_text();
            for line in [
                &*format!("portcullis_ext_authz_checks_in_flight {in_flight}\n"),
                &*format!("portcullis_ext_authz_checks_queued {queued}\n"),
                &*format!("portcullis_ext_authz_checks_waiting_for_keys {waiting}\n"),
                "portcullis_ext_authz_request_age_seconds -0.25\n",
                "portcullis_ext_authz_failures_total{code=\"overloaded\"} 1\n",
                "portcullis_thread_lag_seconds{thread=\"check-0\"} ",
                "portcullis_draining 1\n",
                "portcullis_admin_connections_open 3\n",
            ] {
                assert!(text.contains(line), "{line} not in:\n{text}");
            }
        }
    }

    #[test]
    fn a_reload_takes_series_away_whose_rule_is_no_more_and_everything_else_counts_on() {
        let metrics = Metrics::new(Arc::default(), Arc::default());
        let check = |rule: &str| metrics.checked(true, "ok", Some(&rule.into()), CheckDurations::default());
        ["old", "kept", ""].into_iter().for_each(check);
        metrics.refreshed("https://old.test/", "success");
        metrics.refreshed("https://kept.test/", "success");
        for round in 2..4 {
            metrics.retain(|rule| rule == "kept", |issuer| issuer == "https://kept.test/");
            ["kept", ""].into_iter().for_each(check);
            let text = metrics.to_text();
            assert!(!text.contains(r#"rule="old""#) && !text.contains("old.test"), "{text}");
            for rule in ["kept", ""] {
                assert!(text.contains(&format!(r#"rule="{rule}"}} {round}"#)), "{text}");
            }
            assert!(text.contains(r#"issuer="https://kept.test/",outcome="success"} 1"#), "{text}");
        }
        check("old");
        assert!(metrics.to_text().contains(r#"rule="old"} 1"#), "back, and counted from nothing");
        metrics.retain(|_| false, |_| false);
        assert!(!metrics.to_text().contains(r#"rule="old""#), "also when it came back");
    }

    #[test]
    fn reloads_are_counted_and_the_last_one_shows() {
        let metrics = Metrics::new(Arc::default(), Arc::default());
        metrics.started("aa", 7);
        metrics.expect_reloads(["invalid", "success"].into_iter());
        assert!(metrics.to_text().contains("portcullis_config_info{revision=\"aa\"} 1\n"));
        assert!(metrics.to_text().contains("portcullis_config_reloads_total{outcome=\"invalid\"} 0\n"));
        assert!(metrics.to_text().contains("portcullis_config_last_reload_successful 1\n"));
        metrics.reloaded("invalid", false);
        let text = metrics.to_text();
        for line in [
            "portcullis_config_last_reload_successful 0\n",
            "portcullis_config_reloads_total{outcome=\"invalid\"} 1\n",
            "portcullis_config_loaded_timestamp_seconds 7\n",
        ] {
            assert!(text.contains(line), "{line} not in:\n{text}");
        }
        metrics.reloaded("success", true);
        assert!(metrics.to_text().contains("portcullis_config_last_reload_successful 1\n"));
    }
}
