//! Moves the places of a tree: behind the files before it, or from a text inside of another one to the outer one.

use crate::document::tree::{Node, Place, Span, Value};

/// Rewrites every place of a tree.
pub(super) fn rewrite(node: &mut Node, place_of: &impl Fn(&Place) -> Place) {
    node.place = place_of(&node.place);
    match &mut node.value {
        Value::Section(entries) => {
            for entry in entries {
                entry.place = place_of(&entry.place);
                rewrite(&mut entry.node, place_of);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| rewrite(item, place_of)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Counts the nodes of a tree.
pub(super) fn count(node: &Node) -> usize {
    let below: usize = match &node.value {
        Value::Section(entries) => entries.iter().map(|entry| count(&entry.node)).sum(),
        Value::List(items) => items.iter().map(count).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    below.saturating_add(1)
}

/// Moves every place of a tree by so many bytes.
pub(super) fn shift(node: &mut Node, by: usize) {
    if by > 0 {
        rewrite(node, &|place| shifted(place, by));
    }
}

/// Gives a place that is so many bytes further on.
pub(super) fn shifted(place: &Place, by: usize) -> Place {
    match place {
        Place::File(span) => Place::File(Span { start: span.start.saturating_add(by), ..*span }),
        other => other.clone(),
    }
}

/// Gives the span of no bytes at an offset.
pub(super) const fn start(at: usize) -> Span {
    Span { start: at, len: 0 }
}
