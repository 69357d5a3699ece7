//! Changes of a request after the decision: by filters behind ext_authz, in the manager or of clusters, and by routes.

mod before;
mod catalogue;
mod filter;
mod filter_state;
mod formatter;
mod header_names;
mod identity;
mod inner;
mod jwt_authn;
mod line;
mod mutation_rules;
mod name_pattern;
mod processor;
mod rewrites;
mod routes;
mod script;
mod upstreams;

use super::{
    Around,
    chain::{self, Filter},
    findings::Findings,
    read,
    scene::Manager,
};
use crate::{config::site::Site, document::tree::Node};
pub(super) use filter::FOR_DISCOVERED;
pub(super) use inner::lint as lint_inner;
use line::Line;
pub(super) use mutation_rules::lint as lint_mutation_rules;

/// Lints everything around the ext_authz filter `ours` in a list of filters of a manager, and what its routes and clusters do. Without
/// one, requests come from managers that have had them checked, and all of the filters are behind.
pub(super) fn lint<'n>(
    findings: &mut Findings,
    around: &Around<'n>,
    manager: &Manager<'n>,
    filters: &[Filter<'n>],
    ours: Option<&Filter<'n>>,
) {
    let clusters = line::reached(around, manager);
    let of_clusters = line::cluster_filters(around, &clusters);
    let line = Line::new(manager, filters, ours, &of_clusters);
    line.before.iter().for_each(|filter| before::lint(findings, filter, &line));
    line.behind.iter().for_each(|behind| filter::lint(findings, around, behind, &line));
    manager.tables.iter().for_each(|table| routes::lint(findings, around, table, (&manager.site, Some(&line))));
    findings.enter(&manager.site);
    clusters.iter().for_each(|(_, cluster)| upstreams::lint(findings, around, cluster, &manager.site));
}

/// Tells whether the effect of a filter of that type is known.
pub(super) fn is_known(kind: &str) -> bool {
    catalogue::effect(catalogue::name_of(kind)).is_some()
}

/// Lints tables of routes and virtual hosts whose manager is not in the files.
pub(super) fn lint_loose_routes<'n>(
    findings: &mut Findings,
    around: &Around<'_>,
    loose: impl Iterator<Item = &'n Node>,
) {
    loose.for_each(|node| routes::lint(findings, around, node, (&Site::default(), None)));
}
