//! One problem of a document: what is wrong, where, and what to do.

use std::{collections::HashSet, error::Error, fmt, ops::Range, sync::Arc};

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::{
    fault::Fault,
    kind::{Code, Part},
    source::{Source, Underlined},
    tree::{Place, Span},
};
use crate::printable;

/// Columns before each line of a message.
const MESSAGE_INDENT: usize = 4;
/// Columns before each line of help.
const HELP_INDENT: usize = 8;

/// The severity of a problem: whether it forbids the use of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The document can't be used.
    Error,
    /// It can, but the operator should know.
    Warning,
}

/// One problem: an error or a warning. Its texts are printable, whatever a file or a variable has.
#[derive(Clone, Debug)]
pub struct Problem<C, P> {
    severity: Severity,
    lint: Option<C>,
    /// The number of further problems of the same kind, which are left out.
    more: usize,
    message: String,
    /// The parts of the document in which it is, where those have names.
    sites: Vec<P>,
    /// Tells that it is less grave than others of its kind.
    is_mild: bool,
    help: Option<String>,
    variable: Option<Arc<str>>,
    /// What is underlined, the primary place first.
    labels: Vec<(Span, Option<String>)>,
    source: Option<Arc<Source>>,
}

impl<C: Code, P: Part> Problem<C, P> {
    pub(crate) fn new(severity: Severity, place: &Place, message: impl Into<String>) -> Self {
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
        let message = printable::one_line(&message).into_owned();
        Self {
            severity,
            lint: None,
            more: 0,
            message,
            sites: Vec::new(),
            is_mild: false,
            help: None,
            variable,
            labels,
            source: None,
        }
    }

    pub(crate) fn error(place: &Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, message)
    }

    pub(crate) fn warning(place: &Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, message)
    }

    /// The kind it is of.
    pub(crate) fn lint(mut self, lint: C) -> Self {
        self.lint = Some(lint);
        self
    }

    /// Puts it into a part of the document.
    pub(crate) fn at(mut self, site: &P) -> Self {
        if !site.is_empty() {
            self.sites.push(site.clone());
        }
        self
    }

    /// Marks it as less grave than others of its kind.
    pub(crate) fn mild(mut self) -> Self {
        self.is_mild = true;
        self
    }

    /// Says whether it is less grave than others of its kind.
    pub(crate) const fn is_mild(&self) -> bool {
        self.is_mild
    }

    /// Puts it into one more part of the document.
    pub(crate) fn add_site(&mut self, site: P) {
        if !site.is_empty() {
            self.sites.push(site);
        }
    }

    /// Replaces each part in which it is.
    pub(crate) fn each_site(&mut self, changed: impl Fn(&P) -> P) {
        self.sites = self.sites.iter().map(changed).collect();
        self.each_site_once();
    }

    /// Forgets parts that are named more than once.
    pub(crate) fn each_site_once(&mut self) {
        let mut seen = HashSet::new();
        self.sites.retain(|site| seen.insert(site.clone()));
    }

    /// Returns it without the sites that a function takes out: nothing if it was in no other one.
    pub(crate) fn without_sites(mut self, is_out: impl Fn(&P) -> bool) -> Option<Self> {
        let before = self.sites.len();
        self.sites.retain(|site| !is_out(site));
        (before == 0 || !self.sites.is_empty()).then_some(self)
    }

    /// The last one shown of its kind.
    pub(crate) fn with_more(mut self, more: usize) -> Self {
        self.more = more;
        self
    }

    /// What to do.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(printable::lines(&text.into()).into_owned());
        self
    }

    /// What stands at the underlined place.
    pub(crate) fn label(mut self, text: impl Into<String>) -> Self {
        if let Some((_, label)) = self.labels.first_mut() {
            *label = Some(printable::one_line(&text.into()).into_owned());
        }
        self
    }

    /// Another place that takes part.
    pub(crate) fn and(mut self, place: &Place, text: impl Into<String>) -> Self {
        if let Place::File(span) = place {
            self.labels.push((*span, Some(printable::one_line(&text.into()).into_owned())));
        }
        self
    }

    /// Broken at blanks only: miette breaks paths and claims in their middle.
    pub(crate) fn wrapped(&self, width: usize) -> Self {
        let help = self.help.as_deref().map(|text| wrap(text, width.saturating_sub(HELP_INDENT)));
        let message = wrap(&self.to_string(), width.saturating_sub(MESSAGE_INDENT));
        Self { message, lint: None, more: 0, sites: Vec::new(), help, ..self.clone() }
    }

    /// Moves its places on by so many bytes.
    pub(crate) fn shifted(self, by: usize) -> Self {
        self.replaced(|span| Span { start: span.start.saturating_add(by), ..span })
    }

    /// Gives each place that it has another one.
    pub(crate) fn replaced(mut self, span_of: impl Fn(Span) -> Span) -> Self {
        for (span, _) in &mut self.labels {
            *span = span_of(*span);
        }
        self
    }

    /// Counts its places from the start of a file that has these offsets among others. Places in other files are left out.
    pub(crate) fn within(mut self, file: &Range<usize>) -> Self {
        self.labels.retain(|(span, _)| file.contains(&span.start));
        self.replaced(|span| Span { start: span.start.saturating_sub(file.start), ..span })
    }

    pub(crate) fn in_source(mut self, source: Option<&Arc<Source>>) -> Self {
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
    pub const fn kind(&self) -> Option<C> {
        self.lint
    }

    /// The parts of the document in which it is. Empty where those have no names.
    #[must_use]
    pub fn sites(&self) -> &[P] {
        &self.sites
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

    /// The place in the file that it is about first.
    pub(crate) fn primary(&self) -> Option<Span> {
        self.labels.first().map(|(span, _)| *span)
    }

    /// Says whether it is about the same place as another one.
    fn is_at_place_of(&self, other: &Self) -> bool {
        match (&self.variable, &other.variable) {
            (None, None) => self.primary().is_some() && self.primary() == other.primary(),
            (one, other) => one == other,
        }
    }

    /// Takes kind and help of a warning, where that says why it is wrong and what to do. Returns whether it does.
    pub(crate) fn explained_by(&mut self, warning: &Self) -> bool {
        let explains = self.severity == Severity::Error && self.lint.is_none() && self.is_at_place_of(warning);
        if explains {
            self.lint = warning.lint;
            self.help.clone_from(&warning.help);
        }
        explains
    }

    pub(crate) fn sort_key(&self) -> (bool, usize) {
        self.labels.first().map_or((true, 0), |(span, _)| (false, span.start))
    }
}

impl<C: Code, P: Part> fmt::Display for Problem<C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some((first, others)) = self.sites.split_first() {
            write!(f, " ({first}")?;
            match (others.len(), first.word_for(others)) {
                (0, _) => {}
                (1, word) => write!(f, ", and in another {word}")?,
                (count, word) => write!(f, ", and in {count} more {word}s")?,
            }
            f.write_str(")")?;
        }
        if let Some(lint) = self.lint {
            write!(f, " [{lint}]")?;
        }
        if self.more > 0 { write!(f, " (and {} more like it)", self.more) } else { Ok(()) }
    }
}

impl<C: Code, P: Part> Error for Problem<C, P> {}

impl<C: Code, P: Part> From<Fault> for Problem<C, P> {
    fn from(Fault { place, message, help }: Fault) -> Self {
        let problem = Self::error(&place, message);
        match help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

impl<C: Code, P: Part> Diagnostic for Problem<C, P> {
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
