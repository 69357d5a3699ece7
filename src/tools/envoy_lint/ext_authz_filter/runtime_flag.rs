//! Settings that the runtime can replace by a value under their `runtime_key`: a switch, and a part of all requests.

use crate::{
    document::tree::{Node, Value},
    tools::envoy_lint::{read, scene::Runtime},
};

/// Returns what the runtime says of a setting.
pub(crate) fn setting<'n>(runtime: &Runtime<'n>, flag: &Node) -> Option<&'n Node> {
    runtime.setting(read::text(flag, "runtime_key")?)
}

/// Tells whether a `RuntimeFeatureFlag` is on.
pub(crate) fn is_on(runtime: &Runtime<'_>, flag: &Node) -> bool {
    let default = || read::value(flag, "default_value").is_some_and(read::is_true);
    let Some(value) = setting(runtime, flag) else { return default() };
    match &value.value {
        Value::Bool(is_on) => *is_on,
        // Whether a number is true, and a text false, depends on Envoy's version.
        Value::String(text) if is_number_like(text) || text.eq_ignore_ascii_case("false") => false,
        Value::String(_) if value.plain && read::is_true(value) => true,
        Value::String(text) if value.plain && is_off(text) => false,
        // No version takes any other text.
        Value::String(_) => default(),
        _ => false,
    }
}

/// Tells whether Envoy's YAML reader takes a text without quotes for false.
fn is_off(text: &str) -> bool {
    ["n", "no", "off"].iter().any(|no| no.eq_ignore_ascii_case(text))
}

/// Tells whether a `RuntimeFractionalPercent` is 100 %.
pub(crate) fn is_everything(runtime: &Runtime<'_>, fraction: &Node) -> bool {
    let default = || read::value(fraction, "default_value").is_some_and(is_whole);
    let Some(value) = setting(runtime, fraction) else { return default() };
    match &value.value {
        Value::Number(_) => read::number(value).is_some_and(|percent| percent >= 100),
        Value::String(text) if is_number_like(text) => {
            let trimmed = Node { value: Value::String(text.trim().to_owned()), ..value.clone() };
            read::number(&trimmed).is_some_and(|percent| percent >= 100)
        }
        Value::Section(_) => is_whole_in_runtime(value).unwrap_or_else(default),
        Value::Bool(_) | Value::String(_) => default(),
        Value::Null | Value::List(_) => false,
    }
}

/// Tells whether a text may be a number for Envoy's runtime, in whatever form.
fn is_number_like(text: &str) -> bool {
    text.contains(|letter: char| letter.is_ascii_digit()) || text.trim().parse::<f64>().is_ok()
}

/// Tells whether a `FractionalPercent` is 100 %.
fn is_whole(value: &Node) -> bool {
    let numerator = read::value(value, "numerator").and_then(read::number).unwrap_or(0);
    let denominator = read::value(value, "denominator");
    let is = |name, code| denominator.is_some_and(|denominator| read::is_enum(denominator, name, code));
    let whole = if is("TEN_THOUSAND", 1) {
        10_000
    } else if is("MILLION", 2) {
        1_000_000
    } else {
        100
    };
    numerator >= whole
}

/// Tells whether a section of the runtime is 100 %. Envoy reads it by code of its own, which knows the fields by one spelling and the
/// denominators by name; with anything else in it, the section does not count.
fn is_whole_in_runtime(value: &Node) -> Option<bool> {
    let (mut numerator, mut whole) = (0, 100);
    for entry in read::entries(value) {
        match entry.key.as_str() {
            "numerator" => {
                let is_quoted = matches!(entry.node.value, Value::String(_)) && !entry.node.plain;
                // A text is left out, and leaves nothing.
                numerator = read::number(&entry.node).filter(|_| !is_quoted).unwrap_or(0);
            }
            "denominator" => {
                whole = match read::as_text(&entry.node)? {
                    "HUNDRED" => 100,
                    "TEN_THOUSAND" => 10_000,
                    "MILLION" => 1_000_000,
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    Some(numerator >= whole)
}
