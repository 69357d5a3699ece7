//! Problems of a configuration: what is wrong, where, and what to do. All of them at once, printed with the place
//! underlined.

use std::{error::Error, fmt, sync::Arc};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};

use super::{
    source::Source,
    tree::{Place, Span},
};

/// Problems printed in full; of a file that is wrong throughout the first ones say enough.
const SHOWN: usize = 50;

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
        Self { severity, message: message.into(), help: None, variable, labels, source: None }
    }

    pub(super) fn error(place: &Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, message)
    }

    pub(super) fn warning(place: &Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, message)
    }

    /// What to do.
    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// What stands at the underlined place.
    pub(super) fn label(mut self, text: impl Into<String>) -> Self {
        if let Some((_, label)) = self.labels.first_mut() {
            *label = Some(text.into());
        }
        self
    }

    /// Another place that takes part.
    pub(super) fn and(mut self, place: &Place, text: impl Into<String>) -> Self {
        if let Place::File(span) = place {
            self.labels.push((*span, Some(text.into())));
        }
        self
    }

    fn in_source(mut self, source: Option<&Arc<Source>>) -> Self {
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

    fn sort_key(&self) -> (bool, usize) {
        self.labels.first().map_or((true, 0), |(span, _)| (false, span.start))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
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
        if self.source.is_none() || self.labels.is_empty() {
            return None;
        }
        let spans = self.labels.iter().enumerate().map(|(at, (span, label))| {
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

/// Every problem of one configuration, in the order of the file, those of the environment last. As the error of
/// [`super::load`] it holds at least one of severity [`Severity::Error`], and the warnings as well.
#[derive(Clone, Debug)]
pub struct ConfigErrors {
    name: String,
    problems: Vec<Problem>,
}

impl ConfigErrors {
    pub(super) fn new(name: &str, source: Option<&Arc<Source>>, problems: Vec<Problem>) -> Self {
        let mut problems: Vec<Problem> = problems.into_iter().map(|problem| problem.in_source(source)).collect();
        problems.sort_by_key(Problem::sort_key);
        Self { name: name.to_owned(), problems }
    }

    pub(super) fn single(name: &str, problem: Problem) -> Self {
        Self::new(name, None, vec![problem])
    }

    /// The problems.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether one of them forbids the configuration.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many there are of one severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    /// All problems for a terminal `width` columns wide: the place underlined, help below, the count at the end. The
    /// empty list gives the empty string.
    #[must_use]
    pub fn render(&self, color: bool, width: usize) -> String {
        if self.problems.is_empty() {
            return String::new();
        }
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(width).with_context_lines(1).with_links(false);
        let mut out = String::new();
        for problem in self.problems.iter().take(SHOWN) {
            // Writing to a string fails only where the source fails, and then the message still stands.
            if handler.render_report(&mut out, problem).is_err() {
                out.push_str(&problem.message);
            }
            out.push('\n');
        }
        if let Some(more @ 1..) = self.problems.len().checked_sub(SHOWN) {
            out.push_str(&format!("  and {more} more\n\n"));
        }
        out.push_str(&self.to_string());
        out.push('\n');
        out
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        match (self.count(Severity::Error), self.count(Severity::Warning)) {
            (errors, 0) => f.write_str(&counted(errors, "error")),
            (0, warnings) => f.write_str(&counted(warnings, "warning")),
            (errors, warnings) => write!(f, "{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        }
    }
}

impl Error for ConfigErrors {}

impl Diagnostic for ConfigErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}
