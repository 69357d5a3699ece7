//! One problem of a configuration: what is wrong, where, and what to do.

use std::{error::Error, fmt, sync::Arc};

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::{
    lint::Lint,
    source::{Source, Underlined},
    tree::{Place, Span},
};

/// Columns before each line of a message.
const MESSAGE_INDENT: usize = 4;
/// Columns before each line of help.
const HELP_INDENT: usize = 8;

/// Whether a problem forbids the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration can't be used.
    Error,
    /// It can, but the operator should know.
    Warning,
}

/// One problem: an error or a warning.
#[derive(Clone, Debug)]
pub struct Problem {
    severity: Severity,
    lint: Option<Lint>,
    /// How many more of the same lint there are that are left out.
    more: usize,
    message: String,
    help: Option<String>,
    variable: Option<Arc<str>>,
    /// What is underlined, the primary place first.
    labels: Vec<(Span, Option<String>)>,
    source: Option<Arc<Source>>,
}

impl Problem {
    pub(super) fn new(severity: Severity, place: &Place, message: impl Into<String>) -> Self {
        let (labels, variable) = match place {
            Place::File(span) => (vec![(*span, None)], None),
            Place::Variable(name) => (Vec::new(), Some(Arc::clone(name))),
            Place::Nowhere => (Vec::new(), None),
        };
        let message = message.into();
        // Nothing is underlined there: the name says where it stands.
        let message = match place {
            Place::Variable(name) if !message.contains(&**name) => format!("`{name}`: {message}"),
            _ => message,
        };
        Self { severity, lint: None, more: 0, message, help: None, variable, labels, source: None }
    }

    pub(crate) fn error(place: &Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, message)
    }

    pub(crate) fn warning(place: &Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, message)
    }

    /// The kind it is of.
    pub(super) fn lint(mut self, lint: Lint) -> Self {
        self.lint = Some(lint);
        self
    }

    /// The last one shown of its kind.
    pub(super) fn with_more(mut self, more: usize) -> Self {
        self.more = more;
        self
    }

    /// What to do.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// What stands at the underlined place.
    pub(crate) fn label(mut self, text: impl Into<String>) -> Self {
        if let Some((_, label)) = self.labels.first_mut() {
            *label = Some(text.into());
        }
        self
    }

    /// Another place that takes part.
    pub(crate) fn and(mut self, place: &Place, text: impl Into<String>) -> Self {
        if let Place::File(span) = place {
            self.labels.push((*span, Some(text.into())));
        }
        self
    }

    /// Broken at blanks only: miette breaks paths and claims in their middle.
    pub(super) fn wrapped(&self, width: usize) -> Self {
        let help = self.help.as_deref().map(|text| wrap(text, width.saturating_sub(HELP_INDENT)));
        let message = wrap(&self.to_string(), width.saturating_sub(MESSAGE_INDENT));
        Self { message, lint: None, more: 0, help, ..self.clone() }
    }

    pub(super) fn in_source(mut self, source: Option<&Arc<Source>>) -> Self {
        self.source = source.cloned();
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The kind it is of, if that has a name: all warnings are of one.
    #[must_use]
    pub const fn kind(&self) -> Option<Lint> {
        self.lint
    }

    /// How many more warnings of its kind there are, which are left out.
    #[must_use]
    pub const fn more(&self) -> usize {
        self.more
    }

    /// Error or warning.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// The variable of the environment that it is about.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    /// Line and column in the file, both from 1; columns count characters.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        let (span, _) = self.labels.first()?;
        self.source.as_ref().map(|source| source.position(span.start))
    }

    /// The line in the file, from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.position().map(|(line, _)| line)
    }

    /// The column in its line, from 1, in characters.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.position().map(|(_, column)| column)
    }

    /// The places in the file that it is about, the underlined one first. None for what comes from the environment.
    #[must_use]
    pub fn places(&self) -> Vec<Underlined<'_>> {
        let Some(source) = self.source.as_deref() else { return Vec::new() };
        self.labels.iter().map(|(span, text)| Underlined::new(source, *span, text.as_deref())).collect()
    }

    pub(super) fn sort_key(&self) -> (bool, usize) {
        self.labels.first().map_or((true, 0), |(span, _)| (false, span.start))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(lint) = self.lint {
            write!(f, " [{lint}]")?;
        }
        if self.more > 0 { write!(f, " (and {} more like it)", self.more) } else { Ok(()) }
    }
}

impl Error for Problem {}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|text| Box::new(text) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        // Without a place there is nothing to show, and miette would look for it in vain.
        let source = self.source.as_deref().filter(|_| !self.labels.is_empty());
        source.map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let source = self.source.as_deref().filter(|_| !self.labels.is_empty())?;
        // Two places of one line that is too long to show can't be shown together.
        let together = !self.labels.iter().any(|(span, _)| source.is_overlong(span.start));
        let shown = self.labels.iter().enumerate().filter(move |(at, _)| *at == 0 || together);
        let spans = shown.map(|(at, (span, label))| {
            let span = source.underlined(*span);
            let range = (span.start, span.len);
            if at == 0 {
                LabeledSpan::new_primary_with_span(label.clone(), range)
            } else {
                LabeledSpan::new_with_span(label.clone(), range)
            }
        });
        Some(Box::new(spans))
    }
}

/// Text in lines of at most `width` characters, as far as its blanks allow.
fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    let mut column: usize = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        let end = column.saturating_add(1).saturating_add(length);
        if column > 0 {
            wrapped.push(if end > width { '\n' } else { ' ' });
        }
        column = if column == 0 || end > width { length } else { end };
        wrapped.push_str(word);
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_only() {
        assert_eq!(wrap("one two three", 7), "one two\nthree");
        assert_eq!(wrap("one two three", 6), "one\ntwo\nthree");
        assert_eq!(wrap("/a/very/long/path is long", 5), "/a/very/long/path\nis\nlong");
        assert_eq!(wrap("", 5), "");
    }
}
