//! The parts of a file that lints look at, wherever they stand: in a bootstrap file, in one of resources, in a dump.

use super::read;
use crate::config::{builder::IGNORED, tree::Node};

const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";
const ROUTES: &str = "envoy.config.route.v3.RouteConfiguration";
const CLUSTERS_DUMP: &str = "envoy.admin.v3.ClustersConfigDump";
const BOOTSTRAP_DUMP: &str = "envoy.admin.v3.BootstrapConfigDump";

/// Fields one of which a bootstrap file, a file of resources or a dump has.
const TOP_LEVEL: [&str; 6] =
    ["static_resources", "dynamic_resources", "resources", "configs", "admin", "layered_runtime"];

/// The parts of a file.
#[derive(Default)]
pub(super) struct Parts<'n> {
    /// Whether it looks like an Envoy configuration at all.
    pub(super) is_envoy: bool,
    /// Each `HttpConnectionManager`.
    pub(super) managers: Vec<&'n Node>,
    /// Each `RouteConfiguration` that does not stand in a manager.
    pub(super) routes: Vec<&'n Node>,
    clusters: Vec<&'n Node>,
    /// Whether a cluster that is not there is nowhere.
    has_all_clusters: bool,
    /// Those of a dump that repeat what its listeners have.
    repeated_routes: Vec<&'n Node>,
}

/// What is known of a cluster.
pub(super) enum Lookup<'n> {
    Found(&'n Node),
    /// There is none of that name.
    Missing,
    /// It may come from elsewhere.
    Unknown,
}

impl<'n> Parts<'n> {
    pub(super) fn of(root: &'n Node) -> Self {
        let has = |name: &&str| read::field(root, name).is_some();
        let is_resource = read::message(root).is_some_and(|(name, _)| name.starts_with("envoy."));
        let mut parts = Self { is_envoy: is_resource || TOP_LEVEL.iter().any(has), ..Self::default() };
        parts.walk(root);
        if read::at(root, &["dynamic_resources", "cds_config"]).is_some() {
            parts.has_all_clusters = false;
        }
        if parts.managers.is_empty() {
            parts.routes.append(&mut parts.repeated_routes);
        }
        parts
    }

    fn walk(&mut self, node: &'n Node) {
        match read::message(node) {
            Some((MANAGER, manager)) => return self.managers.push(manager),
            Some((CLUSTER, cluster)) => return self.clusters.push(cluster),
            Some((ROUTES, routes)) => return self.routes.push(routes),
            // The listeners and clusters of the bootstrap file stand in dumps of their own as well.
            Some((BOOTSTRAP_DUMP, _)) => return,
            Some((CLUSTERS_DUMP, _)) => self.has_all_clusters = true,
            _ => {}
        }
        for entry in read::entries(node) {
            if entry.key == IGNORED {
                continue;
            }
            if read::is_named(&entry.key, "static_route_configs") {
                let configs = read::items(&entry.node).iter().filter_map(|item| read::value(item, "route_config"));
                self.repeated_routes.extend(configs);
                continue;
            }
            if read::is_named(&entry.key, "static_resources") {
                self.has_all_clusters = true;
                self.clusters.extend(read::list(&entry.node, "clusters"));
            }
            self.walk(&entry.node);
        }
        read::items(node).iter().for_each(|item| self.walk(item));
    }

    /// The cluster of that name.
    pub(super) fn cluster(&self, name: &str) -> Lookup<'n> {
        let found = self.clusters.iter().find(|cluster| read::text(cluster, "name") == Some(name));
        match found {
            Some(cluster) => Lookup::Found(cluster),
            None if self.has_all_clusters => Lookup::Missing,
            None => Lookup::Unknown,
        }
    }

    /// The names of all clusters.
    pub(super) fn cluster_names(&self) -> impl Iterator<Item = &'n str> {
        self.clusters.iter().filter_map(|cluster| read::text(cluster, "name"))
    }
}
