//! The sample Envoy configuration with faults that cost requests when an instance of Portcullis restarts: what
//! `check --envoy` must say of each, and the change by which its help mends it.

use crate::envoy_faults::{sample, with_block};

/// A fault: one block of the sample is another one.
#[allow(dead_code, clippy::allow_attributes, reason = "each test binary uses its part")]
pub(crate) struct RestartFault {
    pub(crate) name: &'static str,
    /// The beginning of the line whose block is replaced, see [`with_block`].
    pub(crate) block: &'static str,
    /// The text in its place.
    pub(crate) to: &'static str,
    /// The finding: `error` or `warning`, and the beginning of the message.
    pub(crate) expected: &'static str,
    /// The block in whose place the help's first piece of code goes; empty where it has none.
    pub(crate) mended: &'static str,
}

impl RestartFault {
    /// The sample with this fault.
    pub(crate) fn text(&self) -> String {
        with_block(&sample(), self.block, self.to)
    }

    /// The sample with what that help says, if it has code to paste.
    pub(crate) fn mended(&self, help: &str) -> Option<String> {
        let code = help.split('`').nth(1).filter(|_| !self.mended.is_empty())?;
        let indent = self.mended.len() - self.mended.trim_start().len();
        let faulty = self.text();
        // Where the fault is that the block is not there, its place is that of the block in the sample.
        let base = if faulty.lines().any(|line| line.starts_with(self.mended)) { faulty } else { sample() };
        Some(with_block(&base, self.mended, &format!("{}{code}\n", " ".repeat(indent))))
    }
}

const RETRIES: &str = "                        retry_policy:";
const RETRY_ON: &str = "                          retry_on:";
const NUMBER: &str = "                          num_retries:";
const BACK_OFF: &str = "                          retry_back_off:";
const MAX_INTERVAL: &str = "                            max_interval:";
const TIMEOUT: &str = "                        timeout:";
const BREAKERS: &str = "      circuit_breakers:";
const HEALTH: &str = "      health_checks:";
const INTERVAL: &str = "          interval:";
const NO_TRAFFIC: &str = "          no_traffic_interval:";
const GRPC: &str = "          grpc_health_check:";

const fn fault(
    name: &'static str,
    block: &'static str,
    to: &'static str,
    expected: &'static str,
    mended: &'static str,
) -> RestartFault {
    RestartFault { name, block, to, expected, mended }
}

pub(crate) const RESTART_FAULTS: &[RestartFault] = &[
    fault("no-retries", RETRIES, "", "warning: a Check is not sent again when its connection breaks", RETRIES),
    fault("no-condition", RETRY_ON, "", "warning: without `retry_on` Envoy sends no Check again", RETRY_ON),
    fault(
        "other-conditions",
        RETRY_ON,
        "                          retry_on: unavailable,retriable-status-codes\n",
        "warning: `retry_on` has no condition that holds when a connection breaks",
        RETRY_ON,
    ),
    fault(
        "zero-retries",
        NUMBER,
        "                          num_retries: 0\n",
        "warning: with `num_retries: 0` Envoy sends no Check again",
        NUMBER,
    ),
    fault(
        "late-retries",
        BACK_OFF,
        "",
        "warning: Envoy waits up to 1s before it sends a Check again, and for 1s in all: too late for some",
        BACK_OFF,
    ),
    fault(
        "short-try",
        MAX_INTERVAL,
        "                            max_interval: 0.75s\n",
        "warning: each try of a Check has 750ms, not 1s",
        MAX_INTERVAL,
    ),
    fault("short-try-by-default", MAX_INTERVAL, "", "warning: each try of a Check has 50ms, not 1s", MAX_INTERVAL),
    fault(
        "long-timeout",
        TIMEOUT,
        "                        timeout: 600s\n",
        "warning: Envoy waits 10m for an answer: a Portcullis that hangs",
        TIMEOUT,
    ),
    fault(
        "no-timeout-at-all",
        TIMEOUT,
        "                        timeout: 0s\n",
        "warning: Envoy waits without end for an answer",
        TIMEOUT,
    ),
    fault(
        "default-breakers",
        BREAKERS,
        "",
        "warning: the cluster `portcullis` allows 1024 Checks at once, 1024 Checks that wait for a connection, 3 retries at once",
        BREAKERS,
    ),
    fault(
        "few-retries",
        "            max_retries:",
        "",
        "warning: the cluster `portcullis` allows 3 retries at once",
        BREAKERS,
    ),
    fault(
        "breakers-of-another-priority",
        "          - max_requests:",
        "          - priority: HIGH\n            max_requests: 10000\n",
        "warning: the cluster `portcullis` allows 1024 Checks at once, 1024 Checks that wait",
        BREAKERS,
    ),
    fault("no-health-checks", HEALTH, "", "warning: Envoy does not check the health of `portcullis`", HEALTH),
    fault(
        "slow-health-checks",
        INTERVAL,
        "          interval: 5s\n",
        "warning: Envoy checks health every 5s",
        INTERVAL,
    ),
    fault(
        "jittered-health-checks",
        INTERVAL,
        "          interval: 1s\n          interval_jitter: 4s\n",
        "warning: Envoy may wait 5s between health checks",
        "",
    ),
    fault(
        "jittered-by-percent",
        INTERVAL,
        "          interval: 2s\n          interval_jitter_percent: 150\n",
        "warning: Envoy may wait 5s between health checks",
        "",
    ),
    fault(
        "slow-without-traffic-by-default",
        NO_TRAFFIC,
        "",
        "warning: before its first Check Envoy checks health every 1m",
        NO_TRAFFIC,
    ),
    fault(
        "slow-without-traffic",
        NO_TRAFFIC,
        "          no_traffic_interval: 30s\n",
        "warning: before its first Check Envoy checks health every 30s",
        NO_TRAFFIC,
    ),
    fault(
        "slow-while-healthy",
        NO_TRAFFIC,
        "          no_traffic_interval: 1s\n          no_traffic_healthy_interval: 10s\n",
        "warning: before its first Check Envoy checks health every 10s",
        "          no_traffic_healthy_interval:",
    ),
    fault(
        "tcp-health-check",
        GRPC,
        "          tcp_health_check: {}\n",
        "warning: a TCP health check passes until Portcullis closes its port",
        "          tcp_health_check:",
    ),
];

/// The sample with its retries where one may well put them, and where they have no effect.
pub(crate) fn misplaced_retries() -> String {
    let sample = sample();
    let (_, rest) = sample.split_once(RETRIES).unwrap();
    let (block, _) = rest.split_once("                      # Off, and spelled out").unwrap();
    let deeper: String = format!("{RETRIES}{block}").lines().map(|line| format!("  {line}\n")).collect();
    let name = "                          cluster_name: portcullis\n";
    with_block(&sample, RETRIES, "").replacen(name, &format!("{name}{deeper}"), 1)
}

/// Settings of which nothing must be said: a name, a block, and the text in its place.
pub(crate) const RESTART_HARMLESS: &[(&str, &str, &str)] = &[
    ("no-reset", RETRY_ON, "                          retry_on: connect-failure, refused-stream\n"),
    ("every-5xx", RETRY_ON, "                          retry_on: \"5xx,unavailable\"\n"),
    ("default-number", NUMBER, ""),
    ("long-back-off", MAX_INTERVAL, "                            max_interval: 10s\n"),
    ("no-previous-hosts", "                          retry_host_predicate:", ""),
    ("other-timeout", TIMEOUT, "                        timeout: 0.75s\n"),
    (
        "unlimited",
        BREAKERS,
        "      circuit_breakers: { thresholds: [{ priority: HIGH }, { max_requests: 4294967295, max_pending_requests: 4294967295, max_retries: 4294967295 }] }\n",
    ),
    (
        "retry-budget",
        "            max_retries:",
        "            retry_budget: { budget_percent: { value: 100 }, min_retry_concurrency: 100 }\n",
    ),
    ("just-in-time", INTERVAL, "          interval: 2s\n          interval_jitter_percent: 100\n"),
    ("http-health-check", GRPC, "          http_health_check: { path: /readyz }\n"),
    ("with-authority", GRPC, "          grpc_health_check: { authority: portcullis }\n"),
    ("one-name", "      type: STATIC", "      type: STRICT_DNS\n"),
];
