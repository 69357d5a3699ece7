//! The metrics of remembered tokens: read from the active cache at each scrape.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

use portcullis_engine::token_cache::cache::TokenCache;

/// The metrics of the token cache that is active.
#[derive(Debug)]
pub(super) struct TokenMetrics(pub(super) Arc<ArcSwap<TokenCache>>);

impl Collector for TokenMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = self.0.load().stats();
        let counters = [
            ("token_cache_hits", "Tokens that needed no signature check", stats.hits),
            ("token_cache_misses", "Tokens that were verified afresh, well or not", stats.misses),
            (
                "token_cache_refusals",
                "Refusals of a token that needed no signature check; a Check that waits for keys may refuse twice",
                stats.refusals,
            ),
            ("token_cache_evictions", "Verified tokens that were forgotten to make room for others", stats.evictions),
        ];
        for (name, help, count) in counters {
            let count = ConstCounter::new(count);
            count.encode(encoder.encode_descriptor(name, help, None, count.metric_type())?)?;
        }
        let gauges = [
            ("token_cache_entries", "Verified tokens that are remembered", stats.entries),
            ("token_cache_bytes", "Bytes of memory that remembered tokens take, estimated", stats.bytes),
        ];
        for (name, help, value) in gauges {
            let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)?;
        }
        Ok(())
    }
}
