//! Changes of a request after the decision: by filters behind ext_authz, in the manager or of clusters, and by routes.

mod before;
mod early_mutation;
mod filter;
mod filter_state;
mod formatter;
mod header_names;
mod identity;
mod line;
mod rewrites;
mod routes;
mod upstreams;

use super::{
    around::Around,
    findings::Findings,
    read,
    scene::{
        Manager,
        chain::{self, Filter},
    },
};
use crate::{config::site::Site, document::tree::Node};
use line::Line;

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

/// Lints all that a manager does to requests which come from checked ones alone: it is on an internal listener, and all of it is
/// behind ext_authz.
pub(super) fn lint_inner<'n>(findings: &mut Findings, around: &Around<'n>, manager: &Manager<'n>) {
    read::list(manager.node, "early_header_mutation_extensions")
        .iter()
        .for_each(|extension| early_mutation::lint(findings, around, extension));
    lint(findings, around, manager, &manager.filters, None);
    for upgrade in read::list(manager.node, "upgrade_configs") {
        let filters = chain::filters(read::list(upgrade, "filters"), &around.scene.extensions);
        if !filters.is_empty() {
            lint(findings, around, manager, &filters, None);
        }
    }
}

/// Lints tables of routes and virtual hosts whose manager is not in the files.
pub(super) fn lint_loose_routes<'n>(
    findings: &mut Findings,
    around: &Around<'_>,
    loose: impl Iterator<Item = &'n Node>,
) {
    loose.for_each(|node| routes::lint(findings, around, node, (&Site::default(), None)));
}
