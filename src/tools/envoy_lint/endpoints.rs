//! The instances of Portcullis that a cluster knows: whether one can restart while another answers.

use std::{net::IpAddr, time::Duration};

use super::{authority, findings::Findings, read};
use crate::document::suggest::quoted;
use crate::{
    config::{lint::Lint, show_duration},
    document::tree::{Entry, Node, Place},
    limits,
};

/// Envoy's limit of requests, and of requests that wait for a connection, where none is set.
const DEFAULT_MAX_REQUESTS: u64 = 1024;
/// Envoy's limit of retries at once where none is set.
const DEFAULT_MAX_RETRIES: u64 = 3;
/// Envoy's interval between health checks before the first request where none is set.
const DEFAULT_NO_TRAFFIC_INTERVAL: Duration = Duration::from_secs(60);

/// A cluster's way to its endpoints.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Discovery {
    /// The endpoints are listed in the `load_assignment`.
    Static,
    /// Every address of a name is an endpoint.
    StrictDns,
    /// The first address of a name is the only endpoint.
    LogicalDns,
    /// A control plane lists them, or the way is not known here.
    Elsewhere,
}

/// Lints what of a cluster makes restarts of its instances cost requests.
pub(super) fn lint(findings: &mut Findings, cluster: &Node, name: &str) {
    let single = single_endpoint(cluster);
    if let Some(endpoint) = single {
        report_single(findings, cluster, endpoint, name);
    }
    lint_breakers(findings, cluster, name);
    let checks = read::list(cluster, "health_checks");
    for check in checks {
        lint_health_check(findings, check);
        authority::lint_health_check(findings, cluster, check, name);
    }
    let has_several = match discovery(cluster) {
        Discovery::Static => endpoints(cluster).count() > 1,
        Discovery::StrictDns => single.is_none(),
        Discovery::LogicalDns | Discovery::Elsewhere => false,
    };
    if checks.is_empty() && has_several {
        let message = format!("Envoy does not check the health of {}: it goes on asking one that hangs", quoted(name));
        let help = "add `health_checks: [{ timeout: 1s, interval: 1s, no_traffic_interval: 1s, unhealthy_threshold: 1, \
                    healthy_threshold: 1, grpc_health_check: { authority: portcullis } }]` to the cluster";
        findings.warn(Lint::EnvoyHealthChecks, read::place(cluster), message, help);
    }
}

/// An endpoint of a cluster.
#[derive(Clone, Copy)]
pub(super) struct Host<'n> {
    /// The `LocalityLbEndpoints` that has it.
    pub(super) locality: &'n Node,
    pub(super) endpoint: &'n Node,
}

impl<'n> Host<'n> {
    pub(super) fn addresses(&self) -> impl Iterator<Item = &'n Node> {
        addresses(self.endpoint)
    }

    /// Returns the hosts of its socket addresses.
    pub(super) fn names(&self) -> impl Iterator<Item = &'n Node> {
        names(self.endpoint)
    }
}

/// The endpoints of a cluster's `load_assignment`, with their localities.
pub(super) fn hosts(cluster: &Node) -> impl Iterator<Item = Host<'_>> {
    let localities = read::at(cluster, &["load_assignment", "endpoints"]).map_or(&[][..], read::items);
    localities.iter().flat_map(|locality| {
        read::list(locality, "lb_endpoints").iter().map(move |endpoint| Host { locality, endpoint })
    })
}

/// The endpoints of a cluster's `load_assignment`.
pub(super) fn endpoints(cluster: &Node) -> impl Iterator<Item = &Node> {
    hosts(cluster).map(|host| host.endpoint)
}

/// The addresses of an endpoint. Envoy connects to whichever of them answers.
pub(super) fn addresses(endpoint: &Node) -> impl Iterator<Item = &Node> {
    let endpoint = read::value(endpoint, "endpoint");
    let others = endpoint.map_or(&[][..], |endpoint| read::list(endpoint, "additional_addresses"));
    let all = endpoint.into_iter().chain(others);
    all.filter_map(|one| read::value(one, "address"))
}

/// The hosts of an endpoint's socket addresses.
fn names(endpoint: &Node) -> impl Iterator<Item = &Node> {
    addresses(endpoint).filter_map(|address| read::at(address, &["socket_address", "address"]))
}

/// The host of an endpoint's first socket address.
fn host(endpoint: &Node) -> Option<&Node> {
    names(endpoint).next()
}

/// Tells whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Tells whether the endpoints of a cluster are the ones that its `load_assignment` lists.
pub(super) fn are_listed(cluster: &Node) -> bool {
    discovery(cluster) != Discovery::Elsewhere
}

/// Tells whether a cluster leads to the address that the client has connected to.
pub(super) fn is_chosen_by_client(cluster: &Node) -> bool {
    read::value(cluster, "type").is_some_and(|kind| read::is_enum(kind, "ORIGINAL_DST", 4))
}

/// Tells whether Envoy knows each endpoint by a name: that of the endpoint, or the one that DNS is asked for. There is no answer where
/// they come from elsewhere.
pub(super) fn are_named(cluster: &Node) -> Option<bool> {
    let way = discovery(cluster);
    let is_name = |text: &str| !text.is_empty() && text.parse::<IpAddr>().is_err();
    let is_named = |endpoint: &Node| {
        let given =
            read::at(endpoint, &["endpoint", "hostname"]).and_then(read::as_text).filter(|name| !name.is_empty());
        let asked = || host(endpoint).and_then(read::as_text).filter(|_| way != Discovery::Static);
        given.or_else(asked).is_some_and(is_name)
    };
    (way != Discovery::Elsewhere).then(|| endpoints(cluster).all(is_named))
}

fn discovery(cluster: &Node) -> Discovery {
    if read::field(cluster, "cluster_type").is_some() {
        return Discovery::Elsewhere;
    }
    let Some(kind) = read::value(cluster, "type") else { return Discovery::Static };
    let is = |name, code| read::is_enum(kind, name, code);
    if is("STATIC", 0) {
        Discovery::Static
    } else if is("STRICT_DNS", 1) {
        Discovery::StrictDns
    } else if is("LOGICAL_DNS", 2) {
        Discovery::LogicalDns
    } else {
        Discovery::Elsewhere
    }
}

/// The endpoint of a cluster that certainly has no other: names may have any number of addresses.
fn single_endpoint(cluster: &Node) -> Option<&Node> {
    let mut all = endpoints(cluster);
    let only = all.next().filter(|_| all.next().is_none())?;
    let is_address = |host| read::as_text(host).is_some_and(|host| host.parse::<IpAddr>().is_ok());
    match discovery(cluster) {
        Discovery::Static => Some(only),
        Discovery::StrictDns | Discovery::LogicalDns => host(only).is_some_and(is_address).then_some(only),
        Discovery::Elsewhere => None,
    }
}

fn report_single(findings: &mut Findings, cluster: &Node, endpoint: &Node, name: &str) {
    let host = host(endpoint);
    let pipe = || read::at(endpoint, &["endpoint", "address", "pipe", "path"]);
    let place = host.or_else(pipe).map_or_else(|| read::place(cluster), |address| &address.place);
    let is_far = host.and_then(read::as_text).is_some_and(|host| !is_loopback(host));
    let unless = if is_far { "unless a load balancer is there, " } else { "" };
    let message = format!(
        "the cluster {} has one endpoint: {unless}every request is refused while that Portcullis restarts or fails",
        quoted(name)
    );
    let help = "run a second Portcullis and add it to `lb_endpoints`, as envoy/ha.yaml has it; where one is meant, leave \
                this out with `--allow envoy-single-endpoint`";
    findings.warn(Lint::EnvoySingleEndpoint, place, message, help);
}

/// Lints the circuit breaker for ordinary requests, which Checks are.
fn lint_breakers(findings: &mut Findings, cluster: &Node, name: &str) {
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

/// Lints whether a health check sees that Portcullis is about to stop, while it still answers.
fn lint_health_check(findings: &mut Findings, check: &Node) {
    let mut warn = |place: &Place, message: &str, help: &str| {
        findings.warn(Lint::EnvoyHealthChecks, place, message, help);
    };
    if let Some(tcp) = read::field(check, "tcp_health_check") {
        let message =
            "a TCP health check passes until Portcullis closes its port: Envoy does not see that it is stopping";
        warn(&tcp.place, message, "set `grpc_health_check: { authority: portcullis }` in its place");
    }
    let notice = limits::DRAIN_NOTICE;
    let duration = |name| read::field(check, name).and_then(|entry| Some((entry, read::duration(&entry.node)?)));
    let announced = format!("but Portcullis announces a stop only {} ahead (`--drain-notice`)", show_duration(notice));
    if let Some((entry, interval)) = duration("interval") {
        let (jitter, longest) = jittered(check, interval);
        if interval >= notice {
            let message = format!("Envoy checks health every {}, {announced}", show_duration(interval));
            warn(&entry.node.place, &message, "set `interval: 1s`");
        } else if longest >= notice
            && let Some(jitter) = jitter
        {
            let message = format!("Envoy may wait {} between health checks, {announced}", show_duration(longest));
            warn(&jitter.place, &message, &format!("remove `{}`", jitter.key));
        }
    }
    let idle = duration("no_traffic_healthy_interval").or_else(|| duration("no_traffic_interval"));
    let interval = idle.map_or(DEFAULT_NO_TRAFFIC_INTERVAL, |(_, interval)| interval);
    if interval >= notice {
        let message =
            format!("before its first Check Envoy checks health every {}, {announced}", show_duration(interval));
        let help = format!("set `{}: 1s`", idle.map_or("no_traffic_interval", |(entry, _)| &entry.key));
        let place = idle.map_or_else(|| check_place(check), |(entry, _)| &entry.node.place);
        warn(place, &message, &help);
    }
}

/// The field that makes the interval between two health checks longer, and the longest that it can get.
fn jittered(check: &Node, interval: Duration) -> (Option<&Entry>, Duration) {
    let fixed = read::field(check, "interval_jitter");
    let percent = read::field(check, "interval_jitter_percent");
    let by_fixed = fixed.and_then(|entry| read::duration(&entry.node)).unwrap_or_default();
    let factor = percent.and_then(|entry| read::number(&entry.node)).and_then(|percent| u32::try_from(percent).ok());
    let by_percent = interval.saturating_mul(factor.unwrap_or_default()).checked_div(100).unwrap_or_default();
    let larger = if by_fixed >= by_percent { fixed } else { percent };
    (larger, interval.saturating_add(by_fixed).saturating_add(by_percent))
}

/// The place of a health check's interval, or its own.
fn check_place(check: &Node) -> &Place {
    read::field(check, "interval").map_or(&check.place, |entry| &entry.place)
}
