//! The outside of a refresher: fetches, saved keys, the clock, and who hears of it.

use std::{sync::Arc, time::Duration};

use portcullis_engine::keys::key_set::KeySet;

use crate::{
    clock::Clock,
    keystore::{
        clock_skew::ClockSkew,
        fetch::{Fetch, FetchError},
        saved::SavedKeys,
    },
};

/// The outside of a refresher.
#[derive(Clone)]
pub struct Outside {
    /// Gets documents; `None` where there are none to get.
    pub fetch: Option<Arc<dyn Fetch>>,
    /// Keeps key sets for the next start, if there is a place for them.
    pub saved: Option<SavedKeys>,
    /// Wall time, for what is saved.
    pub clock: Arc<dyn Clock>,
    /// Hears how it went.
    pub observer: Arc<dyn Observer>,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outside(..)")
    }
}

/// Hears how fetches went: logs and metrics.
pub trait Observer: Send + Sync + 'static {
    /// A fetch has ended.
    fn fetched(&self, issuer: &str, outcome: Result<&KeySet, &FetchError>, took: Duration);

    /// The issuer's clock was compared with ours, after a fetch.
    fn clock_compared(&self, issuer: &str, skew: ClockSkew, tolerance: Duration);

    /// Keys of an earlier run, fetched `age` ago, are in use until newer ones come.
    fn restored(&self, issuer: &str, age: Duration);

    /// Keys were saved for the next start.
    fn saved(&self, issuer: &str) {
        let _ = issuer;
    }

    /// Keys could not be saved for the next start.
    fn not_saved(&self, issuer: &str, error: &FetchError);

    /// Saved keys could not be read, or not be used.
    fn not_restored(&self, issuer: &str, error: &FetchError);
}
