//! The clusters to which a route or a TCP proxy leads.

use std::collections::BTreeSet;

use crate::{document::tree::Node, tools::envoy_lint::read};

/// Fields of an action that choose a cluster while Envoy runs.
const CHOSEN_LATER: [&str; 3] = ["cluster_header", "cluster_specifier_plugin", "inline_cluster_specifier_plugin"];

/// Clusters to which requests or connections lead.
#[derive(Debug, Default, Clone)]
pub(crate) struct Destinations<'n> {
    pub(crate) clusters: BTreeSet<&'n str>,
    /// Tells whether any other cluster may be one as well.
    pub(crate) is_open: bool,
}

impl<'n> Destinations<'n> {
    pub(crate) fn extend(&mut self, other: &Self) {
        self.clusters.extend(&other.clusters);
        self.is_open |= other.is_open;
    }

    /// Returns those of a `RouteAction` or a `TcpProxy`.
    pub(super) fn of_action(action: &'n Node) -> Self {
        let mut found = Self::default();
        let named = read::text(action, "cluster").filter(|name| !name.is_empty());
        let weighted = read::at(action, &["weighted_clusters", "clusters"]).map_or(&[][..], read::items);
        found.clusters.extend(named);
        for cluster in weighted {
            found.add(read::text(cluster, "name"));
        }
        found.is_open |= CHOSEN_LATER.iter().any(|name| read::field(action, name).is_some());
        found.is_open |= found.clusters.is_empty();
        found.add_mirrors(action);
        found
    }

    /// Adds the clusters that get copies of requests.
    pub(super) fn add_mirrors(&mut self, node: &'n Node) {
        for mirror in read::list(node, "request_mirror_policies") {
            self.add(read::text(mirror, "cluster"));
        }
    }

    /// Adds a cluster by its name. Without one, a header chooses it.
    fn add(&mut self, name: Option<&'n str>) {
        match name.filter(|name| !name.is_empty()) {
            Some(name) => _ = self.clusters.insert(name),
            None => self.is_open = true,
        }
    }
}
