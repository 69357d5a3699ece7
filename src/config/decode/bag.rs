//! The problems that decoding has found so far.

use crate::{
    config::error::{Problem, Severity},
    document::problems::SHOWN,
    limits,
};

/// The problems so far.
#[derive(Default)]
pub(crate) struct Bag(Vec<Problem>);

impl Bag {
    /// The problems that were found before decoding.
    pub(crate) fn new(found: Vec<Problem>) -> Self {
        Self(found)
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Says whether there are so many problems that help for one more is of no use.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= limits::CONFIG_SUGGESTIONS
    }

    /// Says whether one more problem would be printed in full: help for others is never read.
    pub(crate) fn is_shown(&self) -> bool {
        self.0.len() < SHOWN
    }

    /// Returns every problem.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.0
    }

    /// Says whether one of the problems is an error.
    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.severity() == Severity::Error)
    }
}
