//! Moments of a token, told from the moment of the request.

use std::time::Duration;

use serde_json::Value;

use crate::tools::simulate::timestamp;
use portcullis_engine::{jwt::claims::Claims, time::UnixTime};

/// A date of a token: what it says, and how far it is from now.
pub(super) fn date(claims: &Claims, claim: &str, now: UnixTime) -> String {
    match claims.date(claim) {
        Ok(Some(date)) => format!("{}, {}", timestamp::show(date), distance(date, now)),
        Ok(None) => "nothing".to_owned(),
        Err(_) => super::value::json(claims.get(claim).or(Some(&Value::Null))),
    }
}

/// `5m ago`, `in 2h 3m`.
pub(super) fn distance(date: UnixTime, now: UnixTime) -> String {
    match date.as_secs().saturating_sub(now.as_secs()) {
        0 => "now".to_owned(),
        ahead @ 1.. => format!("in {}", span(ahead)),
        behind => format!("{} ago", span(behind.saturating_neg())),
    }
}

/// A tolerance, if there is one.
pub(super) fn tolerance(tolerance: Duration) -> String {
    if tolerance.is_zero() {
        String::new()
    } else {
        format!(", give or take {}", crate::config::show_duration(tolerance))
    }
}

/// The two largest units of a span of seconds.
fn span(seconds: i64) -> String {
    const UNITS: [(&str, i64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (name, unit) in UNITS {
        if left >= unit {
            parts.push(format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    parts.truncate(2);
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_two_units_at_most() {
        let from = |seconds: i64| distance(UnixTime::from_secs(1_000_000 + seconds), UnixTime::from_secs(1_000_000));
        assert_eq!([from(0), from(59), from(-61), from(7200)], ["now", "in 59s", "1m 1s ago", "in 2h"]);
        assert_eq!([from(90_061), from(-86_400)], ["in 1d 1h", "1d ago"]);
    }
}
