//! The places of secrets in the tree of a text.

use super::{
    name_cache::NameCache,
    secret_text::{MEMBERS_OF_KEYS, is_key_material, secret_in_text, userinfo},
    vocabulary::Vocabulary,
};
use crate::document::tree::{Entry, Node, Place, Span, Value};

/// The search for secrets in a tree.
struct Finder<'t> {
    vocabulary: &'static Vocabulary,
    names: NameCache<'t>,
    text: &'t str,
}

/// Finds what to hide in the trees of a text.
pub(super) fn secrets_of(vocabulary: &'static Vocabulary, roots: &[&Node], text: &str) -> Vec<Span> {
    let mut finder = Finder { vocabulary, names: NameCache::new(vocabulary.is_secret_field), text };
    let mut spans = Vec::new();
    for root in roots {
        collect(&mut finder, root, Why::Url { is_field: false }, &mut spans);
    }
    spans
}

/// The reason for which a scalar may have to be hidden.
#[derive(Clone, Copy)]
enum Why {
    /// The scalar is in the place of a secret.
    Secret,
    /// The scalar may be a URL, or is meant as one.
    Url { is_field: bool },
}

fn collect<'t>(finder: &mut Finder<'t>, node: &'t Node, why: Why, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Section(entries) => {
            let is_credential = holds_credential(finder, entries);
            for entry in entries {
                // In a section that was written where a secret belongs, a name may be the secret.
                if let (Why::Secret, Place::File(span)) = (why, &entry.place) {
                    spans.push(*span);
                }
                let why = match why {
                    Why::Secret => Why::Secret,
                    Why::Url { .. } if is_credential => Why::Secret,
                    Why::Url { .. } if (finder.vocabulary.is_open)(entry) => Why::Url { is_field: false },
                    Why::Url { .. } if is_flag(entry) => Why::Url { is_field: false },
                    Why::Url { .. }
                        if finder.names.is_secret(&entry.key) || is_pasted_key(finder.vocabulary, entry) =>
                    {
                        Why::Secret
                    }
                    Why::Url { .. } if is_member_of_key(entry) => Why::Secret,
                    Why::Url { .. } => {
                        Why::Url { is_field: finder.vocabulary.url_fields.contains(&entry.key.as_str()) }
                    }
                };
                collect_value(finder, entry, why, spans);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(finder, item, why, spans)),
        _ => spans.extend(hidden_part(finder, node, why)),
    }
}

fn collect_value<'t>(finder: &mut Finder<'t>, entry: &'t Entry, why: Why, spans: &mut Vec<Span>) {
    match &entry.node.value {
        // Names of the operator's own are no fields.
        Value::Section(named)
            if finder.vocabulary.sections_by_name.contains(&entry.key.as_str()) && matches!(why, Why::Url { .. }) =>
        {
            named.iter().for_each(|named| collect(finder, &named.node, why, spans));
        }
        Value::Section(headers) if is_headers(&entry.key) && matches!(why, Why::Url { .. }) => {
            for header in headers {
                let is_text =
                    matches!(header.node.value, Value::String(_)) && !(finder.vocabulary.is_field)(&header.key);
                let why = if is_text || finder.names.is_secret(&header.key) { Why::Secret } else { why };
                collect(finder, &header.node, why, spans);
            }
        }
        Value::List(pairs) if is_headers(&entry.key) || is_environment(&entry.key) => {
            for pair in pairs {
                collect(finder, pair, why, spans);
                spans.extend(values_of_pair(finder, pair));
            }
        }
        _ => collect(finder, &entry.node, why, spans),
    }
}

/// Finds what to hide of an item of a list of headers or variables: `x-team: a`, `TEAM=a`, or the `value` of a section.
fn values_of_pair<'t>(finder: &mut Finder<'t>, pair: &'t Node) -> Vec<Span> {
    match (&pair.value, &pair.place) {
        (Value::Section(fields), _) => {
            let values = fields.iter().filter(|field| field.key.to_ascii_lowercase().ends_with("value"));
            let mut spans = Vec::new();
            values.for_each(|value| collect(finder, &value.node, Why::Secret, &mut spans));
            spans
        }
        (Value::String(_), Place::File(span)) => {
            let written = finder.text.get(span.start..span.end()).unwrap_or_default();
            // A name may begin with a colon, `:method`.
            let name = written.find(|c: char| !"\"':".contains(c));
            let sign = |from: usize| written.get(from..)?.find([':', '=']).map(|at| at.saturating_add(from));
            let after = name.and_then(sign).map(|at| at.saturating_add(1));
            let hidden =
                |from: usize| Span { start: span.start.saturating_add(from), len: span.len.saturating_sub(from) };
            after.map(hidden).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The part of a scalar that is hidden.
fn hidden_part(finder: &Finder<'_>, node: &Node, why: Why) -> Option<Span> {
    let Place::File(span) = &node.place else { return None };
    let (Why::Url { is_field }, Value::String(value)) = (why, &node.value) else {
        return matches!(why, Why::Secret).then_some(*span);
    };
    let written = finder.text.get(span.start..span.end()).unwrap_or_default();
    if secret_in_text(finder.vocabulary.is_secret, value).is_some() {
        // Nothing is shown of what is escaped, nor of a URL that has a password as well.
        let from =
            secret_in_text(finder.vocabulary.is_secret, written).filter(|_| userinfo(value).is_none()).unwrap_or(0);
        return Some(Span { start: span.start.saturating_add(from), len: span.len.saturating_sub(from) });
    }
    if !value.contains('@') || (userinfo(value).is_none() && !is_field) {
        return None;
    }
    match (userinfo(written), written.rfind('@')) {
        (Some(range), _) => Some(Span { start: span.start.saturating_add(range.start), len: range.len() }),
        (None, Some(at)) if userinfo(value).is_none() && !value.contains("//") => {
            Some(Span { start: span.start, len: at })
        }
        (None, Some(_)) if userinfo(value).is_none() => None,
        // Escaped somehow.
        _ => Some(*span),
    }
}

/// Says whether a field holds headers by their names.
fn is_headers(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("headers")
}

/// Says whether a field holds variables of an environment, as deployments write them.
fn is_environment(name: &str) -> bool {
    ["env", "environment"].contains(&name.to_ascii_lowercase().as_str())
}

/// Says whether the value says no more than yes or no.
fn is_flag(entry: &Entry) -> bool {
    matches!(entry.node.value, Value::Bool(_))
}

/// Says whether it is such a member. Sections are none: what has a name of its own may have such a one.
fn is_member_of_key(entry: &Entry) -> bool {
    MEMBERS_OF_KEYS.contains(&entry.key.as_str()) && !matches!(entry.node.value, Value::Section(_))
}

/// Says whether these are the name and the value of a header or a variable with credentials, as programs often
/// write them.
fn holds_credential<'t>(finder: &mut Finder<'t>, entries: &'t [Entry]) -> bool {
    const HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];
    if !entries.iter().any(|entry| entry.key.to_ascii_lowercase().ends_with("value")) {
        return false;
    }
    entries.iter().filter(|entry| ["key", "name"].contains(&entry.key.as_str())).any(|entry| match &entry.node.value {
        Value::String(name) => {
            HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header)) || finder.names.is_secret(name)
        }
        _ => false,
    })
}

fn is_pasted_key(vocabulary: &Vocabulary, entry: &Entry) -> bool {
    let is_key = |value: &Value| matches!(value, Value::String(text) if is_key_material(text));
    vocabulary.key_files.contains(&entry.key.as_str())
        && (is_key(&entry.node.value) || !matches!(entry.node.value, Value::String(_)))
}
