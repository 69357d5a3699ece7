//! Finds the hosts whose rules ask for less than those for any host: where a proxy routes a request for such a host as one
//! of another host, it lets in what it should not.
//!
//! Patterns are compared folded, as in `audit`, but whatever `shadows` says: that a rule is meant for its host does not make it
//! one for others.

use std::{collections::HashSet, ops::ControlFlow};

use super::{
    Entry, Policy, audit,
    budget::Steps,
    host_pattern::HostPattern,
    overlap,
    rule::Rule,
    trie::{AsIs, Node},
};
use crate::{limits, request::target::RequestTarget};

/// A segment that is no literal of a pattern: none has a NUL.
const UNKNOWN: &str = "\0";

impl Policy {
    /// Returns the host patterns, in the order of the routes, with a rule that lets in what would be refused of the same
    /// path and method on a host that no route names.
    #[must_use]
    pub fn hosts_asking_for_less(&self) -> Vec<&HostPattern> {
        let steps = Steps::new(limits::POLICY_STEPS);
        let mut seen = HashSet::new();
        let mut hosts: Vec<&HostPattern> =
            self.entries.iter().map(|entry| &entry.host).filter(|host| seen.insert(*host)).collect();
        let longest = self.entries.iter().map(|entry| entry.path.segments().len()).max().unwrap_or_default();
        let beyond = self.entries.iter().filter(|entry| self.lets_in_beyond_routes(entry, longest + 1));
        let beyond: HashSet<&HostPattern> = beyond.map(|entry| &entry.host).collect();
        hosts.retain(|host| {
            let is_weaker = |table| beyond.contains(host) || self.has_weaker_route(table, &steps);
            self.tables.particular_table(host).is_some_and(is_weaker)
        });
        hosts
    }

    /// Says whether the policy has something to say of a path on a host that no route names: a route, or a default.
    #[must_use]
    pub fn covers_any_host(&self, target: &RequestTarget) -> bool {
        self.default.is_some() || self.tables.any().find(target.path.folded(), AsIs).is_some()
    }

    /// Says whether a rule of a table asks for less than one for any host where both decide. What there are no steps for is taken
    /// to be so.
    fn has_weaker_route(&self, table: &Node, steps: &Steps) -> bool {
        let any = self.tables.any();
        let walk = overlap::overlapping(table, any, steps, |one, two| {
            let ids = (one, two);
            let Some((one, two)) = self.entries(one, two) else { return ControlFlow::Continue(()) };
            let is_weaker = self.lets_in_more(one, Some(two)) && audit::decide_in_common(table, any, (one, two), ids);
            if is_weaker { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        walk.is_break()
    }

    /// Says whether a pattern for particular hosts decides about a path that no pattern for any host matches, and asks for less than
    /// the default does. `deepest` is one segment more than any pattern has: below that, tails alone match.
    fn lets_in_beyond_routes(&self, entry: &Entry, deepest: usize) -> bool {
        let Some(table) = self.tables.particular_table(&entry.host) else { return false };
        if !self.lets_in_more(entry, None) {
            return false;
        }
        // Unknown segments match parameters and tails alone: where a pattern matches those, it matches all others.
        let mut path = entry.path.folded().example_with(UNKNOWN);
        let below = if entry.path.has_tail() { deepest.saturating_sub(entry.path.segments().len()) } else { 0 };
        (0..=below).any(|depth| {
            if depth > 0 {
                path.extend(["/", UNKNOWN]);
            }
            let decides = table.find(&path, AsIs).and_then(|id| self.entries.get(id.0));
            decides.is_some_and(|decides| std::ptr::eq(decides, entry)) && self.tables.any().find(&path, AsIs).is_none()
        })
    }

    /// Says whether a pattern lets in by some method what another one, or the default, does not.
    fn lets_in_more(&self, special: &Entry, general: Option<&Entry>) -> bool {
        let names = special.methods.names().chain(general.into_iter().flat_map(|general| general.methods.names()));
        let named = names.map(|name| (self.admitting(special, name), self.rule_of(general, name)));
        let others = |entry: &Entry| self.rules.get(entry.methods.admitting_others()?);
        let others = (others(special), general.map_or(self.default.as_ref(), others));
        named
            .chain([others])
            .any(|(rule, other)| rule.is_some_and(|rule| !other.is_some_and(|other| rule.asks_for_no_less_than(other))))
    }
}

impl Rule {
    /// Says whether whatever this rule lets in, another one would let in as well. Where that is too much to compare, it does not.
    pub(super) fn asks_for_no_less_than(&self, other: &Self) -> bool {
        let work = self.access.size().saturating_mul(other.access.size());
        work <= limits::READING_COMPARISONS && self.access.is_at_least_as_strict_as(&other.access)
    }
}
