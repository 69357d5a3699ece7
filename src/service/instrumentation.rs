//! Joins what happens to what is logged and counted: the adapters don't know each other.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    sync::Arc,
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::supervise::contained;
use crate::{
    client_text::ClientText,
    ext_authz::service::{ConnectionEvent, ConnectionFailure, Decided, Observer as DecisionObserver},
    keystore::{clock_skew::ClockSkew, fetch::FetchError, refresh::Observer as FetchObserver},
    limits,
    service::telemetry::{
        clock_lines::ClockLines,
        denial_lines::{Admitted, DenialLines, LeftOut},
        events::{self, RequestFields},
        metrics::{CheckDurations, KeysDirUse, Metrics},
        throttle::Throttle,
    },
};
use portcullis_engine::{
    keys::{key::SkippedKey, key_set::KeySet},
    policy::rule::RuleId,
    reason::{DenyReason, TokenFault},
};

/// Logs and counts.
#[derive(Debug)]
pub struct Observers {
    metrics: Arc<Metrics>,
    denials: DenialLines,
    /// Issuers whose keys came once: the same once more is no news.
    known: Mutex<HashMap<String, Known>>,
    lines: ConnectionLines,
    clocks: ClockLines,
}

/// Bounds the lines about connections: their peers choose how many there would be.
#[derive(Debug)]
struct ConnectionLines {
    /// The limits of lines about failed connections, in the order of [`ConnectionFailure::REASONS`].
    failed: [Throttle; ConnectionFailure::REASONS.len()],
    not_accepted: Throttle,
    refused: Throttle,
    made_room: Throttle,
}

impl Default for ConnectionLines {
    fn default() -> Self {
        let throttle = || Throttle::new(limits::CONNECTION_LINES);
        let failed = std::array::from_fn(|_| throttle());
        Self { failed, not_accepted: throttle(), refused: throttle(), made_room: throttle() }
    }
}

impl ConnectionLines {
    fn failed(&self, failure: &ConnectionFailure) {
        if failure.reason == ConnectionFailure::BROKEN {
            return events::connection_broken(&failure.text);
        }
        let throttles = ConnectionFailure::REASONS.iter().zip(&self.failed);
        let throttle = throttles.into_iter().find(|(reason, _)| **reason == failure.reason);
        if let Some(left_out) = throttle.and_then(|(_, throttle)| throttle.admit(Instant::now())) {
            events::connection_failed(failure.reason, &failure.text, left_out);
        }
    }
}

/// What is known of an issuer's keys.
#[derive(Debug)]
struct Known {
    kids: BTreeSet<String>,
    skipped: Vec<SkippedKey>,
    /// Whether the last fetch failed.
    is_failing: bool,
}

impl Observers {
    /// Observers that count into these metrics.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let (denials, lines, clocks) = (DenialLines::default(), ConnectionLines::default(), ClockLines::default());
        Self { metrics, denials, known: Mutex::default(), lines, clocks }
    }

    /// Says how many denials the log has no lines of, a second after they were left out. Never returns.
    pub async fn report_left_out(&self) {
        loop {
            self.denials.left_out().await.iter().for_each(report_left_out);
        }
    }

    /// Says how many denials were left out in the last second before the end.
    pub fn report_last_left_out(&self) {
        self.denials.finish().iter().for_each(report_left_out);
    }

    fn denied(&self, decided: &Decided<'_>) {
        let (reason, ours) = (decided.reason, decided.our_trouble);
        if ours {
            self.metrics.failed(reason);
        }
        let Admitted { is_logged, left_out } = self.denials.admit(reason, decided.rule, ours, Instant::now());
        left_out.iter().for_each(report_left_out);
        if !is_logged {
            return;
        }
        let fields = request_fields(decided);
        if ours {
            events::failed(reason, &fields);
        } else {
            events::denied(reason, &fields);
            if reason == DenyReason::Token(TokenFault::Opaque).code() {
                events::opaque_token(fields.request_id);
            }
        }
    }

    fn connection_changed(&self, event: ConnectionEvent<'_>) {
        let (metrics, lines) = (&self.metrics.connections, &self.lines);
        match event {
            ConnectionEvent::Opened => metrics.opened(),
            ConnectionEvent::Closed => metrics.closed(),
            ConnectionEvent::Refused => {
                metrics.refused();
                lines.refused.admit(Instant::now()).into_iter().for_each(events::connection_refused);
            }
            ConnectionEvent::MadeRoom => {
                metrics.made_room();
                lines.made_room.admit(Instant::now()).into_iter().for_each(events::connection_made_room);
            }
            ConnectionEvent::Failed(failure) => {
                metrics.failed(failure.reason);
                lines.failed(failure);
            }
        }
    }

    /// Says that the service begins to stop, after that time of notice.
    pub fn stopping(&self, why: &str, notice: Duration) {
        self.metrics.draining();
        events::stopping(why, notice);
    }

    /// Forgets issuers that are no more.
    pub fn retain(&self, issuer_stays: impl Fn(&str) -> bool) {
        self.known().retain(|issuer, _| issuer_stays(issuer));
        self.clocks.retain(issuer_stays);
    }

    /// The directory of saved keys can't be written to.
    pub fn keys_dir_unwritable(&self, error: &FetchError) {
        self.metrics.keys_dir_failed(KeysDirUse::Open);
        events::keys_dir_unwritable(error);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        // A panic under the lock leaves a map all the same: at worst a line too many is logged.
        self.known.lock()
    }

    fn arrived(&self, issuer: &str, set: &KeySet, took: Duration) {
        let (usable, skipped) = (set.keys().len(), set.skipped());
        let kids: BTreeSet<String> = set.keys().iter().filter_map(|key| key.kid().map(str::to_owned)).collect();
        let known = Known { kids: kids.clone(), skipped: skipped.to_vec(), is_failing: false };
        let before = self.known().insert(issuer.to_owned(), known);
        if before.as_ref().is_none_or(|before| before.is_failing) {
            events::keys_arrived(issuer, usable, skipped.len(), took);
        } else {
            events::keys_fetched(issuer, usable, skipped.len(), took);
        }
        // Also when they changed while the issuer could not be reached.
        if let Some(before) = before.as_ref().filter(|before| before.kids != kids) {
            let names = |kids: &BTreeSet<String>, others| kids.difference(others).cloned().collect::<Vec<_>>();
            events::keys_changed(issuer, &names(&kids, &before.kids), &names(&before.kids, &kids));
        }
        if before.is_none_or(|before| before.skipped != skipped) {
            skipped.iter().for_each(|skipped| report_skipped(issuer, skipped));
        }
    }
}

fn place(rule: &RuleId) -> Option<&str> {
    Some(rule.written_at()).filter(|place| !place.is_empty())
}

/// Finds what a line says about a request. It takes longer than counting: for lines that are logged.
fn request_fields<'a>(decided: &Decided<'a>) -> RequestFields<'a> {
    let (request, evidence) = (decided.request(), decided.evidence());
    let client_id = evidence.client_id.as_deref().and_then(ClientText::new);
    RequestFields {
        rule: decided.rule.map(RuleId::as_str),
        rule_at: decided.rule.and_then(place),
        issuer: decided.issuer().map(str::to_owned).or(evidence.issuer),
        client_id: client_id.as_ref().map(ClientText::to_string),
        issuer_sha256: evidence.issuer_sha256,
        audience_sha256: evidence.audience_sha256,
        method: request.method.as_ref().map(ClientText::to_string),
        host: request.host.as_ref().map(ClientText::to_string),
        path: request.path.as_ref().map(ClientText::to_string),
        request_id: request.request_id,
    }
}

fn report_left_out(left_out: &LeftOut) {
    let LeftOut { code, rule, our_trouble, lines } = left_out;
    let (name, place) = (rule.as_ref().map(RuleId::as_str), rule.as_ref().and_then(place));
    match code {
        None => events::other_denials_left_out(*lines),
        Some(code) if *our_trouble => events::failures_left_out(code, name, place, *lines),
        Some(code) => events::denials_left_out(code, name, place, *lines),
    }
}

fn report_skipped(issuer: &str, skipped: &SkippedKey) {
    if skipped.reason.is_for_others() {
        events::key_not_for_us(issuer, skipped);
    } else {
        events::key_skipped(issuer, skipped);
    }
}

impl DecisionObserver for Observers {
    fn decided(&self, decided: &Decided<'_>) {
        let name = decided.rule.map(RuleId::name);
        let took = CheckDurations { queued: decided.queued, whole: decided.took };
        self.metrics.checked(decided.allowed, decided.reason, name, took);
        if decided.allowed {
            events::allowed(|| request_fields(decided));
        } else {
            self.denied(decided);
        }
    }

    fn request_age(&self, millis: i64) {
        self.metrics.request_age(millis);
    }

    fn cancelled(&self) {
        self.metrics.cancelled();
    }

    fn accept_failed(&self, error: &io::Error) {
        self.metrics.connections.not_accepted();
        if let Some(left_out) = self.lines.not_accepted.admit(Instant::now()) {
            contained(|| events::accept_failed(error, left_out));
        }
    }

    fn connection(&self, event: ConnectionEvent<'_>) {
        contained(|| self.connection_changed(event));
    }
}

impl FetchObserver for Observers {
    fn fetched(&self, issuer: &str, outcome: Result<&KeySet, &FetchError>, took: Duration) {
        contained(|| {
            self.metrics.refreshed(issuer, outcome.map_or_else(FetchError::kind, |_| "success"));
            match outcome {
                Ok(set) => self.arrived(issuer, set, took),
                Err(error) => {
                    if let Some(known) = self.known().get_mut(issuer) {
                        known.is_failing = true;
                    }
                    events::keys_failed(issuer, error, took);
                }
            }
        });
    }

    fn clock_compared(&self, issuer: &str, skew: ClockSkew, tolerance: Duration) {
        contained(|| self.clocks.compared(issuer, skew, tolerance));
    }

    fn restored(&self, issuer: &str, age: Duration) {
        contained(|| events::keys_restored(issuer, age));
    }

    fn saved(&self, issuer: &str) {
        self.metrics.keys_saved(issuer, true);
    }

    fn not_saved(&self, issuer: &str, error: &FetchError) {
        contained(|| {
            self.metrics.keys_saved(issuer, false);
            self.metrics.keys_dir_failed(KeysDirUse::Write);
            events::keys_not_saved(issuer, error);
        });
    }

    fn not_restored(&self, issuer: &str, error: &FetchError) {
        contained(|| {
            self.metrics.keys_dir_failed(KeysDirUse::Read);
            events::keys_not_restored(issuer, error);
        });
    }
}
