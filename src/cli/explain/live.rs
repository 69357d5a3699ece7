//! With the keys that the issuer has now, fetched as `serve` fetches them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time};

use super::error::ExplainError;
use crate::{
    cli::output,
    clock::SystemClock,
    config::Config,
    keystore::{
        clock_skew::ClockSkew,
        fetch::{FetchError, HttpFetchers},
        refresh,
        store::KeyStore,
    },
    limits,
    service::{self, Outside},
    tools::{
        explain::{self, Explanation, Signatures},
        simulate::{request::Ask, simulator::Stage},
    },
};
use portcullis_engine::{keys::key_set::KeySet, reason::DenyReason};

/// Sees whether the last fetch could not reach the issuer's address.
#[derive(Default)]
struct Connections {
    is_unreachable: AtomicBool,
}

impl refresh::Observer for Connections {
    fn fetched(&self, _: &str, result: Result<&KeySet, &FetchError>, _: Duration) {
        let is_unreachable = result.is_err_and(|error| matches!(error.most_helpful(), FetchError::Unreachable { .. }));
        self.is_unreachable.store(is_unreachable, Ordering::Relaxed);
    }

    fn clock_compared(&self, _: &str, _: ClockSkew, _: Duration) {}

    fn restored(&self, _: &str, _: Duration) {}

    fn not_saved(&self, _: &str, _: &FetchError) {}

    fn not_restored(&self, _: &str, _: &FetchError) {}
}

/// Explains with real keys. Those of the token's issuer alone are fetched: no other has a say.
pub(super) async fn explained(config: Config, ask: &Ask) -> Result<Explanation, ExplainError> {
    let keys = Arc::new(KeyStore::new());
    let mut refreshers = JoinSet::new();
    let rules: Vec<_> = config.issuers.iter().map(|issuer| issuer.rules.clone()).collect();
    let stage = Stage::live(config.policy, rules, &config.identity, Arc::clone(&keys));
    let outside = Outside { clock: Arc::new(SystemClock), fetchers: Arc::new(HttpFetchers) };
    let named = stage.issuer_of(ask);
    let issuers = config.issuers.iter().filter(|issuer| named.as_deref() == Some(&*issuer.rules.issuer));
    let connections = Arc::new(Connections::default());
    for issuer in issuers {
        service::keep_fresh(&mut refreshers, issuer, &keys, &outside, None, Arc::<Connections>::clone(&connections))
            .map_err(|error| ExplainError::Keys(error.to_string()))?;
        wait(&keys, &issuer.rules.issuer).await;
    }
    // A token that its keys refute asks for a fetch, as it does when `serve` is asked.
    let answered = stage.ask_live(ask, limits::KEY_WAIT).await?;
    let mut explanation = explain::explain(&stage, ask, &answered, Signatures::Checked);
    // Why the keys can't be had is for the operator; the client is told nothing of it.
    if !answered.allowed {
        let failures = keys.status(time::Instant::now()).into_iter().filter_map(|issuer| issuer.last_error);
        let causes: Vec<String> = failures.map(|error| format!("the keys could not be fetched: {error}")).collect();
        if answered.deny == Some(DenyReason::KeysUnavailable) && !causes.is_empty() {
            explanation.help.clear();
        }
        explanation.help.extend(causes);
        if connections.is_unreachable.load(Ordering::Relaxed) {
            explanation.help.push("is the issuer up, and is its address right?".to_owned());
        }
    }
    Ok(explanation)
}

async fn wait(keys: &KeyStore, issuer: &str) {
    let settled = keys.settled();
    tokio::pin!(settled);
    if time::timeout(limits::PROGRESS_AFTER, &mut settled).await.is_err() {
        output::progress(&format!("fetching the keys of {issuer} …"));
        // Late keys are no keys: the answer is then the one that `serve` gives without them.
        let _ = time::timeout(limits::EXPLAIN_KEYS, settled).await;
    }
}
