//! Variables of the environment laid over the tree of the file: `PORTCULLIS_LISTEN__GRPC` sets `listen.grpc`.
//!
//! Scalars only: a list in a variable has no place to underline, and rules belong under review. What Kubernetes
//! injects for a Service is left alone (`kubernetes`); every other unknown name is a problem, because a misspelt
//! setting that is silently ignored protects nobody.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{
    error::Problem,
    kubernetes::is_service_variable,
    schema::{FILE, Field, Kind},
    variables::{CONFIG, OTHERS, PREFIX},
};
use crate::document::{
    suggest::{closest, quoted},
    tree::{Entry, Node, Place, Value},
};

/// The file to load, if there is one.
pub(crate) fn path_of<'p>(path: Option<&'p Path>, env: &'p BTreeMap<String, String>) -> Option<&'p Path> {
    let named = env.get(CONFIG).filter(|value| !value.is_empty());
    path.or_else(|| named.map(Path::new))
}

/// Sets what the variables say.
pub(crate) fn overlay(root: &mut Node, env: &BTreeMap<String, String>, problems: &mut Vec<Problem>) {
    let ours = env.iter().filter(|(name, _)| name.starts_with(PREFIX));
    for (name, value) in ours.filter(|(name, value)| !is_service_variable(name, value)) {
        let place = Place::Variable(name.as_str().into());
        if value.is_empty() {
            let problem = Problem::error(&place, format!("{} is set but empty", quoted(name)));
            problems.push(problem.help("unset it, or give it a value: an empty one is never taken for unset"));
        } else if !OTHERS.contains(&name.as_str())
            && let Err(problem) = apply(root, name, value)
        {
            problems.push(*problem);
        }
    }
}

fn apply(root: &mut Node, name: &str, value: &str) -> Result<(), Box<Problem>> {
    let lower = name.strip_prefix(PREFIX).unwrap_or_default().to_ascii_lowercase();
    let is_upper = !name.bytes().any(|b| b.is_ascii_lowercase());
    let path: Vec<&str> = lower.split("__").collect();
    if !is_upper || !descend(root, FILE, &path, name, value)? {
        return Err(unknown(root, name));
    }
    Ok(())
}

/// Walks to the field and sets it; false if there is no such field.
fn descend(node: &mut Node, fields: &[Field], path: &[&str], name: &str, value: &str) -> Result<bool, Box<Problem>> {
    let [segment, rest @ ..] = path else { return Ok(false) };
    let Some(field) = fields.iter().find(|field| field.name == *segment) else { return Ok(false) };
    match (field.kind, rest) {
        (Kind::Scalar(_), []) => {
            if let Some(child) = child(node, field.name, Node::from_variable(&name.into(), value)) {
                *child = Node::from_variable(&name.into(), value);
            }
            Ok(true)
        }
        (Kind::Scalar(_), _) => Ok(false),
        (Kind::ScalarOrSection(_, inner), []) => {
            set_short_form(node, field.name, inner, &Node::from_variable(&name.into(), value));
            Ok(true)
        }
        (Kind::ScalarOrSection(_, inner), [segment, ..]) => {
            if !inner.iter().any(|field| field.name == *segment) {
                return Ok(false);
            }
            match child(node, field.name, empty_section(name)) {
                Some(child) => {
                    write_out(child, inner);
                    descend(child, inner, rest, name, value)
                }
                None => Ok(true),
            }
        }
        (Kind::Section(inner), [_, ..]) => match child(node, field.name, empty_section(name)) {
            Some(child) => descend(child, inner, rest, name, value),
            None => Ok(true),
        },
        (Kind::Sections(inner), [index, rest @ ..]) if !rest.is_empty() => match item(node, field.name, index, name)? {
            Some(item) => descend(item, inner, rest, name, value),
            None => Ok(true),
        },
        (Kind::Section(_), []) => Err(problem(name, "is a section of the file", &example(name, field))),
        (Kind::List(_) | Kind::Sections(_), _) => {
            Err(problem(name, "would set a list", "lists and rules are only taken from the file"))
        }
    }
}

fn empty_section(name: &str) -> Node {
    Node { value: Value::Section(Vec::new()), ..Node::from_variable(&name.into(), "") }
}

/// Sets a value that stands for the first field of a section. The other fields keep what the file says.
fn set_short_form(node: &mut Node, key: &str, fields: &[Field], value: &Node) {
    let Some(found) = child(node, key, value.clone()) else { return };
    let first = fields.first().map(|field| field.name).filter(|_| matches!(found.value, Value::Section(_)));
    let target = match first {
        Some(first) => child(found, first, value.clone()),
        None => Some(found),
    };
    if let Some(target) = target {
        *target = value.clone();
    }
}

/// Turns a value that stands for the first field of a section into that section.
fn write_out(node: &mut Node, fields: &[Field]) {
    if let (Value::String(_), Some(first)) = (&node.value, fields.first()) {
        let entry = Entry { key: first.name.to_owned(), place: node.place.clone(), node: node.clone() };
        node.value = Value::Section(vec![entry]);
    }
}

/// The field of a section, made if it is not there. `None` if the section is none, which decoding will say.
fn child<'n>(node: &'n mut Node, key: &str, default: Node) -> Option<&'n mut Node> {
    if matches!(node.value, Value::Null) {
        node.value = Value::Section(Vec::new());
    }
    let Value::Section(entries) = &mut node.value else { return None };
    let at = entries.iter().position(|entry| entry.key == key);
    let at = at.unwrap_or_else(|| {
        let place = default.place.clone();
        entries.push(Entry { key: key.to_owned(), place, node: default });
        entries.len().saturating_sub(1)
    });
    entries.get_mut(at).map(|entry| &mut entry.node)
}

fn item<'n>(node: &'n mut Node, key: &str, index: &str, name: &str) -> Result<Option<&'n mut Node>, Box<Problem>> {
    let Value::Section(entries) = &mut node.value else { return Err(no_item(name, key, 0)) };
    let Some(entry) = entries.iter_mut().find(|entry| entry.key == key) else { return Err(no_item(name, key, 0)) };
    let Value::List(items) = &mut entry.node.value else { return Ok(None) };
    let count = items.len();
    // `00` beside `0` would be the same item twice, and one of them lost.
    let is_plain = index == "0" || !index.starts_with('0');
    let is_index = is_plain && !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
    let found = if is_index { index.parse::<usize>().ok().and_then(|index| items.get_mut(index)) } else { None };
    found.map(Some).ok_or_else(|| no_item(name, key, count))
}

fn no_item(name: &str, key: &str, count: usize) -> Box<Problem> {
    let help = match count {
        0 => format!("`{key}` has no items in the file: variables change them but don't add any"),
        1 => format!("`{key}` has one item in the file, number 0"),
        _ => format!("`{key}` has {count} items in the file, numbers 0 to {}", count.saturating_sub(1)),
    };
    problem(name, &format!("names no item of `{key}`"), &help)
}

fn problem(name: &str, what: &str, help: &str) -> Box<Problem> {
    let place = Place::Variable(Arc::from(name));
    Box::new(Problem::error(&place, format!("{} {what}", quoted(name))).help(help))
}

fn example(name: &str, field: &Field) -> String {
    let Kind::Section(inner) = field.kind else { return String::new() };
    let names: Vec<String> = inner.iter().map(|f| format!("`{name}__{}`", f.name.to_ascii_uppercase())).collect();
    format!("set one of its fields: {}", names.join(", "))
}

fn unknown(root: &Node, name: &str) -> Box<Problem> {
    let mut names: Vec<String> = OTHERS.map(str::to_owned).to_vec();
    known_names(PREFIX, FILE, Some(root), &mut names);
    // The prefix that all share must not make strangers look alike.
    let ends: Vec<&str> = names.iter().filter_map(|known| known.strip_prefix(PREFIX)).collect();
    let wanted = name.strip_prefix(PREFIX).unwrap_or_default();
    let help = field_above(wanted, &ends).or_else(|| closest(wanted, ends.iter().copied())).map_or_else(
        || format!("every name that starts with `{PREFIX}` must be a known one, so that no typo goes unnoticed"),
        |meant| format!("did you mean `{PREFIX}{meant}`?"),
    );
    problem(name, "is not a known variable", &help)
}

/// The settable field that a name below it is about: `GRPC__PORT` looks like `GRPC__MODE`, and means `GRPC`.
fn field_above<'n>(wanted: &str, names: &[&'n str]) -> Option<&'n str> {
    let (above, field) = wanted.rsplit_once("__")?;
    let below = names.iter().filter_map(|known| known.strip_prefix(above)?.strip_prefix("__"));
    if closest(field, below).is_some() {
        return None;
    }
    names.iter().copied().find(|known| *known == above)
}

/// The names of all settable fields, list items by the index they have.
fn known_names(prefix: &str, fields: &[Field], node: Option<&Node>, names: &mut Vec<String>) {
    for field in fields {
        let name = format!("{prefix}{}", field.name.to_ascii_uppercase());
        let node = node.and_then(|node| match &node.value {
            Value::Section(entries) => entries.iter().find(|entry| entry.key == field.name).map(|entry| &entry.node),
            _ => None,
        });
        match field.kind {
            Kind::Scalar(_) => names.push(name),
            Kind::Section(inner) => known_names(&format!("{name}__"), inner, node, names),
            Kind::ScalarOrSection(_, inner) => {
                known_names(&format!("{name}__"), inner, node, names);
                names.push(name);
            }
            Kind::Sections(inner) => {
                let items = node.map_or(0, |node| if let Value::List(items) = &node.value { items.len() } else { 0 });
                for index in 0..items.min(crate::limits::ISSUERS) {
                    known_names(&format!("{name}__{index}__"), inner, None, names);
                }
            }
            Kind::List(_) => {}
        }
    }
}
