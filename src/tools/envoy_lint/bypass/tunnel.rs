//! Checked requests whose bodies Envoy sends on as raw connections: requests inside of these are not checked.

use crate::{
    config::{lint::Lint, site::Site},
    document::{
        suggest::quoted,
        tree::{Entry, Node},
    },
    tools::envoy_lint::{
        around::Around,
        findings::Findings,
        guard::Guard,
        read,
        scene::{Lookup, Route},
    },
};

/// Types of `upstream_config` that send each request by itself. Of CONNECT alone the generic one makes a raw connection.
const HARMLESS: [&str; 3] = [
    "envoy.extensions.upstreams.http.generic.v3.GenericConnectionPoolProto",
    "envoy.extensions.upstreams.http.http.v3.HttpConnectionPoolProto",
    "envoy.extensions.upstreams.tcp.generic.v3.GenericConnectionPoolProto",
];
/// Types of `upstream_config` that make a raw connection of each request.
const RAW: [&str; 2] = [
    "envoy.extensions.upstreams.http.tcp.v3.TcpConnectionPoolProto",
    "envoy.extensions.upstreams.http.udp.v3.UdpConnectionPoolProto",
];

/// Lints the routes and clusters of checked requests.
pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, guard: &Guard<'_, '_>) {
    for gate in guard.managers.iter().filter(|gate| gate.is_checked() || gate.is_behind) {
        for route in &gate.routes() {
            lint_route(findings, &gate.manager.site, route);
        }
    }
    findings.enter(&Site::default());
    for name in &guard.upstreams.clusters {
        if let Lookup::Found(cluster) = around.scene.cluster(name) {
            lint_cluster(findings, cluster, name);
        }
    }
}

/// Lints a route that sends a POST on as it does a CONNECT, even where neither it nor its manager has the upgrade enabled.
pub(crate) fn lint_route(findings: &mut Findings, site: &Site, route: &Route<'_>) {
    let upgrades = read::at(route.node, &["route", "upgrade_configs"]).map_or(&[][..], read::items);
    let connects = upgrades.iter().filter_map(|upgrade| read::value(upgrade, "connect_config"));
    for entry in connects.filter_map(|connect| read::switched_on(connect, "allow_post")) {
        findings.enter(&site.with_route(&route.name));
        report_post(findings, entry);
    }
}

fn report_post(findings: &mut Findings, entry: &Entry) {
    let message = "`allow_post` makes a raw connection of each POST once it is checked: requests that its body sends to the API are not \
                   checked";
    findings.warn(Lint::EnvoyUpgrade, &entry.place, message, "remove `allow_post`");
}

fn lint_cluster(findings: &mut Findings, cluster: &Node, name: &str) {
    let Some(entry) = read::field(cluster, "upstream_config") else { return };
    let kind = read::value(&entry.node, "typed_config").and_then(read::message).map(|(kind, _)| kind);
    if kind.is_some_and(|kind| HARMLESS.contains(&kind)) {
        return;
    }
    let name = quoted(name);
    let message = if kind.is_some_and(|kind| RAW.contains(&kind)) {
        format!(
            "`upstream_config` of the cluster {name} makes a raw connection of each checked request: requests that its body sends to the \
             API are not checked"
        )
    } else {
        format!(
            "`upstream_config` of the cluster {name} is of a type that is not known here: it may make a raw connection of a checked \
             request, and requests inside that are not checked"
        )
    };
    findings.warn(Lint::EnvoyTcpProxy, &entry.place, message, "remove `upstream_config`");
}
