//! Places of a text that stands inside of another one, under a field: in a block (`|`) or in quotes.

use super::relocate;
use crate::{
    config::error::Problem,
    document::tree::{Entry, Node, Place, Span},
};

/// Translates places of the inner text to those of the outer one.
pub(super) struct Places {
    /// The name of the field: everything stands there where nothing more precise is known.
    field: Place,
    /// Runs of bytes that both texts have: the offset of the first byte in the inner text, and in the outer one. They are in
    /// the order of the text, and none where the texts differ in more than indentation and escapes.
    runs: Vec<(usize, usize)>,
}

impl Places {
    /// Compares the text of a field with what is written for it.
    pub(super) fn new(entry: &Entry, inner: &str, outer: &str) -> Self {
        let runs = match &entry.node.place {
            Place::File(span) => runs(inner, outer, *span).unwrap_or_default(),
            Place::Variable(_) | Place::Nowhere => Vec::new(),
        };
        Self { field: entry.place.clone(), runs }
    }

    /// Moves all places of a tree to the outer text.
    pub(super) fn rewrite(&self, root: &mut Node) {
        relocate::rewrite(root, &|place| self.place_of(place));
    }

    /// Says whether each place is known, and not only the field.
    pub(super) const fn are_exact(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Moves a problem to the outer text.
    pub(super) fn moved(&self, problem: Problem) -> Problem {
        problem.replaced(|span| match self.place_of(&Place::File(span)) {
            Place::File(span) => span,
            Place::Variable(_) | Place::Nowhere => span,
        })
    }

    fn place_of(&self, place: &Place) -> Place {
        let Place::File(span) = place else { return place.clone() };
        let after = self.runs.partition_point(|(inner, _)| *inner <= span.start);
        let run = after.checked_sub(1).and_then(|at| self.runs.get(at));
        run.map_or_else(
            || self.field.clone(),
            |(inner, outer)| {
                let start = outer.saturating_add(span.start.saturating_sub(*inner));
                Place::File(Span { start, len: span.len })
            },
        )
    }
}

fn runs(inner: &str, outer: &str, span: Span) -> Option<Vec<(usize, usize)>> {
    let written = outer.get(span.start..)?;
    match written.chars().next()? {
        '"' => quoted_runs(inner, outer, span.start.saturating_add(1)),
        _ => {
            // The place of a block starts behind the indentation of its first line.
            let line = outer.get(..span.start)?.rfind('\n').map_or(0, |at| at.saturating_add(1));
            block_runs(inner, outer, line)
        }
    }
}

/// Finds each line of a block behind its indentation.
fn block_runs(inner: &str, outer: &str, start: usize) -> Option<Vec<(usize, usize)>> {
    let mut runs = Vec::new();
    let (mut inner_at, mut outer_at) = (0_usize, start);
    let mut written = outer.get(start..)?.split_inclusive('\n');
    for line in inner.split_inclusive('\n') {
        let found = written.next()?;
        let (text, shown) = (line.trim_end_matches('\n'), found.trim_end_matches(['\n', '\r']));
        let indent = shown.len().checked_sub(text.len());
        match indent.and_then(|at| shown.split_at_checked(at)) {
            Some((blanks, rest)) if rest == text && blanks.trim().is_empty() => {
                runs.push((inner_at, outer_at.saturating_add(blanks.len())));
            }
            _ if text.is_empty() && shown.trim().is_empty() => {}
            _ => return None,
        }
        inner_at = inner_at.saturating_add(line.len());
        outer_at = outer_at.saturating_add(found.len());
    }
    Some(runs)
}

/// Finds the runs between the escapes of a text in double quotes on one line, as JSON has it.
fn quoted_runs(inner: &str, outer: &str, start: usize) -> Option<Vec<(usize, usize)>> {
    let mut runs = vec![(0, start)];
    let mut outer_at = start;
    let mut rest = outer.get(start..)?.chars();
    for (inner_at, expected) in inner.char_indices() {
        let written = rest.next()?;
        let length = match (written, expected) {
            ('\\', _) => {
                let (decoded, length) = unescape(&mut rest)?;
                (decoded == expected).then_some(length)?
            }
            (same, _) if same == expected => same.len_utf8(),
            _ => return None,
        };
        outer_at = outer_at.saturating_add(length);
        if length != expected.len_utf8() {
            runs.push((inner_at.saturating_add(expected.len_utf8()), outer_at));
        }
    }
    Some(runs)
}

/// Reads what follows a backslash: the character that is meant, and the length of the whole escape.
fn unescape(rest: &mut std::str::Chars<'_>) -> Option<(char, usize)> {
    match rest.next()? {
        'n' => Some(('\n', 2)),
        't' => Some(('\t', 2)),
        'r' => Some(('\r', 2)),
        'u' => {
            let digits: String = rest.by_ref().take(4).collect();
            Some((char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?, 6))
        }
        same @ ('"' | '\\' | '/') => Some((same, 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{document::parse::parse, tools::envoy_lint::read};

    /// Says where each field of the inner text is found, by what stands there in the outer one.
    fn found(outer: &str) -> Vec<String> {
        let root = parse(outer).unwrap();
        let entry = read::field(&root, "f").unwrap();
        let text = read::as_text(&entry.node).unwrap();
        let mut inner = parse(text).unwrap();
        Places::new(entry, text, outer).rewrite(&mut inner);
        let shown = |place: &Place| match place {
            Place::File(span) => outer.get(span.start..span.end()).unwrap_or("?").to_owned(),
            _ => "none".to_owned(),
        };
        read::entries(&inner).iter().map(|entry| shown(&entry.place)).collect()
    }

    #[test]
    fn places_of_a_text_in_a_text_are_found_where_they_are_written() {
        assert_eq!(found("f: |\n  one: 1\n\n  two:\n    - 3\n  three: é\n"), ["one", "two", "three"]);
        assert_eq!(found("a: 1\nf: |-\n    one: 1\r\n    two: 2\n"), ["one", "two"]);
        assert_eq!(found(r#"{ "f": "one: \"é\"\ntwo: 2\nthree: \u0041\n" }"#), ["one", "two", "three"]);
    }

    #[test]
    fn a_text_that_is_written_in_another_way_is_found_by_its_name() {
        assert_eq!(found("f: >\n  one: a\n  b\n\n  two: 2\n"), ["f", "f"]);
    }
}
