//! The response to an [`super::request::Ask`].

use std::sync::Arc;

use serde_json::{Map, Value};

use portcullis_engine::{jwt::verified_token::VerifiedToken, reason::DenyReason};

/// What came of a request: the answer as Envoy reads it, and what it was found on.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Whether Envoy lets the request pass.
    pub allowed: bool,
    /// The HTTP status of a denial; 200 where Envoy lets the request pass.
    pub status: u16,
    /// The headers of a denial, in order.
    pub headers: Vec<(String, String)>,
    /// The body of a denial.
    pub body: String,
    /// `ok`, or the code of the denial.
    pub reason: String,
    /// The denial's reason.
    pub deny: Option<DenyReason>,
    /// The rule that was chosen, if it came to that.
    pub rule: Option<RuleHit>,
    /// The headers set upstream, if it passes.
    pub set: Vec<(String, String)>,
    /// The headers removed upstream, if it passes.
    pub removed: Vec<String>,
    /// The dynamic metadata, as Envoy's access log can print it.
    pub metadata: Map<String, Value>,
    /// What the rule asks of the token, in the order in which it is judged; empty unless there is a valid token.
    pub conditions: Vec<JudgedCondition>,
    /// The token, if it was verified.
    pub token: Option<Arc<VerifiedToken>>,
}

/// The rule that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHit {
    /// Its id.
    pub id: String,
    /// Where it stands: `portcullis.yaml:23`; empty if nowhere.
    pub written_at: String,
    /// Which one it is.
    pub is: RuleRef,
    /// Its host pattern, `*` for any; none for a named policy and the default.
    pub host: Option<String>,
    /// Its path pattern; none for a named policy and the default.
    pub path: Option<String>,
}

/// Which rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleRef {
    /// That of a route: its index in `Policy::rules`.
    Route(usize),
    /// A named policy.
    Named(String),
    /// `default:`
    Default,
}

/// One thing that a rule asks of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedCondition {
    /// Its place among the rule's conditions.
    pub index: usize,
    /// What it asks, for people.
    pub text: String,
    /// The denial for a token that does not meet it.
    pub reason: DenyReason,
    /// Whether the token meets it.
    pub met: bool,
}
