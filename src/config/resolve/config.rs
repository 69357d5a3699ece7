//! A whole configuration from its specification.

use std::collections::BTreeMap;

use super::issuer;
use crate::config::{
    configuration::{Config, IssuerConfig},
    decode::{
        bag::Bag,
        spec::{ConfigSpec, Settings},
    },
};

/// Reads what a specification names. There is a configuration only if no problem so far is an error.
pub(crate) fn resolve(bag: &mut Bag, spec: ConfigSpec<'_>, env: &BTreeMap<String, String>) -> Option<Config> {
    let ConfigSpec { settings, issuers } = spec;
    let issuers: Vec<Option<IssuerConfig>> =
        issuers.into_iter().map(|issuer| issuer::resolve(bag, issuer?, env)).collect();
    let issuers = issuers.into_iter().collect::<Option<Vec<_>>>()?;
    let Settings { listen, policy, identity, keys_dir, ready, tests } = settings.filter(|_| !bag.has_errors())?;
    Some(Config { listen, issuers, policy, identity, keys_dir, ready, tests })
}
