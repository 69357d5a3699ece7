//! The metrics of issuers' keys. Read from the key store at each scrape: an issuer has its series from the moment at which its
//! configuration takes effect, and has them no more once a reload has removed it.

use std::{collections::BTreeSet, fmt, sync::Arc};

use arc_swap::ArcSwap;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge, info::Info},
};
use tokio::time::Instant;

use crate::keystore::store::{IssuerStatus, KeyStore};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct IssuerLabels {
    pub(super) issuer: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    issuer: String,
    kid: String,
}

/// All labels of an info metric are its own.
const NO_LABELS: &[(&str, &str); 0] = &[];

/// Reads the state of the keys at each scrape.
#[derive(Debug)]
pub(super) struct IssuerMetrics(pub(super) Arc<ArcSwap<KeyStore>>);

/// A metric with a series for each issuer that has a value.
struct IssuerGauge {
    name: &'static str,
    help: &'static str,
    value: fn(&IssuerStatus) -> Option<i64>,
}

const GAUGES: [IssuerGauge; 5] = [
    IssuerGauge { name: "jwks_keys", help: "Usable keys of an issuer", value: |issuer| Some(whole(issuer.keys)) },
    IssuerGauge {
        name: "jwks_age_seconds",
        help: "Seconds since an issuer's keys were fetched",
        value: |issuer| issuer.age_seconds.map(whole),
    },
    IssuerGauge {
        name: "jwks_next_refresh_seconds",
        help: "Seconds until an issuer's keys are to be fetched next",
        value: |issuer| issuer.next_refresh_seconds.map(whole),
    },
    IssuerGauge {
        name: "jwks_consecutive_failures",
        help: "Fetches of an issuer's keys that have failed since the last one that succeeded",
        value: |issuer| is_fetched(issuer).then_some(i64::from(issuer.failures)),
    },
    IssuerGauge {
        name: "jwks_last_success_timestamp_seconds",
        help: "When an issuer's keys were fetched last, in seconds since 1970; 0 if they never were",
        value: |issuer| is_fetched(issuer).then(|| issuer.last_success.unwrap_or(0)),
    },
];

/// Says whether the keys of an issuer can change: those that came with the configuration are never fetched.
fn is_fetched(issuer: &IssuerStatus) -> bool {
    issuer.next_refresh_seconds.is_some()
}

fn whole(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

impl Collector for IssuerMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let status = self.0.load().status(Instant::now());
        for IssuerGauge { name, help, value } in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for issuer in &status {
                if let Some(value) = value(issuer) {
                    ConstGauge::new(value).encode(family.encode_family(&labels(issuer))?)?;
                }
            }
        }
        let help = "Seconds by which an issuer's clock is ahead of ours, at least; negative if it is behind";
        let mut family = encoder.encode_descriptor("jwks_clock_skew_seconds", help, None, MetricType::Gauge)?;
        for issuer in &status {
            if let Some(skew) = issuer.clock_skew_seconds {
                ConstGauge::new(skew).encode(family.encode_family(&labels(issuer))?)?;
            }
        }
        let help = "The keys of an issuer that are in use, by their names";
        let mut family = encoder.encode_descriptor("jwks_key", help, None, MetricType::Info)?;
        for issuer in &status {
            // Two keys for different algorithms may share a name, and a series may be there once.
            let kids: BTreeSet<String> = issuer.kids.iter().map(|kid| printable(kid)).collect();
            for kid in kids {
                let labels = KeyLabels { issuer: issuer.issuer.clone(), kid };
                Info::new(labels).encode(family.encode_family(NO_LABELS)?)?;
            }
        }
        Ok(())
    }
}

fn labels(issuer: &IssuerStatus) -> IssuerLabels {
    IssuerLabels { issuer: issuer.issuer.clone() }
}

/// A `kid` without control characters: it is the issuer's text, and ends up in terminals. Those characters become escape
/// sequences; quotes and backslashes are escaped when the label is written.
fn printable(kid: &str) -> String {
    let mut shown = String::with_capacity(kid.len());
    for c in kid.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}
