//! Fields of an issuer that stand where they have no effect: at the top of the file, or as items of `issuers` by themselves.

use crate::{
    config::{redact::is_hidden, schema::ISSUER},
    document::{
        flow,
        suggest::quoted,
        tree::{Entry, Node, Value},
    },
};

/// Returns what to do with a field of an issuer at the top of a file, if it is one.
pub(super) fn help(field: &str, names: &[&str], section: &[Entry]) -> Option<String> {
    let is_of_issuer = field == "audience" || ISSUER.iter().any(|known| known.name == field);
    if !is_of_issuer || !names.contains(&"issuers") {
        return None;
    }
    if section.iter().any(|entry| entry.key == "issuers") {
        return Some("it belongs to one issuer: move it into that item of `issuers`".to_owned());
    }
    let texts = |names: &[&str]| -> Vec<&str> {
        let given = section.iter().filter(|entry| names.contains(&entry.key.as_str()));
        given.flat_map(|entry| texts_of(&entry.node)).collect()
    };
    Some(whole(&texts(&["issuer"]), &texts(&["audience", "audiences"])))
}

/// Returns what to write for an issuer that is a text, if it is one: in place of the list, or of its item.
pub(super) fn help_for_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(_) => Some(whole(&texts_of(node), &[])),
        _ => None,
    }
}

/// The texts that a node is, or that the items of its list are, without those that excerpts hide.
fn texts_of(node: &Node) -> Vec<&str> {
    match &node.value {
        Value::String(text) if !text.is_empty() && !is_hidden("issuer", text) => vec![text],
        Value::List(items) => items.iter().flat_map(texts_of).collect(),
        _ => Vec::new(),
    }
}

/// The list of issuers with one, and `…` for what is not given.
fn whole(issuers: &[&str], audiences: &[&str]) -> String {
    let issuer = match issuers {
        [one] => flow::scalar(one),
        _ => "https://…".into(),
    };
    let audiences = if audiences.is_empty() { "[https://…]".to_owned() } else { flow::list(audiences) };
    format!("write {}", quoted(&format!("issuers: [{{ issuer: {issuer}, audiences: {audiences} }}]")))
}
