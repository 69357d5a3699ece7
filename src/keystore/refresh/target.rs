//! The keys that a refresher keeps fresh: whose they are, and where they come from.

use std::{sync::Arc, time::Duration};

use portcullis_engine::keys::algorithm::Algorithm;

use crate::keystore::source::{KeySource, Transport};

/// Whose keys, from where.
#[derive(Clone, Debug)]
pub struct Target {
    /// The issuer.
    pub issuer: Arc<str>,
    /// The algorithms its keys may be used with.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys are.
    pub source: KeySource,
    /// How they are fetched: what is saved counts for that way only.
    pub transport: Transport,
    /// How old its keys may become.
    pub max_stale: Duration,
    /// Where the configuration names it, for people.
    pub written_at: String,
}
