//! Configurations of the house, for what needs a policy or an issuer: made as the operator's are.

use std::collections::BTreeMap;

use portcullis::config::{self, Config, Loaded};

/// The configuration of a text that has one.
pub fn of(text: &str) -> Config {
    match config::parse(text, "portcullis.yaml", &BTreeMap::new()) {
        Ok(Loaded { config, .. }) => config,
        Err(errors) => panic!("{}", errors.render(false, 120)),
    }
}
