//! Routes to a policy: the index, and every problem in one pass.

use std::sync::LazyLock;

use super::{
    Entry, Policy, RouteOptions, audit,
    budget::Steps,
    diagnostics::{PolicyProblem, ProblemKind},
    methods::{MethodTable, Methods},
    route::Route,
    rule::{Access, Rule},
    trie::PatternId,
};
use crate::{
    limits,
    request::{case_folds::CASE_FOLDS, method::Method},
};

impl Policy {
    /// The policy of these routes, in any order, and warnings about it. `default` is for requests whose path no route
    /// covers on their host; without it they are denied.
    ///
    /// # Errors
    /// Every problem, warnings among them, if one of them is an error.
    pub fn build(routes: Vec<Route>, default: Option<Rule>) -> Result<(Self, Vec<PolicyProblem>), Vec<PolicyProblem>> {
        Self::build_within(limits::POLICY_STEPS, routes, default)
    }

    /// The same with so many steps for looking for problems.
    pub(super) fn build_within(
        limit: usize,
        routes: Vec<Route>,
        default: Option<Rule>,
    ) -> Result<(Self, Vec<PolicyProblem>), Vec<PolicyProblem>> {
        let beyond = |kind| PolicyProblem { route: routes.len(), other: None, kind };
        if routes.len() > limits::RULES {
            return Err(vec![beyond(ProblemKind::TooManyRules { limit: limits::RULES })]);
        }
        // Made here, and not by the first request that has such a letter.
        LazyLock::force(&CASE_FOLDS);
        let mut problems = Vec::new();
        // Opening everything takes a written route (design section 2).
        if default.as_ref().is_some_and(|rule| !matches!(rule.access, Access::Token(_))) {
            problems.push(beyond(ProblemKind::OpenDefault));
        }
        let mut policy = Self { default, ..Self::default() };
        for (index, route) in routes.into_iter().enumerate() {
            policy.add(index, route, &mut problems);
        }
        policy.report_encoded_slashes(&mut problems);
        let steps = Steps::new(limit);
        audit::crossings(&policy, &steps, &mut problems);
        audit::shadowings(&policy, &steps, &mut problems);
        // What was not looked at may be wrong, so it is taken to be.
        if steps.are_spent() {
            let kind = ProblemKind::TooMuchOverlap { limit };
            problems.push(PolicyProblem { route: policy.rules.len(), other: None, kind });
        }
        problems.sort_by_key(|problem| (problem.route, problem.other));
        if problems.iter().any(PolicyProblem::is_error) { Err(problems) } else { Ok((policy, problems)) }
    }

    /// Adds one route; what is an error leaves it out.
    pub(super) fn add(&mut self, index: usize, route: Route, problems: &mut Vec<PolicyProblem>) {
        let Route { host, path, methods, rule, shadows, encoded_slashes } = route;
        let is_open = !matches!(rule.access, Access::Token(_));
        self.rules.push(rule);
        self.options.push(RouteOptions { shadows, encoded_slashes });
        let id = PatternId(self.entries.len());
        let folded = path.folded();
        let there = self.tables.insert(&host, &folded, id);
        let is_folded = folded == path;
        let is_open_to_all = is_open && path.is_everything();
        let mut entry = Entry { host, is_folded, path, methods: MethodTable::default(), first: index };
        if is_open_to_all {
            let kind = ProblemKind::OpenToAll { pattern: entry.to_string(), methods: methods.names() };
            problems.push(PolicyProblem { route: index, other: None, kind });
        }
        match there.err().and_then(|there| self.entries.get_mut(there.0)) {
            Some(first) if first.path == entry.path => first.claim(&methods, index, problems),
            Some(first) => {
                let kind = ProblemKind::SameFolded { pattern: entry.to_string(), other: first.to_string() };
                problems.push(PolicyProblem { route: index, other: Some(first.first), kind });
            }
            None => {
                if !is_folded && entry.path.is_easily_misspelt() {
                    let kind = ProblemKind::OneSpelling { pattern: entry.to_string(), folded: folded.to_string() };
                    problems.push(PolicyProblem { route: index, other: None, kind });
                }
                entry.claim(&methods, index, problems);
                self.entries.push(entry);
            }
        }
    }
}

impl Entry {
    fn claim(&mut self, methods: &Methods, rule: usize, problems: &mut Vec<PolicyProblem>) {
        if let Err(overlap) = self.methods.add(methods, rule) {
            let method = overlap.method.as_ref().map(Method::to_string);
            let kind = ProblemKind::SameRequests { pattern: self.to_string(), method };
            problems.push(PolicyProblem { route: rule, other: Some(overlap.first), kind });
        }
    }
}
