//! A filter behind ext_authz: the changes that it may make to what was judged.

use super::{
    header_names::{header_names, header_values, sets_headers},
    identity,
    line::{Behind, Line},
};
use crate::{
    config::lint::Lint,
    document::{
        suggest::quoted,
        tree::{Node, Place},
    },
    tools::envoy_lint::{
        around::Around,
        catalogue::{self, BEFORE, Change, Effect, Settings, UNJUDGED},
        ext_authz_filter::{FOR_DISCOVERED, route_cache},
        findings::Findings,
        guard::asked::target,
        read,
        scene::chain::Filter,
        types::EXT_AUTHZ,
    },
};

/// The remedy of [`BEFORE`] for a filter of a cluster.
const BEFORE_FROM_CLUSTER: &str =
    "put the filter into `http_filters` of the listener, before ext_authz, so that Portcullis judges what the API gets";

pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, behind: &Behind<'_, '_>, line: &Line<'_, '_>) {
    let filter = behind.filter;
    if filter.hides_some && !filter.inside.iter().any(|inner| inner.hides_some) {
        report_unseen(findings, filter, "filters that");
    }
    let Some(kind) = filter.kind else { return };
    if kind == EXT_AUTHZ {
        lint_authorizer(findings, filter, line.ours);
        return;
    }
    let name = catalogue::name_of(kind);
    let has_route_settings = line.has_settings(behind.name);
    let settings = filter.config.map(|config| Settings {
        config,
        filter: Some(config),
        identity: around.identity,
        has_route_settings,
    });
    let effect = catalogue::effect(name);
    if let Some(settings) = settings.as_ref().filter(|_| effect.is_some()) {
        lint_route_cache(findings, name, settings.config);
    }
    if settings.as_ref().is_some_and(|settings| forges_identity(findings, around, name, settings.config)) {
        return;
    }
    match (effect, &settings) {
        // The answers to preflight requests, and denials, are up to the manager with ext_authz.
        (Some(Effect::Misplaced(_)), _) if line.ours.is_none() => {}
        (Some(Effect::Misplaced(change)), _) => {
            let message = format!("{} {}", change.what, change.how);
            findings.warn_closed(Lint::EnvoyFilterOrder, filter.place(), message, change.help);
        }
        (Some(effect), None) if matches!(effect, Effect::ChangesIf(_, _)) || sets_headers(name) => {
            report_unseen(findings, filter, "the settings of");
        }
        (Some(effect), _) => {
            let change = effect.change(settings.as_ref());
            change.iter().for_each(|change| report(findings, filter.place(), change, behind.cluster));
        }
        (None, _) => report_unknown(findings, filter, kind, behind.cluster),
    }
}

/// Lints the settings of a filter, or of a route for it, that have the route of a request chosen again, or the cluster of its route.
pub(super) fn lint_route_cache(findings: &mut Findings, name: &str, config: &Node) {
    if let Some(entry) = read::switched_on(config, "clear_route_cache") {
        let message = format!("{name} has the route chosen again behind ext_authz: it may be another one");
        let help = "remove `clear_route_cache`, or put the filter before ext_authz: a route that was not judged may have its check \
                    switched off";
        findings.warn(Lint::EnvoyRouteCache, &entry.place, message, help);
    }
    if let Some(entry) = read::switched_on(config, "clear_cluster_cache") {
        let message = format!("{name} has the cluster chosen again behind ext_authz: it may be another one");
        let help = "remove `clear_cluster_cache`, or put the filter before ext_authz: Portcullis has not judged where the request goes";
        findings.warn(Lint::EnvoyRouteCache, &entry.place, message, help);
    }
}

/// Lints the headers that a filter sets. Returns whether one of them carries an identity, or was judged or removed.
pub(super) fn forges_identity(findings: &mut Findings, around: &Around<'_>, filter: &str, config: &Node) -> bool {
    let names = header_names(filter, config).into_iter();
    // Each one is looked at, not only those up to the first.
    let forged = names.filter(|entry| identity::lint_name(findings, around, entry)).count();
    let values = header_values(filter, config).into_iter();
    forged.saturating_add(values.filter(|entry| identity::lint_value(findings, around, &entry.node)).count()) > 0
}

/// Reports that a filter changes requests.
pub(super) fn report(findings: &mut Findings, place: &Place, change: &Change, cluster: Option<&str>) {
    let help = if change.help == BEFORE && cluster.is_some() { BEFORE_FROM_CLUSTER } else { change.help };
    let message = format!("{}{} {}", change.what, of_cluster(cluster), change.how);
    findings.warn(Lint::EnvoyFilterOrder, place, message, help);
}

fn report_unknown(findings: &mut Findings, filter: &Filter<'_>, kind: &str, cluster: Option<&str>) {
    let message =
        format!("a filter{} of type {}, which is not known here, {UNJUDGED}", of_cluster(cluster), quoted(kind));
    let help = "put the filter before ext_authz; if it changes no request, add `--allow envoy-filter-order`";
    findings.warn(Lint::EnvoyFilterOrder, filter.place(), message, help);
}

fn of_cluster(cluster: Option<&str>) -> String {
    cluster.map_or_else(String::new, |name| format!(" of the cluster {}", quoted(name)))
}

fn report_unseen(findings: &mut Findings, filter: &Filter<'_>, what: &str) {
    let name = quoted(filter.name.unwrap_or_default());
    let message = match what {
        "filters that" => format!("filters that {name} runs behind ext_authz come by discovery: they were not checked"),
        _ => format!("the settings of {name}, a filter behind ext_authz, come by discovery: they were not checked"),
    };
    let help = FOR_DISCOVERED;
    findings.warn(Lint::EnvoyNothingChecked, filter.place(), message, help);
    findings.unseen(match what {
        "filters that" => format!("the filters that {name} gets by discovery"),
        _ => format!("the settings of the filter {name}"),
    });
}

/// Lints an ext_authz filter of another service behind the one of Portcullis: its answers may set any header.
fn lint_authorizer(findings: &mut Findings, filter: &Filter<'_>, ours: Option<&Filter<'_>>) {
    let Some(config) = filter.config else { return report_unseen(findings, filter, "the settings of") };
    // One that asks Portcullis as well is linted as one of its own.
    if ours.is_some_and(|ours| ours.config.is_none_or(|ours| target(config) == target(ours))) {
        return;
    }
    route_cache::lint(findings, config);
    if leaves_headers(config) {
        return;
    }
    let change = Change {
        what: "another ext_authz filter",
        how: "stands behind the one of Portcullis: it may replace identity headers",
        help: "put it before the one of Portcullis, or set `decoder_header_mutation_rules: { disallow_all: true }` in it",
    };
    report(findings, filter.place(), &change, None);
}

/// Tells whether the answers that an ext_authz filter gets leave headers of the request as they are.
fn leaves_headers(config: &Node) -> bool {
    if let Some(http) = read::value(config, "http_service") {
        let response = read::value(http, "authorization_response");
        let names = ["allowed_upstream_headers", "allowed_upstream_headers_to_append"];
        return response.is_none_or(|response| names.iter().all(|name| read::field(response, name).is_none()));
    }
    let rules = read::value(config, "decoder_header_mutation_rules");
    rules.is_some_and(|rules| {
        read::switched_on(rules, "disallow_all").is_some() && read::field(rules, "allow_expression").is_none()
    })
}
