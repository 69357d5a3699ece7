//! Each `HttpConnectionManager`: has it an ext_authz filter that asks Portcullis, and is nothing around it?

use super::{
    Around,
    chain::{self, EXT_AUTHZ, Filter},
    filter,
    findings::Findings,
    order, paths, read, routes,
};
use crate::config::{
    lint::Lint,
    tree::{Node, Place},
};

/// The name by which the cluster or the statistics of the filter that asks Portcullis give it away.
const OUR_NAME: &str = "portcullis";

pub(super) fn lint_all(findings: &mut Findings, around: &Around<'_>) {
    let parts = around.parts;
    let chains: Vec<Vec<Filter<'_>>> =
        parts.managers.iter().map(|manager| chain::filters(read::list(manager, "http_filters"))).collect();
    let names = filter_names(&chains);
    let is_checked = |chain: &Vec<Filter<'_>>| chain.iter().any(|filter| filter.is(EXT_AUTHZ));
    let somewhere = chains.iter().any(is_checked);
    for (manager, filters) in parts.managers.iter().zip(&chains) {
        if is_checked(filters) {
            lint_checked(findings, around, manager, filters);
        } else if !chain::may_hide_one(filters) && reaches_upstream(manager) {
            report_unchecked(findings, manager, somewhere);
        }
    }
    for configuration in &parts.routes {
        routes::lint(findings, around, configuration, &names);
    }
    if parts.managers.is_empty() && parts.routes.is_empty() {
        let message = "there is no http_connection_manager and no route in this file: nothing was checked";
        let help = "where listeners come by discovery, lint what `curl localhost:9901/config_dump` gives";
        findings.warn(Lint::EnvoyNothingChecked, &Place::Nowhere, message, help);
    }
}

/// The names that ext_authz filters have: routes switch filters off by name.
fn filter_names<'n>(chains: &[Vec<Filter<'n>>]) -> routes::Names<'n> {
    let mut names = routes::Names::default();
    for filters in chains {
        let ours = ours(filters);
        for filter in filters.iter().filter(|filter| filter.is(EXT_AUTHZ)) {
            let is_ours = ours.iter().any(|other| std::ptr::eq(other.node, filter.node));
            names.add(filter.name, is_ours);
        }
    }
    names
}

/// The ext_authz filters that may be the one that asks Portcullis: others are somebody else's.
fn ours<'f, 'n>(filters: &'f [Filter<'n>]) -> Vec<&'f Filter<'n>> {
    let all: Vec<&Filter<'_>> = filters.iter().filter(|filter| filter.is(EXT_AUTHZ)).collect();
    let field = |filter: &Filter<'n>, path: &[&str]| {
        let text = filter.config.and_then(|config| read::at(config, path)).and_then(read::as_text);
        text.is_some_and(|text| text.to_ascii_lowercase().contains(OUR_NAME))
    };
    let is_named = |filter: &&&Filter<'n>| {
        filter.name.is_some_and(|name| name.contains(OUR_NAME))
            || field(filter, &["stat_prefix"])
            || field(filter, &["grpc_service", "envoy_grpc", "cluster_name"])
            || field(filter, &["grpc_service", "google_grpc", "target_uri"])
    };
    let named: Vec<&Filter<'_>> = all.iter().filter(is_named).copied().collect();
    let speaks_grpc =
        |filter: &&&Filter<'n>| filter.config.is_none_or(|config| read::field(config, "http_service").is_none());
    let grpc: Vec<&Filter<'_>> = all.iter().filter(speaks_grpc).copied().collect();
    [named, grpc].into_iter().find(|found| !found.is_empty()).unwrap_or(all)
}

fn lint_checked(findings: &mut Findings, around: &Around<'_>, manager: &Node, filters: &[Filter<'_>]) {
    // Nothing tells which of several is ours: one that is right suffices.
    let of_each = ours(filters).into_iter().map(|filter| {
        let mut found = Findings::default();
        filter::lint(&mut found, around, filter, manager);
        order::lint(&mut found, around, filters, filter);
        found
    });
    if let Some(best) = of_each.min_by_key(Findings::count) {
        findings.extend(best);
    }
    paths::lint(findings, manager);
    lint_upgrades(findings, manager);
    if let Some(configuration) = read::value(manager, "route_config") {
        let names = filter_names(&[chain::filters(read::list(manager, "http_filters"))]);
        routes::lint(findings, around, configuration, &names);
    }
}

fn report_unchecked(findings: &mut Findings, manager: &Node, somewhere: bool) {
    let place = read::field(manager, "http_filters").map_or(&manager.place, |entry| &entry.place);
    let message = "no request that comes this way is checked: there is no ext_authz filter";
    let help = "put one before the router, as envoy/envoy.yaml has it; Portcullis judges only what it is asked about";
    if somewhere {
        findings.warn(Lint::EnvoyUnchecked, place, message, help);
    } else {
        findings.error(Lint::EnvoyUnchecked, place, message, help);
    }
}

/// Whether some request can get to an upstream: a listener that only redirects to https needs no check.
fn reaches_upstream(manager: &Node) -> bool {
    let Some(configuration) = read::value(manager, "route_config") else { return true };
    let hosts = read::list(configuration, "virtual_hosts");
    let is_forwarding = |route: &Node| {
        ["redirect", "direct_response", "non_forwarding_action"].iter().all(|name| read::field(route, name).is_none())
    };
    read::field(configuration, "vhds").is_some()
        || hosts
            .iter()
            .any(|host| read::field(host, "matcher").is_some() || read::list(host, "routes").iter().any(is_forwarding))
}

/// An upgrade (websocket, CONNECT) that has filters of its own passes those and no others.
fn lint_upgrades(findings: &mut Findings, manager: &Node) {
    for upgrade in read::list(manager, "upgrade_configs") {
        let Some(list) = read::field(upgrade, "filters") else { continue };
        let is_off = read::field(upgrade, "enabled").is_some_and(|enabled| !read::is_true(&enabled.node));
        let filters = chain::filters(read::items(&list.node));
        let is_checked = filters.iter().any(|filter| filter.is(EXT_AUTHZ)) || chain::may_hide_one(&filters);
        if is_off || filters.is_empty() || is_checked {
            continue;
        }
        let kind = read::text(upgrade, "upgrade_type").unwrap_or_default().to_owned();
        let message = format!("upgrades to {} pass filters of their own, without ext_authz", super::quoted(&kind));
        let help = "remove `filters`, so that they pass `http_filters`, or put the ext_authz filter here as well";
        findings.warn(Lint::EnvoyUpgrade, &list.place, message, help);
    }
}
