//! The way of Checks to Portcullis: tokens travel on it, and the server that answers decides. In the clear only on this machine, and by TLS
//! only with a look at the certificate.

use std::collections::HashSet;

use super::{
    certificates::Trust,
    onward::{self, Kind},
    sockets::{Protection, Sockets},
};
use crate::{
    config::lint::Lint,
    document::{
        suggest::quoted,
        tree::{Entry, Node, Place, Value},
    },
    tools::envoy_lint::{
        around::Around,
        findings::Findings,
        read,
        scene::{
            Lookup,
            endpoints::{self, Host},
        },
    },
};

/// Clusters that were looked at, by their places in memory.
type Done = HashSet<*const Node>;

/// Lints the connections of the cluster that is asked, and of those to which it leads on.
pub(crate) fn lint<'n>(findings: &mut Findings, around: &Around<'n>, cluster: &'n Node, name: &str) {
    lint_cluster(findings, around, cluster, name, &mut Done::new());
}

fn lint_cluster<'n>(findings: &mut Findings, around: &Around<'n>, cluster: &'n Node, name: &str, done: &mut Done) {
    if !done.insert(std::ptr::from_ref(cluster)) {
        return;
    }
    match onward::kind(cluster) {
        Kind::Own => {}
        // Envoy takes the transport sockets of the members, whatever their aggregate has.
        Kind::Members(names) => return names.iter().for_each(|name| lint_named(findings, around, name, done)),
        Kind::Unknown => findings
            .unseen(format!("the servers of the cluster {}, whose `cluster_type` is not known here", quoted(name))),
    }
    let sockets = Sockets::new(around.scene, cluster);
    let mut unverified = sockets.possible().filter_map(|one| match one {
        Protection::Tls(socket, trust @ (Trust::Any | Trust::Public)) => Some((socket, trust)),
        _ => None,
    });
    if let Some((socket, trust)) = unverified.next()
        && leads_far(around, cluster, &mut Done::new())
    {
        return report_unverified(findings, name, &socket.place, trust);
    }
    name_unseen(findings, &sockets, name);
    if endpoints::are_listed(cluster) {
        lint_hosts(findings, around, cluster, name, &sockets, done);
    } else if sockets.possible().any(|one| one.is_clear()) {
        findings.unseen(format!(
            "the endpoints of the cluster {}, through which Portcullis is asked without TLS",
            quoted(name)
        ));
    }
}

/// Lints a cluster by its name. Envoy passes over one that does not exist.
fn lint_named(findings: &mut Findings, around: &Around<'_>, name: &str, done: &mut Done) {
    match around.scene.cluster(name) {
        Lookup::Found(cluster) => lint_cluster(findings, around, cluster, name, done),
        Lookup::Unknown => findings.unseen_cluster(name),
        Lookup::Missing => {}
    }
}

/// Names what of the sockets is not known here.
fn name_unseen(findings: &mut Findings, sockets: &Sockets<'_>, name: &str) {
    for protection in sockets.possible() {
        match protection {
            Protection::Tls(_, Trust::Unseen(secret)) => {
                let rules = format!("the rules {} for certificates, which come by discovery (`sds`)", quoted(secret));
                findings.unseen(format!("{rules}, of the cluster {}", quoted(name)));
            }
            Protection::Tls(_, Trust::UnseenNames) => findings.unseen(format!(
                "the host names of the endpoints of the cluster {}, for which certificates must be (`auto_host_sni`)",
                quoted(name)
            )),
            Protection::Unknown(kind) => findings.unseen(format!(
                "the transport socket {} of the cluster {}, which is not known here",
                quoted(kind),
                quoted(name)
            )),
            _ => {}
        }
    }
}

/// Lints the endpoints that a cluster lists: those in the clear on another machine, and where those lead on that are listeners of this
/// Envoy.
fn lint_hosts<'n>(
    findings: &mut Findings,
    around: &Around<'n>,
    cluster: &'n Node,
    name: &str,
    sockets: &Sockets<'n>,
    done: &mut Done,
) {
    let is_clear = |host: &Host<'n>| sockets.of_endpoint(host).iter().any(Protection::is_clear);
    let mut clear = endpoints::hosts(cluster).filter(is_clear);
    if let Some(address) = clear.find_map(|host| far_address(&host)) {
        return report_plaintext(findings, address, name);
    }
    for host in endpoints::hosts(cluster) {
        for destinations in onward::of_host(around.scene, &host, is_clear(&host)) {
            match destinations {
                Ok(destinations) => {
                    if destinations.is_open {
                        findings.unseen(format!(
                            "the clusters behind the listener of this Envoy to which the cluster {} leads",
                            quoted(name)
                        ));
                    }
                    destinations.clusters.iter().for_each(|name| lint_named(findings, around, name, done));
                }
                Err(words) => findings.unseen(words),
            }
        }
    }
}

/// Tells whether a cluster may lead to another machine.
fn leads_far<'n>(around: &Around<'n>, cluster: &'n Node, done: &mut Done) -> bool {
    if !done.insert(std::ptr::from_ref(cluster)) {
        return false;
    }
    let mut is_far = |name: &str| match around.scene.cluster(name) {
        Lookup::Found(cluster) => leads_far(around, cluster, done),
        Lookup::Unknown => true,
        Lookup::Missing => false,
    };
    if let Kind::Members(names) = onward::kind(cluster) {
        return names.into_iter().any(is_far);
    }
    let mut hosts = endpoints::hosts(cluster).peekable();
    hosts.peek().is_none()
        || hosts.any(|host| {
            let mut onward = onward::of_host(around.scene, &host, true).into_iter();
            let leads_on = onward.any(|destinations| {
                destinations.map_or(true, |to| to.is_open || to.clusters.into_iter().any(&mut is_far))
            });
            far_address(&host).is_some() || leads_on
        })
}

/// Returns the first address of an endpoint that is another machine's.
fn far_address<'n>(host: &Host<'n>) -> Option<&'n Node> {
    host.names().find(|name| read::as_text(name).is_some_and(|name| !endpoints::is_loopback(name)))
}

fn report_unverified(findings: &mut Findings, name: &str, place: &Place, trust: Trust<'_>) {
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
pub(crate) fn lint_google_grpc(findings: &mut Findings, service: &Node) {
    let Some(google) = read::value(service, "google_grpc") else { return };
    let credentials = read::value(google, "channel_credentials");
    let is_set = |entry: &&Entry| !matches!(entry.node.value, Value::Null);
    let credentials: Vec<&Entry> = credentials.map_or(&[][..], read::entries).iter().filter(is_set).collect();
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
