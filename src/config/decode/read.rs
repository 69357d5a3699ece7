//! Values of fields: text, yes or no, lists, words of a closed list. Each reports what it can't read.

use std::{collections::HashMap, fmt::Display, ops::RangeInclusive};

use super::bag::Bag;
use crate::{
    config::{error::Problem, redact::is_hidden},
    document::{
        flow,
        suggest::{closest, listed, quoted},
        tree::{Entry, Node, Place, Value},
    },
    limits,
};

/// The text of a field.
pub(crate) fn text<'n>(bag: &mut Bag, entry: &'n Entry) -> Option<&'n str> {
    if let (Value::List(_), Some(text)) = (&entry.node.value, only_text(&entry.node)) {
        let message = format!("`{}` must be a string, not {}", entry.key, entry.node.value);
        let help = match is_hidden(&entry.key, text) {
            true => "take it out of its brackets".to_owned(),
            false => format!("it takes one value: write {}", quoted(&format!("{}: {text}", entry.key))),
        };
        bag.push(Problem::error(&entry.node.place, message).help(help));
        return None;
    }
    let help = |value: &Value| text_instead(&entry.key, value);
    text_or(bag, &entry.node, &format!("`{}`", entry.key), help)
}

/// The text that a value is, or the only item of the list that it is.
pub(super) fn only_text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text).filter(|text| !text.is_empty()).map(String::as_str),
        Value::List(items) => match items.as_slice() {
            [one] if !matches!(one.value, Value::List(_)) => only_text(one),
            _ => None,
        },
        _ => None,
    }
}

/// The text to write in a field in place of a number or a boolean. In quotes, most of these would be the next error.
fn text_instead(field: &str, found: &Value) -> String {
    // Each has its own default, which is not proposed for the other.
    let (own, other) = if field == "admin" { (9192, 9191) } else { (9191, 9192) };
    match (field, found) {
        ("grpc" | "address" | "admin", Value::Number(port)) => {
            let port = port.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != other);
            match port {
                Some(port) => format!("write an address and the port: `127.0.0.1:{port}`"),
                None => format!("write an address and a port: `127.0.0.1:{own}`"),
            }
        }
        ("admin", Value::Bool(false)) => "write `off`".to_owned(),
        ("admin", _) => "write an address and a port, `127.0.0.1:9192`, or `off`".to_owned(),
        ("grpc" | "address", _) => "write an address and a port: `127.0.0.1:9191`".to_owned(),
        ("path", _) => "write a path: `/api/**`".to_owned(),
        ("issuer" | "jwks_uri" | "discovery_url", _) => "write a whole URL: `https://host/path`".to_owned(),
        ("proxy", _) => "write `http://host:port`".to_owned(),
        _ => "put it in quotes".to_owned(),
    }
}

/// The text of a node that `what` names.
pub(crate) fn text_of<'n>(bag: &mut Bag, node: &'n Node, what: &str) -> Option<&'n str> {
    text_or(bag, node, what, |_| "put it in quotes".to_owned())
}

/// The text of a node, and help for one that is a number or a boolean.
pub(super) fn text_or<'n>(
    bag: &mut Bag,
    node: &'n Node,
    what: &str,
    help: impl Fn(&Value) -> String,
) -> Option<&'n str> {
    match &node.value {
        Value::String(text) if text.is_empty() => {
            bag.push(Problem::error(&node.place, format!("{what} is empty")).help("write something, or remove it"));
            None
        }
        Value::String(text) => Some(text),
        other => {
            let problem = Problem::error(&node.place, format!("{what} must be a string, not {other}"));
            bag.push(match other {
                Value::Bool(_) | Value::Number(_) => problem.help(help(other)),
                _ => problem,
            });
            None
        }
    }
}

/// `true` or `false`.
pub(crate) fn flag(bag: &mut Bag, entry: &Entry) -> Option<bool> {
    match &entry.node.value {
        Value::Bool(value) => return Some(*value),
        // In the environment everything is text.
        Value::String(text) if entry.node.is_from_variable() => match text.as_str() {
            "true" => return Some(true),
            "false" => return Some(false),
            _ => {}
        },
        _ => {}
    }
    let problem =
        Problem::error(&entry.node.place, format!("`{}` must be true or false, not {}", entry.key, found(&entry.node)));
    let disputed = matches!(&entry.node.value, Value::String(_)) && entry.node.plain;
    bag.push(if disputed {
        problem.help("`true` and `false` are the only booleans: no `yes`, `on` or `1`")
    } else {
        problem.help("write `true` or `false`, without quotes")
    });
    None
}

/// A field that is false unless it is there and true. `None` only if it can't be read.
pub(crate) fn flag_or(bag: &mut Bag, entry: Option<&Entry>, default: bool) -> Option<bool> {
    entry.map_or(Some(default), |entry| flag(bag, entry))
}

/// A whole number of that range.
pub(crate) fn count(bag: &mut Bag, entry: &Entry, range: &RangeInclusive<usize>) -> Option<usize> {
    let count = match &entry.node.value {
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        // In the environment everything is text.
        Value::String(text) if entry.node.is_from_variable() => text.parse().ok(),
        _ => None,
    };
    let count = count.filter(|count| range.contains(count));
    if count.is_none() {
        let (least, most) = (range.start(), range.end());
        let message =
            format!("`{}` must be a whole number from {least} to {most}, not {}", entry.key, found(&entry.node));
        bag.push(Problem::error(&entry.node.place, message));
    }
    count
}

/// The items of a list that must not be empty.
pub(crate) fn list<'n>(bag: &mut Bag, entry: &'n Entry) -> Option<&'n [Node]> {
    let name = &entry.key;
    match &entry.node.value {
        Value::List(items) if items.is_empty() => {
            bag.push(Problem::error(&entry.node.place, format!("`{name}` is an empty list")).help("name at least one"));
            None
        }
        Value::List(items) => Some(items),
        other => {
            let problem = Problem::error(&entry.node.place, format!("`{name}` must be a list, not {other}"));
            bag.push(match other {
                Value::String(text) => {
                    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
                    problem.help(format!("write {}", quoted(&format!("{name}: {}", flow::list(&words)))))
                }
                Value::Section(_) => problem.help("begin each item with `- `"),
                _ => problem,
            });
            None
        }
    }
}

/// A list of different values, each read by `one`. `None` if any of them is broken.
pub(crate) fn list_of<T>(
    bag: &mut Bag,
    entry: &Entry,
    mut one: impl FnMut(&mut Bag, &Node, &str) -> Option<T>,
) -> Option<Vec<T>> {
    let nodes = list(bag, entry)?;
    refuse_many(bag, &entry.place, &format!("`{}`", entry.key), nodes.len(), "items")?;
    let what = format!("an item of `{}`", entry.key);
    let mut values = Vec::with_capacity(nodes.len());
    let mut seen: HashMap<String, &Node> = HashMap::with_capacity(nodes.len());
    let mut whole = true;
    for node in nodes {
        let Some(value) = one(bag, node, &what) else {
            whole = false;
            continue;
        };
        let Some(first) = written(node).and_then(|written| seen.insert(written, node)) else {
            values.push(value);
            continue;
        };
        whole = false;
        let problem = Problem::error(&node.place, format!("`{}` has the same item twice", entry.key));
        bag.push(problem.label("again").and(&first.place, "first").help("keep one"));
    }
    whole.then_some(values)
}

/// What tells a scalar from others: its kind and its text.
fn written(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(format!("text {text}")),
        Value::Number(number) => Some(format!("number {number}")),
        Value::Bool(value) => Some(format!("boolean {value}")),
        Value::Null | Value::List(_) | Value::Section(_) => None,
    }
}

/// Bounds what one list or section has, before any work is done on it.
pub(crate) fn refuse_many(bag: &mut Bag, place: &Place, what: &str, count: usize, of: &str) -> Option<()> {
    if count <= limits::CONFIG_ITEMS {
        return Some(());
    }
    let message = format!("{what} has {count} {of}, more than {}", limits::CONFIG_ITEMS);
    bag.push(Problem::error(place, message).help("no configuration needs so many: look for what repeats"));
    None
}

/// A list of different texts.
pub(crate) fn texts(bag: &mut Bag, entry: &Entry) -> Option<Vec<String>> {
    list_of(bag, entry, |bag, node, what| text_of(bag, node, what).map(str::to_owned))
}

/// One of the words that a field can have.
pub(crate) fn word<T: Copy>(bag: &mut Bag, entry: &Entry, words: &[(&str, T)]) -> Option<T> {
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let help = |_: &Value| format!("write {}", listed(&names, "or"));
    let text = text_or(bag, &entry.node, &format!("`{}`", entry.key), help)?;
    let found = words.iter().find(|(word, _)| *word == text);
    if found.is_none() {
        let message = format!("`{}` can't be {}", entry.key, quoted(text));
        bag.push(Problem::error(&entry.node.place, message).help(choose(text, &names)));
    }
    found.map(|(_, value)| *value)
}

/// What to write instead of `text`, of a closed list.
pub(crate) fn choose(text: &str, names: &[&str]) -> String {
    closest(text, names.iter().copied())
        .map_or_else(|| format!("write {}", listed(names, "or")), |meant| format!("did you mean `{meant}`?"))
}

/// What a node is, with its text if it has one: for `…, not` sentences.
fn found(node: &Node) -> Box<dyn Display> {
    match &node.value {
        Value::String(text) => Box::new(quoted(text)),
        Value::Number(number) => Box::new(format!("`{number}`")),
        other => Box::new(other.to_string()),
    }
}
