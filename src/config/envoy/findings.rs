//! What was found so far.

use std::collections::HashSet;

use crate::config::{error::Problem, lint::Lint, tree::Place};

/// The problems so far.
#[derive(Default)]
pub(super) struct Findings(Vec<Problem>);

impl Findings {
    /// What certainly can't be meant.
    pub(super) fn error(&mut self, lint: Lint, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::error(place, message).help(help).lint(lint));
    }

    /// What undoes some of the policy, or makes trouble.
    pub(super) fn warn(&mut self, lint: Lint, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::warning(place, message).help(help).lint(lint));
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Each problem once: what an alias repeats is written in one place.
    pub(super) fn finished(mut self) -> Vec<Problem> {
        let mut seen = HashSet::new();
        self.0.retain(|problem| seen.insert((problem.sort_key(), problem.message().to_owned())));
        self.0
    }
}
