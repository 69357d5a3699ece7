//! The list of checks, as far as the verdict says.

use serde::Serialize;

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Of what: `request`, `route`, `credentials`, `token` or `rule`.
    pub part: &'static str,
    /// What is checked.
    pub check: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It failed: this one decided.
    Failed,
    /// It could not be made here.
    NotChecked,
    /// The decision had fallen before it.
    NotReached,
    /// The rule does not ask for it.
    NotNeeded,
}

/// What is known of one check beside its outcome.
#[derive(Debug, Default)]
pub(super) struct Check {
    pub(super) found: Option<String>,
    pub(super) expected: Option<String>,
    pub(super) note: Option<String>,
}

impl Check {
    pub(super) fn found(text: impl Into<String>) -> Self {
        Self { found: Some(text.into()), ..Self::default() }
    }

    pub(super) fn expected(self, text: impl Into<String>) -> Self {
        Self { expected: Some(text.into()), ..self }
    }

    pub(super) fn note(self, text: impl Into<String>) -> Self {
        Self { note: Some(text.into()), ..self }
    }
}

/// The checks so far. Behind the one that failed, none is reached.
#[derive(Debug, Default)]
pub(super) struct Walk {
    steps: Vec<Step>,
    ended: bool,
}

impl Walk {
    /// A check that was made, if it came to that; `failed` is what the verdict says of it.
    pub(super) fn made(&mut self, part: &'static str, check: impl Into<String>, failed: bool, known: Check) {
        let outcome = match (self.ended, failed) {
            (true, _) => Outcome::NotReached,
            (false, true) => Outcome::Failed,
            (false, false) => Outcome::Passed,
        };
        self.ended |= failed;
        self.push(part, check.into(), outcome, known);
    }

    /// A check that was not made, and would not have been.
    pub(super) fn skipped(&mut self, part: &'static str, check: impl Into<String>, outcome: Outcome, known: Check) {
        let outcome = if self.ended { Outcome::NotReached } else { outcome };
        self.push(part, check.into(), outcome, known);
    }

    /// Whether the decision has fallen.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    fn push(&mut self, part: &'static str, check: String, outcome: Outcome, known: Check) {
        let Check { found, expected, note } = known;
        // Of what was not reached nothing is said that could be taken for a judgement.
        let note = note.filter(|_| outcome != Outcome::NotReached);
        self.steps.push(Step { part, check, outcome, found, expected, note });
    }
}
