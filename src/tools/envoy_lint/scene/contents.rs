//! The contents of Envoy's files, as far as lints look at them.

use std::collections::HashMap;

use super::{
    chain::{self, Extensions, Filter},
    cluster::http_options,
    destinations::Destinations,
    listener::Listener,
    manager::Manager,
    network::NetworkFilter,
    runtime::Runtime,
    tcp_proxy::TcpProxy,
};
use crate::{document::tree::Node, tools::envoy_lint::read};

/// The scene of some files.
pub(crate) struct Scene<'n> {
    /// Tells whether a control plane manages this Envoy: a file is a dump, or names sources of discovery.
    pub(crate) is_meshed: bool,
    pub(crate) listeners: Vec<Listener>,
    /// All `HttpConnectionManager`s of the files.
    pub(crate) managers: Vec<Manager<'n>>,
    pub(crate) tcp_proxies: Vec<TcpProxy<'n>>,
    /// The network and listener filters of other protocols, which may lead anywhere.
    pub(crate) network_filters: Vec<NetworkFilter<'n>>,
    /// All `RouteConfiguration`s outside of managers.
    pub(crate) tables: Vec<&'n Node>,
    /// All `VirtualHost`s outside of a `RouteConfiguration`.
    pub(crate) hosts: Vec<&'n Node>,
    pub(crate) clusters: Vec<&'n Node>,
    pub(super) clusters_by_name: HashMap<&'n str, &'n Node>,
    /// Tells whether a cluster that is not in the files does not exist.
    pub(crate) has_all_clusters: bool,
    /// Filters that come by discovery, as far as the files have them.
    pub(crate) extensions: Extensions<'n>,
    /// Secrets by their names, as far as the files have them. Rules for certificates are among them.
    pub(crate) secrets: HashMap<&'n str, &'n Node>,
    pub(crate) runtime: Runtime<'n>,
    /// The address of the admin page.
    pub(crate) admin: Option<&'n Node>,
    /// Parts that come by discovery and are not in the files, in words.
    pub(crate) undiscovered: Vec<String>,
}

/// The result of looking for a cluster.
pub(crate) enum Lookup<'n> {
    Found(&'n Node),
    /// There is none of that name.
    Missing,
    /// One of that name may come from elsewhere.
    Unknown,
}

impl<'n> Scene<'n> {
    /// Returns the cluster of that name.
    pub(crate) fn cluster(&self, name: &str) -> Lookup<'n> {
        match self.clusters_by_name.get(name) {
            Some(cluster) => Lookup::Found(cluster),
            None if self.has_all_clusters => Lookup::Missing,
            None => Lookup::Unknown,
        }
    }

    /// Tells whether the files have an internal listener of that name.
    pub(crate) fn has_listener(&self, name: &str) -> bool {
        self.listeners.iter().any(|listener| listener.is_internal && listener.name == name)
    }

    /// Returns the listeners of all that leads on and is no HTTP connection manager, by their numbers, with the clusters.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (Option<usize>, Destinations<'n>)> {
        let proxies = self.tcp_proxies.iter().map(|proxy| (proxy.listener, proxy.destinations()));
        proxies.chain(self.network_filters.iter().map(|filter| (filter.listener, filter.destinations())))
    }

    /// Returns the HTTP filters that a cluster has of its own. They run behind those of managers.
    pub(crate) fn cluster_filters(&self, cluster: &'n Node) -> Vec<Filter<'n>> {
        let lists = http_options(cluster).map(|options| read::list(options, "http_filters"));
        lists.flat_map(|list| chain::filters(list, &self.extensions)).collect()
    }

    /// Returns the names of all clusters.
    pub(crate) fn cluster_names(&self) -> impl Iterator<Item = &'n str> {
        self.clusters.iter().filter_map(|cluster| read::text(cluster, "name"))
    }
}
