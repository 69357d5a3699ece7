//! `issuers`: the list of them. Each by itself is `issuer`'s business.

use super::{around::Around, bag::Bag, fields::Fields, issuer, misplaced, spec::IssuerSpec};
use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Node, Place, Value},
    },
    limits,
};

/// The issuers; none if nothing is written. `None` if they are no list.
pub(super) fn decode<'n>(
    bag: &mut Bag,
    fields: &Fields<'n>,
    around: Around<'_>,
) -> Option<Vec<Option<IssuerSpec<'n>>>> {
    let Some(entry) = fields.get("issuers") else {
        return (!fields.mentions("issuers")).then(Vec::new);
    };
    let nodes = match &entry.node.value {
        // Written out, an empty list says that there are none.
        Value::List(items) if items.is_empty() => return Some(Vec::new()),
        Value::List(items) => items,
        other => {
            let message = format!("`issuers` must be a list, not {other}");
            let help = misplaced::help_for_text(&entry.node).unwrap_or_else(|| "begin each item with `- `".to_owned());
            bag.push(Problem::error(&entry.node.place, message).help(help));
            return None;
        }
    };
    if nodes.len() > limits::ISSUERS {
        let message = format!("there are {} issuers, more than {}", nodes.len(), limits::ISSUERS);
        bag.push(Problem::error(&entry.place, message).help("run more than one portcullis"));
        return None;
    }
    refuse_same(bag, nodes);
    Some(nodes.iter().map(|node| one(bag, node, around)).collect())
}

/// Decodes an item of `issuers`. A text by itself gets the whole form, not a list of fields.
fn one<'n>(bag: &mut Bag, node: &'n Node, around: Around<'_>) -> Option<IssuerSpec<'n>> {
    let Some(help) = misplaced::help_for_text(node) else { return issuer::decode(bag, node, around) };
    let message = format!("an issuer must be a section of fields, not {}", node.value);
    bag.push(Problem::error(&node.place, message).help(help));
    None
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
