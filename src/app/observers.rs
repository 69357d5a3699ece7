//! Joins what happens to what is logged and counted: the adapters don't know each other.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    decision::{DenyReason, TokenFault},
    ext_authz::service::{Decided, Observer as DecisionObserver},
    jwks::{fetch::FetchError, key::UnusableKey, key_set::KeySet, refresh::Observer as FetchObserver},
    telemetry::{
        events::{self, RequestFields},
        metrics::Metrics,
    },
};

/// Logs and counts.
#[derive(Debug)]
pub struct Observers {
    metrics: Arc<Metrics>,
    /// Issuers whose last fetch succeeded, with what was skipped: the same once more is no news.
    healthy: Mutex<HashMap<String, Known>>,
}

/// What is known of an issuer's keys.
#[derive(Debug)]
struct Known {
    kids: Vec<String>,
    skipped: Vec<UnusableKey>,
}

impl Observers {
    /// Observers that count into these metrics.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, healthy: Mutex::default() }
    }
}

impl DecisionObserver for Observers {
    fn decided(&self, decided: &Decided<'_>) {
        let rule = decided.rule.map(|rule| rule.as_str());
        self.metrics.checked(decided.allowed, decided.reason, rule.unwrap_or_default(), decided.took);
        let request = RequestFields {
            rule,
            issuer: decided.issuer,
            method: decided.method,
            path: decided.path,
            request_id: decided.request_id,
        };
        if decided.allowed {
            events::allowed(request);
        } else if decided.our_trouble {
            events::failed(decided.reason, request);
        } else {
            events::denied(decided.reason, request);
            if decided.reason == DenyReason::Token(TokenFault::Opaque).code() {
                events::opaque_token(decided.request_id);
            }
        }
    }

    fn accept_failed(&self, error: &io::Error) {
        events::accept_failed(error);
    }
}

impl FetchObserver for Observers {
    fn fetched(&self, issuer: &str, outcome: Result<&KeySet, &FetchError>, took: Duration) {
        self.metrics.refreshed(issuer, outcome.map_or_else(FetchError::kind, |_| "success"));
        // A poisoned lock holds a set all the same: at worst a line too many is logged.
        let mut healthy = self.healthy.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(set) => {
                let (usable, skipped) = (set.keys().len(), set.skipped().len());
                let kids: Vec<String> = set.keys().iter().filter_map(|key| key.kid().map(str::to_owned)).collect();
                let known = Known { kids: kids.clone(), skipped: set.skipped().to_vec() };
                let before = healthy.insert(issuer.to_owned(), known);
                match &before {
                    None => events::keys_arrived(issuer, usable, skipped, took),
                    Some(before) if before.kids != kids => {
                        let not_in = |kids: &[String], others: &[String]| -> Vec<String> {
                            kids.iter().filter(|kid| !others.contains(kid)).cloned().collect()
                        };
                        events::keys_changed(issuer, &not_in(&kids, &before.kids), &not_in(&before.kids, &kids));
                    }
                    Some(_) => events::keys_fetched(issuer, usable, skipped, took),
                }
                let is_news = before.is_none_or(|before| before.skipped != set.skipped());
                for reason in set.skipped().iter().filter(|_| is_news) {
                    match reason {
                        UnusableKey::NotForSignatures | UnusableKey::NoAlgorithm => {
                            events::key_not_for_us(issuer, reason);
                        }
                        UnusableKey::Unreadable
                        | UnusableKey::RsaSize(_)
                        | UnusableKey::Invalid
                        | UnusableKey::Private
                        | UnusableKey::Pem(_)
                        | UnusableKey::TooMany(_)
                        | UnusableKey::KidTooLong => events::key_skipped(issuer, reason),
                    }
                }
            }
            Err(error) => {
                healthy.remove(issuer);
                events::keys_failed(issuer, error, took);
            }
        }
    }

    fn restored(&self, issuer: &str, age: Duration) {
        events::keys_restored(issuer, age);
    }

    fn not_saved(&self, issuer: &str, error: &FetchError) {
        events::keys_not_saved(issuer, error);
    }
}
