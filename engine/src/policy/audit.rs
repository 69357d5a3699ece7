//! Finds what about whole patterns does not fit together: those that cross, and those that shadow stricter ones.
//!
//! Both are judged on folded patterns: a backend that ignores case sees no more than those.

use std::ops::ControlFlow;

use super::{
    Entry, Policy,
    budget::Steps,
    diagnostics::{PolicyProblem, ProblemKind},
    overlap,
    pattern::PathPattern,
    rule::Access,
    trie::{Node, PatternId},
};
use crate::{limits, request::method::Method};

/// Reports patterns of one table that cross, unless the table has a pattern for exactly what both match.
pub(super) fn crossings(policy: &Policy, steps: &Steps, problems: &mut Vec<PolicyProblem>) {
    let mut found = Findings::default();
    for table in policy.tables.all() {
        let done = overlap::crossing(table, steps, |one, two| {
            let Some((one, two)) = policy.entries(one, two) else { return ControlFlow::Continue(()) };
            steps.take(common_cost(one, two))?;
            if let Some(common) = Common::of(one, two).filter(|common| !common.has_its_own_pattern(policy, table)) {
                found.push(common.crossing());
            }
            found.enough()
        });
        if done.is_break() {
            break;
        }
    }
    found.append_to(problems);
}

/// Reports rules that are weaker than one for more hosts, and decide in its place, unless they say that it is meant.
pub(super) fn shadowings(policy: &Policy, steps: &Steps, problems: &mut Vec<PolicyProblem>) {
    let mut found = Findings::default();
    for (special, general) in policy.tables.shadowing_pairs() {
        let done = overlap::overlapping(special, general, steps, |one, two| {
            let ids = (one, two);
            let Some((one, two)) = policy.entries(one, two) else { return ControlFlow::Continue(()) };
            steps.take(methods_cost(one, two))?;
            if let Some(weaker) = policy.weaker_method(one, two) {
                steps.take(common_cost(one, two))?;
                if let Some(common) = Common::of(one, two).filter(|common| common.is_decided_by(special, general, ids))
                {
                    found.push(common.shadowing(&weaker));
                }
            }
            found.enough()
        });
        if done.is_break() {
            break;
        }
    }
    found.append_to(problems);
}

/// Says whether two patterns that overlap are the ones that decide, each in its table, about some path.
pub(super) fn decide_in_common(
    special: &Node,
    general: &Node,
    (one, two): (&Entry, &Entry),
    ids: (PatternId, PatternId),
) -> bool {
    Common::of(one, two).is_some_and(|common| common.is_decided_by(special, general, ids))
}

/// How many steps of a walk comparing two rules, or two segments, takes: measured.
const COMPARISON: usize = 8;

/// Each method of either pattern is looked for among those of both.
fn methods_cost(one: &Entry, two: &Entry) -> usize {
    let names = 1 + one.methods.names().count() + two.methods.names().count();
    names.saturating_pow(2).saturating_mul(COMPARISON)
}

fn common_cost(one: &Entry, two: &Entry) -> usize {
    (one.path.segments().len() + two.path.segments().len()).saturating_mul(COMPARISON)
}

/// What was found. Errors and warnings are counted apart: however many warnings there are, they hide no error.
#[derive(Default)]
struct Findings {
    errors: Vec<PolicyProblem>,
    warnings: Vec<PolicyProblem>,
}

impl Findings {
    fn push(&mut self, problem: PolicyProblem) {
        let found = if problem.is_error() { &mut self.errors } else { &mut self.warnings };
        if found.len() < limits::POLICY_PROBLEMS {
            found.push(problem);
        }
    }

    /// Only errors end the search: behind any number of warnings there may be one.
    fn enough(&self) -> ControlFlow<()> {
        if self.errors.len() < limits::POLICY_PROBLEMS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn append_to(mut self, problems: &mut Vec<PolicyProblem>) {
        problems.append(&mut self.errors);
        problems.append(&mut self.warnings);
    }
}

/// Two patterns and what both match.
struct Common<'p> {
    one: &'p Entry,
    two: &'p Entry,
    /// Folded.
    paths: PathPattern,
}

impl<'p> Common<'p> {
    fn of(one: &'p Entry, two: &'p Entry) -> Option<Self> {
        Some(Self { one, two, paths: one.path.folded().intersection(&two.path.folded())? })
    }

    fn has_its_own_pattern(&self, policy: &Policy, table: &Node) -> bool {
        let covering = table.find_covering(&self.paths).and_then(|id| policy.entries.get(id.0));
        covering.is_some_and(|entry| entry.path.folded() == self.paths)
    }

    /// Whether these two are the ones that decide, each in its table: a more specific pattern for all of the common
    /// paths would leave nothing for them. For one path both decide about, no such pattern exists, so none is missed.
    fn is_decided_by(&self, special: &Node, general: &Node, (one, two): (PatternId, PatternId)) -> bool {
        special.find_covering(&self.paths) == Some(one) && general.find_covering(&self.paths) == Some(two)
    }

    fn crossing(self) -> PolicyProblem {
        let kind = ProblemKind::Crossing {
            pattern: self.one.to_string(),
            other: self.two.to_string(),
            example: self.paths.example(),
            intersection: self.one.path.intersection(&self.two.path).unwrap_or(self.paths).to_string(),
        };
        let (route, other) = (self.one.first.max(self.two.first), self.one.first.min(self.two.first));
        PolicyProblem { route, other: Some(other), kind }
    }

    fn shadowing(self, weaker: &Weaker) -> PolicyProblem {
        let kind = ProblemKind::Shadowing {
            pattern: self.one.to_string(),
            other: self.two.to_string(),
            example: self.paths.example(),
            method: weaker.method.as_ref().map(Method::to_string),
            is_strict: weaker.is_strict,
        };
        PolicyProblem { route: weaker.rule, other: Some(weaker.stricter.unwrap_or(self.two.first)), kind }
    }
}

/// A rule that lets in what another one would not.
struct Weaker {
    rule: usize,
    /// The other one; `None` if none admits the method.
    stricter: Option<usize>,
    /// `None` for methods that no rule of either pattern names.
    method: Option<Method>,
    /// Whether it asks for less, not only for something else.
    is_strict: bool,
}

impl Policy {
    pub(super) fn entries(&self, one: PatternId, two: PatternId) -> Option<(&Entry, &Entry)> {
        Some((self.entries.get(one.0)?, self.entries.get(two.0)?))
    }

    /// A method for which the rule of `special` lets in what that of `general` does not, without saying that it is
    /// meant: one for which it asks for less, if there is one.
    fn weaker_method(&self, special: &Entry, general: &Entry) -> Option<Weaker> {
        let others = (special.methods.admitting_others(), general.methods.admitting_others(), None);
        let names = special.methods.names().chain(general.methods.names());
        let named = names.map(|name| (special.methods.admitting(name), general.methods.admitting(name), Some(name)));
        let weaker = named.chain([others]).filter_map(|(rule, stricter, method)| {
            let rule = rule?;
            let is_meant = self.options.get(rule).is_some_and(|options| options.shadows);
            let is_weaker = !stricter.is_some_and(|stricter| self.is_as_strict(rule, stricter));
            (!is_meant && is_weaker).then(|| {
                let is_strict = self.asks_for_less(rule, stricter);
                Weaker { rule, stricter, method: method.cloned(), is_strict }
            })
        });
        let mut weaker: Vec<Weaker> = weaker.collect();
        weaker.sort_by_key(|weaker| !weaker.is_strict);
        weaker.into_iter().next()
    }

    /// Whether one rule asks for less than another.
    ///
    /// Where the other pattern has no rule for the method, and so admits nobody, asking for nothing is less. Asking for
    /// a token of some kind counts as something else only, a warning: a host of its own with `/**` for administrators
    /// (design section 1) beside routes for any host that name their methods is what people mean, and as an error it
    /// would teach them to write `shadows: true` everywhere.
    fn asks_for_less(&self, rule: usize, other: Option<usize>) -> bool {
        match other {
            Some(other) => self.is_as_strict(other, rule),
            None => self.rules.get(rule).is_none_or(|rule| !matches!(rule.access, Access::Token(_))),
        }
    }

    fn is_as_strict(&self, rule: usize, other: usize) -> bool {
        let accesses = self.rules.get(rule).zip(self.rules.get(other));
        accesses.is_some_and(|(rule, other)| rule.access.is_at_least_as_strict_as(&other.access))
    }
}
