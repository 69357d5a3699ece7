//! Fields of Envoy's messages as YAML or JSON has them. What is unknown here is none of our business.

use std::time::Duration;

use crate::document::tree::{Entry, Node, Place, Value};

/// Whether a key is that name: protobuf's JSON knows a field as `snake_case` and as `lowerCamelCase`.
pub(super) fn is_named(key: &str, name: &str) -> bool {
    let mut rest = key.chars();
    let mut upper = false;
    let is_camel = name.chars().all(|c| {
        if c == '_' {
            upper = true;
            return true;
        }
        let wanted = if upper { c.to_ascii_uppercase() } else { c };
        upper = false;
        rest.next() == Some(wanted)
    });
    key == name || (is_camel && rest.next().is_none())
}

/// The entries of a section; none of anything else.
pub(super) fn entries(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Section(entries) => entries,
        _ => &[],
    }
}

/// The items of a list; none of anything else.
pub(super) fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}

/// A field that is set: `null` is as good as absent. Of several this is the last; that there are several is an error of its own.
pub(super) fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Entry> {
    let is_set = |entry: &&Entry| !matches!(entry.node.value, Value::Null);
    entries(node).iter().filter(is_set).rfind(|entry| is_named(&entry.key, name))
}

/// The value of a field.
pub(super) fn value<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    field(node, name).map(|entry| &entry.node)
}

/// The value at a path of fields.
pub(super) fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, name| value(node, name))
}

/// The items of a list field.
pub(super) fn list<'n>(node: &'n Node, name: &str) -> &'n [Node] {
    value(node, name).map_or(&[], items)
}

/// A text field.
pub(super) fn text<'n>(node: &'n Node, name: &str) -> Option<&'n str> {
    value(node, name).and_then(as_text)
}

/// A text.
pub(super) fn as_text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The field, if it is there and true. If it is there twice, once is enough: which one counts is not for guessing.
pub(super) fn switched_on<'n>(node: &'n Node, name: &str) -> Option<&'n Entry> {
    entries(node).iter().find(|entry| is_named(&entry.key, name) && is_true(&entry.node))
}

/// Whether Envoy takes it for true: its YAML reader knows the booleans of YAML 1.1, its JSON reader `"true"` in quotes.
pub(super) fn is_true(node: &Node) -> bool {
    const YES: [&str; 12] = ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE", "1"];
    match &node.value {
        Value::Bool(value) => *value,
        Value::String(text) => YES.contains(&text.as_str()),
        _ => false,
    }
}

/// Tells whether a value is one of an enum, by its number or by its name, which Envoy takes in any case.
pub(super) fn is_enum(node: &Node, name: &str, code: u64) -> bool {
    as_text(node).is_some_and(|text| text.eq_ignore_ascii_case(name)) || number(node) == Some(code)
}

/// A whole number. It may be in quotes, where protobuf's JSON has those of 64 bits, and be written as `1e2`.
pub(super) fn number(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => octal(text).filter(|_| node.plain).or_else(|| text_number(text)),
        _ => None,
    }
}

/// Reads a number that begins with a zero: without quotes, Envoy's YAML reader takes it as one to the base 8.
fn octal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('+').unwrap_or(text).strip_prefix('0')?;
    let are_octal = digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    u64::from_str_radix(digits, 8).ok().filter(|_| are_octal)
}

/// Reads a number as protobuf's JSON reader does in quotes, to the base 16 behind `0x`. Envoy's YAML reader agrees with it.
fn text_number(text: &str) -> Option<u64> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    }
    unsigned.parse().ok().or_else(|| whole(unsigned.parse().ok()?))
}

/// Returns a number that has nothing behind its point.
fn whole(number: f64) -> Option<u64> {
    // Beyond 32 bits no field of Envoy takes it.
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    if is_whole { format!("{number:.0}").parse().ok() } else { None }
}

/// A `google.protobuf.Duration`: `0.25s`, or a section with `seconds` and `nanos`, which Envoy takes as well.
pub(super) fn duration(node: &Node) -> Option<Duration> {
    if matches!(node.value, Value::Section(_)) {
        let part = |name| value(node, name).map_or(Some(0), number);
        return Duration::from_secs(part("seconds")?).checked_add(Duration::from_nanos(part("nanos")?));
    }
    let seconds: f64 = as_text(node)?.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The name of the message that an `Any` holds, without what stands before its last `/`, and the message itself.
pub(super) fn message(any: &Node) -> Option<(&str, &Node)> {
    let outer = type_name(any)?;
    if !["xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"].contains(&outer) {
        return Some((outer, any));
    }
    // Without a `value`, every field of the message has its default.
    Some((type_name_of(any, "type_url")?, value(any, "value").unwrap_or(any)))
}

/// Gives the name of the type that a section has by its `@type`.
pub(super) fn type_name(node: &Node) -> Option<&str> {
    type_name_of(node, "@type")
}

/// Gives the name of the type whose URL a field has.
pub(super) fn type_name_of<'n>(node: &'n Node, field: &str) -> Option<&'n str> {
    text(node, field).map(|url| url.rsplit('/').next().unwrap_or(url))
}

/// Where something stands: its name if it is a section.
pub(super) fn place(node: &Node) -> &Place {
    field(node, "name").map_or(&node.place, |entry| &entry.node.place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::parse;

    #[test]
    fn both_spellings_are_found_and_no_other() {
        for key in ["failure_mode_allow", "failureModeAllow"] {
            assert!(is_named(key, "failure_mode_allow"), "{key}");
        }
        for key in
            ["failure_modeAllow2", "FailureModeAllow", "failuremodeallow", "failureModeAllo", "failure-mode-allow"]
        {
            assert!(!is_named(key, "failure_mode_allow"), "{key}");
        }
        assert!(is_named("name", "name") && is_named("@type", "@type"));
    }

    #[test]
    fn what_envoy_takes_for_true_is_true() {
        let node = parse("{ a: yes, b: 'true', c: On, d: no, e: false, f: 0, a_b: true, aB: false, g: null }").unwrap();
        let on: Vec<&str> = ["a", "b", "c", "d", "e", "f", "a_b", "g"]
            .into_iter()
            .filter(|name| switched_on(&node, name).is_some())
            .collect();
        assert_eq!(on, ["a", "b", "c", "a_b"]);
        assert!(field(&node, "g").is_none());
    }

    #[test]
    fn numbers_are_those_of_envoys_readers() {
        // As an Envoy 1.40 takes each of them in a bootstrap file.
        for (text, expected) in [
            ("100", Some(100)),
            ("+1", Some(1)),
            ("0100", Some(64)),
            ("+0100", Some(64)),
            ("0900", Some(900)),
            ("0x64", Some(100)),
            ("0X64", Some(100)),
            ("100.0", Some(100)),
            ("1e2", Some(100)),
            ("0", Some(0)),
            ("-1", None),
            ("99.5", None),
            ("1_0", None),
            ("0o144", None),
            ("0x", None),
            ("0x+1", None),
            ("++1", None),
            ("1e20", None),
            (".nan", None),
            ("inf", None),
            ("'0100'", Some(100)),
            ("'0x64'", Some(100)),
            ("'1e2'", Some(100)),
            ("'+1'", Some(1)),
            ("' 100'", None),
            ("''", None),
        ] {
            assert_eq!(number(&parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn the_name_of_an_enum_may_have_any_case_and_no_hyphen() {
        let is = |text| is_enum(&parse(text).unwrap(), "TEN_THOUSAND", 1);
        assert!(
            ["TEN_THOUSAND", "ten_thousand", "Ten_Thousand", "1", "'1'", "0x1", "01", "1.0"]
                .iter()
                .all(|text| is(text))
        );
        assert!(!["ten-thousand", "TENTHOUSAND", "0", "10", "~", "[1]"].iter().any(|text| is(text)));
    }

    #[test]
    fn nothing_in_one_spelling_hides_no_value_in_the_other() {
        for text in ["{ a_b: 1, aB: ~ }", "{ aB: ~, a_b: 1 }", "{ a_b: 2, aB: 1 }"] {
            assert_eq!(value(&parse(text).unwrap(), "a_b").and_then(number), Some(1), "{text}");
        }
    }

    #[test]
    fn durations_are_those_of_protobuf() {
        for (text, millis) in
            [("0.25s", Some(250)), ("1s", Some(1000)), ("0.200s", Some(200)), ("250ms", None), ("-1s", None)]
        {
            let node = parse(&format!("'{text}'")).unwrap();
            assert_eq!(duration(&node).map(|found| found.as_millis()), millis, "{text}");
        }
        for (text, millis) in [
            ("{}", Some(0)),
            ("{ seconds: 0 }", Some(0)),
            ("{ seconds: '2', nanos: 5000000 }", Some(2005)),
            ("{ seconds: -1 }", None),
            ("{ seconds: 18446744073709551615, nanos: 1000000000 }", None),
        ] {
            let node = parse(text).unwrap();
            assert_eq!(duration(&node).map(|found| found.as_millis()), millis, "{text}");
        }
    }

    #[test]
    fn typed_structs_are_what_they_hold() {
        let plain = parse("{ '@type': type.googleapis.com/a.B, x: 1 }").unwrap();
        assert_eq!(message(&plain).unwrap().0, "a.B");
        let wrapped =
            parse("{ '@type': type.googleapis.com/xds.type.v3.TypedStruct, type_url: t/a.B, value: { x: 1 } }")
                .unwrap();
        let (name, inner) = message(&wrapped).unwrap();
        assert_eq!((name, number(value(inner, "x").unwrap())), ("a.B", Some(1)));
    }
}
