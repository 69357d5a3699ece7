//! The tree of one host table's patterns, and the search for the most specific one that matches.
//!
//! It holds folded literals (see `fold`) and knows patterns by number only.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::{
    pattern::PathPattern,
    segment::{Segment, split_verb},
};
use crate::request::effort::look_at;

/// The number of a pattern in its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PatternId(pub(super) usize);

/// A hash map without a random key: what it holds comes from the configuration, so nobody can make it degenerate
/// with requests.
pub(super) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// The FNV-1a hash.
#[derive(Clone, Debug)]
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A way to look at the segments of a path. No segment is empty.
pub(super) trait Look: Copy {
    /// Returns the text that a segment counts as; `None` if it counts as nothing.
    fn look(self, segment: &str) -> Option<&str>;
}

/// Segments as they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct AsIs;

impl Look for AsIs {
    fn look(self, segment: &str) -> Option<&str> {
        Some(segment)
    }
}

/// One prefix of a host table's patterns: what can follow, and what can end here. The root is the whole table.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) literals: FastMap<Box<str>, Self>,
    /// Bytes of the longest of them: a longer segment is none of them, and is not hashed to find out.
    longest: usize,
    /// The nodes behind a segment that ends in a colon and a verb, by verb.
    pub(super) verbs: Option<Box<FastMap<Box<str>, Self>>>,
    pub(super) param: Option<Box<Self>>,
    /// The pattern that ends here.
    pub(super) exact: Option<PatternId>,
    /// The pattern that ends here with `/**`.
    pub(super) tail: Option<PatternId>,
}

impl Node {
    /// Adds a folded pattern, unless it is there already: then that one's number.
    pub(super) fn insert(&mut self, pattern: &PathPattern, id: PatternId) -> Result<(), PatternId> {
        let mut node = self;
        for segment in pattern.segments() {
            node = match segment {
                Segment::Literal(text) => {
                    node.longest = node.longest.max(text.len());
                    node.literals.entry(text.clone()).or_default()
                }
                Segment::Verb { verb, .. } => node.verbs.get_or_insert_default().entry(verb.clone()).or_default(),
                Segment::Param(_) => node.param.get_or_insert_default(),
            };
        }
        let slot = if pattern.has_tail() { &mut node.tail } else { &mut node.exact };
        match *slot {
            Some(there) => Err(there),
            None => {
                *slot = Some(id);
                Ok(())
            }
        }
    }

    /// The most specific pattern that matches the whole of a folded path.
    ///
    /// Going back from a dead end is part of the search and no falling through: a pattern that does not match the
    /// whole path does not take part (design section 2). The cost is bounded: a node is reached by one sequence of
    /// choices only, so it is visited once at most, and only if its prefix matches; the recursion is as deep as the
    /// path, at most `limits::PATH_SEGMENTS`. More than one branch stays open only where patterns lie across each
    /// other, which the operator wrote and `check` reports; a client can't add any.
    pub(super) fn find(&self, path: &str, look: impl Look) -> Option<PatternId> {
        self.find_below(path.strip_prefix('/').unwrap_or(path), look)
    }

    /// `rest` is what is left of the path without its leading slash; no segment is empty, so `""` is the end.
    fn find_below(&self, rest: &str, look: impl Look) -> Option<PatternId> {
        if rest.is_empty() {
            return self.exact.or(self.tail);
        }
        // Many searches end here, however long the rest is. Not where it matters whether anything is left of the rest.
        if self.literals.is_empty() && self.param.is_none() && self.verbs.is_none() && self.exact.is_none() {
            return self.tail;
        }
        // Segments are short: looking for a slash byte by byte is sooner done than a search begun.
        let slash = rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len());
        look_at(slash);
        let (segment, rest) = rest.split_at_checked(slash).unwrap_or((rest, ""));
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let Some(segment) = look.look(segment) else { return self.find_below(rest, look) };
        let literal = if segment.len() <= self.longest { self.literals.get(segment) } else { None };
        let by_literal = literal.and_then(|child| child.find_below(rest, look));
        by_literal
            .or_else(|| self.after_verb(segment)?.find_below(rest, look))
            .or_else(|| self.param.as_ref().and_then(|child| child.find_below(rest, look)))
            .or(self.tail)
    }

    /// Returns the node behind a segment that ends in a verb of the patterns.
    pub(super) fn after_verb(&self, segment: &str) -> Option<&Self> {
        self.verbs.as_ref()?.get(split_verb(segment)?.1)
    }

    /// Iterates over the nodes behind one more segment, whichever it is.
    pub(super) fn children(&self) -> impl Iterator<Item = &Self> {
        let verbs = self.verbs.iter().flat_map(|verbs| verbs.values());
        self.literals.values().chain(verbs).chain(self.param.as_deref())
    }

    /// The most specific pattern that matches every path that the folded `pattern` matches.
    pub(super) fn find_covering(&self, pattern: &PathPattern) -> Option<PatternId> {
        self.cover_below(pattern.segments(), pattern.has_tail())
    }

    fn cover_below(&self, rest: &[Segment], tail: bool) -> Option<PatternId> {
        let Some((segment, rest)) = rest.split_first() else {
            return self.exact.filter(|_| !tail).or(self.tail);
        };
        let (literal, verb) = match segment {
            Segment::Literal(text) => (self.literals.get(text), self.after_verb(text)),
            Segment::Verb { verb, .. } => (None, self.verbs.as_ref().and_then(|verbs| verbs.get(verb))),
            Segment::Param(_) => (None, None),
        };
        let mut children = [literal, verb, self.param.as_deref()].into_iter().flatten();
        children.find_map(|child| child.cover_below(rest, tail)).or(self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trie(patterns: &[&str]) -> Node {
        let mut trie = Node::default();
        for (index, text) in patterns.iter().enumerate() {
            trie.insert(&PathPattern::parse(text).unwrap(), PatternId(index)).unwrap();
        }
        trie
    }

    #[test]
    fn the_same_pattern_twice_is_found_out() {
        let mut trie = trie(&["/a/{x}", "/a/**"]);
        let again = |trie: &mut Node, text| trie.insert(&PathPattern::parse(text).unwrap(), PatternId(9));
        assert_eq!(again(&mut trie, "/a/{other}"), Err(PatternId(0)));
        assert_eq!(again(&mut trie, "/a/**"), Err(PatternId(1)));
        assert_eq!(again(&mut trie, "/a"), Ok(()));
    }

    #[test]
    fn covering_means_every_path_of_a_pattern() {
        let trie = trie(&["/a/b", "/a/{x}", "/a/**", "/{y}/c/**"]);
        for (text, expected) in [
            ("/a/b", Some(0)),
            ("/a/{z}", Some(1)),
            ("/a/b/**", Some(2)),
            ("/a/{z}/**", Some(2)),
            ("/{z}/c/d", Some(3)),
            ("/{z}/c/**", Some(3)),
            ("/{z}/b", None),
            ("/{z}/**", None),
        ] {
            assert_eq!(trie.find_covering(&PathPattern::parse(text).unwrap()), expected.map(PatternId), "{text}");
        }
    }

    #[test]
    fn a_policy_full_of_branches_is_searched_node_by_node() {
        // Every pattern of eight segments, literal or parameter each: all 256 lie across each other, none matches.
        let texts: Vec<String> = (0..256_u32)
            .map(|bits| (0..8).map(|bit| if bits >> bit & 1 == 0 { "/a" } else { "/{x}" }).collect::<String>() + "/end")
            .collect();
        let trie = trie(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(trie.find(&"/a".repeat(64), AsIs), None);
        assert_eq!(trie.find(&format!("{}/end", "/a".repeat(8)), AsIs), Some(PatternId(0)));
        assert_eq!(trie.find(&format!("{}/end", "/b".repeat(8)), AsIs), Some(PatternId(255)));
    }
}
