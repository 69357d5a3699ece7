//! The circuit breakers of a cluster: the requests that Envoy refuses without asking.

use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{findings::Findings, read},
};

/// Envoy's limit of requests, and of requests that wait for a connection, where none is set.
const DEFAULT_MAX_REQUESTS: u64 = 1024;
/// Envoy's limit of retries at once where none is set.
const DEFAULT_MAX_RETRIES: u64 = 3;

/// Lints the circuit breaker for ordinary requests, which Checks are.
pub(crate) fn lint(findings: &mut Findings, cluster: &Node, name: &str) {
    let breakers = read::field(cluster, "circuit_breakers");
    let thresholds = breakers.map_or(&[][..], |breakers| read::list(&breakers.node, "thresholds"));
    let is_default = |threshold: &&Node| {
        read::value(threshold, "priority").is_none_or(|priority| read::is_enum(priority, "DEFAULT", 0))
    };
    let threshold = thresholds.iter().find(is_default);
    let limit = |field| threshold.and_then(|threshold| read::value(threshold, field)).and_then(read::number);
    // A budget of retries takes the place of their number.
    let has_budget = threshold.is_some_and(|threshold| read::field(threshold, "retry_budget").is_some());
    let low: Vec<String> = [
        (limit("max_requests"), DEFAULT_MAX_REQUESTS, "Checks at once"),
        (limit("max_pending_requests"), DEFAULT_MAX_REQUESTS, "Checks that wait for a connection"),
        (limit("max_retries").or_else(|| has_budget.then_some(u64::MAX)), DEFAULT_MAX_RETRIES, "retries at once"),
    ]
    .into_iter()
    .map(|(limit, default, what)| (limit.unwrap_or(default), default, what))
    .filter(|(limit, default, _)| limit <= default)
    .map(|(limit, _, what)| format!("{limit} {what}"))
    .collect();
    if low.is_empty() {
        return;
    }
    let message = format!(
        "the cluster {} allows {}: beyond that, Envoy refuses requests without asking",
        quoted(name),
        low.join(", ")
    );
    let help = "set `circuit_breakers: { thresholds: [{ max_requests: 10000, max_pending_requests: 10000, max_retries: \
                1000 }] }`";
    let place = breakers.map_or_else(|| read::place(cluster), |breakers| &breakers.place);
    findings.warn(Lint::EnvoyCircuitBreakers, place, message, help);
}
