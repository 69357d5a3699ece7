//! What lints look at: the texts of a tree with their places, as far as they are there and of the right kind. What is
//! not is reported by `decode`, and passed over here.

use crate::document::tree::{Entry, Node, Place, Value};

/// A text and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'n> {
    pub(super) text: &'n str,
    pub(super) place: &'n Place,
}

/// The entries of a section.
pub(super) fn entries(node: &Node) -> &[Entry] {
    if let Value::Section(entries) = &node.value { entries } else { &[] }
}

/// The items of a list.
pub(super) fn items(node: &Node) -> &[Node] {
    if let Value::List(items) = &node.value { items } else { &[] }
}

/// The value of a field.
pub(super) fn get<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    entries(node).iter().find(|entry| entry.key == name).map(|entry| &entry.node)
}

/// A value that is a text.
pub(super) fn word(node: &Node) -> Option<Word<'_>> {
    match &node.value {
        Value::String(text) => Some(Word { text, place: &node.place }),
        _ => None,
    }
}

/// The text of a field.
pub(super) fn text<'n>(node: &'n Node, name: &str) -> Option<Word<'n>> {
    get(node, name).and_then(word)
}

/// The texts of a list.
pub(super) fn words(node: &Node) -> impl Iterator<Item = Word<'_>> {
    items(node).iter().filter_map(word)
}

/// The texts of a field that is a list.
pub(super) fn texts<'n>(node: &'n Node, name: &str) -> impl Iterator<Item = Word<'n>> {
    get(node, name).into_iter().flat_map(words)
}

/// The items of `issuers`.
pub(super) fn issuers(root: &Node) -> &[Node] {
    get(root, "issuers").map_or(&[], items)
}

/// The items of `routes`.
pub(super) fn routes(root: &Node) -> &[Node] {
    get(root, "routes").map_or(&[], items)
}

/// Everything that asks something of a token: the routes, then the named policies.
pub(super) fn rules(root: &Node) -> impl Iterator<Item = &Node> {
    let policies = get(root, "policies").map_or(&[][..], entries);
    routes(root).iter().chain(policies.iter().map(|entry| &entry.node))
}

/// The scopes that a rule asks for, in either way of writing them.
pub(super) fn scopes(rule: &Node) -> impl Iterator<Item = Word<'_>> {
    let scopes = get(rule, "scopes");
    let lists = scopes.into_iter().chain(scopes.and_then(|node| get(node, "all")));
    lists.chain(scopes.and_then(|node| get(node, "any"))).flat_map(words)
}
