//! The keys that a refresher keeps fresh: whose they are, and where they come from.

use std::{sync::Arc, time::Duration};

use portcullis_engine::keys::algorithm::Algorithm;

use crate::keystore::source::{KeySource, Transport};

/// The keys that a refresher keeps fresh.
#[derive(Clone, Debug)]
pub struct Target {
    /// The issuer of the keys.
    pub issuer: Arc<str>,
    /// The algorithms its keys may be used with.
    pub algorithms: Vec<Algorithm>,
    /// The source of the keys.
    pub source: KeySource,
    /// The way in which the keys are fetched: what is saved counts for that way only.
    pub transport: Transport,
    /// The age that the keys may reach.
    pub max_stale: Duration,
    /// The place where the configuration names the issuer, for people.
    pub written_at: String,
}
