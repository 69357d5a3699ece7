//! YAML text to a tree of nodes with their places, within limits.
//!
//! A file that breaks the grammar or a limit has one fault: nothing after it can be trusted. What the fields mean is
//! the business of others.

use serde_saphyr::granit_parser::{Options, Parser, ScanError};

use super::{
    bounds::Bounds,
    builder::Builder,
    fault::Fault,
    syntax::{explain, find_control_character},
    tree::{Node, Place, Span},
};

/// The trees of all documents of a YAML text, within limits that count for all of them together.
pub(crate) fn parse_documents(text: &str, bounds: &'static Bounds) -> Result<Vec<Node>, Box<Fault>> {
    if let Some((span, character)) = find_control_character(text) {
        let message = format!("the file has a control character, U+{:04X}", u32::from(character));
        return Err(Box::new(Fault::new(&Place::File(span), message).help("remove it")));
    }
    let mut options = Options::default();
    options.emit_comments = false;
    options.disallow_directives = true;
    options.flow_nesting_limit = bounds.depth;
    options.block_nesting_limit = bounds.depth;
    let mut builder = Builder::new(bounds);
    for item in Parser::new_from_str_with_options(text, options) {
        let (event, span) = item.map_err(|error| Box::new(syntax_problem(text, &error, bounds)))?;
        builder.take(event, &span, text)?;
    }
    Ok(builder.finished())
}

fn syntax_problem(text: &str, error: &ScanError, bounds: &Bounds) -> Fault {
    let start = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let len = text.get(start..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n').map_or(0, char::len_utf8);
    let (message, help) = explain(error.kind(), bounds);
    let fault = Fault::new(&Place::File(Span { start, len }), message);
    match help {
        Some(help) => fault.help(help),
        None => fault,
    }
}

/// The tree of the first document of a YAML text. An empty text is `Value::Null`.
#[cfg(test)]
pub(crate) fn parse(text: &str) -> Result<Node, Box<Fault>> {
    const BOUNDS: Bounds = Bounds {
        depth: 64,
        aliases: 1000,
        nodes: 1_000_000,
        text_bytes: 32 << 20,
        tag_of_names: None,
        many_documents: false,
        grammar_help: "look at the indentation",
    };
    let first = parse_documents(text, &BOUNDS)?.into_iter().next();
    Ok(first.unwrap_or(Node { value: super::tree::Value::Null, place: Place::Nowhere, plain: true }))
}
