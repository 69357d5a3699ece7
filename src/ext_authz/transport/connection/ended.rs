//! The reason for which a connection has ended: h2's error, as a word of a closed list for metrics, and as text for the log.

use std::{error::Error as _, io};

use h2::Reason;

use crate::ext_authz::service::ConnectionFailure;

/// The words for the error codes of RFC 9113 section 7, as metrics say them.
const CODES: [(Reason, &str); 14] = [
    (Reason::NO_ERROR, "no_error"),
    (Reason::PROTOCOL_ERROR, "protocol_error"),
    (Reason::INTERNAL_ERROR, "internal_error"),
    (Reason::FLOW_CONTROL_ERROR, "flow_control_error"),
    (Reason::SETTINGS_TIMEOUT, "settings_timeout"),
    (Reason::STREAM_CLOSED, "stream_closed"),
    (Reason::FRAME_SIZE_ERROR, "frame_size_error"),
    (Reason::REFUSED_STREAM, "refused_stream"),
    (Reason::CANCEL, "cancel"),
    (Reason::COMPRESSION_ERROR, "compression_error"),
    (Reason::CONNECT_ERROR, "connect_error"),
    (Reason::ENHANCE_YOUR_CALM, "enhance_your_calm"),
    (Reason::INADEQUATE_SECURITY, "inadequate_security"),
    (Reason::HTTP_1_1_REQUIRED, "http_1_1_required"),
];

/// Describes why a connection ended with an error. Returns nothing if the peer broke it off before it was used.
pub(super) fn failure(error: &hyper::Error, goodbye: Option<&str>, is_used: bool) -> Option<ConnectionFailure> {
    let source = error.source();
    let reason = match source.and_then(|source| source.downcast_ref::<h2::Error>()) {
        Some(cause) => cause.reason().map_or(ConnectionFailure::OTHER, name),
        // hyper takes the system's errors out of h2's.
        None if source.is_some_and(|source| source.is::<io::Error>()) => {
            if !is_used {
                return None;
            }
            ConnectionFailure::BROKEN
        }
        None if error.is_timeout() => ConnectionFailure::KEEPALIVE,
        None => ConnectionFailure::OTHER,
    };
    let text = source.map_or_else(|| error.to_string(), ToString::to_string);
    let text = match goodbye {
        Some(goodbye) => format!("{text}: {goodbye}"),
        None => text,
    };
    Some(ConnectionFailure::new(reason, &text))
}

fn name(reason: Reason) -> &'static str {
    CODES.iter().find(|(code, _)| *code == reason).map_or(ConnectionFailure::OTHER, |(_, name)| name)
}

/// The text of a GOAWAY at the end of what is written: `too_many_resets`, say. h2 doesn't put it into its error.
pub(super) fn goodbye(written: &[u8]) -> Option<&str> {
    /// The type of the frame, RFC 9113 section 6.8.
    const GOAWAY: u8 = 7;
    /// The head of a frame, the last stream, the error code.
    const BEFORE: usize = 9 + 4 + 4;
    let is_text = |byte: &&u8| byte.is_ascii_lowercase() || **byte == b'_';
    let length = written.iter().rev().take_while(is_text).count();
    let frame = written.get(written.len().checked_sub(length + BEFORE)?..)?;
    let [_, _, payload, GOAWAY, ..] = *frame else { return None };
    let text = frame.get(BEFORE..).filter(|text| usize::from(payload) == text.len() + 8)?;
    str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_goaway_is_found_at_the_end_of_what_is_written() {
        let frame = |kind: u8, text: &[u8]| {
            let length = u8::try_from(text.len() + 8).unwrap();
            [b"before".as_slice(), &[0, 0, length, kind, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 11], text].concat()
        };
        assert_eq!(goodbye(&frame(7, b"too_many_resets")), Some("too_many_resets"));
        assert_eq!(goodbye(&frame(0, b"too_many_resets")), None, "DATA");
        assert_eq!(goodbye(&frame(7, b"too_many_resets")[7..]), None, "a part of it");
        assert_eq!(goodbye(b"words"), None);
        assert_eq!(goodbye(b""), None);
    }

    #[test]
    fn every_error_code_has_a_word_that_metrics_know() {
        for (_, word) in CODES {
            assert!(ConnectionFailure::REASONS.contains(&word), "{word}");
        }
        assert_eq!(name(Reason::from(99)), "other");
    }
}
