//! The text of a file with its lines: places for problems, excerpts for printing.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::{syntax::unprintable, tree::Span};
use crate::printable;

/// Bytes of a line up to which it is printed whole.
const LINE_SHOWN: usize = 200;
/// Bytes shown before and after the underlined part of a longer line.
const MARGIN: usize = 60;

/// A place in a file as it is underlined: a piece of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Underlined<'p> {
    /// What stands there, in words.
    pub text: Option<&'p str>,
    /// Its line, from 1.
    pub line: usize,
    /// The column of its first character, from 1, in characters.
    pub column: usize,
    /// The line of its end.
    pub end_line: usize,
    /// The column after its last character.
    pub end_column: usize,
    /// The offset of its first byte, from 0.
    pub offset: usize,
    /// Its length in bytes.
    pub length: usize,
}

impl<'p> Underlined<'p> {
    pub(crate) fn new(source: &Source, span: Span, text: Option<&'p str>) -> Self {
        let span = source.underlined(span);
        let ((line, column), (end_line, end_column)) = (source.position(span.start), source.position(span.end()));
        Self { text, line, column, end_line, end_column, offset: span.start, length: span.len }
    }
}

/// The text of a file.
pub(crate) struct Source {
    name: String,
    text: String,
    /// The text as it may be printed, without secrets and without what a terminal obeys: as long as `text`.
    shown: Vec<u8>,
    /// Offsets of the first byte of each line. Never empty.
    lines: Vec<usize>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the text: somebody may have written a secret into it.
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Source {
    /// The source of a text. `shown` is what may be printed of it: as long as the text, without its secrets.
    pub(crate) fn new(name: &str, text: &str, mut shown: Vec<u8>) -> Self {
        let mut lines = vec![0];
        lines.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at.saturating_add(1)));
        for (span, _) in unprintable(text) {
            shown.get_mut(span.start..span.end()).into_iter().for_each(|bytes| bytes.fill(b'?'));
        }
        Self { name: printable::one_line(name).into_owned(), text: text.to_owned(), shown, lines }
    }

    /// The file's name, as it is printed.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Line and column of an offset, both from 1; columns count characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_of(offset);
        let before = self.text.get(self.start_of(line)..offset).unwrap_or_default();
        (line.saturating_add(1), before.chars().count().saturating_add(1))
    }

    /// The index of the line with that offset.
    fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    fn start_of(&self, line: usize) -> usize {
        self.lines.get(line).copied().unwrap_or(self.text.len())
    }

    /// The part of a span that is underlined: what stands in its first line, and of that not too much.
    pub(crate) fn underlined(&self, span: Span) -> Span {
        let line_end = self.start_of(self.line_of(span.start).saturating_add(1));
        let end = self.boundary(span.end().min(line_end).min(span.start.saturating_add(LINE_SHOWN)));
        let text = self.text.get(span.start..end).unwrap_or_default();
        Span { start: span.start.min(self.text.len()), len: text.trim_end().len() }
    }

    /// Whether the line of an offset is too long to be shown whole, so that only one place of it is.
    pub(crate) fn is_overlong(&self, offset: usize) -> bool {
        let line = self.line_of(offset);
        self.start_of(line.saturating_add(1)).saturating_sub(self.start_of(line)) > LINE_SHOWN
    }

    /// The nearest character boundary at or before the offset.
    fn boundary(&self, mut offset: usize) -> usize {
        offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset = offset.saturating_sub(1);
        }
        offset
    }

    /// What to show for a span with some lines around it: whole lines, or a piece of one if lines are very long.
    fn excerpt(&self, span: Span, before: usize, after: usize) -> (usize, usize) {
        if before == 0 && after == 0 {
            return (span.start, span.end());
        }
        let (first, last) = (self.line_of(span.start), self.line_of(span.end()));
        let from = self.start_of(first.saturating_sub(before));
        let to = self.start_of(last.saturating_add(after).saturating_add(1));
        let lines = last.saturating_sub(first).saturating_add(before).saturating_add(after).saturating_add(1);
        if to.saturating_sub(from) <= lines.saturating_mul(LINE_SHOWN) {
            return (from, to);
        }
        let line_end = self.start_of(last.saturating_add(1));
        let from = span.start.saturating_sub(MARGIN).max(self.start_of(first));
        (self.boundary(from), self.boundary(span.end().saturating_add(MARGIN).min(line_end)))
    }
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let span = Span { start: span.offset(), len: span.len() };
        let (from, to) = self.excerpt(span, before, after);
        let data = self.shown.get(from..to).ok_or(MietteError::OutOfBounds)?;
        let (line, column) = self.position(from);
        let line_count = self.line_of(to).saturating_sub(self.line_of(from)).saturating_add(1);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data,
            (from, data.len()).into(),
            line.saturating_sub(1),
            column.saturating_sub(1),
            line_count,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("f", text, text.as_bytes().to_vec())
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = source("a\nbé: c\r\n\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(2), (2, 1));
        assert_eq!(source.position(5), (2, 3));
        assert_eq!(source.position(10), (3, 1));
        assert_eq!(source.position(11), (4, 1));
    }

    #[test]
    fn an_overlong_line_is_shown_in_part() {
        let text = format!("{}é{}", "a".repeat(5000), "b".repeat(5000));
        let source = source(&text);
        let shown = source.read_span(&(5000, 2).into(), 1, 1).unwrap();
        assert_eq!(shown.data().len(), 2 + 2 * MARGIN);
        assert_eq!(shown.column(), 5000 - MARGIN);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_shown() {
        let source = {
            let text = "a: \u{1b}[31m\u{9b}0m\u{202e}\tb\r\n";
            Source::new("f\u{202e}", text, text.as_bytes().to_vec())
        };
        let shown = source.read_span(&(3, 1).into(), 1, 1).unwrap();
        assert_eq!(shown.data(), b"a: ?[31m??0m???\tb\r\n");
        assert_eq!(source.name(), "f\\u{202e}");
    }

    #[test]
    fn lines_around_are_shown_whole() {
        let source = source("one\ntwo\nthree\nfour\n");
        let shown = source.read_span(&(4, 3).into(), 1, 1).unwrap();
        assert_eq!(shown.data(), b"one\ntwo\nthree\n");
        assert_eq!(shown.line(), 0);
    }
}
