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
    /// Those that were found before.
    pub(crate) fn new(found: Vec<Problem>) -> Self {
        Self(found)
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether there are so many that help for one more is no help.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= limits::CONFIG_SUGGESTIONS
    }

    /// Whether one more problem would be printed in full: help for others is for nobody.
    pub(crate) fn is_shown(&self) -> bool {
        self.0.len() < SHOWN
    }

    /// Every problem.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.0
    }

    /// Whether one of them is an error.
    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.severity() == Severity::Error)
    }
}
