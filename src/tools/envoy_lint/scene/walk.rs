//! Finds the parts of the scene in the trees of files.

use std::collections::{BTreeMap, HashMap};

use super::{
    acting, chain,
    contents::Scene,
    listener::Listener,
    listener_filter,
    manager::Manager,
    network::{self, FilterKind, NetworkFilter},
    runtime::Runtime,
    table::{self, Named, Tables},
    tcp_proxy::TcpProxy,
};
use crate::{
    config::{quoted, site::Site},
    document::tree::{Entry, Node, Value},
    tools::envoy_lint::{
        read,
        types::{
            BOOTSTRAP_DUMP, CLUSTER, CLUSTERS_DUMP, EXTENSION, LISTENER, LISTENERS_DUMP, MANAGER, ROUTES, RUNTIME,
            SCOPED_ROUTES, SECRET, TCP_PROXY, VIRTUAL_HOST,
        },
        yaml::IGNORED,
    },
};

/// The fields of `dynamic_resources` by which listeners come.
const LISTENER_SOURCES: [&str; 2] = ["lds_config", "lds_resources_locator"];
/// The fields of `dynamic_resources` by which clusters come.
const CLUSTER_SOURCES: [&str; 2] = ["cds_config", "cds_resources_locator"];
/// The fields of filters by which clusters come when a request or a connection needs them.
const ON_DEMAND: [&str; 3] = ["odcds", "odcds_config", "resources_locator"];

impl<'n> Scene<'n> {
    /// Returns the scene of the trees of some files.
    pub(crate) fn new(roots: &'n [Node]) -> Self {
        let mut walk = Walk::default();
        roots.iter().for_each(|root| walk.file(root));
        walk.finished()
    }
}

/// The parts that were found so far.
#[derive(Default)]
struct Walk<'n> {
    is_dump: bool,
    has_all_clusters: bool,
    /// Tells whether a filter has clusters sent when they are needed.
    is_on_demand: bool,
    /// The dumps of listeners.
    listeners_dumps: usize,
    listeners: Vec<Listener>,
    managers: Vec<Part<'n>>,
    tcp_proxies: Vec<Part<'n>>,
    network_filters: Vec<(FilterKind, Part<'n>)>,
    tables: Vec<&'n Node>,
    /// The tables of a dump that repeat those that its listeners have.
    repeated_tables: Vec<&'n Node>,
    hosts: Vec<&'n Node>,
    scoped: Vec<&'n Node>,
    clusters: Vec<&'n Node>,
    extensions: BTreeMap<&'n str, &'n Node>,
    bootstraps: Vec<&'n Node>,
    sent_layers: Vec<&'n Node>,
    secrets: Vec<&'n Node>,
    undiscovered: Vec<String>,
    listener: Option<usize>,
    chain: Option<usize>,
}

/// A network filter with its place.
struct Part<'n> {
    node: &'n Node,
    listener: Option<usize>,
    chain: Option<usize>,
}

impl<'n> Walk<'n> {
    /// Adds the parts of a file.
    fn file(&mut self, root: &'n Node) {
        self.is_dump |= read::field(root, "configs").is_some();
        self.is_on_demand |= is_on_demand(root);
        self.bootstraps.push(root);
        self.node(root);
    }

    fn node(&mut self, node: &'n Node) {
        match read::message(node) {
            Some((MANAGER, manager)) => {
                let part = self.part(manager);
                return self.managers.push(part);
            }
            Some((TCP_PROXY, proxy)) => {
                let part = self.part(proxy);
                return self.tcp_proxies.push(part);
            }
            Some((LISTENER, listener)) => return self.listener(listener),
            Some((CLUSTER, cluster)) => return self.clusters.push(cluster),
            Some((ROUTES, table)) => return self.tables.push(table),
            Some((VIRTUAL_HOST, host)) => return self.hosts.push(host),
            Some((SCOPED_ROUTES, scope)) => return self.scoped.push(scope),
            Some((EXTENSION, extension)) => {
                self.extensions.extend(read::text(extension, "name").map(|name| (name, extension)));
                return;
            }
            Some((SECRET, secret)) => return self.secrets.push(secret),
            Some((RUNTIME, layer)) => return self.sent_layers.push(layer),
            // The listeners and clusters of the bootstrap file have dumps of their own.
            Some((BOOTSTRAP_DUMP, dump)) => {
                return self.bootstraps.extend(read::value(dump, "bootstrap"));
            }
            Some((CLUSTERS_DUMP, _)) => self.has_all_clusters = true,
            Some((LISTENERS_DUMP, _)) => self.listeners_dumps = self.listeners_dumps.saturating_add(1),
            _ => {}
        }
        if ["filter_chains", "default_filter_chain", "listener_filters"]
            .iter()
            .any(|name| read::field(node, name).is_some())
        {
            return self.listener(node);
        }
        read::entries(node).iter().for_each(|entry| self.entry(node, entry));
        read::items(node).iter().for_each(|item| self.node(item));
    }

    fn entry(&mut self, section: &'n Node, entry: &'n Entry) {
        if entry.key == IGNORED {
        } else if read::is_named(&entry.key, "static_route_configs") {
            let tables = read::items(&entry.node).iter().filter_map(|item| read::value(item, "route_config"));
            self.repeated_tables.extend(tables);
        } else if read::is_named(&entry.key, "static_resources") {
            self.has_all_clusters = true;
            self.clusters.extend(read::list(&entry.node, "clusters"));
            read::list(&entry.node, "listeners").iter().for_each(|listener| self.listener(listener));
            let is_other =
                |entry: &&Entry| !["clusters", "listeners"].contains(&entry.key.as_str()) && entry.key != IGNORED;
            read::entries(&entry.node).iter().filter(is_other).for_each(|entry| self.node(&entry.node));
        } else if read::is_named(&entry.key, "error_state") {
            // Envoy does not serve what it has refused.
            let refused = read::text(section, "name").filter(|_| read::field(section, "active_state").is_none());
            let words = |name| format!("the listener {}, which Envoy has refused (`error_state`)", quoted(name));
            self.undiscovered.extend(refused.map(words));
        } else if is_replaced(section, entry) {
            // The listener of `active_state` takes the place of this one.
        } else {
            self.node(&entry.node);
        }
    }

    fn listener(&mut self, node: &'n Node) {
        let outer = (self.listener, self.chain);
        self.listener = Some(self.listeners.len());
        let listener = Listener::new(node, self.listeners.len().saturating_add(1));
        let numbered = read::list(node, "filter_chains").len();
        self.listeners.push(listener);
        for entry in read::entries(node).iter().filter(|entry| entry.key != IGNORED) {
            self.chain = None;
            if read::is_named(&entry.key, "fcds_config") {
                let site = self.site(&self.part(node));
                self.undiscovered.push(format!("the filter chains that come by discovery (`{}`, {site})", entry.key));
            } else if read::is_named(&entry.key, "filter_chains") {
                for (at, chain) in read::items(&entry.node).iter().enumerate() {
                    self.chain = Some(at);
                    self.network_filters(chain);
                    self.node(chain);
                }
            } else if read::is_named(&entry.key, "default_filter_chain") {
                self.chain = Some(numbered);
                self.network_filters(&entry.node);
                self.node(&entry.node);
            } else {
                if read::is_named(&entry.key, "listener_filters") {
                    self.listener_filters(&entry.node);
                }
                self.node(&entry.node);
            }
        }
        (self.listener, self.chain) = outer;
    }

    /// Finds the network filters of a chain that come by discovery, and those of other protocols.
    fn network_filters(&mut self, chain: &'n Node) {
        for filter in read::list(chain, "filters") {
            if read::field(filter, "config_discovery").is_some() {
                self.name_undiscovered("the network filter", filter);
            } else if network::is_unknown(filter) {
                self.network_filters.push((FilterKind::Network, self.part(filter)));
            }
        }
    }

    /// Finds the filters of a listener that come by discovery, and those that lead somewhere or may do so.
    fn listener_filters(&mut self, list: &'n Node) {
        for filter in read::items(list) {
            if read::field(filter, "config_discovery").is_some() {
                self.name_undiscovered("the listener filter", filter);
            } else if let Some(kind) = listener_filter::kind(filter) {
                self.network_filters.push((kind, self.part(filter)));
            }
        }
    }

    fn name_undiscovered(&mut self, what: &str, filter: &Node) {
        let name = quoted(read::text(filter, "name").unwrap_or_default());
        let site = self.site(&self.part(filter));
        self.undiscovered.push(format!("{what} {name}, which comes by discovery ({site})"));
    }

    const fn part<'p>(&self, node: &'p Node) -> Part<'p> {
        Part { node, listener: self.listener, chain: self.chain }
    }

    /// Builds the scene of the parts.
    fn finished(mut self) -> Scene<'n> {
        if self.managers.is_empty() {
            self.tables.append(&mut self.repeated_tables);
        }
        let mut runtime = Runtime::default();
        self.bootstraps.iter().for_each(|bootstrap| runtime.add(bootstrap));
        self.sent_layers.iter().for_each(|layer| runtime.fill(layer));
        let is_there = |path: &[&str]| self.bootstraps.iter().any(|bootstrap| read::at(bootstrap, path).is_some());
        let comes_by = |name: &&str| is_there(&["dynamic_resources", name]);
        let has_cluster_source = CLUSTER_SOURCES.iter().any(comes_by) && !self.is_dump;
        self.has_all_clusters &= !has_cluster_source && !self.is_on_demand;
        let mut undiscovered = std::mem::take(&mut self.undiscovered);
        let listener_sources = LISTENER_SOURCES.iter().filter(|name| self.listeners_dumps == 0 && comes_by(name));
        undiscovered.extend(listener_sources.map(|name| format!("the listeners that come by discovery (`{name}`)")));
        let held = self.bootstraps.iter().filter_map(|root| read::at(root, &["static_resources", "secrets"]));
        self.secrets.extend(held.flat_map(read::items));
        let named = table::by_name(&self.tables);
        let managers = self.managers.iter().map(|part| self.manager(part, &named)).collect();
        let tcp_proxy = |part: &Part<'n>| TcpProxy { node: part.node, listener: part.listener, site: self.site(part) };
        let tcp_proxies = self.tcp_proxies.iter().map(tcp_proxy).collect();
        let network_filter = |(kind, part): &(FilterKind, Part<'n>)| NetworkFilter {
            kind: *kind,
            node: part.node,
            listener: part.listener,
            site: self.site(part),
        };
        let network_filters = self.network_filters.iter().map(network_filter).collect();
        let admin = self.bootstraps.iter().find_map(|bootstrap| read::at(bootstrap, &["admin", "address"]));
        Scene {
            is_meshed: self.is_dump
                || LISTENER_SOURCES.iter().chain(&CLUSTER_SOURCES).any(comes_by)
                || comes_by(&"ads_config"),
            managers,
            tcp_proxies,
            network_filters,
            listeners: self.listeners,
            tables: self.tables,
            hosts: self.hosts,
            clusters_by_name: by_name(&self.clusters),
            clusters: self.clusters,
            has_all_clusters: self.has_all_clusters,
            extensions: self.extensions,
            secrets: by_name(&self.secrets),
            runtime,
            admin,
            undiscovered,
        }
    }

    fn site(&self, part: &Part<'_>) -> Site {
        let listener = part.listener.and_then(|at| self.listeners.get(at));
        listener.map_or_else(Site::default, |listener| listener.site(part.chain))
    }

    fn manager(&self, part: &Part<'n>, named: &Named<'n>) -> Manager<'n> {
        let node = part.node;
        let tables = Tables::new(node, named, &self.scoped);
        let filters = chain::filters(read::list(node, "http_filters"), &self.extensions);
        let mut acting = acting::acting(&filters);
        for upgrade in read::list(node, "upgrade_configs") {
            acting.extend(acting::acting(&chain::filters(read::list(upgrade, "filters"), &self.extensions)));
        }
        Manager {
            node,
            listener: part.listener,
            site: self.site(part),
            filters,
            acting,
            tables: tables.found,
            unseen_routes: tables.unseen,
        }
    }
}

/// Returns the first node of each name.
fn by_name<'n>(nodes: &[&'n Node]) -> HashMap<&'n str, &'n Node> {
    let named = nodes.iter().rev().filter_map(|node| Some((read::text(node, "name")?, *node)));
    named.collect()
}

/// Tells whether a filter in there has clusters sent when they are needed.
fn is_on_demand(node: &Node) -> bool {
    let is_source = |entry: &Entry| ON_DEMAND.iter().any(|name| read::is_named(&entry.key, name));
    read::entries(node)
        .iter()
        .filter(|entry| entry.key != IGNORED)
        .any(|entry| is_source(entry) && !matches!(entry.node.value, Value::Null) || is_on_demand(&entry.node))
        || read::items(node).iter().any(is_on_demand)
}

/// Tells whether a listener of a dump goes away because there is a newer one.
fn is_replaced(section: &Node, entry: &Entry) -> bool {
    read::is_named(&entry.key, "draining_state") && read::field(section, "active_state").is_some()
}
