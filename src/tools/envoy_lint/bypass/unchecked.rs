//! Managers that do not ask Portcullis.

use super::acting_filters;
use crate::{
    config::{lint::Lint, site::Site},
    document::suggest::quoted,
    tools::envoy_lint::{
        after,
        around::Around,
        findings::Findings,
        guard::{
            Gate, Guard,
            asked::{Authorizer, authorizers},
            reach::Upstreams,
        },
        read,
        scene::{Lookup, Route},
    },
};

/// Lints a manager without an ext_authz filter that may ask Portcullis.
pub(crate) fn lint<'n>(findings: &mut Findings, around: &Around<'n>, guard: &Guard<'_, 'n>, gate: &Gate<'_, 'n>) {
    let (scene, manager) = (around.scene, gate.manager);
    let needs_check = |route: &Route<'n>| guard.needs_check(scene, Some(gate), route);
    let has_no_routes = manager.tables.is_empty() && manager.unseen_routes.is_empty();
    let is_needed = has_no_routes || !manager.unseen_routes.is_empty() || gate.routes().iter().any(needs_check);
    if gate.is_behind {
        return after::lint_inner(findings, around, manager);
    }
    if !is_needed {
        acting_filters::name_unknown(findings, gate, |_| true);
        let clusters = manager.destinations().clusters.into_iter();
        clusters
            .filter(|name| matches!(scene.cluster(name), Lookup::Unknown))
            .for_each(|name| findings.unseen_cluster(name));
        return;
    }
    if let Some(filter) = manager.filters.iter().find(|filter| filter.hides_some) {
        let name = quoted(filter.name.unwrap_or_default());
        let message = format!(
            "the filter {name} may run others that come by discovery: whether one of them is ext_authz is not known"
        );
        let help = "lint what `curl localhost:9901/config_dump` gives, which has them among its `ecds_filters`";
        findings.warn(Lint::EnvoyNothingChecked, filter.place(), message, help);
        findings.unseen(format!("the filters that {name} gets by discovery"));
        return;
    }
    let place = read::field(manager.node, "http_filters").map_or(&manager.node.place, |entry| &entry.place);
    if let Some(Authorizer { filter, .. }) = authorizers(&manager.filters).first() {
        let message = "no request that comes this way is judged by Portcullis: ext_authz asks another service here";
        let help = format!("have it ask Portcullis as well; {}", if_meant(&manager.site));
        findings.warn(Lint::EnvoyUnchecked, filter.place(), message, help);
        return;
    }
    let help = "put one before the router, as envoy/envoy.yaml has it; Portcullis judges only what it is asked about";
    if !guard.is_somewhere() {
        let message = "no request that comes this way is checked: there is no ext_authz filter";
        findings.error(Lint::EnvoyUnchecked, place, message, help);
        return;
    }
    let reached = Upstreams::new(scene, &manager.destinations());
    if reached.is_open || reached.meets(&guard.upstreams) {
        let message = "no request that comes this way is checked: there is no ext_authz filter";
        let is_known = reached.meets(&guard.upstreams);
        let help = if is_known { help.to_owned() } else { format!("{help}; {}", if_meant(&manager.site)) };
        findings.warn(Lint::EnvoyUnchecked, place, message, help);
    } else {
        let message = "no request that comes this way is checked, and none reaches a cluster that is checked elsewhere";
        let help = format!("put ext_authz before the router; {}", if_meant(&manager.site));
        findings.warn(Lint::EnvoyUnchecked, place, message, help);
    }
}

/// Returns the words on how to leave out a warning of a place where it is meant.
pub(crate) fn if_meant(site: &Site) -> String {
    let Some(name) = site.listener() else {
        return "where this is meant, leave it out with `--allow envoy-unchecked`".to_owned();
    };
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte));
    let quote = if is_plain { "" } else { "'" };
    let name = name.replace('\'', "'\\''");
    format!("where this is meant, leave it out with `--allow {quote}envoy-unchecked={name}{quote}`")
}
