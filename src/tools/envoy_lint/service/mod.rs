//! Where Checks are sent: the cluster, its protocol, and the time there is for an answer.

mod authority;
mod certificates;
mod circuit_breakers;
mod health_checks;
mod metadata;
mod onward;
mod restarts;
mod retries;
mod sockets;
pub(crate) mod timeout;
mod transport;

use super::{
    around::Around,
    findings::Findings,
    read,
    scene::{Lookup, http_options},
};
use crate::{
    config::lint::Lint,
    document::{
        suggest::{closest, quoted},
        tree::{Entry, Node, Place},
    },
};
use retries::DEFAULT_TIMEOUT;

/// The `services` of a filter, or what a route has in their place.
pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, config: &Node, place: &Place) {
    if let Some(http) = read::field(config, "http_service") {
        // An HTTP 200 is an allow there, and a gRPC server answers with nothing else.
        let message = "this filter asks by HTTP, and takes whatever Portcullis answers, which is gRPC, for an allow";
        let help =
            "set `grpc_service: { envoy_grpc: { cluster_name: portcullis }, timeout: 1s }` in place of `http_service`";
        findings.error(Lint::EnvoyHttpService, &http.place, message, help);
        return;
    }
    let Some(service) = read::field(config, "grpc_service") else { return };
    lint_timeout(findings, service);
    let named = read::value(&service.node, "envoy_grpc").and_then(|grpc| read::field(grpc, "cluster_name"));
    if let Some((entry, name)) = named.and_then(|entry| read::as_text(&entry.node).map(|name| (entry, name))) {
        authority::lint_envoy_grpc(findings, &service.node, entry, name);
        retries::lint(findings, service);
        lint_cluster(findings, around, entry, name);
    } else if read::field(&service.node, "google_grpc").is_some() {
        authority::lint_google_grpc(findings, &service.node);
        transport::lint_google_grpc(findings, &service.node);
    } else {
        let help = "set `envoy_grpc: { cluster_name: portcullis }`";
        findings.error(Lint::EnvoyCluster, place, "this filter names no cluster to ask", help);
    }
}

fn lint_timeout(findings: &mut Findings, service: &Entry) {
    match read::field(&service.node, "timeout") {
        None => timeout::lint(findings, &service.place, DEFAULT_TIMEOUT, ("Envoy", timeout::BY_DEFAULT)),
        Some(entry) => {
            if let Some(timeout) = read::duration(&entry.node) {
                timeout::lint(findings, &entry.node.place, timeout, ("Envoy", ""));
            }
        }
    }
}

fn lint_cluster(findings: &mut Findings, around: &Around<'_>, named: &Entry, name: &str) {
    let cluster = match around.scene.cluster(name) {
        Lookup::Found(cluster) => cluster,
        Lookup::Unknown => return findings.unseen_cluster(name),
        Lookup::Missing => {
            let message =
                format!("there is no cluster {}: no Check arrives, and every request is denied", quoted(name));
            let help = closest(name, around.scene.cluster_names()).map_or_else(
                || "add it, as envoy/envoy.yaml has it".to_owned(),
                |meant| format!("did you mean {}?", quoted(meant)),
            );
            return findings.error(Lint::EnvoyCluster, &named.node.place, message, help);
        }
    };
    if !speaks_http2(cluster) {
        let message =
            format!("the cluster {} does not speak HTTP/2, which gRPC is: every request is denied", quoted(name));
        let help = "give it `typed_extension_protocol_options` with `explicit_http_config: { http2_protocol_options: {} }`, \
                    as envoy/envoy.yaml has it";
        findings.error(Lint::EnvoyProtocol, read::place(cluster), message, help);
    }
    transport::lint(findings, around, cluster, name);
    restarts::lint(findings, cluster, name);
}

/// HTTP/2 by declaration or by negotiation; one that goes by its client's protocol is given the benefit of the doubt.
fn speaks_http2(cluster: &Node) -> bool {
    if read::field(cluster, "http2_protocol_options").is_some() {
        return true;
    }
    http_options(cluster).next_back().is_some_and(|options| {
        read::at(options, &["explicit_http_config", "http2_protocol_options"]).is_some()
            || ["auto_config", "use_downstream_protocol_config"].iter().any(|name| read::field(options, name).is_some())
    })
}
