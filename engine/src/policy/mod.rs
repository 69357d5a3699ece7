//! The policy: which rule decides about a request. An immutable value, pure and synchronous: no IO, no clock, no logs.
//!
//! [`Policy::build`] makes an index of the routes (`tables` by host, in each a `trie` of patterns) and reports what doesn't
//! fit together ([`diagnostics`]). [`Policy::select`] finds the rule for a canonical request ([`crate::request`]); what that
//! rule asks of a token is in [`rule`].
//!
//! The law: adding or removing a route changes the answer only for requests that its own pattern matches, both folded
//! (see `request::fold`) or in a lax reading (see `lenient_paths`); one without a host counts as every host's. Order never matters.
//! Nothing falls through: once a pattern is chosen, no other one opens what it refuses.

pub(crate) mod audit;
pub mod binding;
pub(crate) mod budget;
pub(crate) mod build;
pub mod condition;
pub mod diagnostics;
pub(crate) mod encoded_slashes;
pub(crate) mod expression;
pub mod host_pattern;
pub(crate) mod lax_segment;
pub(crate) mod lenient_paths;
pub mod methods;
pub(crate) mod mutation;
pub(crate) mod overlap;
pub mod pattern;
pub mod pattern_error;
mod pattern_help;
pub mod route;
pub mod rule;
pub(crate) mod segment;
pub(crate) mod tables;
pub(crate) mod trie;
pub(crate) mod weaker_hosts;

use std::{collections::BTreeMap, fmt};

pub use self::{
    diagnostics::{PolicyProblem, ProblemKind, Severity},
    host_pattern::{HostPattern, HostPatternError},
    methods::{MethodSet, Methods},
    pattern::PathPattern,
    pattern_error::PatternError,
    route::{EncodedSlashes, Route},
};
use self::{
    lenient_paths::{Reading, Readings},
    methods::MethodTable,
    rule::{Access, Rule, RuleId},
    tables::HostTables,
    trie::{AsIs, Node},
};
use crate::{
    limits,
    reason::{DenyReason, RequestFault},
    request::{host::HostHandling, method::Method, path::CanonicalPath, target::RequestTarget},
};

/// A whole policy. The default one is empty and denies everything.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    tables: HostTables,
    entries: Vec<Entry>,
    rules: Vec<Rule>,
    /// The options of the routes beside their rules; as long as `rules`.
    options: Vec<RouteOptions>,
    hosts: HostHandling,
    default: Option<Rule>,
    /// For requests for which the proxy chooses a rule by name.
    named: BTreeMap<String, Rule>,
}

/// The options of a route beside its rule.
#[derive(Clone, Copy, Debug)]
struct RouteOptions {
    /// Says whether it may shadow a stricter one.
    shadows: bool,
    encoded_slashes: EncodedSlashes,
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
    /// - [`DenyReason::NoRoute`] if no pattern covers the path and there is no default.
    /// - [`DenyReason::MethodNotAdmitted`] if the most specific pattern has no rule for the method.
    /// - [`RequestFault::EncodedSlash`] for a path with `%2F` that its route does not take as data.
    /// - [`RequestFault::CaseAmbiguous`] for a path that another pattern would decide about if it were folded.
    /// - [`RequestFault::LaxReading`] for a path that a lax backend could take for one that needs more.
    /// - [`RequestFault::Connect`] for a CONNECT that no rule names.
    /// - [`RequestFault::Host`] for a request without a host where the host makes a difference, and for one whose host has a
    ///   port or a trailing dot where the rule for that host asks for less than what holds for any host.
    pub fn select(&self, target: &RequestTarget) -> Result<&Rule, DenyReason> {
        let is_connect = target.method.is_connect();
        if target.path.has_encoded_slash() && !self.takes_encoded_slashes_of(target) {
            return Err(RequestFault::EncodedSlash.into());
        }
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
        let refused = || if is_connect { RequestFault::Connect.into() } else { DenyReason::MethodNotAdmitted };
        let decided = self.decide(target)?;
        let rule = match decided {
            Some(entry) => self.admitting(entry, &target.method).ok_or_else(refused),
            None if target.method.must_be_named() && (is_connect || self.default.is_some()) => Err(refused()),
            None => self.default.as_ref().ok_or(DenyReason::NoRoute),
        }?;
        let is_for_host = decided.is_some_and(|entry| entry.host != HostPattern::Any);
        let host = target.host.as_ref().filter(|host| host.may_be_routed_as_another(self.hosts));
        if is_for_host && host.is_some() && !self.is_as_strict_as_for_any_host(rule, target) {
            return Err(RequestFault::Host.into());
        }
        let bindings = if let Access::Token(asked) = &rule.access { &*asked.bindings } else { &[] };
        if bindings.iter().any(|binding| binding.part.may_be_read_otherwise_before_verb(target)) {
            return Err(RequestFault::LaxReading.into());
        }
        let Some(readings) = readings else { return Ok(rule) };
        let need_no_more = |tables: &[&Node]| self.readings_need_no_more_than(rule, &readings, target, tables);
        let tables = self.tables.for_host(target.host.as_deref());
        let is_safe = need_no_more(&tables) && (host.is_none() || need_no_more(&[self.tables.any()]));
        if is_safe { Ok(rule) } else { Err(RequestFault::LaxReading.into()) }
    }

    /// Says whether a rule asks for as much as what decides about the request without the tables for particular hosts: Envoy
    /// may have routed it as one of another host.
    fn is_as_strict_as_for_any_host(&self, rule: &Rule, target: &RequestTarget) -> bool {
        let found = self.tables.any().find(target.path.folded(), AsIs).and_then(|id| self.entries.get(id.0));
        if found.is_some_and(|entry| !entry.path.matches(&target.path)) {
            return false;
        }
        let Some(other) = self.rule_of(found, &target.method) else { return false };
        rule.asks_for_no_less_than(other)
    }

    /// The rule that admits the method, of a pattern or by default.
    fn rule_of(&self, entry: Option<&Entry>, method: &Method) -> Option<&Rule> {
        match entry {
            Some(entry) => self.admitting(entry, method),
            None => self.default.as_ref().filter(|_| !method.must_be_named()),
        }
    }

    fn admitting(&self, entry: &Entry, method: &Method) -> Option<&Rule> {
        self.rules.get(entry.methods.admitting(method)?)
    }

    /// Says whether a request that meets that rule would be let in with any of these readings as its path, too. A reading that
    /// no rule covers needs more than any rule.
    fn readings_need_no_more_than(
        &self,
        rule: &Rule,
        readings: &Readings<'_>,
        target: &RequestTarget,
        tables: &[&Node],
    ) -> bool {
        // A claim that must match a `{param}`: of `/%20/mine/yours`, another segment may be that one in a reading.
        let is_bound = |other: &Rule| matches!(&other.access, Access::Token(asked) if !asked.bindings.is_empty());
        // Most readings lead to the same rule. Others are compared item by item, as often as a client likes: not where
        // that is more work than the answer is worth.
        let (mut work, mut as_strict) = (limits::READING_COMPARISONS, rule);
        readings.iter().all(|reading| {
            let (path, trim) = reading.folded();
            let found = tables.iter().find_map(|table| table.find(path, trim)).and_then(|id| self.entries.get(id.0));
            let Some(other) = self.rule_of(found, &target.method) else { return false };
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
    /// [`DenyReason::UnknownPolicy`], [`RequestFault::Connect`] for a tunnel and [`DenyReason::MethodNotAdmitted`] for other
    /// methods that a rule has to name: no policy is for those, and
    /// [`RequestFault::LaxReading`] for a path that a lax backend could take for another one.
    pub fn select_named(&self, name: &str, target: &RequestTarget) -> Result<&Rule, DenyReason> {
        let rule = self.named.get(name).ok_or(DenyReason::UnknownPolicy)?;
        if target.method.is_connect() {
            return Err(RequestFault::Connect.into());
        }
        if target.method.must_be_named() {
            return Err(DenyReason::MethodNotAdmitted);
        }
        if target.path.has_encoded_slash() {
            return Err(RequestFault::EncodedSlash.into());
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

    /// Puts the policy behind a proxy that handles hosts in that way.
    #[must_use]
    pub fn with_hosts(self, hosts: HostHandling) -> Self {
        Self { hosts, ..self }
    }

    /// Returns what the proxy does to hosts, as far as the configuration says.
    #[must_use]
    pub fn hosts(&self) -> HostHandling {
        self.hosts
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
        let found = self.tables.find(target.host.as_deref(), &target.path);
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
pub(crate) mod tests;
