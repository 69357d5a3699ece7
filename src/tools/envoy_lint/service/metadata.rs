//! Metadata of endpoints: whether it has the values that something asks for.

use crate::{
    document::tree::{Entry, Node, Value},
    tools::envoy_lint::read,
};

/// Tells whether metadata has each value of a section. There is no answer where it depends on how Envoy reads a value: its YAML
/// reader takes `yes` for a boolean.
pub(crate) fn has_all(metadata: Option<&Node>, wanted: Option<&Node>) -> Option<bool> {
    let wanted = wanted.map_or(&[][..], read::entries);
    let has = metadata.map_or(&[][..], read::entries);
    all(wanted.iter().map(|entry| &entry.key).map(|key| match (last(has, key), last(wanted, key)) {
        (Some(value), Some(wanted)) => is_equal(value, wanted),
        _ => Some(false),
    }))
}

/// Returns the value of a key. Of several, Envoy takes the last.
fn last<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Node> {
    entries.iter().rfind(|entry| entry.key == key).map(|entry| &entry.node)
}

/// Tells whether all are true: certainly not if one is not.
fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_known = true;
    for answer in answers {
        match answer {
            Some(true) => {}
            Some(false) => return Some(false),
            None => is_known = false,
        }
    }
    is_known.then_some(true)
}

fn is_equal(one: &Node, other: &Node) -> Option<bool> {
    match (&one.value, &other.value) {
        (Value::Null, Value::Null) => Some(true),
        (Value::Bool(one), Value::Bool(other)) => Some(one == other),
        (Value::Number(one), Value::Number(other)) => Some(one == other || one.as_f64() == other.as_f64()),
        (Value::String(one), Value::String(other)) if one == other => Some(true),
        (Value::List(one), Value::List(other)) if one.len() == other.len() => {
            all(one.iter().zip(other).map(|(one, other)| is_equal(one, other)))
        }
        (Value::Section(one_entries), Value::Section(other_entries)) => {
            let is_key_of = |entries: &[Entry], key: &str| entries.iter().any(|entry| entry.key == key);
            let are_same_keys = one_entries.iter().all(|entry| is_key_of(other_entries, &entry.key));
            if are_same_keys { has_all(Some(one), Some(other)) } else { Some(false) }
        }
        (Value::List(_) | Value::Section(_), _) | (_, Value::List(_) | Value::Section(_)) => Some(false),
        // Without quotes, these may be one value to Envoy.
        _ if read::is_true(one) && read::is_true(other) => None,
        _ if is_false(one) && is_false(other) => None,
        (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
            if text.parse().ok() == number.as_f64() { None } else { Some(false) }
        }
        _ => Some(false),
    }
}

/// Tells whether Envoy may take a value for false.
fn is_false(node: &Node) -> bool {
    const NO: [&str; 5] = ["n", "no", "off", "false", "0"];
    match &node.value {
        Value::Bool(value) => !value,
        Value::String(text) => NO.contains(&text.to_ascii_lowercase().as_str()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::parse;

    #[test]
    fn values_are_compared_as_envoy_does() {
        for (has, wanted, expected) in [
            ("{}", "{}", Some(true)),
            ("{ a: 1 }", "{}", Some(true)),
            ("{}", "{ a: 1 }", Some(false)),
            ("{ a: 1, a: 2 }", "{ a: 2 }", Some(true)),
            ("{ a: 1, a: 2 }", "{ a: 1 }", Some(false)),
            ("{ a: 1 }", "{ a: 1.0 }", Some(true)),
            ("{ a: ~ }", "{ a: ~ }", Some(true)),
            ("{ a: ~ }", "{ a: false }", Some(false)),
            ("{ a: yes }", "{ a: true }", None),
            ("{ a: no }", "{ a: False }", None),
            ("{ a: yes }", "{ a: no }", Some(false)),
            ("{ a: '1' }", "{ a: 1 }", None),
            ("{ a: yes, b: 1 }", "{ a: true, b: 2 }", Some(false)),
            ("{ a: { b: [1, { c: d }] } }", "{ a: { b: [1, { c: d }] } }", Some(true)),
            ("{ a: { b: 1 } }", "{ a: { b: 1, c: 2 } }", Some(false)),
            ("{ a: { b: 1, c: 2 } }", "{ a: { b: 1 } }", Some(false)),
            ("{ a: [] }", "{ a: {} }", Some(false)),
        ] {
            let (has, wanted) = (parse(has).unwrap(), parse(wanted).unwrap());
            assert_eq!(has_all(Some(&has), Some(&wanted)), expected, "{has:?} {wanted:?}");
        }
        assert_eq!((has_all(None, None), has_all(None, Some(&parse("{ a: 1 }").unwrap()))), (Some(true), Some(false)));
    }
}
