//! Metrics in the OpenMetrics text format. Label values come from the configuration or a closed list, so their number
//! is bounded by construction: no client can add a series.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text::encode},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::Registry,
};
use tokio::time::Instant;

use crate::{jwks::key_store::KeyStore, jwt::token_cache::TokenCache};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabels {
    decision: &'static str,
    code: &'static str,
    rule: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    issuer: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IssuerLabels {
    issuer: String,
}

/// The metrics of one running service. Not global: two services in one process count apart.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    checks: Family<CheckLabels, Counter>,
    duration: Histogram,
    refreshes: Family<RefreshLabels, Counter>,
}

impl Metrics {
    /// Metrics that start at zero, with the state of the keys and of remembered tokens read at each scrape.
    #[must_use]
    pub fn new(keys: Arc<KeyStore>, tokens: Arc<TokenCache>) -> Self {
        let mut registry = Registry::with_prefix("portcullis");
        let checks = Family::default();
        registry.register("ext_authz_checks", "Checks answered, by decision, reason code and rule", checks.clone());
        // From 25 µs (cached) over a millisecond (verified) to the longest wait for keys.
        let buckets = [25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 50e-3, 0.25, 1.0, 2.5];
        let duration = Histogram::new(buckets);
        let help = "Seconds from a Check's arrival to its answer, waiting for keys included";
        registry.register("ext_authz_check_duration_seconds", help, duration.clone());
        let refreshes = Family::default();
        registry.register("jwks_refresh", "Fetches of an issuer's keys, by outcome", refreshes.clone());
        registry.register_collector(Box::new(KeysCollector(keys)));
        registry.register_collector(Box::new(TokensCollector(tokens)));
        Self { registry, checks, duration, refreshes }
    }

    /// Counts a decision.
    pub fn checked(&self, allowed: bool, code: &'static str, rule: &str, took: Duration) {
        let decision = if allowed { "allow" } else { "deny" };
        self.checks.get_or_create(&CheckLabels { decision, code, rule: rule.to_owned() }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// Counts a fetch of keys: `success`, or the kind of trouble, of a closed list.
    pub fn refreshed(&self, issuer: &str, outcome: &'static str) {
        self.refreshes.get_or_create(&RefreshLabels { issuer: issuer.to_owned(), outcome }).inc();
    }

    /// All of them, as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            // Writing to a string does not fail; a scraper is told rather than shown half.
            text.clear();
            let _ = text.write_str("# EOF\n");
        }
        text
    }
}

#[derive(Debug)]
struct KeysCollector(Arc<KeyStore>);

impl Collector for KeysCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let status = self.0.status(Instant::now());
        let labels = |issuer: &str| IssuerLabels { issuer: issuer.to_owned() };
        let count = ConstGauge::new(0_i64);
        let help = "Usable keys of an issuer";
        let mut family = encoder.encode_descriptor("jwks_keys", help, None, count.metric_type())?;
        for issuer in &status {
            let keys = i64::try_from(issuer.keys).unwrap_or(i64::MAX);
            ConstGauge::new(keys).encode(family.encode_family(&labels(&issuer.issuer))?)?;
        }
        let help = "Seconds since an issuer's keys were fetched";
        let mut family = encoder.encode_descriptor("jwks_age_seconds", help, None, count.metric_type())?;
        for issuer in &status {
            if let Some(age) = issuer.age_seconds {
                let age = i64::try_from(age).unwrap_or(i64::MAX);
                ConstGauge::new(age).encode(family.encode_family(&labels(&issuer.issuer))?)?;
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct TokensCollector(Arc<TokenCache>);

impl Collector for TokensCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = self.0.stats();
        let counters = [
            ("token_cache_hits", "Tokens that needed no signature check", stats.hits),
            ("token_cache_misses", "Tokens that were verified afresh, well or not", stats.misses),
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
    use super::*;
    use crate::jwks::issuer_keys::IssuerKeys;

    #[test]
    fn what_is_counted_is_shown() {
        let keys = Arc::new(KeyStore::new());
        keys.add("https://a.test/".into(), IssuerKeys::awaiting_first_fetch(crate::limits::KEYS_MAX_STALE));
        let metrics = Metrics::new(keys, Arc::default());
        metrics.checked(false, "no_route", "", Duration::from_millis(1));
        metrics.refreshed("https://a.test/", "timeout");
        let text = metrics.to_text();
        for line in [
            r#"portcullis_ext_authz_checks_total{decision="deny",code="no_route",rule=""} 1"#,
            "portcullis_ext_authz_check_duration_seconds_count 1",
            r#"portcullis_jwks_refresh_total{issuer="https://a.test/",outcome="timeout"} 1"#,
            r#"portcullis_jwks_keys{issuer="https://a.test/"} 0"#,
            "portcullis_token_cache_hits_total 0",
            "portcullis_token_cache_entries 0",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} not in:\n{text}");
        }
    }
}
