//! The kinds of documents, recognised by their content.

use super::{egctl, resources};
use crate::{
    document::tree::{Node, Value},
    tools::envoy_lint::{kubernetes, read, types::BOOTSTRAP_DUMP},
};

/// Fields one of which a bootstrap file, a file of resources or a dump has.
const TOP_LEVEL: [&str; 6] =
    ["static_resources", "dynamic_resources", "resources", "configs", "admin", "layered_runtime"];
/// Fields one of which each bootstrap file has.
const BOOTSTRAP: [&str; 2] = ["static_resources", "dynamic_resources"];
/// Fields that only a bootstrap file has, and a part that is merged into one.
const PARTS: [&str; 2] = ["admin", "layered_runtime"];

/// The kind of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bootstrap file, a file of resources, one resource with its type, or a dump.
    Envoy,
    /// Resources without their types, as `istioctl proxy-config listeners -o json` prints them.
    Resources,
    /// Dumps by namespace and pod, as `egctl config envoy-proxy` prints them.
    Pods,
    /// A ConfigMap, which may hold files of Envoy.
    ConfigMap,
    /// A Kubernetes resource, or a part of Istio's mesh configuration, that decides about ext_authz.
    Object,
    /// Any other Kubernetes resource.
    OtherObject,
    /// Nothing that is known here.
    Unknown,
}

/// Recognises the kind of a document by its fields.
pub(super) fn classify(root: &Node) -> Kind {
    let has = |name: &&str| read::field(root, name).is_some();
    if let Some(kind) = kubernetes::kind_of(root) {
        return match kind {
            "ConfigMap" => Kind::ConfigMap,
            _ if kubernetes::is_known(root) => Kind::Object,
            _ => Kind::OtherObject,
        };
    }
    if read::type_name(root).is_some_and(|name| name.starts_with("envoy.")) || TOP_LEVEL.iter().any(has) {
        return Kind::Envoy;
    }
    if kubernetes::is_known(root) {
        return Kind::Object;
    }
    if resources::are_resources(root) {
        return Kind::Resources;
    }
    if egctl::holds_dumps(root) { Kind::Pods } else { Kind::Unknown }
}

/// Says whether lints look at documents of a kind.
pub(super) const fn is_linted(kind: Kind) -> bool {
    match kind {
        Kind::Envoy | Kind::Resources | Kind::Pods | Kind::ConfigMap | Kind::Object => true,
        Kind::OtherObject | Kind::Unknown => false,
    }
}

/// Says whether a document is the configuration of a whole Envoy: a bootstrap file, or a dump that has one.
pub(super) fn is_whole(root: &Node) -> bool {
    is_bootstrap(root) || PARTS.iter().any(|name| read::field(root, name).is_some())
}

/// Says the same of a document that is no mere part of a bootstrap file.
pub(super) fn is_bootstrap(root: &Node) -> bool {
    let is_dump = |part: &Node| read::type_name(part) == Some(BOOTSTRAP_DUMP);
    BOOTSTRAP.iter().any(|name| read::field(root, name).is_some()) || read::list(root, "configs").iter().any(is_dump)
}

/// Says whether a document is a file that Envoy itself reads, of which the first document alone counts.
pub(super) fn is_read_by_envoy(kind: Kind, root: &Node) -> bool {
    kind == Kind::Envoy && !egctl::is_dump(root)
}

/// Says whether there is nothing in a document, as behind a `---` at the end of a file.
pub(super) const fn is_empty(root: &Node) -> bool {
    matches!(root.value, Value::Null)
}
