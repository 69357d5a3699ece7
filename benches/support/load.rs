//! Configurations, for benchmarks.
#![expect(clippy::panic, reason = "a benchmark of something else than it says is worse than none")]

use std::collections::BTreeMap;

use portcullis::config::{self, Config};

/// The configuration of a text.
pub(crate) fn load(text: &str) -> Config {
    match config::parse(text, "portcullis.yaml", &BTreeMap::new()) {
        Ok(loaded) => loaded.config,
        Err(problems) => panic!("{}", problems.render(false, 100)),
    }
}
