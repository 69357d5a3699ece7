//! The faults of claims that can't be read: names that are too long, dates that are none, nesting that is too deep.

use super::{steps::Check, token_view::View, value::json};
use crate::limits;

/// Checks a claim that is a name: at most so long.
pub(super) fn name(view: &View<'_>, claim: &str, expected: &str) -> Check {
    match overlong(view, claim) {
        Some(found) => Check::found(found).expected(format!("a string of at most {} bytes", limits::NAME_CLAIM_BYTES)),
        None => Check::found(view.claim(claim)).expected(expected),
    }
}

/// The length of a name that is too long.
pub(super) fn overlong(view: &View<'_>, claim: &str) -> Option<String> {
    let length = view.claims()?.get(claim)?.as_str()?.len();
    (length > limits::NAME_CLAIM_BYTES).then(|| format!("{claim} of {length} bytes"))
}

/// Describes the first name of a strict token that is missing or too long.
pub(super) fn strict_names(view: &View<'_>) -> Check {
    let is_absent = |claim: &str| view.claims().is_some_and(|claims| !claims.has(claim));
    let absent = || ["sub", "client_id", "jti", "iat"].into_iter().find(|claim| is_absent(claim));
    let long = ["sub", "client_id", "jti"].into_iter().find_map(|claim| overlong(view, claim));
    let found = long.or_else(|| absent().map(|claim| format!("no `{claim}`")));
    Check { found, ..Check::default() }
}

/// Describes the fault of a date that is none.
pub(super) fn unreadable_date(view: &View<'_>, claim: &str) -> Option<Check> {
    view.asked(|claims| claims.date(claim))?;
    let value = view.claims()?.get(claim)?;
    let number = value.as_f64();
    let kind = if value.is_string() { "the string " } else { "" };
    let is_of_millis = number.is_some_and(|number| (0.0..=limits::NUMERIC_DATE_SECONDS).contains(&(number / 1000.0)));
    let known = Check::found(format!("{claim} {kind}{}", json(Some(value)))).expected(format!(
        "a number: seconds since 1970, at most {} (RFC 7519 section 2)",
        limits::NUMERIC_DATE_SECONDS
    ));
    Some(if is_of_millis { known.note("it may be milliseconds") } else { known })
}

/// Levels of JSON: how deep brackets nest outside strings.
pub(super) fn json_depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth = depth.saturating_add(1),
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
