//! Whether an answer says what it must.

use envoy_types::pb::envoy::{
    config::core::v3::HeaderValue,
    service::auth::v3::{CheckResponse, OkHttpResponse, check_response::HttpResponse},
};
use prost::Message as _;

use crate::tokens::subject;

/// So many different right answers are remembered, each as bytes.
const KNOWN: usize = 4;
/// Where Portcullis says who called, unless it is told otherwise.
const SUBJECT: &str = "x-auth-subject";
/// One of those that it always removes.
const REMOVED: &str = "x-original-url";

/// What a request must be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No status, or code 0, and an `ok_response`.
    Allow,
    /// The same, and it tells upstream who called: whom the token of that number is about. Portcullis answers so.
    AllowFor(usize),
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
            // Another answer for each token.
            Verdict::AllowFor(_) => return says(frame, expected),
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
        (Verdict::AllowFor(number), Some(HttpResponse::OkResponse(ok))) => code == 0 && is_for(&ok, &subject(number)),
        (Verdict::Unauthenticated, Some(HttpResponse::DeniedResponse(denied))) => {
            code == 16 && denied.status.is_some_and(|status| status.code == 401)
        }
        _ => false,
    }
}

/// Whether upstream hears of that caller and of no other, and not of what could be taken for the request's own path.
fn is_for(ok: &OkHttpResponse, subject: &str) -> bool {
    let headers = ok.headers.iter().filter_map(|option| option.header.as_ref());
    let said: Vec<&HeaderValue> = headers.filter(|header| header.key == SUBJECT).collect();
    let is_said =
        matches!(said.as_slice(), [header] if header.value == subject || header.raw_value == subject.as_bytes());
    is_said && ok.headers_to_remove.iter().any(|name| name == REMOVED)
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::config::core::v3::HeaderValueOption;

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

    /// An allow with these headers, and that one removed.
    fn allow(headers: &[(&str, &str)], removed: &str, code: i32) -> Vec<u8> {
        let header = |(key, value): &(&str, &str)| HeaderValueOption {
            header: Some(HeaderValue { key: (*key).into(), value: (*value).into(), ..HeaderValue::default() }),
            ..HeaderValueOption::default()
        };
        let ok = OkHttpResponse {
            headers: headers.iter().map(header).collect(),
            headers_to_remove: vec!["x-other".into(), removed.into()],
            ..OkHttpResponse::default()
        };
        let status = Some(envoy_types::pb::google::rpc::Status { code, ..Default::default() });
        let http_response = Some(HttpResponse::OkResponse(ok));
        let message = CheckResponse { status, http_response, ..CheckResponse::default() }.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0][..], &length, &message].concat()
    }

    #[test]
    fn an_allow_for_one_caller_is_none_for_another() {
        let (own, other) = (subject(7), subject(8));
        let (own, other) = ((SUBJECT, own.as_str()), (SUBJECT, other.as_str()));
        let is = |answer: &[u8], number| Checker::default().is(answer, Verdict::AllowFor(number));
        let right = allow(&[("x-auth-scopes", "a"), own], REMOVED, 0);
        assert_eq!([7, 8].map(|number| is(&right, number)), [true, false]);
        assert!(!Checker::default().is(&right, Verdict::Unauthenticated));
        let wrong = [
            ALLOW.to_vec(),
            allow(&[], REMOVED, 0),
            allow(&[other], REMOVED, 0),
            allow(&[own, other], REMOVED, 0),
            allow(&[("x-other", own.1)], REMOVED, 0),
            allow(&[own], "x-another", 0),
            allow(&[own], REMOVED, 16),
        ];
        for (place, answer) in wrong.iter().enumerate() {
            assert!(!is(answer, 7), "{place}");
        }
    }
}
