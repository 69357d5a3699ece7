//! Explains why a request was answered as it was: every check in the order of the engine, with what was found and what was
//! expected, up to the one that failed.
//!
//! Nothing is judged here. The engine's verdict says what failed; where one verdict can come of several checks, the
//! engine's own functions are asked which. What stands before that check passed, what stands behind it was not reached.

mod admitted_methods;
mod credentials;
mod explanation;
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
mod token_view;
mod unreadable;
mod value;

pub use self::{
    explanation::{Answer, Explanation, Header, Request, Rule, Signatures, Verdict},
    steps::{Outcome, Step},
};
use self::{steps::Walk, token_view::View};
use super::simulate::{
    request::Ask,
    response::{Answered, RuleRef},
    simulator::Stage,
    timestamp,
};
use portcullis_engine::{jwt::evidence::Evidence, oauth::challenge};

/// Explains why that request was answered in that way. `ask` is the request as the client sent it.
#[must_use]
pub fn explain(stage: &Stage, ask: &Ask, answered: &Answered, signature: Signatures) -> Explanation {
    let heard = ask.message.heard();
    let judged = heard.judged();
    let mut walk = Walk::default();
    request::walk(&mut walk, &ask.message, &judged, answered);
    rule::route(&mut walk, stage, &judged, answered);
    let values: Vec<&[u8]> = heard.authorization().collect();
    credentials::credentials(&mut walk, &values, answered);
    let view = View::of(&values, stage, ask.at, signature);
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

fn verdict(stage: &Stage, view: &View<'_>, answered: &Answered) -> Verdict {
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
