//! Faults of YAML's grammar in an operator's words.

use serde_saphyr::granit_parser::ErrorKind;

use super::{bounds::Bounds, tree::Span};
use crate::printable::is_printable;

/// What the fault is, and what to do if that is known.
pub(crate) fn explain(kind: &ErrorKind, bounds: &Bounds) -> (String, Option<&'static str>) {
    let help = match kind {
        ErrorKind::TabInIndentation | ErrorKind::TabInBlockIndentation | ErrorKind::TabNotAllowed => {
            Some("indent with spaces, not tabs")
        }
        ErrorKind::UnclosedQuotedScalar => Some("close the quote that was opened before this place"),
        ErrorKind::UnknownAnchor => {
            Some("put an anchor, `&name`, before what it repeats; a text that starts with `*` needs quotes")
        }
        ErrorKind::RecursionLimitExceeded => Some("flatten it"),
        ErrorKind::InvalidIndentation | ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            Some("look at the indentation here, and for a missing `: ` or quote in the line before")
        }
        _ => Some(bounds.grammar_help),
    };
    if matches!(kind, ErrorKind::UnknownAnchor) {
        return ("an alias has no anchor".to_owned(), help);
    }
    if matches!(kind, ErrorKind::RecursionLimitExceeded) {
        return ("the file is nested too deeply".to_owned(), help);
    }
    let text = kind.to_string();
    (format!("the file is not valid YAML: {}", text.trim_end_matches('.')), help)
}

/// The first control character that YAML forbids.
pub(crate) fn find_control_character(text: &str) -> Option<(Span, char)> {
    unprintable(text).find(|(_, character)| character.is_control() && *character != '\u{85}')
}

/// Every character that no terminal gets, with its place. Line ends and tabs are none of them.
pub(crate) fn unprintable(text: &str) -> impl Iterator<Item = (Span, char)> {
    let of_text = |c: char| matches!(c, '\t' | '\n' | '\r');
    let found = text.char_indices().filter(move |(_, c)| !is_printable(*c) && !of_text(*c));
    found.map(|(start, character)| (Span { start, len: character.len_utf8() }, character))
}
