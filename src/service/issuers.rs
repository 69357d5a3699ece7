//! The trusted issuers of one configuration: their keys, the tasks that keep those fresh, and the verifier. A reload takes
//! over what it left alone.
//!
//! *Invariant: keys belong to the configuration of their issuer.* They pass from one configuration to the next only if
//! everything that says which keys those are is the same: name, source, way there, algorithms.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use super::{
    error::ServeError,
    outside::Outside,
    supervise::{Backoff, caught, wait_to_restart},
};
use crate::{
    config::IssuerConfig,
    keystore::{
        fetch::FetchError,
        issuer_keys::IssuerKeys,
        refresh::{self, Target},
        saved::SavedKeys,
        source::KeySource,
        store::KeyStore,
    },
    service::telemetry::metrics::Metrics,
};
use portcullis_engine::{
    jwt::claim_retention::AskedClaims, keys::key_set::KeySet, token_cache::cached_verifier::CachedVerifier,
};

/// What is in force of `issuers` and `keys_dir`.
pub(super) struct Issuers {
    configs: Vec<IssuerConfig>,
    saved: Option<SavedKeys>,
    pub(super) keys: Arc<KeyStore>,
    pub(super) verifier: CachedVerifier,
}

/// What every issuer's task needs.
pub(super) struct Around<'a> {
    pub(super) tasks: &'a mut JoinSet<()>,
    pub(super) outside: &'a Outside,
    pub(super) observer: Arc<dyn refresh::Observer>,
}

impl Issuers {
    /// The issuers of the start.
    pub(super) fn start(
        configs: Vec<IssuerConfig>,
        saved: Option<SavedKeys>,
        keys: Arc<KeyStore>,
        verifier: CachedVerifier,
        around: &mut Around<'_>,
    ) -> Result<Self, ServeError> {
        for issuer in &configs {
            around.keep_fresh(issuer, &keys, saved.clone(), None)?;
        }
        Ok(Self { configs, saved, keys, verifier })
    }

    /// The issuers of the next configuration, whose policy asks about these claims. Nothing of `self` has changed if that
    /// fails: the tasks that were begun end.
    pub(super) fn succeeded_by(
        &self,
        configs: Vec<IssuerConfig>,
        saved: Option<SavedKeys>,
        asked: AskedClaims,
        around: &mut Around<'_>,
    ) -> Result<Self, ServeError> {
        let keys = Arc::new(self.keys.successor());
        let now = Instant::now();
        for issuer in &configs {
            let name = &issuer.rules.issuer;
            let before = self.configs.iter().find(|before| before.rules.issuer == *name);
            let same_keys = before.is_some_and(|before| have_same_keys(before, issuer));
            let same_care = before.is_some_and(|before| before.max_stale == issuer.max_stale) && self.saved == saved;
            if same_keys && same_care && keys.adopt(name, &self.keys) {
                keys.set_clock_tolerance(name, issuer.rules.clock_tolerance);
                continue;
            }
            // Kept in another way, but the same keys: an issuer that is down just now is no outage.
            let held = self.keys.held(name, now).filter(|_| same_keys);
            around.keep_fresh(issuer, &keys, saved.clone(), held)?;
        }
        let is_same = self.configs.len() == configs.len()
            && self.configs.iter().zip(&configs).all(|(a, b)| a.rules == b.rules && have_same_keys(a, b));
        // What is remembered of a token is true by the rules it was verified with, and by no others. Of its claims there is
        // only what the policies so far asked about.
        let verifier = if is_same && self.verifier.keeps(&asked) {
            self.verifier.clone()
        } else {
            self.verifier.successor(configs.iter().map(|issuer| issuer.rules.clone())).keeping(asked)
        };
        Ok(Self { configs, saved, keys, verifier })
    }

    /// Where their keys are saved.
    pub(super) const fn saved(&self) -> Option<&SavedKeys> {
        self.saved.as_ref()
    }

    /// Makes the series of their fetches, so that an alert on an increase sees the first failure.
    pub(super) fn start_series(&self, metrics: &Metrics) {
        let is_fetched = |issuer: &&IssuerConfig| !matches!(issuer.source, KeySource::Secret(_));
        for issuer in self.configs.iter().filter(is_fetched) {
            metrics.start_refreshes(&issuer.rules.issuer, FetchError::KINDS.into_iter().chain(["success"]));
        }
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.configs.iter().map(|issuer| &*issuer.rules.issuer)
    }
}

/// Whether two configurations of an issuer lead to the same keys.
fn have_same_keys(one: &IssuerConfig, other: &IssuerConfig) -> bool {
    one.rules.issuer == other.rules.issuer
        && one.rules.algorithms == other.rules.algorithms
        && one.source == other.source
        && one.transport == other.transport
}

impl Around<'_> {
    fn keep_fresh(
        &mut self,
        issuer: &IssuerConfig,
        keys: &Arc<KeyStore>,
        saved: Option<SavedKeys>,
        held: Option<(Arc<KeySet>, Duration)>,
    ) -> Result<(), ServeError> {
        let algorithms = issuer.rules.algorithms.as_slice().to_vec();
        let name = Arc::clone(&issuer.rules.issuer);
        let fetch = match &issuer.source {
            KeySource::Secret(secret) => {
                keys.add(name, IssuerKeys::fixed(KeySet::from_secret(secret, &algorithms), Instant::now()));
                return Ok(());
            }
            // A machine without any certificate can still read files.
            KeySource::JwksFile(_) | KeySource::PublicKeyFile(_) => None,
            KeySource::Discovery { .. } | KeySource::JwksUri { .. } => {
                let fetcher = self.outside.fetchers.fetcher(&issuer.transport);
                Some(fetcher.map_err(|cause| ServeError::Transport { issuer: name.to_string(), cause })?)
            }
        };
        let mut first = IssuerKeys::awaiting_first_fetch(issuer.max_stale);
        let age = held.as_ref().map(|(_, age)| *age);
        if let Some((set, age)) = held {
            first.restore(set, age, rand::random(), Instant::now());
        }
        keys.add(Arc::clone(&name), first);
        keys.set_clock_tolerance(&name, issuer.rules.clock_tolerance);
        if let Some(age) = age {
            keys.note_success(&name, self.outside.clock.now().minus(age));
        }
        let own = Arc::new(keys.only(&name));
        let target = Target {
            issuer: Arc::clone(&name),
            algorithms,
            source: issuer.source.clone(),
            transport: issuer.transport.clone(),
            max_stale: issuer.max_stale,
            written_at: issuer.written_at.clone(),
        };
        let (clock, observer) = (Arc::clone(&self.outside.clock), Arc::clone(&self.observer));
        let around = refresh::Outside { fetch, saved, clock, observer };
        keys.refreshed_by(&name, self.tasks.spawn(keep_refreshing(Arc::new(target), own, around)));
        Ok(())
    }
}

/// Keeps the keys of one issuer fresh, whatever bugs there are.
async fn keep_refreshing(target: Arc<Target>, store: Arc<KeyStore>, outside: refresh::Outside) {
    let mut backoff = Backoff::new();
    while caught(refresh::run(Arc::clone(&target), Arc::clone(&store), outside.clone())).await.is_err() {
        // The attempt that it was in has failed: Checks that wait for it must not wait for the next one.
        let error = FetchError::Bug.to_string();
        store.end(&target.issuer, Err(error), rand::random::<f64>(), Instant::now());
        wait_to_restart("key refresher", &mut backoff).await;
    }
}

/// Adds an issuer to the store and starts the task that keeps its keys fresh, where they can change. The task ends with the
/// last store that has the issuer's keys.
///
/// # Errors
/// [`ServeError::Transport`] if its keys can't be fetched in the configured way.
pub fn keep_fresh(
    refreshers: &mut JoinSet<()>,
    issuer: &IssuerConfig,
    keys: &Arc<KeyStore>,
    outside: &Outside,
    saved: Option<SavedKeys>,
    observer: Arc<dyn refresh::Observer>,
) -> Result<(), ServeError> {
    Around { tasks: refreshers, outside, observer }.keep_fresh(issuer, keys, saved, None)
}
