//! What the store has of one issuer: shared by the configurations that leave the issuer alone, and by its refresher.

use std::{sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

use super::places::OwnPlaces;
use crate::keystore::{clock_skew::ClockSkew, issuer_keys::IssuerKeys};
use portcullis_engine::time::UnixTime;

/// Facts about the fetches of an issuer's keys that nothing depends on: people are told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FetchFacts {
    /// The time by our clock at which the keys in use were fetched, be it by an earlier run.
    pub(super) last_success: Option<UnixTime>,
    /// The issuer's clock compared with ours, at the last fetch that told.
    pub(super) clock_skew: Option<ClockSkew>,
    /// The tolerance for the times in the issuer's tokens: clocks that differ by more are reported.
    pub(super) clock_tolerance: Duration,
}

/// One issuer's keys, with those who wait for them.
#[derive(Debug)]
pub(super) struct Entry {
    keys: RwLock<IssuerKeys>,
    facts: Mutex<FetchFacts>,
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
        let (keys, facts, wanted) = (RwLock::new(keys), Mutex::default(), Arc::new(Notify::new()));
        Self { keys, facts, wanted, ended, settled, places }
    }

    pub(super) fn keys(&self) -> RwLockReadGuard<'_, IssuerKeys> {
        // What is changed in there is changed whole, or not at all.
        self.keys.read()
    }

    pub(super) fn keys_mut(&self) -> RwLockWriteGuard<'_, IssuerKeys> {
        self.keys.write()
    }

    pub(super) fn facts(&self) -> MutexGuard<'_, FetchFacts> {
        // Each is right by itself.
        self.facts.lock()
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
