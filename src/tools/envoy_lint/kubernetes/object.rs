//! A Kubernetes resource, or a part of Istio's mesh configuration, by its kind and name.

use crate::{
    config::site::Resource,
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::read,
};

/// Kinds that may decide about ext_authz, each with the group of its API.
const KINDS: [(&str, &str); 6] = [
    ("networking.istio.io/", "EnvoyFilter"),
    ("security.istio.io/", "AuthorizationPolicy"),
    ("install.istio.io/", "IstioOperator"),
    ("sailoperator.io/", "Istio"),
    ("gateway.envoyproxy.io/", "SecurityPolicy"),
    ("gateway.envoyproxy.io/", "EnvoyPatchPolicy"),
];

/// The places of Istio's mesh configuration: a file of its own, values of Helm, and resources of its operators.
const MESHES: [&[&str]; 4] = [&[], &["meshConfig"], &["spec", "meshConfig"], &["spec", "values", "meshConfig"]];

/// A resource or a part of a mesh configuration, as its file has it.
#[derive(Debug)]
pub(crate) struct Object(Node);

impl Object {
    pub(crate) const fn new(root: Node) -> Self {
        Self(root)
    }

    pub(crate) const fn root(&self) -> &Node {
        &self.0
    }

    /// Says whether it is of a kind.
    pub(super) fn is(&self, kind: &str) -> bool {
        kind_of(&self.0) == Some(kind)
    }

    pub(super) fn spec(&self) -> Option<&Node> {
        read::value(&self.0, "spec")
    }

    pub(super) fn name(&self) -> Option<&str> {
        read::at(&self.0, &["metadata", "name"]).and_then(read::as_text)
    }

    /// Gives its kind and its name.
    pub(crate) fn resource_of(root: &Node) -> Resource {
        let name = read::at(root, &["metadata", "name"]).and_then(read::as_text);
        Resource::new(kind_of(root).unwrap_or("mesh configuration"), name)
    }

    /// Gives words for a resource: its kind and its name.
    pub(crate) fn describe(root: &Node) -> String {
        let plain = quoted(kind_of(root).unwrap_or("mesh configuration")).replace('`', "");
        match read::at(root, &["metadata", "name"]).and_then(read::as_text) {
            Some(name) => format!("the {plain} {}", quoted(name)),
            None => format!("the {plain}"),
        }
    }

    /// Gives the extension providers of a mesh configuration.
    pub(super) fn providers(&self) -> Option<&[Node]> {
        providers(&self.0)
    }

    /// Gives the root namespace that a mesh configuration names.
    pub(super) fn root_namespace(&self) -> Option<&str> {
        let mesh = |path: &&[&str]| read::at(&self.0, path).and_then(|mesh| read::text(mesh, "rootNamespace"));
        MESHES.iter().find_map(mesh).filter(|name| !name.is_empty())
    }
}

/// Gives the kind of a Kubernetes resource.
pub(crate) fn kind_of(root: &Node) -> Option<&str> {
    read::text(root, "apiVersion")?;
    read::text(root, "kind")
}

/// Says whether a document may decide about ext_authz.
pub(crate) fn is_known(root: &Node) -> bool {
    let Some(kind) = kind_of(root) else { return providers(root).is_some() };
    let version = read::text(root, "apiVersion").unwrap_or_default();
    let is_of = |(group, name): &(&str, &str)| *name == kind && version.starts_with(group);
    KINDS.iter().any(is_of)
        && match kind {
            "AuthorizationPolicy" => {
                let action = read::at(root, &["spec", "action"]).and_then(read::as_text);
                action == Some("CUSTOM") || read::at(root, &["spec", "provider"]).is_some()
            }
            "SecurityPolicy" => read::at(root, &["spec", "extAuth"]).is_some(),
            "IstioOperator" | "Istio" => providers(root).is_some(),
            _ => true,
        }
}

fn providers(root: &Node) -> Option<&[Node]> {
    let mesh = |path: &&[&str]| read::at(root, path).and_then(|mesh| read::value(mesh, "extensionProviders"));
    MESHES.iter().find_map(mesh).map(read::items)
}
