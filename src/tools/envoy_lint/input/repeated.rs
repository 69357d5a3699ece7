//! Fields that a section has more than once, by one name or in both spellings: which value counts then is not certain.
//!
//! Of one name twice, Envoy takes the last from YAML. From JSON it joins lists, and reads other values into one another. YAML it
//! takes to a map without an order first, so that it reads both spellings of a field in an order that varies.

use std::collections::{HashMap, HashSet, hash_map::Entry as Slot};

use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Entry, Node, Place, Value},
    },
    tools::envoy_lint::{read, yaml::IGNORED},
};

/// Fields whose section has names that people choose, in place of fields: two of them may differ in their spelling alone.
const MAPS: [&str; 8] = [
    "typed_per_filter_config",
    "typed_extension_protocol_options",
    "typed_filter_metadata",
    "providers",
    "requirement_map",
    "policies",
    "map",
    "data",
];
/// Fields below which there are such names at each level.
const FREE: [&str; 8] =
    ["node", "filter_metadata", "static_layer", "layer", "json_format", "labels", "annotations", "match_labels"];

/// The keys of a section.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Fields,
    /// The keys are names that people choose, each with a message.
    Map,
    /// The keys are names that people choose, with such names below.
    Free,
}

/// Finds each field that is there again.
pub(super) fn find(root: &Node) -> Vec<Problem> {
    let mut found = Found::default();
    found.search(root, Keys::Fields);
    found.problems
}

#[derive(Default)]
struct Found {
    problems: Vec<Problem>,
    /// The offsets at which one was found: an alias repeats a section with its places.
    offsets: HashSet<usize>,
}

impl Found {
    fn search(&mut self, node: &Node, keys: Keys) {
        match &node.value {
            Value::Section(entries) => {
                self.compare(entries, keys);
                for entry in entries.iter().filter(|entry| entry.key != IGNORED) {
                    self.search(&entry.node, below(keys, &entry.key));
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.search(item, keys)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn compare(&mut self, entries: &[Entry], keys: Keys) {
        if entries.len() < 2 {
            return;
        }
        let mut by_name: HashMap<String, &Entry> = HashMap::with_capacity(entries.len());
        for entry in entries.iter().filter(|entry| entry.key != IGNORED) {
            let name = if keys == Keys::Fields { camel_case(&entry.key) } else { entry.key.clone() };
            match by_name.entry(name) {
                Slot::Vacant(slot) => _ = slot.insert(entry),
                Slot::Occupied(slot) => self.report(slot.get(), entry),
            }
        }
    }

    fn report(&mut self, first: &Entry, again: &Entry) {
        if let Place::File(span) = &again.place
            && !self.offsets.insert(span.start)
        {
            return;
        }
        let (key, before) = (quoted(&again.key), quoted(&first.key));
        let message = if first.key == again.key {
            format!("{key} is there twice: Envoy takes the last one from YAML, and may join both from JSON")
        } else {
            format!(
                "{key} and {before} are one field in two spellings: which one Envoy takes from YAML varies from start to start"
            )
        };
        self.problems
            .push(Problem::error(&again.place, message).label("again").and(&first.place, "first").help("keep one"));
    }
}

/// Tells what keys there are below a field.
fn below(keys: Keys, field: &str) -> Keys {
    let is_one_of = |names: &[&str]| names.iter().any(|name| read::is_named(field, name));
    match keys {
        Keys::Free => Keys::Free,
        Keys::Fields if is_one_of(&FREE) => Keys::Free,
        Keys::Fields if is_one_of(&MAPS) => Keys::Map,
        Keys::Fields | Keys::Map => Keys::Fields,
    }
}

/// Returns the other spelling of a field's name that has `_` before letters.
fn camel_case(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    let mut letters = key.chars().peekable();
    while let Some(letter) = letters.next() {
        match letters.peek() {
            Some(next) if letter == '_' && next.is_ascii_lowercase() && !name.is_empty() => {
                name.push(next.to_ascii_uppercase());
                letters.next();
            }
            _ => name.push(letter),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::envoy_lint::yaml::parse_documents;

    /// Returns what is underlined for each repeated field of a text.
    fn found(text: &str) -> Vec<&str> {
        let roots = parse_documents(text).unwrap();
        let problems = find(roots.first().unwrap());
        problems
            .iter()
            .map(|problem| problem.primary().unwrap())
            .map(|span| text.get(span.start..span.end()).unwrap())
            .collect()
    }

    #[test]
    fn a_field_that_is_there_again_is_found_at_any_depth() {
        assert_eq!(found("{ a_b: 1, c: 2, aB: ~ }"), ["aB"]);
        assert_eq!(found("{ aB: 1, a_b: { x: 1, x: 2 }, a_b: 3 }"), ["a_b", "a_b", "x"]);
        assert_eq!(found("[{ a: [{ '@type': 1, '@type': 1 }] }]"), ["'@type'"]);
        assert_eq!(found("{ map: { m_y: { a_b: 1, aB: 1 }, mY: 1, mY: 2 } }"), ["mY", "aB"]);
        assert_eq!(found("{ layer: { x: { m_y: 1, mY: 2, mY: 3 } } }"), ["mY"]);
    }

    #[test]
    fn names_that_are_alike_are_no_field_twice() {
        for text in [
            "{ a_1: 1, a1: 2, a__b: 3, _b: 4, B: 5, aB: 6 }",
            "{ typedPerFilterConfig: { m_y: 1, mY: 2 } }",
            "{ node: { metadata: { m_y: 1, mY: 2 } }, metadata: { filter_metadata: { f: { m_y: 1, mY: 2 } } } }",
            "{ !ignore a: 1, !ignore b: { x: 1, x: 2 } }",
            "[{ a: 1 }, { a: 1 }]",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn an_alias_repeats_no_problem() {
        assert_eq!(found("{ a: &one { x: 1, x: 2 }, b: *one, c: [*one] }"), ["x"]);
    }
}
