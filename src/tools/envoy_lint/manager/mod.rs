//! Each `HttpConnectionManager`: has it an ext_authz filter that asks Portcullis, and is nothing around it?

mod authorizers;
mod client_headers;
mod hosts;
mod paths;
mod switches;

use std::collections::{BTreeMap, HashSet};

use super::{
    after,
    around::Around,
    bypass::{acting_filters, admin, tcp, tunnel, unchecked},
    findings::Findings,
    guard::{
        Gate, Guard,
        asked::{self, Authorizer},
    },
    read,
    scene::{self, Lookup, Manager, Route, chain, coverage::Case},
};
use crate::{
    config::{lint::Lint, site::Site},
    document::{
        suggest::quoted,
        tree::{Node, Place},
    },
};
use switches::Switched;

/// Lints all managers, and the routes that none of them has.
pub(crate) fn lint_all<'n>(findings: &mut Findings, around: &Around<'n>) {
    let scene = around.scene;
    let guard = Guard::new(scene);
    for gate in &guard.managers {
        findings.enter(&gate.manager.site);
        if gate.is_checked() {
            gate.manager.unseen_routes.iter().for_each(|routes| findings.unseen(routes));
            lint_checked(findings, around, &guard, gate);
        } else {
            unchecked::lint(findings, around, &guard, gate);
        }
    }
    findings.enter(&Site::default());
    lint_loose_routes(findings, around, &guard);
    tcp::lint(findings, around, &guard);
    tunnel::lint(findings, around, &guard);
    findings.enter(&Site::default());
    admin::lint(findings, around, &guard);
    findings.enter(&Site::default());
    name_unseen(findings, around, &guard);
    let has_routes = !scene.tables.is_empty() || !scene.hosts.is_empty();
    if scene.managers.is_empty() && has_routes {
        findings.unseen("the listeners that take the requests of these routes, and with them who is asked");
    }
    if scene.managers.is_empty() && !has_routes {
        let message = "there is no http_connection_manager and no route in this file: nothing was checked";
        let help = "where listeners come by discovery, lint what `curl localhost:9901/config_dump` gives";
        findings.warn(Lint::EnvoyNothingChecked, &Place::Nowhere, message, help);
        if scene.undiscovered.is_empty() {
            findings.unseen("the listeners with an http_connection_manager, of which the files have none");
        }
    }
}

/// Names the parts that could change the verdict and are not in the files.
fn name_unseen(findings: &mut Findings, around: &Around<'_>, guard: &Guard<'_, '_>) {
    around.scene.undiscovered.iter().for_each(|what| findings.unseen(what));
    let candidates: Vec<String> = guard.asked.candidates(around.scene).into_iter().map(quoted).collect();
    let remedy = "name its cluster so, or give the filter `stat_prefix: portcullis`";
    match candidates.as_slice() {
        [] => {}
        [only] => findings.unseen(format!("whether the service {only} is Portcullis: {remedy}")),
        several => {
            findings.unseen(format!("which of the services {} is Portcullis: {remedy}", several.join(", ")));
        }
    }
    for name in &guard.upstreams.clusters {
        match around.scene.cluster(name) {
            Lookup::Found(cluster) => {
                let filters = around.scene.cluster_filters(cluster);
                if filters.iter().any(|filter| filter.hides_some) {
                    findings.unseen(format!("the filters that the cluster {} gets by discovery", quoted(name)));
                }
                for filter in read::list(cluster, "filters").iter().filter(|one| scene::is_unknown_network_filter(one))
                {
                    let filter = quoted(read::text(filter, "name").unwrap_or_default());
                    let cluster = quoted(name);
                    findings.unseen(format!(
                        "the network filter {filter} of the cluster {cluster}, which may change requests"
                    ));
                }
            }
            Lookup::Unknown => findings.unseen_cluster(name),
            Lookup::Missing => {}
        }
    }
}

fn lint_checked<'n>(findings: &mut Findings, around: &Around<'n>, guard: &Guard<'_, 'n>, gate: &Gate<'_, 'n>) {
    let manager = gate.manager;
    let switched = switches::lint(findings, around, guard, gate);
    authorizers::lint(findings, around, gate, &manager.filters, &switched);
    lint_disabled(findings, gate, &switched);
    paths::lint(findings, around, manager.node);
    hosts::lint(findings, around, manager.node);
    client_headers::lint(findings, manager.node);
    lint_upgrades(findings, around, guard, manager);
    acting_filters::lint_unrouted(findings, gate);
    let is_on = |case: &Case<'n>| gate.ours.iter().any(|one| case.state(one.outer()).is_on);
    acting_filters::name_unknown(findings, gate, |route| !Case::all(route).iter().all(is_on));
}

/// Lints filters that are off unless a route switches them on.
fn lint_disabled(findings: &mut Findings, gate: &Gate<'_, '_>, switched: &Switched) {
    let Some(entry) = gate.ours.iter().find_map(|one| one.outer().disabled) else { return };
    let help = "remove `disabled`: `access: public` in the policy opens a path, and says so in one place";
    let has_one_on = gate.ours.iter().any(|one| one.outer().disabled.is_none());
    let has_unseen = !gate.manager.unseen_routes.is_empty() || gate.manager.tables.is_empty();
    if switched.uncovered.len() == switched.cases && switched.cases > 0 && !has_unseen {
        let message = "this filter is off, and no route switches it on: no request is checked";
        findings.error(Lint::EnvoyFilterDisabled, &entry.place, message, help);
        return;
    }
    let message = "this filter is off unless a route switches it on: requests of all other routes are not checked";
    for name in &switched.uncovered {
        findings.enter(&gate.manager.site.with_route(name));
        findings.warn(Lint::EnvoyFilterDisabled, &entry.place, message, help);
    }
    findings.enter(&gate.manager.site);
    if switched.uncovered.is_empty() && has_unseen && !has_one_on {
        findings.warn(Lint::EnvoyFilterDisabled, &entry.place, message, help);
    }
}

/// Lints routes that no manager in the files has.
fn lint_loose_routes<'n>(findings: &mut Findings, around: &Around<'n>, guard: &Guard<'_, 'n>) {
    let scene = around.scene;
    let tables = scene.managers.iter().flat_map(|manager| &manager.tables);
    let held: HashSet<*const Node> = tables.map(|table| std::ptr::from_ref(*table)).collect();
    let is_loose = |table: &&Node| !held.contains(&std::ptr::from_ref(*table));
    let loose: Vec<&'n Node> = scene.tables.iter().copied().filter(is_loose).collect();
    let (mut names, mut others) = (BTreeMap::new(), Vec::new());
    for gate in &guard.managers {
        let outer = gate.ours.iter().map(Authorizer::outer);
        names.extend(outer.filter_map(|filter| Some((filter.name?, filter.disabled.is_none()))));
        others.extend(asked::authorizers(&gate.manager.filters).iter().filter_map(|one| one.outer().name));
    }
    others.retain(|name| !names.contains_key(name));
    let names: Vec<(&str, bool)> = names.into_iter().collect();
    let hosts = scene.hosts.iter().enumerate();
    let routes: Vec<Route<'n>> = loose
        .iter()
        .flat_map(|table| scene::routes(table))
        .chain(hosts.flat_map(|(at, host)| scene::of_host(None, host, at.saturating_add(1))))
        .collect();
    loose
        .iter()
        .chain(&scene.hosts)
        .filter_map(|node| scene::unseen_choice(node))
        .for_each(|what| findings.unseen(what));
    switches::lint_loose(findings, around, guard, &routes, (&names, &others));
    routes.iter().for_each(|route| tunnel::lint_route(findings, &Site::default(), route));
    findings.enter(&Site::default());
    after::lint_loose_routes(findings, around, loose.iter().chain(&scene.hosts).copied());
}

/// Lints upgrades (websocket, CONNECT) with filters of their own: these pass those and no others.
fn lint_upgrades<'n>(findings: &mut Findings, around: &Around<'n>, guard: &Guard<'_, 'n>, manager: &Manager<'n>) {
    for upgrade in read::list(manager.node, "upgrade_configs") {
        let Some(list) = read::field(upgrade, "filters") else { continue };
        let name = read::text(upgrade, "upgrade_type").unwrap_or_default();
        let filters = chain::filters(read::items(&list.node), &around.scene.extensions);
        let gate = Gate { manager, ours: guard.asked.ours(&filters), is_behind: false };
        let is_off = !is_enabled(upgrade) && !gate.routes().iter().any(|route| enables_upgrade(route, name));
        let ours = &gate.ours;
        if !is_off && !ours.is_empty() {
            let switched = switches::lint(findings, around, guard, &gate);
            authorizers::lint(findings, around, &gate, &filters, &switched);
        }
        if is_off
            || filters.is_empty()
            || ours.iter().any(|one| one.outer().disabled.is_none() && !one.is_conditional())
        {
            continue;
        }
        let kind = quoted(name);
        if let Some(filter) = filters.iter().find(|filter| filter.hides_some) {
            let name = quoted(filter.name.unwrap_or_default());
            findings.unseen(format!("the filters for upgrades to {kind} that {name} gets by discovery"));
            continue;
        }
        let message = if ours.is_empty() {
            format!("upgrades to {kind} pass filters of their own, without ext_authz")
        } else {
            format!("upgrades to {kind} pass filters of their own, and ext_authz runs there for some requests only")
        };
        let help = "remove `filters`, so that they pass `http_filters`, or put the ext_authz filter here as well";
        findings.warn(Lint::EnvoyUpgrade, &list.place, message, help);
    }
}

/// Tells whether a route allows upgrades of that type, which pass the manager's filters for them although it forbids them.
fn enables_upgrade(route: &Route<'_>, name: &str) -> bool {
    let upgrades = read::at(route.node, &["route", "upgrade_configs"]).map_or(&[][..], read::items);
    let is_same =
        |upgrade: &Node| read::text(upgrade, "upgrade_type").is_some_and(|kind| kind.eq_ignore_ascii_case(name));
    upgrades.iter().any(|upgrade| is_same(upgrade) && is_enabled(upgrade))
}

fn is_enabled(upgrade: &Node) -> bool {
    read::field(upgrade, "enabled").is_none_or(|enabled| read::is_true(&enabled.node))
}
