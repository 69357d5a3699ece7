//! Listeners, routes and clusters without their types, as `istioctl proxy-config` prints them: the fields tell the type.

use crate::{
    document::tree::{Entry, Node, Value},
    tools::envoy_lint::{
        read,
        synthetic::typed,
        types::{CLUSTER, LISTENER, ROUTES},
    },
};

/// Fields that only one type of resource has, and those of this type have nearly always.
const FIELDS: [(&str, &[&str]); 3] = [
    (LISTENER, &["filter_chains", "default_filter_chain", "listener_filters", "api_listener", "internal_listener"]),
    (ROUTES, &["virtual_hosts", "vhds"]),
    (CLUSTER, &["load_assignment", "eds_cluster_config", "connect_timeout", "lb_policy", "cluster_type"]),
];

/// Says whether a document is a resource without a type, or a list with at least one.
pub(super) fn are_resources(root: &Node) -> bool {
    match &root.value {
        Value::List(items) => items.iter().any(|item| type_of(item).is_some()),
        _ => type_of(root).is_some(),
    }
}

/// Makes a file of resources out of it. The second part of the result is the number of entries that have no known type.
pub(super) fn with_types(root: Node) -> (Node, usize) {
    let place = root.place.clone();
    let items = match root.value {
        Value::List(items) => items,
        value => vec![Node { value, ..root }],
    };
    let all = items.len();
    let typed: Vec<Node> = items.into_iter().filter_map(with_type).collect();
    let left_out = all.saturating_sub(typed.len());
    let list = Node { value: Value::List(typed), place: place.clone(), plain: false };
    let entry = Entry { key: "resources".to_owned(), place: place.clone(), node: list };
    (Node { value: Value::Section(vec![entry]), place, plain: false }, left_out)
}

fn with_type(node: Node) -> Option<Node> {
    let name = type_of(&node)?.to_owned();
    Some(typed(node, &name))
}

fn type_of(node: &Node) -> Option<&str> {
    if let Some(name) = read::type_name(node) {
        return name.starts_with("envoy.").then_some(name);
    }
    let has = |fields: &[&str]| fields.iter().any(|name| read::field(node, name).is_some());
    FIELDS.iter().find(|(_, fields)| has(fields)).map(|(name, _)| *name)
}
