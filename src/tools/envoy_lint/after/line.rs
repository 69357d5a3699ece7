//! The filters that a request passes before and behind ext_authz, those that are off left out.

use std::collections::BTreeSet;

use crate::{
    document::tree::Node,
    tools::envoy_lint::{
        around::Around,
        guard::reach::Upstreams,
        read,
        scene::{Manager, chain::Filter},
        types::{EXT_AUTHZ, FILTER_CONFIG},
    },
};

/// The filters around an ext_authz filter.
pub(super) struct Line<'f, 'n> {
    /// The ext_authz filter that asks Portcullis, if the manager has one.
    pub(super) ours: Option<&'f Filter<'n>>,
    pub(super) before: Vec<&'f Filter<'n>>,
    pub(super) behind: Vec<Behind<'f, 'n>>,
    /// The names of filters for which a route has settings.
    named: BTreeSet<&'n str>,
    /// Tells whether there may be routes that are not in the files.
    has_unseen_routes: bool,
}

/// A filter behind ext_authz.
#[derive(Clone, Copy)]
pub(super) struct Behind<'f, 'n> {
    pub(super) filter: &'f Filter<'n>,
    /// The name of the cluster that has it, if no manager has.
    pub(super) cluster: Option<&'n str>,
    /// The name under which routes have settings for it: of a filter inside of another one, that of the other one.
    pub(super) name: Option<&'n str>,
}

/// Returns the clusters to which the routes of a manager lead, with those that mirror or stand for others, by their names.
pub(super) fn reached<'n>(around: &Around<'n>, manager: &Manager<'n>) -> Vec<(&'n str, &'n Node)> {
    let destinations = manager.destinations();
    let upstreams = Upstreams::new(around.scene, &destinations);
    let named = around.scene.clusters.iter().filter_map(|cluster| Some((read::text(cluster, "name")?, *cluster)));
    named.filter(|(name, _)| destinations.is_open || upstreams.clusters.contains(name)).collect()
}

/// Returns the filters of clusters.
pub(super) fn cluster_filters<'n>(
    around: &Around<'n>,
    clusters: &[(&'n str, &'n Node)],
) -> Vec<(&'n str, Vec<Filter<'n>>)> {
    clusters.iter().map(|(name, cluster)| (*name, around.scene.cluster_filters(cluster))).collect()
}

impl<'f, 'n> Line<'f, 'n> {
    pub(super) fn new(
        manager: &Manager<'n>,
        filters: &'f [Filter<'n>],
        ours: Option<&'f Filter<'n>>,
        of_clusters: &'f [(&'n str, Vec<Filter<'n>>)],
    ) -> Self {
        let mut named = BTreeSet::new();
        manager.tables.iter().for_each(|table| find_named(table, &mut named));
        let mut line = Self {
            ours,
            before: Vec::new(),
            behind: Vec::new(),
            named,
            has_unseen_routes: !manager.unseen_routes.is_empty(),
        };
        let at = ours.map(|ours| filters.iter().position(|filter| is_or_has(filter, ours)).unwrap_or(filters.len()));
        for filter in filters.get(..at.unwrap_or_default()).unwrap_or_default() {
            if line.is_on(filter) {
                line.before.extend(with_inside(filter));
            }
        }
        at.and_then(|at| filters.get(at)).into_iter().for_each(|outer| line.add_beside(outer));
        let first = at.map_or(0, |at| at.saturating_add(1));
        line.add_behind(filters.get(first..).unwrap_or_default(), None);
        of_clusters.iter().for_each(|(cluster, filters)| line.add_behind(filters, Some(cluster)));
        line
    }

    /// Adds the filters that another one runs together with ext_authz: a composite filter may have a whole chain.
    fn add_beside(&mut self, outer: &'f Filter<'n>) {
        let mut is_behind = false;
        for filter in with_inside(outer) {
            if filter.is(EXT_AUTHZ) {
                is_behind = true;
            } else if is_behind {
                self.behind.push(Behind { filter, cluster: None, name: outer.name });
            } else {
                self.before.push(filter);
            }
        }
    }

    fn add_behind(&mut self, filters: &'f [Filter<'n>], cluster: Option<&'n str>) {
        for outer in filters.iter().filter(|filter| self.is_on(filter)).collect::<Vec<_>>() {
            let behind = |filter| Behind { filter, cluster, name: outer.name };
            self.behind.extend(with_inside(outer).into_iter().map(behind));
        }
    }

    /// Tells whether some request passes a filter.
    fn is_on(&self, filter: &Filter<'n>) -> bool {
        filter.disabled.is_none() || self.has_settings(filter.name)
    }

    /// Tells whether a route may have settings for the filter of that name, other than that it is off.
    pub(super) fn has_settings(&self, name: Option<&str>) -> bool {
        self.has_unseen_routes || name.is_some_and(|name| self.named.contains(name))
    }
}

/// Tells whether a filter is another one, or runs it.
fn is_or_has(filter: &Filter<'_>, other: &Filter<'_>) -> bool {
    std::ptr::eq(filter.node, other.node) || filter.inside.iter().any(|inner| is_or_has(inner, other))
}

/// Returns a filter and all that it runs.
fn with_inside<'f, 'n>(filter: &'f Filter<'n>) -> Vec<&'f Filter<'n>> {
    let mut all = vec![filter];
    filter.inside.iter().for_each(|inner| all.extend(with_inside(inner)));
    all
}

/// Finds the names of filters for which routes have settings that leave them on.
fn find_named<'n>(node: &'n Node, named: &mut BTreeSet<&'n str>) {
    for entry in read::entries(node) {
        if read::is_named(&entry.key, "typed_per_filter_config") {
            let is_off = |any| {
                let message = read::message(any).filter(|(kind, _)| *kind == FILTER_CONFIG);
                message.is_some_and(|(_, config)| read::switched_on(config, "disabled").is_some())
            };
            let on = read::entries(&entry.node).iter().filter(|entry| !is_off(&entry.node));
            named.extend(on.map(|entry| entry.key.as_str()));
        } else {
            find_named(&entry.node, named);
        }
    }
    read::items(node).iter().for_each(|item| find_named(item, named));
}
