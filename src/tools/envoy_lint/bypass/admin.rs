//! The admin page: anyone who reaches it can change the runtime.

use crate::{
    config::{lint::Lint, site::Site},
    document::{
        suggest::quoted,
        tree::{Entry, Place},
    },
    tools::envoy_lint::{
        around::Around,
        findings::Findings,
        guard::{
            Gate, Guard,
            reach::{self, Upstreams},
        },
        read,
        scene::{Route, coverage::Case, endpoints},
    },
};

/// Lints an admin page that other machines reach and that sets values of the runtime.
pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, guard: &Guard<'_, '_>) {
    let Some(layer) = around.scene.runtime.admin_layer() else { return };
    lint_ways(findings, around, guard, layer);
    let host = around.scene.admin.and_then(|address| read::at(address, &["socket_address", "address"]));
    let Some((place, host)) = host.and_then(|host| Some((&host.place, read::as_text(host)?))) else { return };
    if endpoints::is_loopback(host) {
        return;
    }
    let message = format!(
        "the admin page listens on {} and sets the runtime ({}): anyone who reaches it can change which requests are checked, and how \
         their paths are read",
        quoted(host),
        shown(layer)
    );
    let help = format!("let it listen on 127.0.0.1, or {}", without(layer));
    findings.warn(Lint::EnvoyRuntime, place, message, help);
}

/// Lints unchecked routes and TCP proxies of this Envoy that lead to its admin page.
fn lint_ways(findings: &mut Findings, around: &Around<'_>, guard: &Guard<'_, '_>, layer: &Entry) {
    let scene = around.scene;
    let mut warn = |site: &Site, place: &Place| {
        let message = format!(
            "this leads to the admin page, which sets the runtime ({}): anyone can change which requests are checked",
            shown(layer)
        );
        let help = format!(
            "let it lead elsewhere, or {}; the paths `/stats/prometheus` and `/ready` alone change nothing",
            without(layer)
        );
        findings.enter(site);
        findings.warn(Lint::EnvoyRuntime, place, message, help);
    };
    for gate in guard.managers.iter().filter(|gate| !gate.is_behind) {
        let is_unchecked = |route: &&Route<'_>| !route.answers() && !reach::is_page(route.node) && !covers(gate, route);
        for route in gate.routes().iter().filter(is_unchecked) {
            if Upstreams::new(scene, &route.destinations()).may_be_admin(scene) {
                let place = read::field(route.node, "route").map_or(&route.node.place, |entry| &entry.place);
                warn(&gate.manager.site.with_route(&route.name), place);
            }
        }
    }
    for proxy in scene.tcp_proxies.iter().filter(|proxy| !guard.is_behind(proxy.listener)) {
        if Upstreams::new(scene, &proxy.destinations()).may_be_admin(scene) {
            warn(&proxy.site, &proxy.node.place);
        }
    }
}

const LAYER: &str = "admin_layer";

fn shown(layer: &Entry) -> String {
    if read::is_named(&layer.key, LAYER) {
        format!("`{}`", layer.key)
    } else {
        format!("`{}` without layers", layer.key)
    }
}

/// Writes how the admin page is kept from setting the runtime. Without its layer, and without any other, Envoy adds it again.
fn without(layer: &Entry) -> String {
    if read::is_named(&layer.key, LAYER) {
        format!("put `static_layer: {{}}` in place of `{}`", layer.key)
    } else {
        format!("remove `{}`", layer.key)
    }
}

/// Tells whether all requests of a route are checked.
fn covers<'n>(gate: &Gate<'_, 'n>, route: &Route<'n>) -> bool {
    let is_on = |case: &Case<'n>| gate.ours.iter().any(|one| case.state(one.outer()).is_on);
    Case::all(route).iter().all(is_on)
}
