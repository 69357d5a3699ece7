//! The documents of a file, each with its kind.

use super::{
    config_map::{self, Budget, Held},
    kind::{Kind, classify, is_empty, is_linted},
    repeated, spellings,
};
use crate::{
    config::error::Problem,
    document::tree::{Node, Value},
    tools::envoy_lint::kubernetes,
};

/// A document of a file.
pub(super) struct Document {
    pub(super) kind: Kind,
    pub(super) root: Node,
    /// The files in it, if it is a ConfigMap.
    pub(super) held: Option<Held>,
    /// The faults of a document that is linted all the same.
    pub(super) problems: Vec<Problem>,
}

impl Document {
    /// Gives its tree and those of the files in it.
    pub(super) fn trees(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.root).chain(self.held.iter().flat_map(|held| held.trees()))
    }
}

/// Takes the documents of a text apart: those that are empty are left out, and the items of a list are documents.
pub(super) fn take_apart(roots: Vec<Node>, text: &str) -> Vec<Document> {
    let roots = roots.into_iter().filter(|root| !is_empty(root)).flat_map(items);
    let mut budget = Budget::new();
    let document = |mut root: Node| {
        let problems = repeated::find(&root);
        spellings::merge(&mut root);
        let kind = classify(&root);
        let held = (kind == Kind::ConfigMap).then(|| config_map::read(&mut root, text, &mut budget));
        Document { kind, root, held, problems: if is_linted(kind) { problems } else { Vec::new() } }
    };
    roots.map(document).collect()
}

/// Takes a list of Kubernetes resources apart, as `kubectl get -o yaml` prints it. Any other document stays whole.
fn items(mut root: Node) -> Vec<Node> {
    if kubernetes::kind_of(&root).is_none_or(|kind| !kind.ends_with("List")) {
        return vec![root];
    }
    if let Value::Section(entries) = &mut root.value
        && let Some(at) = entries.iter().position(|entry| entry.key == "items")
        && let Some(entry) = entries.get_mut(at)
        && let Value::List(items) = &mut entry.node.value
        && !items.is_empty()
    {
        return std::mem::take(items);
    }
    vec![root]
}
