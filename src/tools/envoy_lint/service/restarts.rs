//! The instances of Portcullis that a cluster knows: whether one can restart while another answers.

use super::{authority, circuit_breakers, health_checks};
use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{
        findings::Findings,
        read,
        scene::endpoints::{self, Discovery},
    },
};

/// Lints what of a cluster makes restarts of its instances cost requests.
pub(crate) fn lint(findings: &mut Findings, cluster: &Node, name: &str) {
    let single = endpoints::single_endpoint(cluster);
    if let Some(endpoint) = single {
        report_single(findings, cluster, endpoint, name);
    }
    circuit_breakers::lint(findings, cluster, name);
    let checks = read::list(cluster, "health_checks");
    for check in checks {
        health_checks::lint(findings, check);
        authority::lint_health_check(findings, cluster, check, name);
    }
    let has_several = match endpoints::discovery(cluster) {
        Discovery::Static => endpoints::endpoints(cluster).count() > 1,
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

fn report_single(findings: &mut Findings, cluster: &Node, endpoint: &Node, name: &str) {
    let host = endpoints::host(endpoint);
    let pipe = || read::at(endpoint, &["endpoint", "address", "pipe", "path"]);
    let place = host.or_else(pipe).map_or_else(|| read::place(cluster), |address| &address.place);
    let is_far = host.and_then(read::as_text).is_some_and(|host| !endpoints::is_loopback(host));
    let unless = if is_far { "unless a load balancer is there, " } else { "" };
    let message = format!(
        "the cluster {} has one endpoint: {unless}every request is refused while that Portcullis restarts or fails",
        quoted(name)
    );
    let help = "run a second Portcullis and add it to `lb_endpoints`, as envoy/ha.yaml has it; where one is meant, leave \
                this out with `--allow envoy-single-endpoint`";
    findings.warn(Lint::EnvoySingleEndpoint, place, message, help);
}
