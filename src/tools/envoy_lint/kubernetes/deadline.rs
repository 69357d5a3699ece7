//! The time that a control plane has Envoy wait for an answer.

use std::time::Duration;

use crate::{
    document::tree::{Node, Place},
    tools::envoy_lint::{findings::Findings, read, service::timeout},
};

/// A control plane and the time that it sets where its user sets none.
pub(super) struct Default {
    pub(super) who: &'static str,
    pub(super) waits: Duration,
}

/// Lints the `timeout` of settings that stand at a place.
pub(super) fn lint(findings: &mut Findings, settings: &Node, place: &Place, default: &Default) {
    let entry = read::field(settings, "timeout");
    let at = entry.map_or(place, |entry| &entry.node.place);
    let Some(waits) = entry.map_or(Some(default.waits), |entry| parse(&entry.node)) else { return };
    let words = if entry.is_none() { (default.who, timeout::BY_DEFAULT) } else { ("Envoy", "") };
    timeout::lint(findings, at, waits, words);
}

/// Reads a duration of protobuf (`0.5s`) or of the Gateway API (`1m30s`, `500ms`).
fn parse(node: &Node) -> Option<Duration> {
    if let Some(duration) = read::duration(node) {
        return Some(duration);
    }
    let mut rest = read::as_text(node)?;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = rest.split_at_checked(digits)?;
        let number: u32 = number.parse().ok()?;
        let units = [("ms", Duration::from_millis(1)), ("h", HOUR), ("m", MINUTE), ("s", Duration::from_secs(1))];
        let (name, length) = units.into_iter().find(|(name, _)| unit.starts_with(name))?;
        sum = sum.checked_add(length.checked_mul(number)?)?;
        rest = unit.get(name.len()..)?;
    }
    Some(sum)
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::parse as parse_yaml;

    #[test]
    fn durations_of_both_apis_are_read() {
        for (text, millis) in [
            ("1s", Some(1000)),
            ("0.5s", Some(500)),
            ("500ms", Some(500)),
            ("1m30s", Some(90_000)),
            ("2h", Some(7_200_000)),
            ("s", None),
            ("5", None),
            ("99999999999s1", None),
        ] {
            let node = parse_yaml(&format!("'{text}'")).unwrap();
            assert_eq!(parse(&node).map(|found| found.as_millis()), millis, "{text}");
        }
    }
}
