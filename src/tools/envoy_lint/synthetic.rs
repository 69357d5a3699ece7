//! Nodes that no file has, added to make a tree whole.

use crate::document::tree::{Entry, Node, Place, Value};

/// Makes a node that no file has.
pub(crate) const fn without_place(value: Value) -> Node {
    Node { value, place: Place::Nowhere, plain: false }
}

/// Gives a section the type of that name, where it has none.
pub(crate) fn typed(mut node: Node, name: &str) -> Node {
    if let Value::Section(entries) = &mut node.value
        && !entries.iter().any(|entry| entry.key == "@type")
    {
        let value = without_place(Value::String(format!("type.googleapis.com/{name}")));
        entries.push(Entry { key: "@type".to_owned(), place: Place::Nowhere, node: value });
    }
    node
}
