//! The problems of a configuration: what a document's problems are, with the names of the lints, and with the parts of an Envoy
//! configuration.

use super::{
    lint_catalogue::Lint,
    site::{Resource, Site},
};
use crate::document::{problem, problems::Problems};
pub use crate::document::{problem::Severity, source::Underlined};

/// One problem of a configuration.
pub type Problem = problem::Problem<Lint, Site>;

/// Every problem of one configuration. As the error of [`super::load()`] it holds at least one of severity
/// [`Severity::Error`], and the warnings as well.
pub type ConfigErrors = Problems<Lint, Site>;

impl problem::Problem<Lint, Site> {
    /// Says whether requests may pass without a decision because of it, or changed after one, or by that of
    /// another service.
    #[must_use]
    pub fn lets_pass(&self) -> bool {
        !self.is_mild() && self.kind().is_some_and(Lint::lets_pass)
    }

    /// Marks it as one that lets no request pass, although its lint is one that lets requests pass.
    pub(crate) fn closed(self) -> Self {
        self.mild()
    }

    /// Names the Kubernetes resource or file that it is in.
    pub(crate) fn within_resource(mut self, resource: &Resource) -> Self {
        if self.sites().is_empty() {
            self.add_site(Site::of_resource(resource));
        } else {
            self.each_site(|site| site.within(resource));
        }
        self
    }
}
