//! Whether an answer says what it must.

use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, check_response::HttpResponse};
use prost::Message as _;

/// So many different right answers are remembered, each as bytes.
const KNOWN: usize = 4;

/// What a request must be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No status, or code 0, and an `ok_response`.
    Allow,
    /// Code 16 and HTTP 401.
    Unauthenticated,
}

/// Decodes answers, each different one once: comparing bytes is much cheaper, and the client must not be what is measured.
#[derive(Debug, Default)]
pub(super) struct Checker {
    allow: Vec<Vec<u8>>,
    unauthenticated: Vec<Vec<u8>>,
}

impl Checker {
    /// Whether the message in this gRPC frame says so.
    pub(super) fn is(&mut self, frame: &[u8], expected: Verdict) -> bool {
        let known = match expected {
            Verdict::Allow => &mut self.allow,
            Verdict::Unauthenticated => &mut self.unauthenticated,
        };
        if known.iter().any(|right| right == frame) {
            return true;
        }
        let is_right = says(frame, expected);
        if is_right && known.len() < KNOWN {
            known.push(frame.to_vec());
        }
        is_right
    }
}

fn says(frame: &[u8], expected: Verdict) -> bool {
    // Not compressed, and as long as it says.
    let Some((&[0, a, b, c, d], message)) = frame.split_first_chunk::<5>() else { return false };
    if u32::from_be_bytes([a, b, c, d]) as usize != message.len() {
        return false;
    }
    let Ok(answer) = CheckResponse::decode(message) else { return false };
    let code = answer.status.map_or(0, |status| status.code);
    match (expected, answer.http_response) {
        (Verdict::Allow, Some(HttpResponse::OkResponse(_))) => code == 0,
        (Verdict::Unauthenticated, Some(HttpResponse::DeniedResponse(denied))) => {
            code == 16 && denied.status.is_some_and(|status| status.code == 401)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: &[u8] = &[0, 0, 0, 0, 2, 0x1a, 0];

    #[test]
    fn an_allow_is_no_denial_and_half_an_answer_neither() {
        let mut checker = Checker::default();
        assert!(checker.is(ALLOW, Verdict::Allow));
        assert!(checker.is(ALLOW, Verdict::Allow));
        assert!(!checker.is(ALLOW, Verdict::Unauthenticated));
        assert!(!checker.is(&ALLOW[..6], Verdict::Allow));
        assert!(!checker.is(&[], Verdict::Allow));
        // Status with code 16 beside an `ok_response`, and a denial with 403.
        assert!(!checker.is(&[0, 0, 0, 0, 6, 0x0a, 2, 8, 16, 0x1a, 0], Verdict::Allow));
        assert!(!checker.is(&[0, 0, 0, 0, 11, 0x0a, 2, 8, 16, 0x12, 5, 0x0a, 3, 8, 0x93, 3], Verdict::Unauthenticated));
        assert!(checker.is(&[0, 0, 0, 0, 11, 0x0a, 2, 8, 16, 0x12, 5, 0x0a, 3, 8, 0x91, 3], Verdict::Unauthenticated));
    }
}
