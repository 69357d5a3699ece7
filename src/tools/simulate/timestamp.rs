//! Moments as people write them: RFC 3339, seconds since 1970, `now`, and so much before or after one of them.

use std::time::Duration;

use prost_types::Timestamp;

use crate::config::parse_duration;
use portcullis_engine::time::UnixTime;

/// Some text is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: write `2026-01-31T12:00:00Z`, seconds since 1970, `now`, or `now-5m`")]
pub struct InvalidMoment(String);

/// The moment of that text.
///
/// # Errors
/// [`InvalidMoment`], also for a time of day without its offset from UTC: nobody can say whose it is.
pub fn parse(text: &str, now: UnixTime) -> Result<UnixTime, InvalidMoment> {
    let text = text.trim();
    read(text, now).ok_or_else(|| InvalidMoment(text.chars().take(40).collect()))
}

fn read(text: &str, now: UnixTime) -> Option<UnixTime> {
    if let Some(shift) = text.strip_prefix("now") {
        return match shift.split_at_checked(1) {
            None => Some(now),
            Some(("+", by)) => Some(now.plus(duration(by)?)),
            Some(("-", by)) => Some(now.minus(duration(by)?)),
            Some(_) => None,
        };
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds: i64 = text.parse().ok()?;
        return (seconds <= LATEST).then(|| UnixTime::from_secs(seconds));
    }
    let (_, time) = text.split_once(['T', 't', ' '])?;
    // RFC 3339 section 4.4: without an offset it is somebody's local time.
    let has_offset = time.ends_with(['Z', 'z']) || time.contains(['+', '-']);
    let parsed: Timestamp = has_offset.then(|| text.parse().ok())??;
    let millis = parsed.seconds.checked_mul(1000)?.checked_add(i64::from(parsed.nanos / 1_000_000))?;
    (0..=LATEST).contains(&parsed.seconds).then(|| UnixTime::from_millis(millis))
}

/// The last second of the year 9999.
const LATEST: i64 = 253_402_300_799;

fn duration(text: &str) -> Option<Duration> {
    parse_duration(text.trim())
}

/// The moment in RFC 3339, in UTC and whole seconds.
#[must_use]
pub fn show(moment: UnixTime) -> String {
    Timestamp { seconds: moment.as_secs(), nanos: 0 }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let now = UnixTime::from_secs(1_000_000);
        let cases = [
            ("now", 1_000_000),
            ("now-5m", 999_700),
            ("now+1h", 1_003_600),
            ("0", 0),
            ("1767225600", 1_767_225_600),
            ("2026-01-01T00:00:00Z", 1_767_225_600),
            ("2026-01-01T01:00:00+01:00", 1_767_225_600),
            ("2025-12-31T19:00:00.5-05:00", 1_767_225_600),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text, now).map(UnixTime::as_secs), Ok(seconds), "{text}");
        }
        assert_eq!(show(UnixTime::from_secs(1_767_225_600)), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_moment_is_an_error() {
        let bad = [
            "",
            "soon",
            "now5m",
            "now-",
            "now-5",
            "nowhere",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "-5",
            "1e9",
            "99999999999999999999",
            "253402300800",
            "1969-12-31T23:59:59Z",
            "2026-02-30T00:00:00Z",
            "é",
        ];
        for text in bad {
            assert!(parse(text, UnixTime::from_secs(0)).is_err(), "{text}");
        }
    }
}
