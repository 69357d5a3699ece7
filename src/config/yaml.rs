//! The YAML of a configuration: how much it may have, and how it is read.

use super::error::Problem;
use crate::{
    document::{
        bounds::Bounds,
        parse,
        tree::{Node, Place, Value},
    },
    limits,
};

/// The bounds of the text of a configuration.
const BOUNDS: Bounds = Bounds {
    depth: limits::CONFIG_DEPTH,
    aliases: limits::CONFIG_ALIASES,
    nodes: limits::CONFIG_NODES,
    text_bytes: limits::CONFIG_TEXT_BYTES,
    tag_of_names: None,
    many_documents: false,
    grammar_help: "line up the fields of one entry, and quote what has braces, `: ` or `*` in it: `path: \"/a/{id}\"`",
};

/// The tree of a YAML text. An empty text is `Value::Null`.
pub(crate) fn parse(text: &str) -> Result<Node, Box<Problem>> {
    let roots = parse::parse_documents(text, &BOUNDS).map_err(|fault| Box::new(Problem::from(*fault)))?;
    Ok(roots.into_iter().next().unwrap_or(Node { value: Value::Null, place: Place::Nowhere, plain: true }))
}
