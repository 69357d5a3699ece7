//! The routes of a `RouteConfiguration`, those in trees of matchers among them.

use super::destinations::Destinations;
use crate::{
    document::tree::Node,
    tools::envoy_lint::{
        read,
        types::{ROUTE, ROUTE_LIST},
    },
};

/// Actions of a route that send nothing to a cluster.
const ANSWERS: [&str; 3] = ["redirect", "direct_response", "non_forwarding_action"];

/// A route with what stands above it.
#[derive(Debug, Clone)]
pub(crate) struct Route<'n> {
    pub(crate) node: &'n Node,
    /// The `RouteConfiguration`, if it is in the files.
    pub(crate) table: Option<&'n Node>,
    pub(crate) host: &'n Node,
    /// The name of the route or of its virtual host, or its number.
    pub(crate) name: String,
}

impl<'n> Route<'n> {
    /// Tells whether Envoy answers by itself.
    pub(crate) fn answers(&self) -> bool {
        ANSWERS.iter().any(|name| read::field(self.node, name).is_some())
    }

    /// Returns the clusters to which it leads.
    pub(crate) fn destinations(&self) -> Destinations<'n> {
        if self.answers() {
            return Destinations::default();
        }
        let Some(action) = read::value(self.node, "route") else {
            return Destinations { is_open: true, ..Destinations::default() };
        };
        let mut found = Destinations::of_action(action);
        found.add_mirrors(self.host);
        self.table.into_iter().for_each(|table| found.add_mirrors(table));
        found
    }

    /// Returns its weighted clusters, which may have settings of their own.
    pub(crate) fn weighted_clusters(&self) -> &'n [Node] {
        read::at(self.node, &["route", "weighted_clusters", "clusters"]).map_or(&[], read::items)
    }
}

/// Returns the routes of a `RouteConfiguration`.
pub(crate) fn routes(table: &Node) -> Vec<Route<'_>> {
    let hosts = read::list(table, "virtual_hosts").iter().enumerate();
    hosts.flat_map(|(at, host)| of_host(Some(table), host, at.saturating_add(1))).collect()
}

/// Returns the routes of a virtual host, the one of that number.
pub(crate) fn of_host<'n>(table: Option<&'n Node>, host: &'n Node, number: usize) -> Vec<Route<'n>> {
    let mut nodes: Vec<&Node> = read::list(host, "routes").iter().collect();
    if let Some(matcher) = read::value(host, "matcher") {
        in_matcher(matcher, &mut nodes);
    }
    let host_name = read::text(host, "name").map_or_else(|| number.to_string(), ToOwned::to_owned);
    let name = |node: &Node| read::text(node, "name").filter(|name| !name.is_empty()).map(ToOwned::to_owned);
    nodes
        .into_iter()
        .map(|node| Route { node, table, host, name: name(node).unwrap_or_else(|| host_name.clone()) })
        .collect()
}

/// Finds the routes that a tree of matchers chooses.
fn in_matcher<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    match read::message(node) {
        Some((ROUTE, route)) => return found.push(route),
        Some((ROUTE_LIST, list)) => return found.extend(read::list(list, "routes")),
        _ => {}
    }
    read::entries(node).iter().for_each(|entry| in_matcher(&entry.node, found));
    read::items(node).iter().for_each(|item| in_matcher(item, found));
}
