//! What came of a run, for people and programs.

use serde::Serialize;

use super::{compare::Mismatch, coverage::Coverage, mutate::Mutation};
use crate::config::error::ConfigErrors;

/// What came of the tests of one configuration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What the configuration is called.
    pub config: String,
    /// Files of tests that can't be used.
    #[serde(skip)]
    pub errors: Vec<ConfigErrors>,
    /// Tests, in the order of the files.
    pub tests: Vec<Outcome>,
    /// Tests that were left out.
    pub filtered_out: usize,
    /// What of the policy they exercised.
    pub coverage: Coverage,
    /// What they noticed, if that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutation: Option<Mutation>,
}

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// What it is called.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// Its line there, from 1.
    pub line: usize,
    /// Whether everything was as it must be.
    pub passed: bool,
    /// `allow`, or `deny (403 insufficient_scope)`.
    pub found: String,
    /// The rule that decided, if it came to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where it stands: `portcullis.yaml:23`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_written_at: Option<String>,
    /// What was not as it must be.
    pub mismatches: Vec<Mismatch>,
    /// The command that shows why, for a failed test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<String>,
}

impl Report {
    /// Whether there are tests, and every one passed.
    #[must_use]
    pub fn is_green(&self) -> bool {
        self.errors.is_empty() && !self.tests.is_empty() && self.failures().next().is_none()
    }

    /// The tests that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.tests.iter().filter(|test| !test.passed)
    }

    /// One line: `12 tests passed`, `2 of 12 tests failed: reading needs read:messages (policy_test.yaml:4), …`.
    #[must_use]
    pub fn summary(&self) -> String {
        if let Some(errors) = self.errors.first() {
            let first = errors.problems().next().map(|problem| match problem.line() {
                Some(line) => format!(" (line {line}: {problem})"),
                None => format!(" ({problem})"),
            });
            return format!("the tests can't be run: {errors}{}", first.unwrap_or_default());
        }
        let failed = self.failures().count();
        match self.tests.len() {
            0 => "there are no tests".to_owned(),
            1 if failed == 0 => "1 test passed".to_owned(),
            all if failed == 0 => format!("{all} tests passed"),
            all => {
                let mut names =
                    self.failures().take(3).map(|test| format!("{} ({}:{})", test.name, test.file, test.line));
                let first = names.by_ref().collect::<Vec<_>>().join(", ");
                let more = if failed > 3 { ", …" } else { "" };
                format!("{failed} of {all} tests failed: {first}{more}")
            }
        }
    }
}
