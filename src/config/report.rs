//! Problems as JSON, for editors and CI. The names of members are stable: what is added later is added beside them.

use serde::Serialize;

use super::{
    error::{ConfigErrors, Problem, Severity, Underlined},
    site::{Resource, Site},
};
use crate::tools::envoy_lint::{Checked, Seen, Verdict};

/// The version of the form.
const VERSION: u32 = 1;

/// The problems of some files.
#[derive(Debug, Serialize)]
pub struct Report<'p> {
    version: u32,
    errors: usize,
    warnings: usize,
    problems: Vec<Item<'p>>,
    /// The things that were not checked or not looked at; only there where something may have been left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_checked: Option<Vec<&'p str>>,
    /// The verdict on an Envoy configuration; only there if one was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    /// The lints of which `--allow` has left something out that lets requests pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<Vec<&'static str>>,
    /// The parts of an Envoy configuration that were looked at, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<&'p Seen>,
}

/// One problem. Members that have nothing to say are null; those of its place are left out where it has none.
#[derive(Debug, Serialize)]
struct Item<'p> {
    /// As it was named on the command line, `standard input` or `environment`.
    file: &'p str,
    /// `error` or `warning`.
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
    /// How many more of its code there are in this file, which are left out.
    more: usize,
    /// Other parts of an Envoy configuration in which it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_sites: Vec<Part<'p>>,
    /// The part of an Envoy configuration in which it is.
    #[serde(flatten)]
    site: Option<Part<'p>>,
}

/// A part of an Envoy configuration.
#[derive(Debug, Serialize)]
struct Part<'p> {
    /// The kind of the Kubernetes resource: `SecurityPolicy`, `pod`.
    resource_kind: Option<&'p str>,
    /// The name of the Kubernetes resource.
    resource: Option<&'p str>,
    /// The name of the listener, or its address where it has none.
    listener: Option<&'p str>,
    /// The name or number of the filter chain, if the listener has several.
    chain: Option<&'p str>,
    /// The virtual host, the route or the weighted cluster.
    route: Option<&'p str>,
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

impl<'p> Report<'p> {
    /// The problems of these files, in this order.
    #[must_use]
    pub fn of(files: &[&'p ConfigErrors]) -> Self {
        let count = |severity| files.iter().map(|file| file.count(severity)).sum();
        let problems = files.iter().flat_map(|file| file.problems().map(|problem| Item::of(file.name(), problem)));
        Self {
            version: VERSION,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            problems: problems.collect(),
            not_checked: None,
            verdict: None,
            allowed: None,
            seen: None,
        }
    }

    /// Names in the report what an offline check did not look at.
    #[must_use]
    pub fn without(self, not_checked: Vec<&'p str>) -> Self {
        Self { not_checked: Some(not_checked), ..self }
    }
}

impl<'p> Report<'p> {
    /// Adds the verdict on an Envoy configuration, and what was not looked at.
    #[must_use]
    pub fn of_envoy(self, checked: &'p Checked) -> Self {
        let mut not_checked = self.not_checked.unwrap_or_default();
        not_checked.extend(checked.seen.unseen.iter().map(String::as_str));
        let allowed = checked.allowed.iter().map(|lint| lint.name()).collect();
        Self {
            not_checked: Some(not_checked),
            verdict: Some(checked.verdict()),
            allowed: Some(allowed),
            seen: Some(&checked.seen),
            ..self
        }
    }
}

impl<'p> Item<'p> {
    fn of(file: &'p str, problem: &'p Problem) -> Self {
        let mut places = problem.places().into_iter().map(Place::of);
        Self {
            file,
            severity: match problem.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: problem.kind().map(super::lint::Lint::name),
            message: problem.message(),
            help: problem.help_text(),
            variable: problem.variable(),
            place: places.next(),
            related: places.collect(),
            more: problem.more(),
            other_sites: problem.sites().iter().skip(1).map(Part::new).collect(),
            site: problem.sites().first().map(Part::new),
        }
    }
}

impl<'p> Part<'p> {
    fn new(site: &'p Site) -> Self {
        let resource = site.resource();
        Self {
            resource_kind: resource.map(Resource::kind),
            resource: resource.and_then(Resource::name),
            listener: site.listener(),
            chain: site.chain(),
            route: site.route(),
        }
    }
}

impl<'p> Place<'p> {
    const fn of(place: Underlined<'p>) -> Self {
        let Underlined { text, line, column, end_line, end_column, offset, length } = place;
        Self { label: text, line, column, end_line, end_column, offset, length }
    }
}
