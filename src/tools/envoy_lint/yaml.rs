//! The YAML of Envoy's configurations: how much it may have, and how it is read.

use crate::{
    config::error::Problem,
    document::{bounds::Bounds, parse, tree::Node},
    limits,
};

/// The name of a field that Envoy leaves out: blocks stand there to be repeated by aliases.
pub(super) const IGNORED: &str = "!ignore";

/// The bounds of the text of an Envoy configuration.
const BOUNDS: Bounds = Bounds {
    depth: limits::ENVOY_DEPTH,
    aliases: limits::ENVOY_ALIASES,
    nodes: limits::CONFIG_NODES,
    text_bytes: 2 * limits::ENVOY_BYTES,
    tag_of_names: Some(IGNORED),
    many_documents: true,
    grammar_help: "line up the fields of one entry, and close each bracket, brace and quote that is open here",
};

/// The trees of all documents of a text.
pub(super) fn parse_documents(text: &str) -> Result<Vec<Node>, Box<Problem>> {
    parse::parse_documents(text, &BOUNDS).map_err(|fault| Box::new(Problem::from(*fault)))
}
