//! Denials as far as they depend on the reason alone: encoded once, and put together with what varies.

use super::{
    identity_headers::{header, name_piece},
    metadata,
    protobuf_writer::{Field, Number, Part, encoded},
};
use portcullis_engine::{
    oauth::challenge::{self, Challenge},
    reason::{DenyReason, Status},
};

/// `body` of a `DeniedHttpResponse`.
const BODY: u8 = 3;

/// The encoded name of the challenge.
pub(super) const WWW_AUTHENTICATE: &[u8] = b"\x0A\x10www-authenticate";
/// The encoded name of the header that says when to come back.
pub(super) const RETRY_AFTER: &[u8] = b"\x0A\x0Bretry-after";

/// The denials of every reason.
#[derive(Clone, Debug)]
pub(super) struct Refusals(Box<[Refusal]>);

/// What is known of the denial for one reason.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// `status` of the `CheckResponse`.
    pub(super) status: Box<[u8]>,
    /// The HTTP status and the first headers, encoded.
    pub(super) start: Box<[u8]>,
    /// The challenge, encoded: no bytes if there is none.
    pub(super) challenge: Box<[u8]>,
    /// The text of the challenge, if it goes on to name scopes.
    pub(super) challenge_with_scope: Option<Box<str>>,
    /// The last header and the body for gRPC callers, encoded.
    pub(super) grpc: Box<[u8]>,
    problem: Problem,
    /// The first fields of the metadata.
    pub(super) outcome: Box<[u8]>,
}

/// A problem document (RFC 9457) with a gap for the request's id.
#[derive(Clone, Debug)]
struct Problem {
    /// Its content type, encoded.
    content_type: Box<[u8]>,
    start: Box<str>,
    end: Box<str>,
}

impl Refusals {
    pub(super) fn new() -> Self {
        Self(DenyReason::all().map(Refusal::new).collect())
    }

    /// The one for that reason. There is one for each.
    pub(super) fn of(&self, reason: DenyReason) -> Option<&Refusal> {
        self.0.get(reason.index())
    }
}

impl Refusal {
    fn new(reason: DenyReason) -> Self {
        let answer = challenge::fixed(reason);
        let code = answer.status.grpc();
        // Never left out: Envoy takes a message without a status for an allow.
        let status = encoded(&Field::new(1, (Number::new(1, code.into()), Field::new(2, reason.code()))));
        let no_store = name_piece("cache-control");
        let start = encoded(&(http_status(answer.status), header(&no_store, "no-store")));
        let challenge = answer.www_authenticate.as_deref();
        let challenge_with_scope = challenge.filter(|_| answer.names_scope).map(Box::from);
        let challenge = encoded(&challenge.map(|text| header(WWW_AUTHENTICATE, text)));
        // Wins over Envoy's own mapping, which knows only 401 and 403.
        let (name, code) = (name_piece("grpc-status"), code.to_string());
        let grpc = encoded(&(header(&name, code.as_str()), Field::new(BODY, answer.detail)));
        let outcome = metadata::outcome("deny", reason.code());
        Self { status, start, challenge, challenge_with_scope, grpc, problem: Problem::new(&answer), outcome }
    }

    /// The last header and the body for callers that read HTTP.
    pub(super) fn problem<'a>(&'a self, request_id: Option<&'a str>) -> impl Part + 'a {
        let Problem { content_type, start, end } = &self.problem;
        // The id is made of letters, digits and `-`: nothing in it needs an escape.
        let id = request_id.map(|id| (r#","request_id":""#, id, "\""));
        (&**content_type, Field::new(BODY, (&**start, id, &**end)))
    }
}

impl Problem {
    /// Members in byte order of their names.
    fn new(answer: &Challenge) -> Self {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let error = answer.error.map(|error| format!(r#","error":{}"#, quoted(error))).unwrap_or_default();
        let start = format!(r#"{{"detail":{}{error}"#, quoted(answer.detail));
        let end = format!(r#","status":{},"title":{}}}"#, answer.status.http(), quoted(answer.title));
        let content_type = encoded(&header(&name_piece("content-type"), "application/problem+json"));
        Self { content_type, start: start.into(), end: end.into() }
    }
}

/// `status` of a `DeniedHttpResponse`.
fn http_status(status: Status) -> impl Part {
    Field::new(1, Number::new(1, status.http()))
}
