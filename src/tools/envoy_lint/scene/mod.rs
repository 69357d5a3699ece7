//! The scene: everything in Envoy's files that lints look at, built once from bootstrap files, files of resources and dumps.

mod destinations;
mod listener;
mod listener_filter;
mod network;
mod route;
mod runtime;
mod table;
mod walk;

use std::collections::HashMap;

use super::{
    acting::{Act, Acting},
    chain::{self, Extensions, Filter},
    read,
    types::HTTP_OPTIONS,
};
use crate::{config::site::Site, document::tree::Node};
pub(super) use destinations::Destinations;
pub(super) use listener::Listener;
pub(super) use network::{FilterKind, NetworkFilter, is_unknown as is_unknown_network_filter};
pub(super) use route::{Route, of_host, routes};
pub(super) use runtime::Runtime;
pub(super) use table::unseen_choice;
use walk::Walk;

/// The scene of some files.
pub(super) struct Scene<'n> {
    /// Tells whether a control plane manages this Envoy: a file is a dump, or names sources of discovery.
    pub(super) is_meshed: bool,
    pub(super) listeners: Vec<Listener>,
    /// All `HttpConnectionManager`s of the files.
    pub(super) managers: Vec<Manager<'n>>,
    pub(super) tcp_proxies: Vec<TcpProxy<'n>>,
    /// The network and listener filters of other protocols, which may lead anywhere.
    pub(super) network_filters: Vec<NetworkFilter<'n>>,
    /// All `RouteConfiguration`s outside of managers.
    pub(super) tables: Vec<&'n Node>,
    /// All `VirtualHost`s outside of a `RouteConfiguration`.
    pub(super) hosts: Vec<&'n Node>,
    pub(super) clusters: Vec<&'n Node>,
    clusters_by_name: HashMap<&'n str, &'n Node>,
    /// Tells whether a cluster that is not in the files does not exist.
    pub(super) has_all_clusters: bool,
    /// Filters that come by discovery, as far as the files have them.
    pub(super) extensions: Extensions<'n>,
    /// Secrets by their names, as far as the files have them. Rules for certificates are among them.
    pub(super) secrets: HashMap<&'n str, &'n Node>,
    pub(super) runtime: Runtime<'n>,
    /// The address of the admin page.
    pub(super) admin: Option<&'n Node>,
    /// Parts that come by discovery and are not in the files, in words.
    pub(super) undiscovered: Vec<String>,
}

/// An `HttpConnectionManager` with its filters and routes.
pub(super) struct Manager<'n> {
    pub(super) node: &'n Node,
    /// The number of its listener among the scene's.
    pub(super) listener: Option<usize>,
    pub(super) site: Site,
    pub(super) filters: Vec<Filter<'n>>,
    /// The filters that act by themselves, those for upgrades among them.
    pub(super) acting: Vec<Acting<'n>>,
    /// The tables of routes that it has or names, as far as the files have them.
    pub(super) tables: Vec<&'n Node>,
    /// Routes that it has from elsewhere, in words.
    pub(super) unseen_routes: Vec<String>,
}

/// A `TcpProxy` with its place.
pub(super) struct TcpProxy<'n> {
    pub(super) node: &'n Node,
    /// The number of its listener among the scene's.
    pub(super) listener: Option<usize>,
    pub(super) site: Site,
}

/// The result of looking for a cluster.
pub(super) enum Lookup<'n> {
    Found(&'n Node),
    /// There is none of that name.
    Missing,
    /// One of that name may come from elsewhere.
    Unknown,
}

impl<'n> Scene<'n> {
    pub(super) fn new(roots: &'n [Node]) -> Self {
        let mut walk = Walk::default();
        roots.iter().for_each(|root| walk.file(root));
        walk.finished()
    }

    /// Returns the cluster of that name.
    pub(super) fn cluster(&self, name: &str) -> Lookup<'n> {
        match self.clusters_by_name.get(name) {
            Some(cluster) => Lookup::Found(cluster),
            None if self.has_all_clusters => Lookup::Missing,
            None => Lookup::Unknown,
        }
    }

    /// Tells whether the files have an internal listener of that name.
    pub(super) fn has_listener(&self, name: &str) -> bool {
        self.listeners.iter().any(|listener| listener.is_internal && listener.name == name)
    }

    /// Returns the listeners of all that leads on and is no HTTP connection manager, by their numbers, with the clusters.
    pub(super) fn streams(&self) -> impl Iterator<Item = (Option<usize>, Destinations<'n>)> {
        let proxies = self.tcp_proxies.iter().map(|proxy| (proxy.listener, proxy.destinations()));
        proxies.chain(self.network_filters.iter().map(|filter| (filter.listener, filter.destinations())))
    }

    /// Returns the HTTP filters that a cluster has of its own. They run behind those of managers.
    pub(super) fn cluster_filters(&self, cluster: &'n Node) -> Vec<Filter<'n>> {
        let lists = http_options(cluster).map(|options| read::list(options, "http_filters"));
        lists.flat_map(|list| chain::filters(list, &self.extensions)).collect()
    }

    /// Returns the names of all clusters.
    pub(super) fn cluster_names(&self) -> impl Iterator<Item = &'n str> {
        self.clusters.iter().filter_map(|cluster| read::text(cluster, "name"))
    }
}

/// Returns the options of a cluster for HTTP, of which Envoy takes the last.
pub(super) fn http_options(cluster: &Node) -> impl DoubleEndedIterator<Item = &Node> {
    let options = read::value(cluster, "typed_extension_protocol_options").map_or(&[][..], read::entries);
    let messages = options.iter().filter_map(|entry| read::message(&entry.node));
    messages.filter(|(kind, _)| *kind == HTTP_OPTIONS).map(|(_, options)| options)
}

/// Returns the clusters that get copies of the requests to another one, by its options for HTTP.
pub(super) fn mirrors(cluster: &Node) -> Destinations<'_> {
    let mut found = Destinations::default();
    http_options(cluster).for_each(|options| found.add_mirrors(options));
    found
}

impl<'n> Manager<'n> {
    /// Returns the clusters to which its routes lead, and filters that send requests on by themselves.
    pub(super) fn destinations(&self) -> Destinations<'n> {
        let mut all = Destinations { is_open: !self.unseen_routes.is_empty(), ..Destinations::default() };
        for filter in &self.acting {
            if let Act::Sends(destinations) = &filter.act {
                all.extend(destinations);
            }
        }
        self.routes().iter().for_each(|route| all.extend(&route.destinations()));
        all
    }

    /// Returns its routes, as far as the files have them.
    pub(super) fn routes(&self) -> Vec<Route<'n>> {
        self.tables.iter().flat_map(|table| routes(table)).collect()
    }
}

impl<'n> TcpProxy<'n> {
    /// Returns the clusters to which its connections lead.
    pub(super) fn destinations(&self) -> Destinations<'n> {
        Destinations::of_action(self.node)
    }
}
