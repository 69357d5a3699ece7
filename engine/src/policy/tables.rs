//! The host tables: which of them fit a host, most specific first.

use super::{
    host_pattern::HostPattern,
    pattern::PathPattern,
    trie::{AsIs, FastMap, Look, Node, PatternId},
};
use crate::request::{host::Host, path::CanonicalPath};

/// The patterns of a policy by host.
#[derive(Clone, Debug, Default)]
pub(super) struct HostTables {
    exact: FastMap<Host, Node>,
    /// By the name below which they are for.
    suffixes: FastMap<Box<str>, Node>,
    any: Node,
    /// The patterns of all tables for particular hosts in one.
    particular: Node,
}

impl HostTables {
    /// Adds a folded pattern, unless its table has it already: then that one's number.
    pub(super) fn insert(&mut self, host: &HostPattern, path: &PathPattern, id: PatternId) -> Result<(), PatternId> {
        let table = match host {
            HostPattern::Exact(host) => self.exact.entry(host.clone()).or_default(),
            HostPattern::Suffix(name) => self.suffixes.entry(name.as_str().into()).or_default(),
            HostPattern::Any => return self.any.insert(path, id),
        };
        table.insert(path, id)?;
        // Another host may have the same one.
        let _ = self.particular.insert(path, id);
        Ok(())
    }

    /// The pattern that decides about the folded path: the most specific one of the first table that has one.
    pub(super) fn find(&self, host: Option<&Host>, path: &CanonicalPath) -> Option<PatternId> {
        let path = path.folded();
        let exact = || self.exact.get(host?)?.find(path, AsIs);
        let suffix = || self.suffixes_of(host?).find_map(|table| table.find(path, AsIs));
        exact().or_else(suffix).or_else(|| self.any.find(path, AsIs))
    }

    /// The tables for a host, those with more specific patterns first: for who looks for several paths.
    pub(super) fn for_host(&self, host: Option<&Host>) -> Vec<&Node> {
        let exact = host.and_then(|host| self.exact.get(host));
        let suffixes = host.into_iter().flat_map(|host| self.suffixes_of(host));
        exact.into_iter().chain(suffixes).chain([&self.any]).collect()
    }

    /// The table of a pattern for particular hosts.
    pub(super) fn particular_table(&self, host: &HostPattern) -> Option<&Node> {
        match host {
            HostPattern::Exact(host) => self.exact.get(host),
            HostPattern::Suffix(name) => self.suffixes.get(name.as_str()),
            HostPattern::Any => None,
        }
    }

    /// The table for any host.
    pub(super) fn any(&self) -> &Node {
        &self.any
    }

    /// Says whether some table for particular hosts has a pattern for a folded path.
    pub(super) fn depends_on_host(&self, path: &str, look: impl Look) -> bool {
        self.particular.find(path, look).is_some()
    }

    /// The tables for names that the host is below, longest first.
    fn suffixes_of(&self, host: &Host) -> impl Iterator<Item = &Node> {
        // With no suffix at all, which is usual, a host of a hundred labels costs nothing.
        let parents = (!self.suffixes.is_empty()).then(|| host.parents());
        parents.into_iter().flatten().filter_map(|parent| self.suffixes.get(parent))
    }

    /// Every table.
    pub(super) fn all(&self) -> impl Iterator<Item = &Node> {
        self.exact.values().chain(self.suffixes.values()).chain([&self.any])
    }

    /// Every table with one for more hosts that would decide in its place.
    pub(super) fn shadowing_pairs(&self) -> Vec<(&Node, &Node)> {
        let mut pairs = Vec::new();
        for (host, table) in &self.exact {
            pairs.extend(self.suffixes_of(host).chain([&self.any]).map(|general| (table, general)));
        }
        for (name, table) in &self.suffixes {
            let wider = name.match_indices('.').filter_map(|(at, _)| self.suffixes.get(name.get(at + 1..)?));
            pairs.extend(wider.chain([&self.any]).map(|general| (table, general)));
        }
        pairs
    }
}
