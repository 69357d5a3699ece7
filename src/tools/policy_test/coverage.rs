//! Which parts of a policy the tests have shown to work.
//!
//! A goal is one thing that a rule does: it lets a request pass; it turns one away for want of a good token; one of its
//! requirements is met by a token, and turns another one away. Only tests that pass count.

use std::collections::HashMap;

use serde::Serialize;

use crate::tools::simulate::response::Answered;
use portcullis_engine::policy::{
    Policy,
    rule::{Access, Rule},
};

/// What of a policy tests have exercised.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coverage {
    /// Goals that passing tests reached.
    pub reached: usize,
    /// All goals.
    pub goals: usize,
    /// Rules of which no goal was reached.
    pub untested: Vec<Gap>,
    /// Goals of other rules that were not reached.
    pub gaps: Vec<Gap>,
}

/// Something that no test exercised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The rule.
    pub rule: String,
    /// Where it stands: `portcullis.yaml:23`; empty if nowhere.
    pub written_at: String,
    /// What no test has shown.
    pub missing: String,
}

impl Coverage {
    /// The share of goals that were reached, rounded down; 100 if there is nothing to reach.
    #[must_use]
    pub fn percent(&self) -> usize {
        self.reached.saturating_mul(100).checked_div(self.goals).unwrap_or(100)
    }
}

/// What was seen of one rule.
#[derive(Clone, Debug, Default)]
struct Seen {
    passes: bool,
    refuses_tokens: bool,
    conditions: Vec<Both>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Both {
    met: bool,
    unmet: bool,
}

/// Watches answers.
#[derive(Debug)]
pub(crate) struct Observer<'p> {
    rules: Vec<&'p Rule>,
    seen: HashMap<&'p str, Seen>,
}

impl<'p> Observer<'p> {
    pub(crate) fn new(policy: &'p Policy) -> Self {
        let named = policy.named().map(|(_, rule)| rule);
        let rules: Vec<&Rule> = policy.rules().chain(policy.default_rule()).chain(named).collect();
        let seen = rules.iter().map(|rule| {
            let count =
                if let Access::Token(requirement) = &rule.access { requirement.conditions().count() } else { 0 };
            (rule.id.as_str(), Seen { conditions: vec![Both::default(); count], ..Seen::default() })
        });
        Self { seen: seen.collect(), rules }
    }

    /// Takes an answer that is as it must be.
    pub(crate) fn take(&mut self, answered: &Answered) {
        let Some(seen) = answered.rule.as_ref().and_then(|hit| self.seen.get_mut(hit.id.as_str())) else { return };
        seen.passes |= answered.allowed;
        seen.refuses_tokens |= !answered.allowed && answered.token.is_none();
        for condition in &answered.conditions {
            let Some(both) = seen.conditions.get_mut(condition.index) else { continue };
            both.met |= condition.met;
            both.unmet |= !condition.met;
            // The first that is not met decides; what stands behind it was not reached.
            if !condition.met {
                break;
            }
        }
    }

    pub(crate) fn finish(self) -> Coverage {
        let mut coverage = Coverage::default();
        for rule in &self.rules {
            let Some(seen) = self.seen.get(rule.id.as_str()) else { continue };
            let goals = goals(rule, seen);
            let missing: Vec<&str> = goals.iter().filter_map(|(missing, _)| missing.as_deref()).collect();
            coverage.goals = coverage.goals.saturating_add(goals.len());
            coverage.reached = coverage.reached.saturating_add(goals.len().saturating_sub(missing.len()));
            let gap = |missing: &str| Gap {
                rule: rule.id.to_string(),
                written_at: rule.id.written_at().to_owned(),
                missing: missing.to_owned(),
            };
            if missing.len() == goals.len() && goals.iter().all(|(_, touched)| !touched) {
                coverage.untested.push(gap("no passing test"));
            } else {
                coverage.gaps.extend(missing.into_iter().map(gap));
            }
        }
        coverage
    }
}

/// What a rule does: what is missing of it, if anything, and whether anything was seen.
fn goals(rule: &Rule, seen: &Seen) -> Vec<(Option<String>, bool)> {
    let goal = |reached: bool, missing: &str| ((!reached).then(|| missing.to_owned()), reached);
    let mut goals = vec![goal(seen.passes, "no request passes")];
    match &rule.access {
        Access::Public => {}
        Access::Optional => goals.push(goal(seen.refuses_tokens, "no bad token is turned away")),
        Access::Token(requirement) => {
            goals.push(goal(seen.refuses_tokens, "nothing is turned away for want of a good token"));
            for (condition, both) in requirement.conditions().zip(&seen.conditions) {
                let missing = match (both.met, both.unmet) {
                    (true, true) => None,
                    (true, false) => Some(format!("{condition}: no token is turned away for it")),
                    (false, true) => Some(format!("{condition}: no token meets it")),
                    (false, false) => Some(format!("{condition}: not tested")),
                };
                goals.push((missing, both.met || both.unmet));
            }
        }
    }
    goals
}
