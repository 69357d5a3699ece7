//! The rest of an Envoy around pieces that are patched into one. Nothing of it has a place, so that findings about it
//! can be told apart from those about the pieces.

use crate::{
    document::tree::{Entry, Node, Place, Value},
    tools::envoy_lint::{
        synthetic::{self, without_place},
        types::{CLUSTER, LISTENER, MANAGER, ROUTES},
    },
};

const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";

pub(super) fn text(text: &str) -> Node {
    without_place(Value::String(text.to_owned()))
}

pub(super) fn list(items: Vec<Node>) -> Node {
    without_place(Value::List(items))
}

pub(super) fn section(fields: Vec<(&str, Node)>) -> Node {
    let entry = |(key, node): (&str, Node)| Entry { key: key.to_owned(), place: Place::Nowhere, node };
    without_place(Value::Section(fields.into_iter().map(entry).collect()))
}

fn typed(name: &str, fields: Vec<(&str, Node)>) -> Node {
    synthetic::typed(section(fields), name)
}

/// Makes a listener, with the name of the resource that patches it, of HTTP filters.
pub(super) fn listener_of_filters(name: &str, mut filters: Vec<Node>) -> Node {
    filters.push(section(vec![("name", text("router")), ("typed_config", typed(ROUTER, Vec::new()))]));
    let routes = routes_of_hosts(vec![host_of_routes(vec![route(Vec::new())])], None);
    let manager =
        typed(MANAGER, vec![("stat_prefix", text(name)), ("http_filters", list(filters)), ("route_config", routes)]);
    listener_of_chains(name, vec![section(vec![("filters", list(vec![network_filter(manager)]))])])
}

/// Makes a network filter of its configuration.
fn network_filter(config: Node) -> Node {
    section(vec![("name", text("http")), ("typed_config", config)])
}

/// Makes a listener of filter chains.
pub(super) fn listener_of_chains(name: &str, chains: Vec<Node>) -> Node {
    typed(LISTENER, vec![("name", text(name)), ("filter_chains", list(chains))])
}

/// Makes a table of routes. With a name it stands by itself.
pub(super) fn routes_of_hosts(hosts: Vec<Node>, name: Option<&str>) -> Node {
    let hosts = ("virtual_hosts", list(hosts));
    match name {
        Some(name) => typed(ROUTES, vec![("name", text(name)), hosts]),
        None => section(vec![hosts]),
    }
}

pub(super) fn host_of_routes(routes: Vec<Node>) -> Node {
    section(vec![("name", text("any")), ("domains", list(vec![text("*")])), ("routes", list(routes))])
}

/// Makes a route to an API, with more fields.
pub(super) fn route(mut fields: Vec<(&str, Node)>) -> Node {
    fields.push(("match", section(vec![("prefix", text("/"))])));
    fields.push(("route", section(vec![("cluster", text("api"))])));
    section(fields)
}

/// Gives a listener or cluster its type, where it has none.
pub(super) fn with_type(node: Node, is_cluster: bool) -> Node {
    synthetic::typed(node, if is_cluster { CLUSTER } else { LISTENER })
}

/// Makes the file of all resources.
pub(super) fn file(resources: Vec<Node>) -> Node {
    section(vec![("resources", list(resources))])
}
