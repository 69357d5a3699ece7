//! Values of fields that only tests have: JSON, times, spans of time with a sign, what a text must be.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use crate::{
    config::{
        error::Problem,
        other_document::{Bag, Fields, is_disputed, quoted, read},
        parse_duration,
    },
    document::tree::{Entry, Node, Value},
    limits,
    tools::{policy_test::case::TextTest, simulate::timestamp},
};
use portcullis_engine::time::UnixTime;

const TEXT_TEST: [&str; 2] = ["equals", "contains"];

/// The members of a section with free names, each there once and at least one.
pub(super) fn members<'n>(bag: &mut Bag, entry: &'n Entry, example: &str) -> Option<&'n [Entry]> {
    let Value::Section(entries) = &entry.node.value else {
        let message = format!("`{}` must be a section, not {}", entry.key, entry.node.value);
        bag.push(Problem::error(&entry.node.place, message).help(format!("write `{example}`")));
        return None;
    };
    read::refuse_many(bag, &entry.place, &format!("`{}`", entry.key), entries.len(), "fields")?;
    refuse_twice(bag, entries)?;
    Some(entries)
}

fn refuse_twice(bag: &mut Bag, entries: &[Entry]) -> Option<()> {
    let mut seen = HashSet::with_capacity(entries.len());
    let again = entries.iter().find(|entry| !seen.insert(entry.key.as_str()));
    let Some(again) = again else { return Some(()) };
    let first = entries.iter().find(|entry| entry.key == again.key);
    let problem = Problem::error(&again.place, format!("{} is there twice", quoted(&again.key))).label("again");
    bag.push(match first {
        Some(first) => problem.and(&first.place, "first").help("keep one"),
        None => problem,
    });
    None
}

/// The members of a JSON object.
pub(super) fn object(bag: &mut Bag, entry: &Entry) -> Option<Map<String, Json>> {
    let members = members(bag, entry, &format!("{}: {{ org_id: org_42 }}", entry.key))?;
    let mut object = Map::new();
    for member in members {
        object.insert(member.key.clone(), json(bag, &member.node)?);
    }
    let bytes = Json::Object(object.clone()).to_string().len();
    if bytes > limits::POLICY_TEST_CLAIMS_BYTES {
        let message = format!("`{}` has more than {} bytes", entry.key, limits::POLICY_TEST_CLAIMS_BYTES);
        bag.push(Problem::error(&entry.place, message).help("no token may be so long"));
        return None;
    }
    Some(object)
}

/// The JSON value of a node.
fn json(bag: &mut Bag, node: &Node) -> Option<Json> {
    Some(match &node.value {
        Value::String(text) if node.plain && is_disputed(text) => {
            let problem = Problem::error(&node.place, format!("{} can be read as text or otherwise", quoted(text)));
            let help =
                format!("write {} for the text, or `true`, `false`, a decimal number", quoted(&format!("\"{text}\"")));
            bag.push(problem.help(help));
            return None;
        }
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => Json::Number(number.clone()),
        Value::String(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(|item| json(bag, item)).collect::<Option<_>>()?),
        Value::Section(entries) => {
            refuse_twice(bag, entries)?;
            let mut object = Map::new();
            for entry in entries {
                object.insert(entry.key.clone(), json(bag, &entry.node)?);
            }
            Json::Object(object)
        }
    })
}

/// A moment: `2026-01-01T00:00:00Z`, seconds since 1970, or `now`.
pub(super) fn time(bag: &mut Bag, entry: &Entry, now: UnixTime) -> Option<UnixTime> {
    let number;
    let text = match &entry.node.value {
        Value::Number(seconds) => {
            number = seconds.to_string();
            &number
        }
        _ => read::text(bag, entry)?,
    };
    let moment = timestamp::parse(text, now);
    if moment.is_err() {
        let problem = Problem::error(&entry.node.place, format!("{} is not a time", quoted(text)));
        bag.push(problem.help("write `2026-01-01T00:00:00Z`, seconds since 1970, or `now`"));
    }
    moment.ok()
}

/// Whole seconds, of a duration that may be negative.
pub(super) fn seconds(bag: &mut Bag, entry: &Entry) -> Option<i64> {
    let text = match &entry.node.value {
        Value::Number(number) => {
            let problem = Problem::error(&entry.node.place, format!("`{}` lacks a unit", entry.key));
            bag.push(problem.help(format!("write `{number}s` for seconds, or use `m`, `h`, `d`")));
            return None;
        }
        _ => read::text(bag, entry)?,
    };
    let (sign, span) = text.strip_prefix('-').map_or((1, text), |span| (-1, span));
    let seconds = parse_duration(span).and_then(|span| i64::try_from(span.as_secs()).ok()).map(|span| span * sign);
    if seconds.is_none() {
        let problem = Problem::error(&entry.node.place, format!("{} is not a duration", quoted(text)));
        bag.push(problem.help("write `5s`, `1m30s`, `24h`, or with a sign for the past: `-1m`"));
    }
    seconds
}

/// Texts: a list, or words between blanks.
pub(super) fn words(bag: &mut Bag, entry: &Entry) -> Option<Vec<String>> {
    match &entry.node.value {
        Value::String(text) if !text.is_empty() => Some(text.split_whitespace().map(str::to_owned).collect()),
        // A token without scopes is worth a test.
        Value::List(items) if items.is_empty() => Some(Vec::new()),
        _ => read::texts(bag, entry),
    }
}

/// One text, or a list of them.
pub(super) fn one_or_more(bag: &mut Bag, entry: &Entry) -> Option<Vec<String>> {
    match &entry.node.value {
        Value::List(_) => read::texts(bag, entry),
        _ => read::text(bag, entry).map(|text| vec![text.to_owned()]),
    }
}

/// What a text must be: itself, `~` for not there, `{ contains: … }`.
pub(super) fn text_test(bag: &mut Bag, entry: &Entry) -> Option<TextTest> {
    match &entry.node.value {
        Value::Null => Some(TextTest::Absent),
        Value::Section(_) => {
            let fields = Fields::named(bag, &entry.node, &quoted(&entry.key), &TEXT_TEST)?;
            match (fields.get("equals"), fields.get("contains")) {
                (Some(entry), None) => read::text(bag, entry).map(|text| TextTest::Equals(text.to_owned())),
                (None, Some(entry)) => one_or_more(bag, entry).map(TextTest::Contains),
                _ if fields.is_faulty() => None,
                _ => {
                    let problem = Problem::error(&entry.node.place, "a text test is `equals` or `contains`");
                    bag.push(problem.help("write `{ contains: insufficient_scope }`"));
                    None
                }
            }
        }
        Value::Number(number) => Some(TextTest::Equals(number.to_string())),
        _ => read::text(bag, entry).map(|text| TextTest::Equals(text.to_owned())),
    }
}
