//! Routes that take `%2F` in a path as data: which requests they are for, and what to say about them.

use super::{
    EncodedSlashes, Entry, Policy,
    diagnostics::{PolicyProblem, ProblemKind},
    host_pattern::HostPattern,
    rule::Access,
    trie::AsIs,
};
use crate::request::{escape::ENCODED_SLASH, path::CanonicalPath, target::RequestTarget};

impl Policy {
    /// The host and path patterns of the routes that take `%2F` as data.
    pub fn with_encoded_slashes(&self) -> impl Iterator<Item = (&HostPattern, &super::PathPattern)> {
        let allows = |entry: &&Entry| entry.methods.rules().into_iter().any(|rule| self.takes_encoded_slashes(rule));
        self.entries.iter().filter(allows).map(|entry| (&entry.host, &entry.path))
    }

    /// Says whether the encoded slashes of a path are data to the route that decides about it.
    pub(super) fn takes_encoded_slashes_of(&self, target: &RequestTarget) -> bool {
        let Ok(Some(entry)) = self.decide(target) else { return false };
        let is_allowed = entry.methods.admitting(&target.method).is_some_and(|rule| self.takes_encoded_slashes(rule));
        let Some(first) = entry.path.data_from().filter(|_| is_allowed) else { return false };
        target.path.segments().take(first).all(|segment| !segment.contains(ENCODED_SLASH))
    }

    fn takes_encoded_slashes(&self, rule: usize) -> bool {
        self.options.get(rule).is_some_and(|options| options.encoded_slashes == EncodedSlashes::Allow)
    }

    /// Reports every route that takes `%2F` as data: it rests on what the operator knows of the backend.
    pub(super) fn report_encoded_slashes(&self, problems: &mut Vec<PolicyProblem>) {
        let rules =
            self.entries.iter().flat_map(|entry| entry.methods.rules().into_iter().map(move |rule| (entry, rule)));
        for (entry, rule) in rules.filter(|(_, rule)| self.takes_encoded_slashes(*rule)) {
            let pattern = entry.to_string();
            let kind = if entry.path.data_from().is_none() {
                ProblemKind::SlashesNowhere { pattern }
            } else if self.is_open_below(entry, rule) {
                ProblemKind::OpenSlashes { pattern }
            } else {
                ProblemKind::EncodedSlashes { pattern, uncovered: self.uncovered(entry) }
            };
            problems.push(PolicyProblem { route: rule, other: None, kind });
        }
    }

    /// Says whether it opens everything below a path, and does not say that it is meant.
    fn is_open_below(&self, entry: &Entry, rule: usize) -> bool {
        let is_open = self.rules.get(rule).is_some_and(|rule| !matches!(rule.access, Access::Token(_)));
        let is_meant = self.options.get(rule).is_some_and(|options| options.shadows);
        is_open && entry.path.has_tail() && !is_meant
    }

    /// An example of what the route's `%2F` is to a backend that decodes it, if nothing covers that: a request is then refused.
    fn uncovered(&self, entry: &Entry) -> Option<String> {
        let example = format!("{}/y", entry.path.example());
        let path = CanonicalPath::parse(&example).ok()?;
        let host = match &entry.host {
            HostPattern::Exact(host) => Some(host.clone()),
            HostPattern::Suffix(name) => crate::request::host::Host::parse(format!("x.{name}")).ok(),
            HostPattern::Any => None,
        };
        let mut tables = self.tables.for_host(host.as_ref()).into_iter();
        let is_covered = self.default.is_some() || tables.any(|table| table.find(path.folded(), AsIs).is_some());
        (!is_covered).then_some(example)
    }
}
