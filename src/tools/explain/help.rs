//! What would make a denied request pass.

use serde_json::Value;

use super::{
    admitted_methods::admitted_methods,
    offers, path,
    times::distance,
    token_view::View,
    unreadable::json_depth,
    value::{either, text},
};
use crate::{
    config::closest,
    limits,
    tools::simulate::{request::Ask, response::Answered, simulator::Stage},
};
use portcullis_engine::{
    authorizer::RequestAttributes,
    policy::{
        condition::Condition,
        rule::{Access, Requirement},
    },
    reason::{DenyReason, RequestFault, TokenFault},
    request::{path::CanonicalPath, target::RequestTarget},
};

type Judged<'a> = Result<RequestAttributes<'a>, DenyReason>;

/// Says what would make the request pass, in a line or a few; in none if it passes.
///
/// That is the remedy of the table of reasons, unless what was found allows a more exact one.
pub(super) fn help(stage: &Stage, ask: &Ask, judged: &Judged<'_>, view: &View<'_>, answered: &Answered) -> Vec<String> {
    let Some(reason) = answered.deny else { return Vec::new() };
    let exact = match (reason, judged) {
        (DenyReason::Token(fault), _) => token(fault, view, stage).into_iter().collect(),
        (
            DenyReason::IssuerNotAdmitted
            | DenyReason::AudienceNotAdmitted
            | DenyReason::InsufficientScope
            | DenyReason::ClaimRule,
            Ok(request),
        ) => unmet(stage, request, answered, view),
        (DenyReason::NoRoute, Ok(request)) => no_route(stage, &request.target),
        (DenyReason::MethodNotAdmitted, Ok(request)) => method(stage, request).into_iter().collect(),
        (DenyReason::UnknownPolicy, _) => vec![unknown_policy(stage, ask)],
        (DenyReason::Request(fault), Ok(attributes)) => request(fault, stage, attributes),
        (DenyReason::Request(fault), Err(_)) => malformed_path(fault).into_iter().collect(),
        _ => Vec::new(),
    };
    if exact.is_empty() { vec![reason.remedy().to_owned()] } else { exact }
}

/// Returns what to do about a well-formed request that the rules refuse, where that depends on more than the reason.
fn request(fault: RequestFault, stage: &Stage, request: &RequestAttributes<'_>) -> Vec<String> {
    let one = |line: &str| vec![line.to_owned()];
    match fault {
        RequestFault::Host if request.target.host.is_some() => host_with_ending(),
        RequestFault::Host => one("say which host: the rules for this path depend on it (`--host`)"),
        RequestFault::EncodedSlash => one(
            "send the path without `%2F`, or write `encoded_slashes: allow` on a route that ends in `{name}` or `/**` there, \
             if its backend takes `%2F` as data",
        ),
        RequestFault::Connect if request.policy.is_some() => vec![offers::method_of_policy(&request.target.method)],
        RequestFault::CaseAmbiguous => as_the_route_spells_it(stage, &request.target).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Returns what to do about a path that breaks a rule of the canonical form.
fn malformed_path(fault: RequestFault) -> Option<String> {
    path::rule_of(fault).map(|rule| format!("{} ({rule})", DenyReason::from(fault).remedy()))
}

/// Returns what to do about a path that another pattern decides about in lower case or with its escapes decoded.
fn as_the_route_spells_it(stage: &Stage, target: &RequestTarget) -> Option<String> {
    let patterns = stage.policy().patterns().map(|(_, path)| path.to_string());
    let mut same = patterns.filter(|pattern| pattern.eq_ignore_ascii_case(target.path.as_str()));
    if let Some(meant) = same.next() {
        return Some(format!("spell the path as the route does: {}", text(&meant)));
    }
    let plain = path::without_needless_escapes(target.path.as_str());
    let plain = CanonicalPath::parse(plain).ok().filter(|plain| *plain != target.path);
    let decided = plain.map(|path| RequestTarget { path, ..target.clone() });
    let meant = decided.filter(|target| matches!(stage.policy().deciding_pattern(target), Ok(Some(_))))?;
    Some(format!(
        "send the path as {}: its escapes could stand as plain characters, and a backend that decodes them takes it for that",
        text(meant.path.as_str())
    ))
}

/// Returns what to do about a host with a port or a trailing dot.
fn host_with_ending() -> Vec<String> {
    [
        "set `strip_any_host_port: true` and `strip_trailing_host_dot: true` in Envoy: clients send the port of an Envoy that listens \
         on another one than 80 or 443; such a request then comes here without it, like one with `--host` as the route spells it",
        "if Envoy has to keep the port, and chooses its virtual host without it (`ignore_port_in_host_matching: true`), strip the \
         dot alone and write `hosts: stripped`",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Returns what to do about a token of which one part is longer than any may be.
fn oversized(view: &View<'_>) -> Option<String> {
    let mut parts = view.token?.expose().split('.').map(|part| part.len().saturating_mul(3) / 4);
    let (header, claims) = (parts.next()?, parts.next()?);
    let kid = view.kid().map_or(0, str::len);
    let beyond = |what: &str, bytes: usize, most: usize, less: &str| {
        (bytes > most)
            .then(|| format!("get a token with {less}: {what} has {bytes} bytes, and at most {most} are taken"))
    };
    beyond("its header", header, limits::TOKEN_HEADER_BYTES, "a smaller header")
        .or_else(|| {
            beyond("its claims set", claims, limits::TOKEN_CLAIMS_BYTES, "fewer scopes, groups or custom claims")
        })
        .or_else(|| beyond("its `kid`", kid, limits::KID_BYTES, "a shorter `kid`"))
}

/// Returns what to do about a token whose parts came whole, and are JSON that is refused.
fn unreadable(view: &View<'_>) -> Option<String> {
    let texts = view.texts();
    let deep =
        texts.iter().map(|(what, text)| (*what, json_depth(text))).find(|(_, depth)| *depth > limits::JSON_DEPTH);
    if let Some((what, depth)) = deep {
        return Some(format!(
            "get a token with less nesting: {what} has {depth} levels of JSON, and at most {} are taken",
            limits::JSON_DEPTH
        ));
    }
    let is_json = |text: &[u8]| serde_json::from_slice::<Value>(text).is_ok();
    let is_whole = texts.iter().all(|(_, text)| is_json(text));
    is_whole.then(|| {
        "get a token that is made as the failed check wants it: a new one of the same kind changes nothing".to_owned()
    })
}

/// Returns what to do about a token, where that depends on what is in it or on what its issuer has.
fn token(fault: TokenFault, view: &View<'_>, stage: &Stage) -> Option<String> {
    let claim = |name: &str| view.claims().and_then(|claims| claims.get(name)).and_then(Value::as_str).unwrap_or("");
    match fault {
        TokenFault::Malformed => oversized(view).or_else(|| unreadable(view)),
        TokenFault::AlgorithmNotAllowed => offers::algorithm(view),
        TokenFault::TypeNotAllowed => offers::token_type(view),
        TokenFault::UnknownIssuer => {
            let known: Vec<&str> = stage.issuers().map(|rules| &*rules.issuer).collect();
            Some(near_or("issuer", claim("iss"), &known, || {
                format!("get a token from {}, or add this issuer under `issuers`", either(known.iter().copied()))
            }))
        }
        TokenFault::UnknownKey | TokenFault::AmbiguousKey | TokenFault::BadSignature => Some(match view.keys() {
            Some(keys) => keys.help(fault),
            None => "look with `--live` which keys the issuer has: here are none".to_owned(),
        }),
        TokenFault::WrongAudience => wrong_audience(view),
        TokenFault::Expired => {
            let expired = view.claims()?.date("exp").ok()??;
            Some(format!("get a new token: this one expired {}", distance(expired, view.now)))
        }
        _ => None,
    }
}

fn wrong_audience(view: &View<'_>) -> Option<String> {
    let rules = view.rules?;
    let wanted: Vec<&str> = rules.audiences.as_slice().iter().map(String::as_str).collect();
    let has = view.claims().and_then(|claims| claims.get(&rules.audience_claim)).and_then(Value::as_str);
    let ask = || format!("get a token for audience {}", either(wanted.iter().copied()));
    Some(near_or("audience", has.unwrap_or(""), &wanted, ask))
}

/// What somebody may have meant, if it is near.
fn near_or(what: &str, found: &str, known: &[&str], otherwise: impl FnOnce() -> String) -> String {
    let plain = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    let same = known.iter().find(|known| !found.is_empty() && plain(known) == plain(found));
    match same.copied().or_else(|| closest(found, known.iter().copied())) {
        Some(meant) if meant.trim_end_matches('/') == found.trim_end_matches('/') => {
            format!("the {what} differs by its last `/`: the token has {}, this needs {}", text(found), text(meant))
        }
        Some(meant) => format!("the token has the {what} {}: did you mean {}?", text(found), text(meant)),
        None => otherwise(),
    }
}

/// The first condition of the rule that is not met.
fn unmet(stage: &Stage, request: &RequestAttributes<'_>, answered: &Answered, view: &View<'_>) -> Vec<String> {
    let Ok(rule) = stage.select(request) else { return Vec::new() };
    let (Access::Token(requirement), Some(token)) = (&rule.access, &answered.token) else { return Vec::new() };
    let first = answered.conditions.iter().find(|condition| !condition.met);
    let Some(condition) = first.and_then(|first| requirement.conditions().nth(first.index)) else { return Vec::new() };
    let held = token.scopes();
    let held: Vec<&str> = held.iter().collect();
    match condition {
        Condition::Scope(_) => missing_scopes(requirement, answered, &held, view),
        Condition::AnyScope(needs) => {
            let scopes: Vec<&str> = needs.iter().map(|need| need.scope().as_str()).collect();
            vec![format!("get a token with scope {}", either(scopes))]
        }
        Condition::Issuer(issuers) => {
            vec![format!("get a token from {}", either(issuers.as_slice().iter().map(|issuer| &**issuer)))]
        }
        Condition::Audience(audiences) => {
            vec![format!("get a token for audience {}", either(audiences.as_slice().iter().map(String::as_str)))]
        }
        Condition::Claim(rule) => vec![format!("get a token whose {rule}")],
        Condition::Binding(binding) => match binding.part.of(&request.target) {
            Some(part) => {
                vec![format!("get a token whose claim {} is {}, or ask for its own", binding.claim, text(&part))]
            }
            None => vec![offers::absent_host(&condition)],
        },
    }
}

/// Every scope that is missing, so that nobody has to come back for the next one.
fn missing_scopes(requirement: &Requirement, answered: &Answered, held: &[&str], view: &View<'_>) -> Vec<String> {
    let unmet = requirement.conditions().zip(&answered.conditions).filter(|(_, judged)| !judged.met);
    let missing: Vec<&str> = unmet
        .filter_map(|(condition, _)| match condition {
            Condition::Scope(need) => Some(need.scope().as_str()),
            _ => None,
        })
        .collect();
    let mut lines = vec![format!("get a token with scope {}", super::value::all(missing.iter().copied()))];
    let others: Vec<&str> = answered
        .conditions
        .iter()
        .zip(requirement.conditions())
        .filter(|(judged, condition)| !judged.met && !matches!(condition, Condition::Scope(_)))
        .map(|(judged, _)| judged.text.as_str())
        .collect();
    if !others.is_empty() {
        lines.push(format!("it also needs {}", super::value::all(others)));
    }
    lines.extend(joined_scopes(view, &missing));
    let near = missing.iter().find_map(|scope| Some((scope, closest(scope, held.iter().copied())?)));
    lines.extend(near.map(|(scope, held)| format!("the token has {}: was {} meant?", text(held), text(scope))));
    lines
}

/// Describes the fault of a claim that has the missing scopes and separates them in another way than scopes are: a string by
/// commas, or members of an array by anything.
fn joined_scopes(view: &View<'_>, missing: &[&str]) -> Option<String> {
    let names = &view.rules?.scope_claims;
    let is_joined = |value: &Value| {
        let texts: Vec<&str> = match value {
            Value::String(text) => text.split(' ').collect(),
            Value::Array(members) => members.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        texts.iter().any(|text| {
            let parts: Vec<&str> = text.split([',', ' ', ';']).filter(|part| !part.is_empty()).collect();
            parts.len() > 1 && parts.iter().any(|part| missing.contains(part))
        })
    };
    let claim = names.iter().find(|name| view.claims().and_then(|claims| claims.at(name)).is_some_and(is_joined))?;
    Some(format!(
        "the claim {} has it, but not as a scope by itself: the issuer separates scopes by single spaces in a string \
         (RFC 6749 section 3.3), or gives an array with one scope in each member",
        text(&claim.to_string())
    ))
}

fn no_route(stage: &Stage, target: &RequestTarget) -> Vec<String> {
    let patterns: Vec<String> = stage.policy().patterns().map(|(_, path)| path.to_string()).collect();
    let near = closest(target.path.as_str(), patterns.iter().map(String::as_str));
    let elsewhere = stage.policy().patterns().find(|(_, path)| path.matches(&target.path));
    let mut lines = Vec::new();
    lines.extend(near.map(|near| format!("did you mean {}?", text(near))));
    lines.extend(elsewhere.map(|(host, path)| {
        format!("{} is a route of the host {} only", text(&path.to_string()), text(&host.to_string()))
    }));
    lines.push(DenyReason::NoRoute.remedy().to_owned());
    lines.truncate(2);
    lines
}

fn method(stage: &Stage, request: &RequestAttributes<'_>) -> Option<String> {
    let methods = admitted_methods(stage, &request.target);
    match methods.as_slice() {
        _ if request.policy.is_some() => Some(offers::method_of_policy(&request.target.method)),
        _ if request.target.method.must_be_named() => Some(format!(
            "name it in `methods` of a route for this path, if it is wanted: {} acts on more than the path says, so no other \
             route admits it",
            text(request.target.method.as_str())
        )),
        [] => None,
        methods => Some(format!("this path needs {}", either(methods.iter().copied()))),
    }
}

fn unknown_policy(stage: &Stage, ask: &Ask) -> String {
    let named: Vec<&str> = stage.policy().named().map(|(name, _)| name).collect();
    let chosen = ask.message.policy().unwrap_or_default();
    match (closest(chosen, named.iter().copied()), named.as_slice()) {
        (Some(meant), _) => format!("did you mean {}?", text(meant)),
        (None, []) => {
            "there are no `policies` in this file: add this one, or remove it from the Envoy route".to_owned()
        }
        (None, named) => format!("choose one of {}", either(named.iter().copied())),
    }
}
