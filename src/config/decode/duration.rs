//! Durations: `250ms`, `5s`, `1m30s`, `24h`.

use std::{ops::RangeInclusive, time::Duration};

use super::{bag::Bag, read};
use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Entry, Value},
    },
};

/// The duration of a field. Seconds are proposed for a number without a unit if they are in `usual`, else `help` says what
/// to write.
pub(super) fn decode(bag: &mut Bag, entry: &Entry, usual: &RangeInclusive<Duration>, help: &str) -> Option<Duration> {
    if let Value::Number(number) = &entry.node.value {
        let problem = Problem::error(&entry.node.place, format!("`{}` lacks a unit", entry.key));
        let is_usual = number.as_u64().is_some_and(|seconds| usual.contains(&Duration::from_secs(seconds)));
        bag.push(problem.help(match is_usual {
            true => format!("write `{number}s` for seconds, or use `ms`, `m`, `h`, `d`"),
            false => help.to_owned(),
        }));
        return None;
    }
    let text = read::text(bag, entry)?;
    let duration = parse(text);
    if duration.is_none() {
        let message = format!("{} is not a duration", quoted(text));
        let help = "write whole numbers with units, the largest first: `250ms`, `5s`, `1m30s`, `24h`";
        bag.push(Problem::error(&entry.node.place, message).help(help));
    }
    duration
}

/// The duration of a text: numbers with units, each unit smaller than the one before.
pub fn parse(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        if *millis >= last {
            return None;
        }
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(*millis)?)?;
        last = *millis;
        rest = after;
    }
    (!text.is_empty()).then(|| Duration::from_millis(total))
}

/// A duration as one would write it.
pub fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds, duration.subsec_millis()) {
        (seconds, 0) if seconds > 0 && seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        (seconds, 0) if seconds > 0 && seconds % 60 == 0 => format!("{}m", seconds / 60),
        (seconds, 0) => format!("{seconds}s"),
        _ => format!("{}ms", duration.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, millis) in [
            ("5s", 5000),
            ("250ms", 250),
            ("1m30s", 90_000),
            ("24h", 86_400_000),
            ("1d", 86_400_000),
            ("1h2m3s4ms", 3_723_004),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_one() {
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "5S",
            "-5s",
            "1.5s",
            "5sec",
            "5s1m",
            "5s5s",
            "1s2",
            "é",
            "5é",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_duration_is_shown_as_it_is_written() {
        for text in ["5s", "5m", "24h", "250ms", "90s"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }
}
