//! The output of `egctl config envoy-proxy`: the dump of each Envoy, or a part of it, by namespace and pod.

use crate::{
    document::tree::{Node, Value},
    tools::envoy_lint::read,
};

const DUMPS: &str = "envoy.admin.v3.";

/// Says whether a document holds dumps by namespace and pod, and nothing else.
pub(super) fn holds_dumps(root: &Node) -> bool {
    let mut pods = read::entries(root).iter().flat_map(|namespace| read::entries(&namespace.node)).peekable();
    pods.peek().is_some() && pods.all(|pod| is_dump(&pod.node))
}

/// Takes the dumps apart, each with `namespace/pod`.
pub(super) fn dumps(root: Node) -> Vec<(String, Node)> {
    let Value::Section(namespaces) = root.value else { return Vec::new() };
    let mut dumps = Vec::new();
    for namespace in namespaces {
        let Value::Section(pods) = namespace.node.value else { continue };
        dumps.extend(pods.into_iter().map(|pod| (format!("{}/{}", namespace.key, pod.key), pod.node)));
    }
    dumps
}

/// Says whether a document is a dump of an admin page, or a part of one.
pub(super) fn is_dump(node: &Node) -> bool {
    read::field(node, "configs").is_some() || read::type_name(node).is_some_and(|name| name.starts_with(DUMPS))
}
