//! `issuers`: the list of them. Each by itself is `issuer`'s business.

use super::{Around, Bag, fields::Fields, issuer, issuer_keys::DecodeKeys, read};
use crate::{
    config::{
        error::Problem,
        suggest::quoted,
        tree::{Node, Place, Value},
    },
    limits,
};

/// The issuers; none if nothing is written.
pub(super) fn decode<K>(
    bag: &mut Bag,
    fields: &Fields<'_>,
    keys: DecodeKeys<'_, K>,
    around: Around<'_>,
) -> Option<Vec<issuer::Decoded<K>>> {
    let Some(entry) = fields.get("issuers") else {
        return (!fields.mentions("issuers")).then(Vec::new);
    };
    let nodes = match &entry.node.value {
        // Written out, an empty list says that there are none.
        Value::List(items) if items.is_empty() => return Some(Vec::new()),
        _ => read::list(bag, entry)?,
    };
    if nodes.len() > limits::ISSUERS {
        let message = format!("there are {} issuers, more than {}", nodes.len(), limits::ISSUERS);
        bag.push(Problem::error(&entry.place, message).help("run more than one portcullis"));
        return None;
    }
    refuse_same(bag, nodes);
    let decoded: Vec<Option<_>> = nodes.iter().map(|node| issuer::decode(bag, node, keys, around)).collect();
    decoded.into_iter().collect()
}

/// An issuer has one set of keys and rules: twice the same would make it a matter of order.
fn refuse_same(bag: &mut Bag, nodes: &[Node]) {
    let mut seen: Vec<(&str, &Place)> = Vec::new();
    for (name, place) in nodes.iter().filter_map(name_of) {
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
            let problem = Problem::error(place, format!("issuer {} is there twice", quoted(name)));
            bag.push(problem.label("again").and(first, "first").help("keep one, with the audiences of both"));
        } else {
            seen.push((name, place));
        }
    }
}

fn name_of(node: &Node) -> Option<(&str, &Place)> {
    let Value::Section(entries) = &node.value else { return None };
    let entry = entries.iter().find(|entry| entry.key == "issuer")?;
    match &entry.node.value {
        Value::String(text) => Some((text, &entry.node.place)),
        _ => None,
    }
}
