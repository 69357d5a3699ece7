//! Why a request was answered as it was: every check in the order of the engine, with what was found and what was
//! expected, up to the one that failed.
//!
//! Nothing is judged here. The engine's verdict says what failed; where one verdict can come of several checks, the
//! engine's own functions are asked which. What stands before that check passed, what stands behind it was not reached.

mod credentials;
mod help;
mod keys;
mod offers;
mod path;
mod request;
mod rule;
mod steps;
pub mod text;
mod times;
mod token;
mod unreadable;
mod value;

use serde::Serialize;
use serde_json::{Map, Value};

use self::steps::Walk;
pub use self::steps::{Outcome, Step};
use super::simulate::{
    request::Ask,
    response::{Answered, RuleRef},
    simulator::Stage,
    timestamp,
};
use portcullis_engine::{jwt::evidence::Evidence, oauth::challenge};

/// Whether signatures were checked, with whose keys.
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
    /// What was asked.
    pub request: Request,
    /// Whether signatures were checked.
    pub signature: Signatures,
    /// Claims that were not given, and that a token of its issuer always has: only of one that was made here.
    pub filled_in: Vec<String>,
    /// Every check, in order.
    pub steps: Vec<Step>,
    /// What came of it.
    pub verdict: Verdict,
    /// The answer, exactly.
    pub answer: Answer,
    /// What would make it pass; empty if it does.
    pub help: Vec<String>,
}

/// A request as it was sent.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its host, if it has one.
    pub host: Option<String>,
    /// Its path, without its query.
    pub path: String,
    /// The named policy that the proxy chose.
    pub policy: Option<String>,
    /// When, in RFC 3339.
    pub at: String,
}

/// What came of a request.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Whether Envoy lets it pass.
    pub allowed: bool,
    /// `ok`, or the code of the denial: the same as in logs, metrics and dynamic metadata.
    pub reason: String,
    /// The same in words.
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
    /// Its id, as in logs and dynamic metadata.
    pub id: String,
    /// Where it stands: `portcullis.yaml:23`.
    pub written_at: String,
    /// `route`, `policy` or `default`.
    pub kind: &'static str,
    /// Its host pattern.
    pub host: Option<String>,
    /// Its path pattern.
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

/// A header.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Why that request was answered in that way. `ask` is the request as the client sent it.
#[must_use]
pub fn explain(stage: &Stage, ask: &Ask, answered: &Answered, signature: Signatures) -> Explanation {
    let heard = ask.message.heard();
    let judged = heard.judged();
    let mut walk = Walk::default();
    request::walk(&mut walk, &ask.message, &judged, answered);
    rule::route(&mut walk, stage, &judged, answered);
    let values: Vec<&[u8]> = heard.authorization().collect();
    credentials::credentials(&mut walk, &values, answered);
    let view = token::View::of(&values, stage, ask.at, signature);
    token::walk(&mut walk, &view, answered, signature);
    rule::conditions(&mut walk, stage, &judged, answered);
    let help = help::help(stage, ask, &judged, &view, answered);
    Explanation {
        request: Request {
            method: value::masked(ask.message.method()),
            host: Some(value::masked(ask.message.host())).filter(|host| !host.is_empty()),
            path: value::path(ask.message.path()),
            policy: ask.message.policy().map(str::to_owned),
            at: timestamp::show(ask.at),
        },
        signature,
        filled_in: Vec::new(),
        steps: walk.into_steps(),
        verdict: verdict(stage, &view, answered),
        answer: answer(answered),
        help,
    }
}

fn verdict(stage: &Stage, view: &token::View<'_>, answered: &Answered) -> Verdict {
    let kind = |is: &RuleRef| match is {
        RuleRef::Route(_) => "route",
        RuleRef::Named(_) => "policy",
        RuleRef::Default => "default",
    };
    let rule = answered.rule.as_ref().map(|rule| Rule {
        id: rule.id.clone(),
        written_at: rule.written_at.clone(),
        kind: kind(&rule.is),
        host: rule.host.clone(),
        path: rule.path.clone(),
    });
    let detail = answered.deny.map(|reason| challenge::answer(reason, None).detail);
    let evidence = match (view.token, answered.deny) {
        (Some(token), Some(reason)) => stage.evidence(token, reason),
        _ => Evidence::default(),
    };
    let Evidence { issuer_sha256, audience_sha256, .. } = evidence;
    Verdict { allowed: answered.allowed, reason: answered.reason.clone(), detail, rule, issuer_sha256, audience_sha256 }
}

fn answer(answered: &Answered) -> Answer {
    let headers = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| Header { name: name.clone(), value: value.clone() }).collect()
    };
    Answer {
        status: (!answered.allowed).then_some(answered.status),
        headers: headers(&answered.headers),
        body: (!answered.allowed).then(|| answered.body.clone()),
        upstream_set: headers(&answered.set),
        upstream_removed: answered.removed.clone(),
        metadata: answered.metadata.clone(),
    }
}

#[cfg(test)]
mod tests;
