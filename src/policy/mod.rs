//! The policy: which rule decides about a request. An immutable value, pure and synchronous: no IO, no clock, no logs.
//!
//! [`path`], [`host`] and [`method`] give a request its one canonical form or refuse it. [`Policy::build`] makes an
//! index of the routes (`tables` by host, in each a `trie` of patterns) and reports what doesn't fit together
//! ([`diagnostics`]). [`Policy::select`] finds the rule; what that rule asks of a token is in [`rule`] and [`scope`].
//!
//! The law: adding or removing a route changes the answer only for requests that its own pattern matches, both folded
//! (see `fold`) or in a lax reading (see `readings`); one without a host counts as every host's. Order never matters.
//! Nothing falls through: once a pattern is chosen, no other one opens what it refuses.

mod apart;
mod audit;
pub mod binding;
mod build;
mod case_folds;
pub mod condition;
pub mod diagnostics;
mod effort;
mod fold;
mod forms;
pub mod host;
pub mod host_pattern;
pub mod implies;
pub mod method;
mod overlap;
pub mod path;
pub mod pattern;
pub mod pattern_error;
mod readings;
pub mod route;
pub mod rule;
pub mod scope;
mod steps;
mod tables;
mod trie;

use std::{collections::BTreeMap, fmt};

pub use self::{
    diagnostics::{PolicyProblem, ProblemKind, Severity},
    host::Host,
    host_pattern::{HostPattern, HostPatternError},
    method::{Method, MethodSet, Methods},
    path::CanonicalPath,
    pattern::PathPattern,
    pattern_error::PatternError,
    route::{RequestTarget, Route},
};
use self::{
    method::MethodTable,
    readings::{Reading, Readings},
    rule::{Access, Rule, RuleId},
    tables::HostTables,
    trie::AsIs,
};
use crate::{
    decision::{DenyReason, RequestFault},
    limits,
};

/// A whole policy. The default one is empty and denies everything.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    tables: HostTables,
    entries: Vec<Entry>,
    rules: Vec<Rule>,
    /// Whether a rule may shadow a stricter one; as long as `rules`.
    shadows: Vec<bool>,
    default: Option<Rule>,
    /// For requests for which the proxy chooses a rule by name.
    named: BTreeMap<String, Rule>,
}

/// One pattern with its rules.
#[derive(Clone, Debug)]
struct Entry {
    host: HostPattern,
    path: PathPattern,
    /// Whether folding changes nothing about `path`.
    is_folded: bool,
    methods: MethodTable,
    /// Its first rule in the list.
    first: usize,
}

impl Policy {
    /// The rule that decides about a request.
    ///
    /// # Errors
    /// [`DenyReason::NoRoute`] if no pattern covers the path and there is no default,
    /// [`DenyReason::MethodNotAdmitted`] if the most specific pattern has no rule for the method, and
    /// [`DenyReason::Request`] for a path that another pattern would decide about if it were folded, or that a lax
    /// backend could take for one that needs more, or a CONNECT that no rule names, or a request without a host where
    /// the host makes a difference.
    pub fn select(&self, target: &RequestTarget) -> Result<&Rule, DenyReason> {
        let is_connect = target.method.is_connect();
        let readings = Self::readings(&target.path)?;
        // Without a host nobody can say which of the hosts' rules is meant, and one for any host may ask for less.
        if target.host.is_none() {
            let needs_host = |reading: Reading<'_>| {
                let (path, trim) = reading.folded();
                self.tables.depends_on_host(path, trim)
            };
            if self.tables.depends_on_host(target.path.folded(), AsIs)
                || readings.as_ref().is_some_and(|readings| readings.iter().any(needs_host))
            {
                return Err(RequestFault::Host.into());
            }
        }
        let rule = match self.decide(target)? {
            Some(entry) => {
                let refused = || if is_connect { RequestFault::Connect.into() } else { DenyReason::MethodNotAdmitted };
                self.admitting(entry, &target.method).ok_or_else(refused)
            }
            None if is_connect => Err(RequestFault::Connect.into()),
            None => self.default.as_ref().ok_or(DenyReason::NoRoute),
        }?;
        let need_no_more = readings.is_none_or(|readings| self.readings_need_no_more_than(rule, &readings, target));
        if need_no_more { Ok(rule) } else { Err(RequestFault::LaxReading.into()) }
    }

    fn admitting(&self, entry: &Entry, method: &Method) -> Option<&Rule> {
        self.rules.get(entry.methods.admitting(method)?)
    }

    /// Says whether a request that meets that rule would be let in with any of these readings as its path, too. A reading that
    /// no rule covers needs more than any rule.
    fn readings_need_no_more_than(&self, rule: &Rule, readings: &Readings<'_>, target: &RequestTarget) -> bool {
        let tables = self.tables.for_host(target.host.as_ref());
        // A claim that must match a `{param}`: of `/%20/mine/yours`, another segment may be that one in a reading.
        let is_bound = |other: &Rule| matches!(&other.access, Access::Token(asked) if !asked.bindings.is_empty());
        // Most readings lead to the same rule. Others are compared item by item, as often as a client likes: not where
        // that is more work than the answer is worth.
        let (mut work, mut as_strict) = (limits::READING_COMPARISONS, rule);
        readings.iter().all(|reading| {
            let (path, trim) = reading.folded();
            let found = tables.iter().find_map(|table| table.find(path, trim)).and_then(|id| self.entries.get(id.0));
            let other = match found {
                Some(entry) => self.admitting(entry, &target.method),
                None => self.default.as_ref(),
            };
            let Some(other) = other else { return false };
            if !std::ptr::eq(rule, other) && !std::ptr::eq(as_strict, other) {
                let Some(left) = work.checked_sub(rule.access.size().saturating_mul(other.access.size())) else {
                    return false;
                };
                if !rule.access.is_at_least_as_strict_as(&other.access) {
                    return false;
                }
                (work, as_strict) = (left, other);
            }
            let fixed = found.map_or(0, |entry| entry.path.segments().len());
            !is_bound(other) || reading.segments().take(fixed).eq(target.path.segments().take(fixed))
        })
    }

    /// The other readings of a path, if it has any.
    fn readings<'p>(path: &'p CanonicalPath) -> Result<Option<Readings<'p>>, RequestFault> {
        let of = |path| Readings::of(path).ok_or(RequestFault::LaxReading);
        (!path.is_usual()).then(|| of(path)).transpose()
    }

    /// The rule of that name, which the proxy chose in place of the routes. The request is canonical all the same.
    ///
    /// # Errors
    /// [`DenyReason::UnknownPolicy`], [`RequestFault::Connect`] for a tunnel: no policy is for those, and
    /// [`RequestFault::LaxReading`] for a path that a lax backend could take for another one.
    pub fn select_named(&self, name: &str, target: &RequestTarget) -> Result<&Rule, DenyReason> {
        let rule = self.named.get(name).ok_or(DenyReason::UnknownPolicy)?;
        if target.method.is_connect() {
            return Err(RequestFault::Connect.into());
        }
        // Which rule another reading would have is the proxy's to know.
        let is_plain = Self::readings(&target.path)?.is_none_or(|readings| readings.is_empty());
        if is_plain { Ok(rule) } else { Err(RequestFault::LaxReading.into()) }
    }

    /// The same policy with rules that are chosen by name.
    #[must_use]
    pub fn with_named(mut self, named: impl IntoIterator<Item = (String, Rule)>) -> Self {
        self.named = named.into_iter().collect();
        self
    }

    /// The rules that are chosen by name, by name.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.named.iter().map(|(name, rule)| (name.as_str(), rule))
    }

    /// The host and path pattern that decide about a request, whatever its method: for people who ask why.
    ///
    /// # Errors
    /// [`RequestFault::CaseAmbiguous`] if another pattern would decide about the folded path.
    pub fn deciding_pattern(
        &self,
        target: &RequestTarget,
    ) -> Result<Option<(&HostPattern, &PathPattern)>, RequestFault> {
        Ok(self.decide(target)?.map(|entry| (&entry.host, &entry.path)))
    }

    /// The rules of the routes, in the order of the routes.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The ids of all rules that can decide.
    pub fn rule_ids(&self) -> impl Iterator<Item = &RuleId> {
        self.rules.iter().chain(&self.default).chain(self.named.values()).map(|rule| &rule.id)
    }

    /// Says whether any rule looks at tokens. Without one, no request needs the keys of an issuer.
    #[must_use]
    pub fn looks_at_tokens(&self) -> bool {
        let mut rules = self.rules.iter().chain(&self.default).chain(self.named.values());
        rules.any(|rule| !rule.ignores_credentials())
    }

    /// Every host and path pattern, in the order of the routes: for people who may have meant another one.
    pub fn patterns(&self) -> impl Iterator<Item = (&HostPattern, &PathPattern)> {
        self.entries.iter().map(|entry| (&entry.host, &entry.path))
    }

    /// What holds where no route covers the path.
    #[must_use]
    pub fn default_rule(&self) -> Option<&Rule> {
        self.default.as_ref()
    }

    /// The pattern that decides about the folded path, if it decides about the path itself as well.
    ///
    /// The index knows folded patterns only, which no two share. A pattern that matches a path matches its folded form
    /// too, and folding leaves alone which of two patterns is the more specific. So if the one found here matches the
    /// path as it is, it decides about both forms; if not, something else decides about the path as it is.
    fn decide(&self, target: &RequestTarget) -> Result<Option<&Entry>, RequestFault> {
        let found = self.tables.find(target.host.as_ref(), &target.path);
        let Some(entry) = found.and_then(|id| self.entries.get(id.0)) else { return Ok(None) };
        let is_same = entry.is_folded && target.path.is_folded() || entry.path.matches(&target.path);
        if is_same { Ok(Some(entry)) } else { Err(RequestFault::CaseAmbiguous) }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            HostPattern::Any => write!(f, "{}", self.path),
            host => write!(f, "{host}{}", self.path),
        }
    }
}

#[cfg(test)]
mod tests;
