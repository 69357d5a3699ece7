//! Metrics by label of which some can be taken away.

use std::{collections::HashSet, fmt, hash::Hash};

use parking_lot::Mutex;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

/// Metrics by label, of which some can be taken away: a family does not say which it has.
#[derive(Debug)]
pub(super) struct Series<L: Clone + Hash + Eq + fmt::Debug, M: Default = Counter> {
    pub(super) family: Family<L, M>,
    known: Mutex<HashSet<L>>,
}

impl<L: Clone + Hash + Eq + fmt::Debug> Series<L> {
    pub(super) fn count(&self, labels: &L) {
        let is_known = self.family.get(labels).map(|counter| counter.inc()).is_some();
        if !is_known {
            self.start(labels.clone());
            self.family.get_or_create(labels).inc();
        }
    }
}

impl<L: Clone + Hash + Eq + fmt::Debug> Series<L, Gauge> {
    pub(super) fn set(&self, labels: &L, value: i64) {
        self.start(labels.clone());
        self.family.get_or_create(labels).set(value);
    }
}

impl<L: Clone + Hash + Eq + fmt::Debug, M: Default> Series<L, M> {
    pub(super) fn new() -> Self {
        Self { family: Family::default(), known: Mutex::default() }
    }

    /// Makes a series that begins at zero, unless it is there.
    pub(super) fn start(&self, labels: L) {
        drop(self.family.get_or_create(&labels));
        self.known.lock().insert(labels);
    }

    pub(super) fn retain(&self, stays: impl Fn(&L) -> bool) {
        let mut known = self.known.lock();
        known.retain(|labels| stays(labels) || !self.family.remove(labels));
    }
}
