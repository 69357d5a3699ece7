//! Places for Checks that wait for keys. Anybody can make tokens that wait, so few may, and none at the cost of others.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;
use portcullis_engine::keys::lookup::KeyNeed;

/// The places of all issuers, shared by all stores that come one after another.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    replacements: Arc<Semaphore>,
    failing: Arc<Semaphore>,
}

/// The places that Checks have taken which wait for one issuer.
#[derive(Debug)]
pub(super) struct OwnPlaces(Arc<Semaphore>);

/// A place. Dropping it frees it.
#[derive(Debug)]
pub(super) struct Place {
    _permits: [Option<OwnedSemaphorePermit>; 4],
}

impl Default for Places {
    fn default() -> Self {
        let semaphore = |places| Arc::new(Semaphore::new(places));
        Self {
            all: semaphore(limits::KEY_WAITERS),
            replacements: semaphore(limits::REPLACEMENT_WAITERS),
            failing: semaphore(limits::FAILING_WAITERS),
        }
    }
}

impl OwnPlaces {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(limits::KEY_WAITERS)))
    }

    fn taken(&self) -> usize {
        limits::KEY_WAITERS.saturating_sub(self.0.available_permits())
    }
}

impl Places {
    /// Returns the number of places that are taken.
    pub(super) fn taken(&self) -> usize {
        limits::KEY_WAITERS.saturating_sub(self.all.available_permits())
    }

    /// Takes a place for a Check that waits for an issuer with these places of its own, if there is one. `is_failing` says
    /// whether that issuer's fetches fail. Called by one at a time for each issuer.
    pub(super) fn take(&self, own: &OwnPlaces, need: KeyNeed, is_failing: bool) -> Option<Place> {
        if is_failing && own.taken() >= limits::FAILING_ISSUER_WAITERS {
            return None;
        }
        let class = |is_in: bool, places: &Arc<Semaphore>| match is_in {
            true => Arc::clone(places).try_acquire_owned().map(Some),
            false => Ok(None),
        };
        let is_replacement = matches!(need, KeyNeed::Replacement);
        let permits = [
            class(is_replacement, &self.replacements).ok()?,
            class(is_failing, &self.failing).ok()?,
            class(true, &own.0).ok()?,
            class(true, &self.all).ok()?,
        ];
        Some(Place { _permits: permits })
    }
}
