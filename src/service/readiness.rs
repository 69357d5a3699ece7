//! Readiness: what `/readyz` waits for, and whether it has come.
//!
//! *Invariant: ready once, ready until the stop.* What a reload brings, or an outage takes, is no reason to take every
//! replica away at once.

use std::{fmt::Write as _, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::Notify, time::Instant};

use crate::{
    config::ReadyRule,
    ext_authz::service::{Current, Engine},
    keystore::store::IssuerStatus,
    limits,
    service::admin::{AwaitedIssuer, Ready},
};

/// The readiness of a service, for `/readyz`.
#[derive(Debug)]
pub(super) struct Readiness {
    current: Arc<Current>,
    state: Mutex<State>,
    /// Told whenever there may be news.
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    rule: ReadyRule,
    /// Every issuer of the start has keys, or a first fetch of them has failed.
    has_settled: bool,
    was_ready: bool,
    is_stopping: bool,
}

impl State {
    fn is_fulfilled(&self, engine: &Engine, issuers: &[IssuerStatus]) -> bool {
        match self.rule {
            ReadyRule::Keys => {
                let needs_keys = !issuers.is_empty() && engine.authorizer.policy().looks_at_tokens();
                !needs_keys || issuers.iter().any(|issuer| issuer.keys > 0)
            }
            ReadyRule::Started => self.has_settled || issuers.iter().all(|issuer| issuer.settled),
        }
    }

    const fn waits_for(&self, issuer: &IssuerStatus) -> bool {
        match self.rule {
            ReadyRule::Keys => issuer.keys == 0,
            ReadyRule::Started => !issuer.settled,
        }
    }
}

impl Readiness {
    /// The readiness of a service with that engine, which is asked for its keys from now on.
    pub(super) fn new(current: &Arc<Current>, rule: ReadyRule) -> Arc<Self> {
        let state = Mutex::new(State { rule, has_settled: false, was_ready: false, is_stopping: false });
        let changed = current.load().keys.changed();
        Arc::new(Self { current: Arc::clone(current), state, changed })
    }

    /// Goes by the rule of another configuration, whose engine is the current one by now.
    pub(super) fn follow(&self, rule: ReadyRule) {
        self.state().rule = rule;
        self.changed.notify_one();
    }

    /// Notes that every issuer of the start has keys, or that a first fetch of them has failed.
    pub(super) fn has_settled(&self) {
        self.state().has_settled = true;
        self.changed.notify_one();
    }

    /// Notes that the service has begun to stop: it is not ready any more.
    pub(super) fn stop(&self) {
        self.state().is_stopping = true;
    }

    /// Says whether the service is ready, and what is waited for until it is.
    pub(super) fn look(&self) -> Ready {
        let engine = self.current.load_full();
        let issuers = engine.keys.status(Instant::now());
        let mut state = self.state();
        state.was_ready = state.was_ready || state.is_fulfilled(&engine, &issuers);
        let awaited = issuers.iter().filter(|issuer| !state.was_ready && state.waits_for(issuer));
        let waits_for =
            awaited.map(|issuer| AwaitedIssuer { issuer: issuer.issuer.clone(), why: why(issuer) }).collect();
        let is_stopping = state.is_stopping;
        Ready { is_ready: state.was_ready && !is_stopping, is_stopping, rule: state.rule.name(), waits_for }
    }

    /// Returns once the service was ready. For one task only.
    pub(super) async fn reached(&self) {
        loop {
            self.look();
            if self.state().was_ready {
                return;
            }
            self.changed.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each field is right by itself.
        self.state.lock()
    }
}

/// Says why an issuer has no keys.
fn why(issuer: &IssuerStatus) -> String {
    match &issuer.last_error {
        Some(error) => error.clone(),
        None if issuer.settled => "its keys are older than its `max_stale`".to_owned(),
        None => "the first fetch of its keys has not ended yet".to_owned(),
    }
}

/// Renders the issuers that are waited for as one text, for a log line: of many the first ones. `None` where there is none.
pub(super) fn awaited_text(ready: &Ready) -> Option<String> {
    let mut text = String::new();
    for AwaitedIssuer { issuer, why } in ready.waits_for.iter().take(limits::AWAITED_ISSUERS_LOGGED) {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(text, "{comma}{issuer} ({why})");
    }
    let more = ready.waits_for.len().saturating_sub(limits::AWAITED_ISSUERS_LOGGED);
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    (!text.is_empty()).then_some(text)
}
