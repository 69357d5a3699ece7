//! Merges lists that a section has in both spellings of a field's name: Envoy takes the items of both.

use std::collections::HashMap;

use crate::{
    document::tree::{Entry, Node, Value},
    tools::envoy_lint::read,
};

/// Map fields of Envoy. Of these, too, Envoy takes the entries of both spellings.
const MAPS: [&str; 2] = ["typed_per_filter_config", "typed_extension_protocol_options"];

/// Merges both spellings in a tree. Other fields than lists and maps keep theirs.
pub(super) fn merge(node: &mut Node) {
    match &mut node.value {
        Value::Section(entries) => {
            entries.iter_mut().for_each(|entry| merge(&mut entry.node));
            let has_camel = |entry: &Entry| entry.key.bytes().any(|byte| byte.is_ascii_uppercase());
            if entries.iter().any(|entry| is_merged(entry) && has_camel(entry)) {
                *entries = merged(std::mem::take(entries));
            }
        }
        Value::List(items) => items.iter_mut().for_each(merge),
        _ => {}
    }
}

/// Tells whether Envoy adds up the values of a field.
fn is_merged(entry: &Entry) -> bool {
    let is_map = || MAPS.iter().any(|name| read::is_named(&entry.key, name));
    matches!(&entry.node.value, Value::List(_)) || (matches!(&entry.node.value, Value::Section(_)) && is_map())
}

fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for entry in entries {
        let mut before = None;
        if is_merged(&entry) {
            let at = *by_name.entry(snake_case(&entry.key)).or_insert(kept.len());
            before = kept.get_mut(at).filter(|one| one.key != entry.key);
        }
        match (before.map(|one| &mut one.node.value), entry.node.value) {
            (Some(Value::List(items)), Value::List(more)) => items.extend(more),
            (Some(Value::Section(all)), Value::Section(more)) => all.extend(more),
            (_, value) => kept.push(Entry { node: Node { value, ..entry.node }, ..entry }),
        }
    }
    kept
}

/// Returns the name of a field as Envoy's documentation has it.
fn snake_case(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::parse;

    fn keys_and_lengths(text: &str) -> Vec<(String, usize)> {
        let mut node = parse(text).unwrap();
        merge(&mut node);
        let length = |node: &Node| read::items(node).len().max(read::entries(node).len());
        read::entries(&node).iter().map(|entry| (entry.key.clone(), length(&entry.node))).collect()
    }

    #[test]
    fn lists_and_maps_of_both_spellings_are_one_and_nothing_else_is() {
        let expected = |all: &[(&str, usize)]| -> Vec<(String, usize)> {
            all.iter().map(|(key, length)| ((*key).to_owned(), *length)).collect()
        };
        for text in ["{ http_filters: [a], httpFilters: [b, c] }", "{ http_filters: [a, b], x: 1, httpFilters: [c] }"] {
            assert!(keys_and_lengths(text).contains(&("http_filters".to_owned(), 3)), "{text}");
        }
        assert_eq!(keys_and_lengths("{ httpFilters: [a], http_filters: [b] }"), expected(&[("httpFilters", 2)]));
        let map = "{ typed_per_filter_config: { a: 1 }, typedPerFilterConfig: { b: 2 } }";
        assert_eq!(keys_and_lengths(map), expected(&[("typed_per_filter_config", 2)]));
        // The names of filters are no fields.
        let names = "{ my_filter: { a: 1 }, myFilter: { b: 2 } }";
        assert_eq!(keys_and_lengths(names), expected(&[("my_filter", 1), ("myFilter", 1)]));
    }
}
