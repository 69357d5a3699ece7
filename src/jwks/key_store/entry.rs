//! What the store has of one issuer: shared by the configurations that leave the issuer alone, and by its refresher.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

use super::places::OwnPlaces;
use crate::jwks::issuer_keys::IssuerKeys;

/// One issuer's keys, with those who wait for them.
#[derive(Debug)]
pub(super) struct Entry {
    keys: RwLock<IssuerKeys>,
    /// Wakes the refresher.
    pub(super) wanted: Arc<Notify>,
    /// Counts ended fetches; wakes waiting Checks.
    pub(super) ended: watch::Sender<u64>,
    /// Whether there are keys, or an attempt to get some has ended.
    pub(super) settled: watch::Sender<bool>,
    /// The places that those who wait have taken.
    pub(super) places: OwnPlaces,
}

impl Entry {
    pub(super) fn new(keys: IssuerKeys) -> Self {
        let (ended, settled) = (watch::Sender::new(keys.attempts()), watch::Sender::new(keys.is_settled()));
        let places = OwnPlaces::new();
        Self { keys: RwLock::new(keys), wanted: Arc::new(Notify::new()), ended, settled, places }
    }

    pub(super) fn keys(&self) -> RwLockReadGuard<'_, IssuerKeys> {
        // What is changed in there is changed whole, or not at all.
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keys_mut(&self) -> RwLockWriteGuard<'_, IssuerKeys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that keeps keys fresh: it ends when the last one who holds this lets go.
#[derive(Debug)]
pub(super) struct Refresher(AbortHandle);

impl Refresher {
    pub(super) const fn new(task: AbortHandle) -> Self {
        Self(task)
    }
}

impl Drop for Refresher {
    fn drop(&mut self) {
        self.0.abort();
    }
}
