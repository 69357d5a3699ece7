//! Retries of Checks: without them each restart of Portcullis costs the requests whose connections break.

use std::time::Duration;

use crate::{
    config::{lint::Lint, show_duration},
    document::tree::Entry,
    limits,
    tools::envoy_lint::{findings::Findings, read},
};

/// Envoy's timeout of a Check where none is set.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_millis(200);
/// Envoy's first back-off where none is set.
const DEFAULT_BASE_INTERVAL: Duration = Duration::from_secs(1);
/// Envoy's longest back-off where none is set, as a multiple of the first one.
const DEFAULT_MAX_INTERVALS: u32 = 10;
/// Conditions of `retry_on` one of which holds when a connection breaks or is refused.
const BROKEN_CONNECTION: [&str; 5] = ["connect-failure", "reset", "reset-before-request", "5xx", "gateway-error"];
/// The value of `retry_on` in envoy/envoy.yaml.
const RETRY_ON: &str = "retry_on: \"connect-failure,reset,refused-stream\"";

/// Lints the retries of a `grpc_service` that is reached by `envoy_grpc`.
pub(crate) fn lint(findings: &mut Findings, service: &Entry) {
    let Some(policy) = read::field(&service.node, "retry_policy") else { return report_none(findings, service) };
    lint_conditions(findings, policy);
    lint_back_off(findings, service, policy);
}

fn report_none(findings: &mut Findings, service: &Entry) {
    let misplaced = read::value(&service.node, "envoy_grpc").and_then(|grpc| read::field(grpc, "retry_policy"));
    if let Some(misplaced) = misplaced {
        let message = "Envoy ignores a `retry_policy` of `envoy_grpc` for Checks: none is sent again";
        let help = format!("move it out of `envoy_grpc`, beside `timeout`, with `{RETRY_ON}` in it");
        findings.warn(Lint::EnvoyRetries, &misplaced.place, message, help);
        return;
    }
    let message = "a Check is not sent again when its connection breaks: each restart of Portcullis costs requests";
    let help = format!(
        "add `retry_policy: {{ {RETRY_ON}, num_retries: 3, {} }}` beside `timeout`, and `previous_hosts` as \
         envoy/envoy.yaml has it",
        back_off(service)
    );
    findings.warn(Lint::EnvoyRetries, &service.place, message, help);
}

fn lint_conditions(findings: &mut Findings, policy: &Entry) {
    let retry_on = read::field(&policy.node, "retry_on");
    let conditions = retry_on.and_then(|entry| read::as_text(&entry.node)).unwrap_or_default();
    if !conditions.split(',').any(|condition| BROKEN_CONNECTION.contains(&condition.trim())) {
        let place = retry_on.map_or(&policy.place, |entry| &entry.place);
        let message = match retry_on {
            Some(_) => "`retry_on` has no condition that holds when a connection breaks: no Check is sent again then",
            None => "without `retry_on` Envoy sends no Check again",
        };
        findings.warn(Lint::EnvoyRetries, place, message, format!("set `{RETRY_ON}`"));
    }
    let none = read::field(&policy.node, "num_retries").filter(|entry| read::number(&entry.node) == Some(0));
    if let Some(none) = none {
        let message = "with `num_retries: 0` Envoy sends no Check again";
        findings.warn(Lint::EnvoyRetries, &none.place, message, "set `num_retries: 3`");
    }
}

/// Lints the wait between two tries, and the time limit of each that Envoy derives from it.
fn lint_back_off(findings: &mut Findings, service: &Entry, policy: &Entry) {
    let Some(timeout) = usual_timeout(service) else { return };
    let intervals = read::field(&policy.node, "retry_back_off");
    let interval = |name| intervals.and_then(|intervals| read::field(&intervals.node, name));
    let duration = |entry: Option<&Entry>| entry.and_then(|entry| read::duration(&entry.node));
    let (base, max) = (interval("base_interval"), interval("max_interval"));
    let first = duration(base).unwrap_or(DEFAULT_BASE_INTERVAL);
    let longest = duration(max).unwrap_or_else(|| first.saturating_mul(DEFAULT_MAX_INTERVALS));
    let place = |entry: Option<&'_ Entry>| entry.or(intervals).unwrap_or(policy).place.clone();
    if first >= timeout {
        let message = format!(
            "Envoy waits up to {} before it sends a Check again, and for {} in all: too late for some",
            show_duration(first),
            show_duration(timeout)
        );
        findings.warn(Lint::EnvoyRetries, &place(base), message, format!("set `{}`", back_off(service)));
    }
    if longest < timeout {
        let message = format!(
            "each try of a Check has {}, not {}: Envoy takes the longest back-off for the time limit of a try",
            show_duration(longest),
            show_duration(timeout)
        );
        let help = format!("set `max_interval: {}` in `retry_back_off`, the whole timeout", right_timeout(service));
        findings.warn(Lint::EnvoyTimeout, &place(max), message, help);
    }
}

/// The timeout of a Check, unless it is one that another lint finds too long.
fn usual_timeout(service: &Entry) -> Option<Duration> {
    let set = read::value(&service.node, "timeout");
    let timeout = set.map_or(Some(DEFAULT_TIMEOUT), read::duration);
    timeout.filter(|timeout| timeout.as_millis() > 0 && *timeout <= limits::ENVOY_CHECK_TIMEOUT_MAX)
}

/// The timeout of a Check as Envoy writes it, or the one of envoy/envoy.yaml where another lint says to set that.
fn right_timeout(service: &Entry) -> String {
    let good = usual_timeout(service).filter(|timeout| *timeout >= limits::ENVOY_CHECK_TIMEOUT);
    good.map_or_else(|| "1s".to_owned(), |timeout| format!("{}s", timeout.as_secs_f64()))
}

fn back_off(service: &Entry) -> String {
    format!("retry_back_off: {{ base_interval: 0.005s, max_interval: {} }}", right_timeout(service))
}
