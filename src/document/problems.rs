//! The problems of a document, all of them at once, printed with their places underlined.

use std::{cmp::Ordering, collections::HashMap, error::Error, fmt, sync::Arc};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::{
    kind::{Code, Part},
    problem::{Problem, Severity},
    source::Source,
    tree::Place,
};
use crate::{limits::WARNINGS_OF_A_KIND, printable};

/// Problems printed in full; of a file that is wrong throughout the first ones say enough.
pub(crate) const SHOWN: usize = 50;

/// Every problem of one document, in the order of the file, those of the environment last. As an error it holds at least one
/// of severity [`Severity::Error`], and the warnings as well.
#[derive(Clone, Debug)]
pub struct Problems<C, P> {
    name: String,
    problems: Vec<Problem<C, P>>,
    /// Warnings of which there are too many of their kind.
    left_out: Vec<Problem<C, P>>,
}

impl<C: Code, P: Part> Problems<C, P> {
    pub(crate) fn new(name: &str, source: Option<&Arc<Source>>, problems: Vec<Problem<C, P>>) -> Self {
        let mut problems: Vec<Problem<C, P>> = problems.into_iter().map(|problem| problem.in_source(source)).collect();
        problems.sort_by_key(Problem::sort_key);
        let (problems, left_out) = fewer_of_a_kind(problems);
        Self { name: name.to_owned(), problems, left_out }
    }

    /// The name of what they are about: a file, or the environment.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn single(name: &str, problem: Problem<C, P>) -> Self {
        Self::new(name, None, vec![problem])
    }

    /// Returns these problems with one more error, about the whole.
    #[must_use]
    pub fn with_error(mut self, message: &str, help: &str) -> Self {
        self.problems.push(Problem::error(&Place::Nowhere, message).help(help));
        self
    }

    /// Returns these problems without the warnings of these kinds. Errors stay.
    #[must_use]
    pub fn without(mut self, allowed: &[C]) -> Self {
        let is_allowed = |problem: &Problem<C, P>| problem.kind().is_some_and(|lint| allowed.contains(&lint));
        self.problems.retain(|problem| problem.severity() == Severity::Error || !is_allowed(problem));
        self
    }

    /// Removes the warnings that a function takes out of each: nothing is left of those that it takes whole.
    pub(crate) fn retain_warnings(self, keep: impl Fn(Problem<C, P>) -> Option<Problem<C, P>>) -> Self {
        let Self { name, problems, left_out } = self;
        let all = problems.into_iter().map(|problem| problem.with_more(0)).chain(left_out);
        let left = |problem: Problem<C, P>| match problem.severity() {
            Severity::Error => Some(problem),
            Severity::Warning => keep(problem),
        };
        let mut all: Vec<Problem<C, P>> = all.filter_map(left).collect();
        all.sort_by_key(Problem::sort_key);
        let (problems, left_out) = fewer_of_a_kind(all);
        Self { name, problems, left_out }
    }

    /// Every problem, those that are left out of what is printed among them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Problem<C, P>> {
        self.problems.iter().chain(&self.left_out)
    }

    /// Returns the problems that are printed.
    pub fn problems(&self) -> impl Iterator<Item = &Problem<C, P>> {
        self.problems.iter()
    }

    /// Returns the problems that forbid the use of the document.
    pub fn errors(&self) -> impl Iterator<Item = &Problem<C, P>> {
        self.problems.iter().filter(|problem| problem.severity() == Severity::Error)
    }

    /// Says whether there is no problem.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Says whether one of the problems forbids the use of the document.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Returns the number of problems of one severity, including those that are left out.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let of_severity = self.problems.iter().filter(|problem| problem.severity() == severity);
        of_severity.map(|problem| problem.more().saturating_add(1)).sum()
    }

    /// Returns the problems that are printed, in the order of the file. If that is not everything, errors come before warnings.
    fn shown(&self) -> impl Iterator<Item = &Problem<C, P>> {
        let errors = self.problems.iter().filter(|problem| problem.severity() == Severity::Error).count();
        let mut left = [SHOWN, SHOWN.saturating_sub(errors)];
        self.problems.iter().filter(move |problem| {
            let [errors, warnings] = &mut left;
            let left = if problem.severity() == Severity::Error { errors } else { warnings };
            let is_shown = *left > 0;
            *left = left.saturating_sub(1);
            is_shown
        })
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
        for problem in self.shown() {
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

/// Problems that are shown, and those that are left out.
type ShownAndLeftOut<C, P> = (Vec<Problem<C, P>>, Vec<Problem<C, P>>);

/// Splits problems into those that are shown and those beyond the limit of a kind. The last one shown says how many these are.
fn fewer_of_a_kind<C: Code, P: Part>(problems: Vec<Problem<C, P>>) -> ShownAndLeftOut<C, P> {
    let mut counts: HashMap<C, usize> = HashMap::new();
    let kind = |problem: &Problem<C, P>| problem.kind().filter(|_| problem.severity() == Severity::Warning);
    for lint in problems.iter().filter_map(kind) {
        *counts.entry(lint).or_default() += 1;
    }
    let mut seen: HashMap<C, usize> = HashMap::new();
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for problem in problems {
        let Some(lint) = kind(&problem) else {
            kept.push(problem);
            continue;
        };
        let seen = seen.entry(lint).or_default();
        *seen += 1;
        let more = counts.get(&lint).map_or(0, |count| count.saturating_sub(WARNINGS_OF_A_KIND));
        match (*seen).cmp(&WARNINGS_OF_A_KIND) {
            Ordering::Less => kept.push(problem),
            Ordering::Equal => kept.push(problem.with_more(more)),
            Ordering::Greater => left_out.push(problem),
        }
    }
    (kept, left_out)
}

impl<C: Code, P: Part> fmt::Display for Problems<C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", printable::one_line(&self.name))?;
        let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        match (self.count(Severity::Error), self.count(Severity::Warning)) {
            (errors, 0) => f.write_str(&counted(errors, "error")),
            (0, warnings) => f.write_str(&counted(warnings, "warning")),
            (errors, warnings) => write!(f, "{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        }
    }
}

impl<C: Code, P: Part> Error for Problems<C, P> {}

impl<C: Code, P: Part> Diagnostic for Problems<C, P> {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}
