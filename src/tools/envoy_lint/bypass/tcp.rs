//! TCP and UDP proxies, and network and listener filters of other protocols than HTTP, past ext_authz.

use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Place},
    tools::envoy_lint::{
        around::Around,
        findings::Findings,
        guard::{Guard, reach::Upstreams},
        read,
        scene::FilterKind,
    },
};

/// Lints what leads to the upstreams of checked routes by no HTTP connection manager.
pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, guard: &Guard<'_, '_>) {
    for proxy in around.scene.tcp_proxies.iter().filter(|proxy| !guard.is_behind(proxy.listener)) {
        let upstreams = Upstreams::new(around.scene, &proxy.destinations());
        let named = read::field(proxy.node, "cluster").or_else(|| read::field(proxy.node, "weighted_clusters"));
        findings.enter(&proxy.site);
        lint_upstreams(
            findings,
            around,
            guard,
            &upstreams,
            ("this TCP proxy", named.map_or(&proxy.node.place, |entry| &entry.place)),
        );
    }
    for filter in around.scene.network_filters.iter().filter(|filter| !guard.is_behind(filter.listener)) {
        let upstreams = Upstreams::new(around.scene, &filter.destinations());
        findings.enter(&filter.site);
        let name = quoted(filter.name());
        let (what, unseen) = match filter.kind {
            FilterKind::Network => {
                let unseen = format!("the network filter {name}, whose protocol is not known here");
                ("this network filter", Some(unseen))
            }
            FilterKind::Listener => {
                ("this listener filter", Some(format!("the listener filter {name}, whose effect is not known here")))
            }
            FilterKind::UdpProxy => ("this UDP proxy", None),
        };
        lint_upstreams(findings, around, guard, &upstreams, (what, read::place(filter.node)));
        unseen.into_iter().for_each(|unseen| findings.unseen(unseen));
    }
}

fn lint_upstreams<'n>(
    findings: &mut Findings,
    around: &Around<'n>,
    guard: &Guard<'_, 'n>,
    upstreams: &Upstreams<'n>,
    (what, place): (&str, &Place),
) {
    if upstreams.are_judged(around.scene, &guard.upstreams) {
        return;
    }
    if !upstreams.meets(&guard.upstreams) {
        if guard.is_somewhere() && upstreams.may_meet(&guard.upstreams) {
            let names: Vec<String> = upstreams.clusters.iter().map(|name| quoted(name)).collect();
            let names = if names.is_empty() { "an unknown cluster".to_owned() } else { names.join(", ") };
            findings.unseen(format!(
                "the servers behind {names}, to which {what} leads, and checked routes perhaps as well"
            ));
        }
        return;
    }
    let common = upstreams.clusters.iter().next().copied().unwrap_or_default();
    let common = upstreams.clusters.intersection(&guard.upstreams.clusters).next().copied().unwrap_or(common);
    let message = format!(
        "{what} leads to {}, which checked routes lead to as well: connections reach it past ext_authz",
        quoted(common)
    );
    let help = "give the filter chain an http_connection_manager with ext_authz in its place, or let it lead elsewhere";
    findings.warn(Lint::EnvoyTcpProxy, place, message, help);
}
