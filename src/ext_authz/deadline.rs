//! The `grpc-timeout` of a call: the time Envoy waits for our answer.

use std::time::Duration;

use http::HeaderMap;

use crate::limits;

/// Returns how long a Check may wait for keys: what Envoy allows less a part of it, so that the answer still arrives, and
/// [`limits::KEY_WAIT`] if Envoy says nothing.
#[must_use]
pub fn key_wait(headers: &HeaderMap) -> Duration {
    key_wait_within(timeout(headers))
}

/// The time that the client of a call waits for its answer, if it says so.
#[must_use]
pub fn timeout(headers: &HeaderMap) -> Option<Duration> {
    headers.get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?))
}

/// The time that a Check may wait for keys, from the time that its client waits.
#[must_use]
pub(crate) fn key_wait_within(timeout: Option<Duration>) -> Duration {
    timeout.map_or(limits::KEY_WAIT, |timeout| (timeout - timeout / limits::DEADLINE_MARGIN).min(limits::KEY_WAIT))
}

/// At most eight digits and a unit: gRPC over HTTP/2, "Timeout".
fn parse(text: &str) -> Option<Duration> {
    if text.len() > limits::GRPC_TIMEOUT_CHARS {
        return None;
    }
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => count.checked_mul(3600).map(Duration::from_secs),
        "M" => count.checked_mul(60).map(Duration::from_secs),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(text: &str) -> Duration {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().unwrap());
        key_wait(&headers)
    }

    #[test]
    fn the_wait_ends_before_envoys_deadline() {
        assert_eq!(wait("250m"), Duration::from_millis(200));
        assert_eq!(wait("1S"), Duration::from_millis(800));
        assert_eq!(wait("2500m"), limits::KEY_WAIT);
        assert_eq!(wait("1H"), limits::KEY_WAIT);
        assert_eq!(wait("10m"), Duration::from_millis(8));
        assert_eq!(wait("1n"), Duration::from_nanos(1));
        assert_eq!(wait("0m"), Duration::ZERO);
        assert_eq!(wait("99999999u"), limits::KEY_WAIT);
    }

    #[test]
    fn without_a_readable_deadline_our_own_counts() {
        assert_eq!(key_wait(&HeaderMap::new()), limits::KEY_WAIT);
        for odd in ["", "1", "m", "-1m", "1x", "1.5S", "999999999S", "+1S"] {
            assert_eq!(wait(odd), limits::KEY_WAIT, "{odd:?}");
        }
    }
}
