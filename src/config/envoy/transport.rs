//! The way of Checks to Portcullis: tokens travel on it, and the server that answers decides. In the clear only on this machine, and by TLS
//! only with a look at the certificate.

use std::collections::HashMap;

use super::{
    Around,
    certificates::{self, Trust},
    endpoints,
    findings::Findings,
    quoted, read,
    scene::http_options,
};
use crate::config::{
    lint::Lint,
    tree::{Entry, Node, Place},
};

const RAW: &str = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const QUIC: &str = "envoy.extensions.transport_sockets.quic.v3.QuicUpstreamTransport";

/// The protection of a cluster's connections.
#[derive(Clone, Copy)]
enum Protection<'n> {
    /// The connections are not encrypted.
    None,
    /// TLS, and the servers that it lets in.
    Tls(&'n Entry, Trust<'n>),
    /// A transport that is not known here.
    Some,
}

/// Lints the connections of the cluster that is asked.
pub(super) fn lint<'n>(findings: &mut Findings, around: &Around<'n>, cluster: &'n Node, name: &str) {
    let checks_name = checks_name(cluster);
    let of_socket = |socket: Option<&'n Entry>| {
        socket.map_or(Protection::None, |socket| of_socket(socket, &around.scene.secrets, checks_name))
    };
    let matches: Vec<(&Node, Protection<'_>)> = read::list(cluster, "transport_socket_matches")
        .iter()
        .map(|one| (one, of_socket(read::field(one, "transport_socket"))))
        .collect();
    let default = of_socket(read::field(cluster, "transport_socket"));
    let possible = || matches.iter().map(|(_, protection)| *protection).chain([default]);
    let mut sockets = possible().filter_map(|one| match one {
        Protection::Tls(socket, trust @ (Trust::Any | Trust::Public)) => Some((socket, trust)),
        _ => None,
    });
    if let Some((socket, trust)) = sockets.next() {
        return report_unverified(findings, cluster, name, &socket.place, trust);
    }
    for protection in possible() {
        if let Protection::Tls(_, Trust::Unseen(secret)) = protection {
            let rules = format!("the rules {} for certificates, which come by discovery (`sds`)", quoted(secret));
            findings.unseen(format!("{rules}, of the cluster {}", quoted(name)));
        }
    }
    let of_endpoint = |endpoint: &Node| {
        let of_match = matches.iter().find(|(one, _)| is_match(one, endpoint)).map(|(_, protection)| *protection);
        of_match.unwrap_or(default)
    };
    if endpoints::are_listed(cluster) {
        let mut clear =
            endpoints::endpoints(cluster).filter(|endpoint| matches!(of_endpoint(endpoint), Protection::None));
        if let Some(host) = clear.find_map(far_host) {
            report_plaintext(findings, host, name);
        }
    } else if possible().any(|one| matches!(one, Protection::None))
        && !(has_default(&matches) && is_encrypted(&matches))
    {
        findings.unseen(format!(
            "the endpoints of the cluster {}, through which Portcullis is asked without TLS",
            quoted(name)
        ));
    }
}

/// Tells whether one of the matches is for every endpoint.
fn has_default(matches: &[(&Node, Protection<'_>)]) -> bool {
    matches.iter().any(|(one, _)| read::value(one, "match").is_none_or(|wanted| read::entries(wanted).is_empty()))
}

fn is_encrypted(matches: &[(&Node, Protection<'_>)]) -> bool {
    !matches.iter().any(|(_, protection)| matches!(protection, Protection::None))
}

/// Tells whether a `TransportSocketMatch` is for an endpoint, whose metadata must have all values that it names.
fn is_match(one: &Node, endpoint: &Node) -> bool {
    let wanted = read::value(one, "match").map_or(&[][..], read::entries);
    let has = read::at(endpoint, &["metadata", "filter_metadata", "envoy.transport_socket_match"]);
    wanted.iter().all(|wanted| {
        let value = has.and_then(|has| read::entries(has).iter().rfind(|entry| entry.key == wanted.key));
        value.is_some_and(|value| {
            read::as_text(&value.node).is_some() && read::as_text(&value.node) == read::as_text(&wanted.node)
        })
    })
}

/// Tells whether a cluster has certificates checked for the name of the host that is asked.
fn checks_name(cluster: &Node) -> bool {
    let mut upstream =
        http_options(cluster).filter_map(|options| read::value(options, "upstream_http_protocol_options"));
    upstream.any(|options| read::switched_on(options, "auto_san_validation").is_some())
}

fn of_socket<'n>(socket: &'n Entry, secrets: &HashMap<&'n str, &'n Node>, checks_name: bool) -> Protection<'n> {
    let trust = |context| Protection::Tls(socket, certificates::trust(context, secrets, checks_name));
    match read::value(&socket.node, "typed_config").and_then(read::message) {
        Some((RAW, _)) => Protection::None,
        Some((TLS, context)) => trust(context),
        Some((QUIC, quic)) => {
            read::value(quic, "upstream_tls_context").map_or(Protection::Tls(socket, Trust::Any), trust)
        }
        // Others wrap one, as that of the PROXY protocol does.
        Some((_, other)) => read::field(other, "transport_socket")
            .map_or(Protection::Some, |inner| of_socket(inner, secrets, checks_name)),
        None => Protection::Some,
    }
}

/// Returns the first host of an endpoint that is another machine.
fn far_host(endpoint: &Node) -> Option<&Node> {
    endpoints::hosts(endpoint).find(|host| read::as_text(host).is_some_and(|host| !endpoints::is_loopback(host)))
}

fn report_unverified(findings: &mut Findings, cluster: &Node, name: &str, place: &Place, trust: Trust<'_>) {
    let mut all = endpoints::endpoints(cluster).peekable();
    if all.peek().is_some() && all.all(|endpoint| far_host(endpoint).is_none()) {
        return;
    }
    let certificate = if trust == Trust::Public { "any certificate of a public authority" } else { "any certificate" };
    let message = format!(
        "the cluster {} takes {certificate}: whoever stands in between reads tokens, and can allow every request",
        quoted(name)
    );
    let help = if trust == Trust::Public {
        "add `match_typed_subject_alt_names` for the name of Portcullis to the `validation_context`, or make its `trusted_ca` an \
         authority of your own"
    } else {
        "set `common_tls_context: { validation_context: { trusted_ca: … } }`, with `match_typed_subject_alt_names` for the name of \
         Portcullis"
    };
    findings.warn(Lint::EnvoyTlsUnverified, place, message, help);
}

fn report_plaintext(findings: &mut Findings, address: &Node, name: &str) {
    let message =
        format!("the cluster {} reaches another machine without TLS: tokens travel in the clear", quoted(name));
    let help = "run Portcullis beside Envoy and reach it by 127.0.0.1, or have a proxy in front of Portcullis, which takes no TLS \
                itself, and give the cluster a `transport_socket` with TLS, a `trusted_ca` and \
                `match_typed_subject_alt_names`";
    findings.warn(Lint::EnvoyPlaintext, &address.place, message, help);
}

/// Lints the connections of gRPC's C core.
pub(super) fn lint_google_grpc(findings: &mut Findings, service: &Node) {
    let Some(google) = read::value(service, "google_grpc") else { return };
    let credentials = read::value(google, "channel_credentials");
    let credentials = credentials.map_or(&[][..], read::entries);
    let local = credentials.iter().find(|entry| read::is_named(&entry.key, "local_credentials"));
    // Envoy does not heed `channel_credentials_plugin`.
    if !credentials.is_empty() && local.is_none() {
        return;
    }
    let Some(target) = read::value(google, "target_uri") else { return };
    let Some(text) = read::as_text(target).filter(|text| !is_local(text)) else { return };
    let how = local.map_or_else(|| "without `channel_credentials`".to_owned(), |local| format!("by `{}`", local.key));
    let message = format!("Checks reach {} {how}: tokens travel to another machine in the clear", quoted(text));
    let help = "run Portcullis beside Envoy and reach it by 127.0.0.1, or have a proxy in front of Portcullis, which takes no TLS \
                itself, and set `channel_credentials: { ssl_credentials: { root_certs: … } }`";
    findings.warn(Lint::EnvoyPlaintext, &target.place, message, help);
}

/// Tells whether a target of gRPC's C core is on this machine.
fn is_local(target: &str) -> bool {
    let address = match target.split_once(':') {
        Some(("unix" | "unix-abstract", _)) => return true,
        Some(("dns" | "ipv4" | "ipv6", rest)) => rest.rsplit('/').next().unwrap_or_default(),
        _ => target,
    };
    // Several addresses stand between commas.
    address.split(',').all(|address| {
        let host = address.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(address, |(host, _)| host);
        let is_bare = address.parse::<std::net::IpAddr>().is_ok();
        endpoints::is_loopback(if is_bare { address } else { host.trim_matches(['[', ']']) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_on_this_machine_are_known() {
        for local in [
            "unix:/run/a.sock",
            "unix-abstract:a",
            "127.0.0.1:9191",
            "localhost:9191",
            "localhost",
            "[::1]:9191",
            "::1",
            "dns:///localhost:9191",
            "ipv4:127.0.0.1:1,127.0.0.2:2",
            "ipv6:[::1]:9191",
        ] {
            assert!(is_local(local), "{local}");
        }
        for far in [
            "portcullis:9191",
            "dns:///portcullis.default:9191",
            "10.0.0.1:9191",
            "ipv4:127.0.0.1:1,10.0.0.2:2",
            "[2001:db8::1]:9191",
            "localhost.example.com:1",
            "dns://127.0.0.1/portcullis:9191",
        ] {
            assert!(!is_local(far), "{far}");
        }
    }
}
