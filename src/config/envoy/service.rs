//! Where Checks are sent: the cluster, its protocol, and the time there is for an answer.

use super::{Around, collect::Lookup, endpoints, findings::Findings, quoted, read, retries};
use crate::{
    config::{
        lint::Lint,
        show_duration,
        suggest::closest,
        tree::{Entry, Node, Place},
    },
    limits,
};

const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The `services` of a filter, or what a route has in their place.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, config: &Node, place: &Place) {
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
        lint_authority(findings, &service.node, entry, name);
        retries::lint(findings, service);
        lint_cluster(findings, around, entry, name);
    } else if read::field(&service.node, "google_grpc").is_none() {
        let help = "set `envoy_grpc: { cluster_name: portcullis }`";
        findings.error(Lint::EnvoyCluster, place, "this filter names no cluster to ask", help);
    }
}

fn lint_timeout(findings: &mut Findings, service: &Entry) {
    let least = limits::ENVOY_CHECK_TIMEOUT;
    let help = "set `timeout: 1s`: it is the deadline only, an answer takes well under a millisecond";
    match read::field(&service.node, "timeout") {
        None => {
            let message =
                "Envoy waits 200 ms for an answer, unless told otherwise: too short to fetch a new key meanwhile";
            findings.warn(Lint::EnvoyTimeout, &service.place, message, help);
        }
        Some(entry) => {
            let Some(timeout) = read::duration(&entry.node) else { return };
            let message = if timeout.is_zero() {
                "Envoy waits without end for an answer: a Portcullis that hangs holds up every request".to_owned()
            } else if timeout < least {
                format!(
                    "Envoy waits {} for an answer, less than {}: too short to fetch a new key meanwhile",
                    show_duration(timeout),
                    show_duration(least)
                )
            } else if timeout > limits::ENVOY_CHECK_TIMEOUT_MAX {
                let waits = show_duration(timeout);
                format!("Envoy waits {waits} for an answer: a Portcullis that hangs holds up requests for so long")
            } else {
                return;
            };
            findings.warn(Lint::EnvoyTimeout, &entry.node.place, message, help);
        }
    }
}

/// The cluster's name is the `:authority` of a Check, unless another one is set.
fn lint_authority(findings: &mut Findings, service: &Node, named: &Entry, name: &str) {
    let authority =
        read::at(service, &["envoy_grpc", "authority"]).and_then(read::as_text).filter(|set| !set.is_empty());
    if !endpoints::is_authority(authority.unwrap_or(name)) {
        let message = format!(
            "Checks have {} as `:authority`, which can't be one: every request is denied",
            quoted(authority.unwrap_or(name))
        );
        let help = "set `authority: portcullis` beside `cluster_name`";
        findings.error(Lint::EnvoyAuthority, &named.node.place, message, help);
    }
}

fn lint_cluster(findings: &mut Findings, around: &Around<'_>, named: &Entry, name: &str) {
    let cluster = match around.parts.cluster(name) {
        Lookup::Found(cluster) => cluster,
        Lookup::Unknown => return,
        Lookup::Missing => {
            let message =
                format!("there is no cluster {}: no Check arrives, and every request is denied", quoted(name));
            let help = closest(name, around.parts.cluster_names()).map_or_else(
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
    lint_plaintext(findings, cluster, name);
    endpoints::lint(findings, cluster, name);
}

/// HTTP/2 by declaration or by negotiation; one that goes by its client's protocol is given the benefit of the doubt.
fn speaks_http2(cluster: &Node) -> bool {
    if read::field(cluster, "http2_protocol_options").is_some() {
        return true;
    }
    let all = read::value(cluster, "typed_extension_protocol_options").map_or(&[][..], read::entries);
    let mut messages = all.iter().rev().filter_map(|entry| read::message(&entry.node));
    messages.find(|(name, _)| *name == HTTP_OPTIONS).is_some_and(|(_, options)| {
        read::at(options, &["explicit_http_config", "http2_protocol_options"]).is_some()
            || ["auto_config", "use_downstream_protocol_config"].iter().any(|name| read::field(options, name).is_some())
    })
}

/// Tokens travel to Portcullis: in the clear only on this machine.
fn lint_plaintext(findings: &mut Findings, cluster: &Node, name: &str) {
    const RAW: &str = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
    let socket = read::at(cluster, &["transport_socket", "typed_config"]).and_then(read::message);
    let may_be_tls = read::field(cluster, "transport_socket").is_some() && socket.is_none_or(|(kind, _)| kind != RAW);
    if may_be_tls || read::field(cluster, "transport_socket_matches").is_some() {
        return;
    }
    let mut hosts = endpoints::endpoints(cluster).filter_map(endpoints::host);
    let far = hosts.find(|host| read::as_text(host).is_some_and(|host| !endpoints::is_loopback(host)));
    if let Some(address) = far {
        let message =
            format!("the cluster {} reaches another machine without TLS: tokens travel in the clear", quoted(name));
        let help = "give it a `transport_socket` with TLS, or run Portcullis beside Envoy and reach it by 127.0.0.1";
        findings.warn(Lint::EnvoyPlaintext, &address.place, message, help);
    }
}
