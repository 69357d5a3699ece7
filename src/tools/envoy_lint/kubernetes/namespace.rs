//! The namespaces for which a resource of Istio is.

use super::object::Object;
use crate::{
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::read,
};

/// The root namespace, unless the mesh configuration names another one.
const ROOT: &str = "istio-system";

/// Returns the namespace whose resources Istio applies to all others.
pub(super) fn root(objects: &[Object]) -> &str {
    objects.iter().find_map(Object::root_namespace).unwrap_or(ROOT)
}

/// Returns the namespace of a resource, if it is in the file.
pub(super) fn of(object: &Object) -> Option<&str> {
    read::at(object.root(), &["metadata", "namespace"]).and_then(read::as_text)
}

/// Returns words for the workloads that a policy without a selector does not apply to.
pub(super) fn outside(policy: &Object, root: &str) -> Option<String> {
    let words = Object::describe(policy.root());
    match of(policy) {
        Some(namespace) if namespace == root => None,
        Some(namespace) => Some(format!(
            "the workloads outside of the namespace {}, to which {words} does not apply",
            quoted(namespace)
        )),
        None => {
            Some(format!("the workloads outside of the namespace of {words}, unless it is the root namespace of Istio"))
        }
    }
}

/// Tells whether an annotation has Istio only try a policy.
pub(super) fn is_tried(policy: &Node) -> bool {
    const YES: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];
    let annotation = read::at(policy, &["metadata", "annotations", "istio.io/dry-run"]).and_then(read::as_text);
    annotation.is_some_and(|text| YES.contains(&text))
}
