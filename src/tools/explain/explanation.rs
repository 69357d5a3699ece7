//! An explanation: a request, its answer, every check on the way, and what would make it pass.

use serde::Serialize;
use serde_json::{Map, Value};

use super::steps::Step;

/// The check of signatures: whether it was made, and with whose keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signatures {
    /// With the issuer's own keys, fetched for this.
    Checked,
    /// Not at all: no key of any issuer is here.
    NotChecked,
    /// There is no token, only claims: one was made of them.
    MadeHere,
}

/// A request, its answer, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The request.
    pub request: Request,
    /// The check of signatures.
    pub signature: Signatures,
    /// Claims that were not given, and that a token of its issuer always has: only of one that was made here.
    pub filled_in: Vec<String>,
    /// Every check, in order.
    pub steps: Vec<Step>,
    /// The outcome.
    pub verdict: Verdict,
    /// The answer as it is sent.
    pub answer: Answer,
    /// The remedies that would let the request pass; empty if it does.
    pub help: Vec<String>,
}

/// A request as it was sent.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The host, if the request has one.
    pub host: Option<String>,
    /// The path, without the query.
    pub path: String,
    /// The named policy that the proxy chose.
    pub policy: Option<String>,
    /// The time of the request, in RFC 3339.
    pub at: String,
}

/// The outcome of a request.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Says whether Envoy lets the request pass.
    pub allowed: bool,
    /// `ok`, or the code of the denial: the same as in logs, metrics and dynamic metadata.
    pub reason: String,
    /// The reason in words.
    pub detail: Option<&'static str>,
    /// The rule that decided, if it came to that.
    pub rule: Option<Rule>,
    /// The beginning of the SHA-256 of an issuer that is not configured, as in the log line of the denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_sha256: Option<String>,
    /// The beginnings of the SHA-256 of audiences, none of which is a right one, as in that line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience_sha256: Option<String>,
}

/// The rule that decided.
#[derive(Clone, Debug, Serialize)]
pub struct Rule {
    /// The id of the rule, as in logs and dynamic metadata.
    pub id: String,
    /// The place of the rule: `portcullis.yaml:23`.
    pub written_at: String,
    /// `route`, `policy` or `default`.
    pub kind: &'static str,
    /// The host pattern of the route.
    pub host: Option<String>,
    /// The path pattern of the route.
    pub path: Option<String>,
}

/// An answer to Envoy.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The HTTP status of a denial; none if the request goes on.
    pub status: Option<u16>,
    /// The headers of a denial.
    pub headers: Vec<Header>,
    /// The body of a denial.
    pub body: Option<String>,
    /// The headers that the upstream gets, in place of the client's own.
    pub upstream_set: Vec<Header>,
    /// The headers that the upstream never gets.
    pub upstream_removed: Vec<String>,
    /// The dynamic metadata, `envoy.filters.http.ext_authz` in access logs.
    pub metadata: Map<String, Value>,
}

/// A header of an answer.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    /// The name of the header.
    pub name: String,
    /// The value of the header.
    pub value: String,
}
