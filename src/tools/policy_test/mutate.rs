//! Mutants: the policy with one thing about it weakened, to see whether a test notices.
//!
//! A mutant that only changes what a rule asks changes answers where that rule decides, and where no rule did: a path
//! that could be read as another is refused unless its rule is as strict as the other's. So only those tests are run
//! again. One that moves requests from rule to rule can change any answer.

use serde::Serialize;

use crate::limits;
use portcullis_engine::policy::{
    Policy,
    methods::Methods,
    route::Route,
    rule::{Access, Rule, RuleId},
};

/// What came of the mutants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Mutation {
    /// How many were tried.
    pub tried: usize,
    /// How many a test noticed.
    pub noticed: usize,
    /// Those that no test noticed.
    pub survivors: Vec<Survivor>,
    /// How many more there would have been.
    pub left_out: usize,
}

/// A mutant that no test noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Survivor {
    /// The rule.
    pub rule: String,
    /// Where it stands: `portcullis.yaml:23`; empty if nowhere.
    pub written_at: String,
    /// What was changed: `without scope read:messages`.
    pub change: String,
}

impl Mutation {
    /// The share of mutants that a test noticed, rounded down; 100 if there are none.
    #[must_use]
    pub fn percent(&self) -> usize {
        let all = self.tried.saturating_add(self.left_out);
        self.noticed.saturating_mul(100).checked_div(all).unwrap_or(100)
    }
}

/// A change of one rule.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) rule: RuleId,
    pub(crate) change: String,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Access(Access),
    /// The route with that index is for every method.
    AnyMethod(usize),
    /// There is no route with that index.
    NoRoute(usize),
    NoDefault,
    NoPolicy,
}

impl Mutant {
    /// Whether another rule than before may decide about a request.
    pub(crate) const fn moves_requests(&self) -> bool {
        !matches!(self.how, How::Access(_))
    }

    /// The changed policy; `None` if it could not be loaded, so that nobody needs a test for it.
    pub(crate) fn policy(&self, original: &Policy, routes: &[Route]) -> Option<Policy> {
        let named = || original.named().map(|(name, rule)| (name.to_owned(), rule.clone()));
        let build =
            |routes: Vec<Route>, default: Option<Rule>| Policy::build(routes, default).ok().map(|(policy, _)| policy);
        let default = || original.default_rule().cloned();
        // A mutant may well shadow a stricter rule: that is what it is for.
        let all = || routes.iter().map(|route| Route { shadows: true, ..route.clone() });
        match &self.how {
            How::Access(access) => original.with_access(&self.rule, access.clone()),
            How::AnyMethod(at) => {
                let widened = all()
                    .enumerate()
                    .map(|(index, route)| if index == *at { Route { methods: Methods::Any, ..route } } else { route });
                Some(build(widened.collect(), default())?.with_named(named()))
            }
            How::NoRoute(at) => {
                let left = all().enumerate().filter(|(index, _)| index != at).map(|(_, route)| route);
                Some(build(left.collect(), default())?.with_named(named()))
            }
            How::NoDefault => Some(build(all().collect(), None)?.with_named(named())),
            How::NoPolicy => {
                let left = named().filter(|(_, rule)| rule.id != self.rule);
                Some(original.clone().with_named(left.collect::<Vec<_>>()))
            }
        }
    }
}

/// The mutants of a policy, and how many more there would be.
pub(crate) fn mutants(policy: &Policy, routes: &[Route]) -> (Vec<Mutant>, usize) {
    let mut all = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        access_mutants(&route.rule, &mut all);
        if let Methods::Only(methods) = &route.methods
            && !methods.as_slice().iter().any(portcullis_engine::request::method::Method::must_be_named)
        {
            all.push(mutant(&route.rule, "for every method", How::AnyMethod(index)));
        }
        all.push(mutant(&route.rule, "removed", How::NoRoute(index)));
    }
    if let Some(rule) = policy.default_rule() {
        access_mutants(rule, &mut all);
        all.push(mutant(rule, "removed", How::NoDefault));
    }
    for (_, rule) in policy.named() {
        access_mutants(rule, &mut all);
        all.push(mutant(rule, "removed", How::NoPolicy));
    }
    let left_out = all.len().saturating_sub(limits::POLICY_MUTANTS);
    all.truncate(limits::POLICY_MUTANTS);
    (all, left_out)
}

fn access_mutants(rule: &Rule, all: &mut Vec<Mutant>) {
    if let Access::Token(requirement) = &rule.access {
        for (index, condition) in requirement.conditions().enumerate() {
            let without = Access::Token(requirement.without(index));
            all.push(mutant(rule, &format!("without {condition}"), How::Access(without)));
        }
    }
    if rule.access != Access::Public {
        all.push(mutant(rule, "public", How::Access(Access::Public)));
    }
}

fn mutant(rule: &Rule, change: &str, how: How) -> Mutant {
    Mutant { rule: rule.id.clone(), change: change.to_owned(), how }
}
