//! YAML text to a tree of nodes with their places, within limits.
//!
//! A file that breaks the grammar or a limit has one problem: nothing after it can be trusted. What the fields mean is
//! `decode`'s business.

use serde_saphyr::granit_parser::{Options, Parser, ScanError};

use super::{
    bounds::Bounds,
    builder::Builder,
    problem::Problem,
    syntax::{explain, find_control_character},
    tree::{Node, Place, Span, Value},
};

/// The tree of a YAML text. An empty text is `Value::Null`.
pub(crate) fn parse(text: &str) -> Result<Node, Box<Problem>> {
    let first = parse_documents(text, &Bounds::CONFIG)?.into_iter().next();
    Ok(first.unwrap_or(Node { value: Value::Null, place: Place::Nowhere, plain: true }))
}

/// The trees of all documents of a YAML text of another kind, within limits of its own. Those limits count for all of them
/// together.
pub(crate) fn parse_documents(text: &str, bounds: &'static Bounds) -> Result<Vec<Node>, Box<Problem>> {
    if let Some((span, character)) = find_control_character(text) {
        let message = format!("the file has a control character, U+{:04X}", u32::from(character));
        return Err(Box::new(Problem::error(&Place::File(span), message).help("remove it")));
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

fn syntax_problem(text: &str, error: &ScanError, bounds: &Bounds) -> Problem {
    let start = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let len = text.get(start..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n').map_or(0, char::len_utf8);
    let (message, help) = explain(error.kind(), bounds);
    let problem = Problem::error(&Place::File(Span { start, len }), message);
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}
