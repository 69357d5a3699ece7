//! The problems of a configuration, all of them at once, printed with their places underlined.

use std::{error::Error, fmt, sync::Arc};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

pub use super::problem::{Problem, Severity};
use super::source::Source;

/// Problems printed in full; of a file that is wrong throughout the first ones say enough.
pub(super) const SHOWN: usize = 50;

/// Every problem of one configuration, in the order of the file, those of the environment last. As the error of
/// [`super::load()`] it holds at least one of severity [`Severity::Error`], and the warnings as well.
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

    pub(crate) fn single(name: &str, problem: Problem) -> Self {
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
        self.problems.iter().filter(|problem| problem.severity() == severity).count()
    }

    /// All problems for a terminal `width` columns wide: the place underlined, help below, the count at the end. The
    /// empty list gives the empty string.
    #[must_use]
    pub fn render(&self, color: bool, width: usize) -> String {
        if self.problems.is_empty() {
            return String::new();
        }
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_context_lines(1)
            .with_links(false)
            .with_wrap_lines(false);
        let mut out = String::new();
        for problem in self.problems.iter().take(SHOWN) {
            // Writing to a string fails only where the source fails, and then the message still stands.
            if handler.render_report(&mut out, &problem.wrapped(width)).is_err() {
                out.push_str(problem.message());
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
