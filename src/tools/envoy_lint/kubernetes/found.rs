//! The findings in Kubernetes resources.

use crate::{document::tree::Node, tools::envoy_lint::findings::Findings};

/// The findings in Kubernetes resources.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) findings: Findings,
    /// The pieces of Envoy configuration, as the tree of an Envoy that has those and nothing else. Nodes without a
    /// place were added to make it whole.
    pub(crate) patched: Option<Node>,
    /// The things that were not looked at, each as a part of a sentence.
    pub(crate) unseen: Vec<String>,
}
