//! The rule: which one decides, and what it asks of the token.

use super::{
    admitted_methods::admitted_methods,
    path,
    steps::{Check, Outcome, Walk},
    value,
};
use crate::tools::simulate::{response::Answered, simulator::Stage};
use portcullis_engine::{
    authorizer::RequestAttributes,
    jwt::verified_token::VerifiedToken,
    policy::{
        HostPattern,
        condition::Condition,
        rule::{Access, Rule},
    },
    reason::{DenyReason, RequestFault},
};

type Judged<'a> = Result<RequestAttributes<'a>, DenyReason>;

const ROUTE: &str = "route";

/// How the rule was found.
pub(super) fn route(walk: &mut Walk, stage: &Stage, judged: &Judged<'_>, answered: &Answered) {
    let Ok(request) = judged else {
        for check in ["host table", "path pattern", "method", "rule"] {
            walk.made(ROUTE, check, false, Check::default());
        }
        return;
    };
    match request.policy {
        Some(name) => named(walk, stage, name, answered),
        None => by_pattern(walk, stage, request, answered),
    }
    let rule = stage.select(request).ok();
    let known = match rule {
        Some(rule) => {
            let known = Check::found(value::text(rule.id.as_str())).note(asks(rule));
            match rule.id.written_at() {
                "" => known,
                place => known.expected(place),
            }
        }
        None => Check::default(),
    };
    let failed = rule.is_none() && !walk.has_ended();
    walk.made(ROUTE, "rule", failed, known);
}

fn named(walk: &mut Walk, stage: &Stage, name: &str, answered: &Answered) {
    let unknown = answered.deny == Some(DenyReason::UnknownPolicy);
    let mut names = stage.policy().named().map(|(name, _)| name).peekable();
    let known = match names.peek() {
        None => "no name: the configuration has no `policies`".to_owned(),
        Some(_) => value::either(names),
    };
    walk.made(ROUTE, "named policy", unknown, Check::found(value::text(name)).expected(known));
    let refused = [RequestFault::Connect.into(), DenyReason::MethodNotAdmitted].map(Some).contains(&answered.deny);
    let known = Check::default().expected("a method that acts on this path alone: not CONNECT, COPY, MOVE and such");
    walk.made(ROUTE, "method", refused, known);
}

fn by_pattern(walk: &mut Walk, stage: &Stage, request: &RequestAttributes<'_>, answered: &Answered) {
    let target = &request.target;
    let deciding = stage.policy().deciding_pattern(target);
    let fault = |fault: RequestFault| answered.deny == Some(fault.into());
    // It is shown before what it was found on, some of which it may precede: nothing is said to pass that was not judged.
    if fault(RequestFault::LaxReading) {
        let known = path::breaking(value::text(target.path.as_str()), RequestFault::LaxReading);
        walk.made(ROUTE, "other readings", true, known);
    }
    if fault(RequestFault::EncodedSlash) {
        let known = path::breaking(value::text(target.path.as_str()), RequestFault::EncodedSlash);
        walk.made(ROUTE, "encoded slashes", true, known);
    }
    let table = match &deciding {
        Ok(Some((host, _))) if fault(RequestFault::Host) && target.host.is_some() => {
            let known = Check::found(value::text(&host.to_string()));
            known.expected(if stage.policy().covers_any_host(target) {
                "a rule that asks for no less than what holds for any host, as Envoy may not route it as this one"
            } else {
                "a route for any host as well, as Envoy may not route it as this one"
            })
        }
        _ if fault(RequestFault::Host) => {
            Check::found("no host").expected("a host: the rules for this path are not the same for each")
        }
        Ok(Some((HostPattern::Any, _))) => Check::found("any host"),
        Ok(Some((host, _))) => Check::found(value::text(&host.to_string())),
        Ok(None) | Err(_) => Check::found("not chosen: no table has the path as it is"),
    };
    walk.made(ROUTE, "host table", fault(RequestFault::Host), table);
    let is_covered = !matches!(answered.deny, Some(DenyReason::NoRoute));
    let pattern = match &deciding {
        Ok(Some((_, pattern))) => Check::found(value::text(&pattern.to_string())),
        Ok(None) if is_covered => Check::found("none: the default decides"),
        Ok(None) => Check::found("none that matches the whole path").expected("a route for it, or a `default:`"),
        Err(odd) => path::breaking("another one for the folded path", *odd),
    };
    walk.made(ROUTE, "path pattern", !is_covered || fault(RequestFault::CaseAmbiguous), pattern);
    let refused = matches!(answered.deny, Some(DenyReason::MethodNotAdmitted)) || fault(RequestFault::Connect);
    let method = Check::found(value::text(target.method.as_str()));
    let method = match refused.then(|| admitted_methods(stage, target)) {
        Some(methods) if !methods.is_empty() => method.expected(value::either(methods.iter().copied())),
        Some(_) => method.expected("a rule that names it"),
        None => method,
    };
    walk.made(ROUTE, "method", refused, method);
}

/// What a rule asks, in a word.
fn asks(rule: &Rule) -> String {
    match &rule.access {
        Access::Public => "public: credentials are not looked at".to_owned(),
        Access::Optional => "optional: no credentials, or a valid token".to_owned(),
        Access::Token(requirement) => match requirement.conditions().count() {
            0 => "asks for a valid token".to_owned(),
            1 => "asks for a valid token that meets one condition".to_owned(),
            count => format!("asks for a valid token that meets {count} conditions"),
        },
    }
}

/// What the rule asks of the token, one by one.
pub(super) fn conditions(walk: &mut Walk, stage: &Stage, judged: &Judged<'_>, answered: &Answered) {
    let Some((request, rule)) = judged.as_ref().ok().and_then(|request| Some((request, stage.select(request).ok()?)))
    else {
        return;
    };
    let Access::Token(requirement) = &rule.access else { return };
    let is_denial_of_rule = answered.token.is_some() && !answered.allowed;
    for (index, condition) in requirement.conditions().enumerate() {
        // The first unmet one decides; those behind it were not judged.
        let judged = answered.conditions.get(index);
        let failed = is_denial_of_rule && judged.is_some_and(|judged| !judged.met);
        let known = match &answered.token {
            Some(token) => found(stage, &condition, token, request),
            None => Check::default(),
        };
        if answered.allowed && answered.token.is_none() {
            walk.skipped("rule", condition.to_string(), Outcome::NotNeeded, known);
        } else {
            walk.made("rule", condition.to_string(), failed, known);
        }
    }
}

/// What a token has of what a condition asks.
fn found(stage: &Stage, condition: &Condition<'_>, token: &VerifiedToken, request: &RequestAttributes<'_>) -> Check {
    match condition {
        Condition::Issuer(_) => Check::found(value::text(token.issuer())),
        Condition::Audience(_) => {
            let claim = stage.rules_of(token.issuer()).map_or("aud", |rules| &rules.audience_claim);
            Check::found(value::json(token.claims().get(claim)))
        }
        Condition::Scope(_) | Condition::AnyScope(_) => {
            let scopes = value::all(token.scopes().iter());
            let needs: Vec<&str> = match condition {
                Condition::Scope(need) => need.substitutes().iter().map(|scope| scope.as_str()).collect(),
                _ => Vec::new(),
            };
            let known = Check::found(scopes);
            if needs.is_empty() { known } else { known.note(format!("{} would do as well", value::either(needs))) }
        }
        Condition::Claim(rule) => Check::found(value::json(token.claims().at(&rule.claim))),
        Condition::Binding(binding) => {
            let part = binding.part.of(&request.target);
            let known = Check::found(value::json(token.claims().at(&binding.claim)));
            known.expected(part.map_or_else(|| "nothing".to_owned(), |part| value::text(&part)))
        }
    }
}
