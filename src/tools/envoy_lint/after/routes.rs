//! Routes, virtual hosts and weighted clusters: headers that they set, and settings that they have for filters behind
//! ext_authz.
//!
//! `request_headers_to_remove` is not looked at: an API without an identity header takes the client for an anonymous one. `prefix_rewrite`,
//! `regex_rewrite`, `path_rewrite_policy` and most rewrites of hosts are how Envoy maps a judged path to its API; for the others see
//! [`rewrites`].

use super::{
    filter, filter_state, identity,
    line::{Behind, Line},
    rewrites,
};
use crate::{
    config::site::Site,
    document::tree::{Entry, Node},
    tools::envoy_lint::{
        around::Around,
        catalogue::{self, Effect, Settings},
        findings::Findings,
        read,
        scene::chain,
        types::FILTER_CONFIG,
        yaml::IGNORED,
    },
};

/// Lints a `RouteConfiguration`, or any part of one, of a manager at that site. Without a line, the filters that it is for are
/// not in the files.
pub(super) fn lint(
    findings: &mut Findings,
    around: &Around<'_>,
    node: &Node,
    (site, line): (&Site, Option<&Line<'_, '_>>),
) {
    findings.enter(site);
    for entry in read::entries(node).iter().filter(|entry| entry.key != IGNORED) {
        if read::is_named(&entry.key, "typed_per_filter_config") {
            read::entries(&entry.node).iter().for_each(|entry| lint_settings(findings, around, entry, line));
            continue;
        }
        rewrites::lint(findings, around, entry);
        if read::is_named(&entry.key, "request_headers_to_add") {
            read::items(&entry.node).iter().for_each(|option| identity::lint_option(findings, around, option));
        } else if read::is_named(&entry.key, "request_headers_mutations") {
            // Of the copies of requests that a mirror gets.
            let set = read::items(&entry.node).iter().filter_map(|mutation| read::value(mutation, "append"));
            set.for_each(|option| identity::lint_option(findings, around, option));
        }
        let is_host = read::is_named(&entry.key, "virtual_hosts");
        let has_names = is_host || read::is_named(&entry.key, "routes");
        for (at, item) in read::items(&entry.node).iter().enumerate() {
            let number = || is_host.then(|| at.saturating_add(1).to_string());
            let name = read::text(item, "name").filter(|name| !name.is_empty()).map(ToOwned::to_owned).or_else(number);
            let inner = name.filter(|_| has_names).map(|name| site.with_route(&name));
            lint(findings, around, item, (inner.as_ref().unwrap_or(site), line));
            findings.enter(site);
        }
        if read::items(&entry.node).is_empty() {
            lint(findings, around, &entry.node, (site, line));
        }
    }
    read::items(node).iter().for_each(|item| lint(findings, around, item, (site, line)));
}

/// Lints the settings that a route has for the filter with the name of the entry.
fn lint_settings(findings: &mut Findings, around: &Around<'_>, entry: &Entry, line: Option<&Line<'_, '_>>) {
    let Some((kind, config)) = read::message(&entry.node).and_then(unwrapped) else { return };
    let name = catalogue::name_of(kind);
    let is_before = |line: &Line<'_, '_>| line.before.iter().any(|filter| filter.name == Some(&entry.key));
    if name == "set_filter_state" && line.is_some_and(is_before) {
        filter_state::lint(findings, config);
    }
    let mut behind = line.map(|line| line.behind.iter().filter(|behind| behind.name == Some(&entry.key)).peekable());
    if behind.as_mut().is_some_and(|behind| behind.peek().is_none()) {
        return;
    }
    if name == "dynamic_forward_proxy" {
        read::entries(config).iter().for_each(|entry| rewrites::lint(findings, around, entry));
    }
    if catalogue::effect(name).is_some() {
        filter::lint_route_cache(findings, name, config);
    }
    if filter::forges_identity(findings, around, name, config) {
        return;
    }
    let (Some(line), Some(behind)) = (line, behind) else { return };
    let all: Vec<&Behind<'_, '_>> = behind.collect();
    let cluster = all.iter().find_map(|behind| behind.cluster);
    let of_filter = all.iter().find_map(|behind| behind.filter.config);
    let settings = Settings { config, filter: of_filter, identity: around.identity, has_route_settings: true };
    if let Some(effect @ Effect::ChangesIf(_, _)) = catalogue::effect(name) {
        effect
            .change(Some(&settings))
            .iter()
            .for_each(|change| filter::report(findings, &entry.place, change, cluster));
    }
    for inner in &chain::inside(config, &around.scene.extensions) {
        filter::lint(findings, around, &Behind { filter: inner, cluster, name: None }, line);
    }
}

/// Returns the settings themselves, if they don't switch the filter off.
fn unwrapped<'n>((kind, config): (&'n str, &'n Node)) -> Option<(&'n str, &'n Node)> {
    if kind != FILTER_CONFIG {
        return Some((kind, config));
    }
    let is_off = read::switched_on(config, "disabled").is_some();
    read::value(config, "config").filter(|_| !is_off).and_then(read::message)
}
