//! Problems as JSON, for editors and CI. The names of members are stable: what is added later is added beside them.

use serde::Serialize;

use super::{
    kind::{Code, Part},
    problem::{Problem, Severity},
    problems::Problems,
    source::Underlined,
};

/// The version of the form.
const VERSION: u32 = 1;

/// The problems of some files.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'p, P> {
    version: u32,
    errors: usize,
    warnings: usize,
    problems: Vec<Item<'p, P>>,
}

/// One problem. Members that have nothing to say are null; those of its place are left out where it has none.
#[derive(Debug, Serialize)]
struct Item<'p, P> {
    /// As it was named on the command line, `standard input` or `environment`.
    file: &'p str,
    /// The severity: `error` or `warning`.
    severity: &'static str,
    /// The name of the lint.
    code: Option<&'static str>,
    message: &'p str,
    help: Option<&'p str>,
    /// The variable of the environment that it is about; then there is no place.
    variable: Option<&'p str>,
    #[serde(flatten)]
    place: Option<Place<'p>>,
    /// Other places that take part.
    related: Vec<Place<'p>>,
    /// The number of further problems with this code in this file, which are left out.
    more: usize,
    /// Other parts of the document in which it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_sites: Vec<&'p P>,
    /// The part of the document in which it is.
    #[serde(flatten)]
    site: Option<&'p P>,
}

/// A piece of one line. Lines and columns count from 1, columns count characters; offset and length are bytes.
#[derive(Debug, Serialize)]
struct Place<'p> {
    label: Option<&'p str>,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    offset: usize,
    length: usize,
}

impl<'p, P: Part> Report<'p, P> {
    /// The problems of these files, in this order.
    pub(crate) fn new<C: Code>(files: &[&'p Problems<C, P>]) -> Self {
        let count = |severity| files.iter().map(|file| file.count(severity)).sum();
        let problems = files.iter().flat_map(|file| file.problems().map(|problem| Item::new(file.name(), problem)));
        Self {
            version: VERSION,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            problems: problems.collect(),
        }
    }
}

impl<'p, P: Part> Item<'p, P> {
    fn new<C: Code>(file: &'p str, problem: &'p Problem<C, P>) -> Self {
        let mut places = problem.places().into_iter().map(Place::of);
        Self {
            file,
            severity: match problem.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: problem.kind().map(C::name),
            message: problem.message(),
            help: problem.help_text(),
            variable: problem.variable(),
            place: places.next(),
            related: places.collect(),
            more: problem.more(),
            other_sites: problem.sites().iter().skip(1).collect(),
            site: problem.sites().first(),
        }
    }
}

impl<'p> Place<'p> {
    const fn of(place: Underlined<'p>) -> Self {
        let Underlined { text, line, column, end_line, end_column, offset, length } = place;
        Self { label: text, line, column, end_line, end_column, offset, length }
    }
}
