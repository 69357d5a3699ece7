//! Cases on a stage: what can be said of them only with a configuration at hand, their tokens, their outcomes.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    case::{Case, Recipe, Token},
    compare::{self, Mismatch},
    token_builder::{self, Made},
};
use crate::{
    config::{
        error::Problem,
        other_document::{Bag, closest, quoted},
    },
    document::tree::Place,
    tools::simulate::{
        request::{self, Ask, Signature},
        response::Answered,
        simulator::Stage,
    },
};
use portcullis_engine::{jwt::issuer_rules::IssuerRules, reason::DenyReason, time::UnixTime};

/// A case that can be run.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) case: Case,
    ask: Ask,
    /// Its claims, if [`crate::cli`]'s `explain` can be given them.
    pub(crate) claims: Option<String>,
}

/// What came of a case.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) mismatches: Vec<Mismatch>,
    /// Nothing, if it could not be run: then there is a mismatch that says why.
    pub(crate) answered: Option<Answered>,
}

/// Tokens that were made before: by issuer, header, claims and signature.
#[derive(Debug, Default)]
pub(crate) struct Minted(HashMap<String, String>);

/// A case that can be run, or problems of its file.
pub(crate) fn prepare(
    bag: &mut Bag,
    case: Case,
    names: &Names<'_>,
    stage: &Stage,
    minted: &mut Minted,
) -> Option<Prepared> {
    check_names(bag, &case, names)?;
    let request = &case.request;
    let mut ask = Ask::new(&request.method, Some(&request.host), &request.path, case.time);
    for (name, value) in &request.headers {
        ask = ask.header(name, value.as_str());
    }
    if let Some((name, _)) = &request.policy {
        ask = ask.policy(name);
    }
    let mut claims = None;
    let credentials = match &*case.token {
        Token::None => None,
        Token::Raw(text) => Some(text.clone()),
        Token::Made(recipe, place) => {
            let (token, shown) = token(bag, recipe, place, case.time, stage, minted)?;
            claims = shown;
            Some(format!("Bearer {token}"))
        }
    };
    if let Some(credentials) = credentials {
        ask = ask.header("authorization", credentials);
    }
    Some(Prepared { case, ask, claims })
}

/// Runs a case.
pub(crate) fn run(prepared: &Prepared, stage: &Stage) -> Ran {
    match stage.ask(&prepared.ask) {
        Ok(answered) => {
            let mut sent = prepared.case.request.headers.clone();
            match &*prepared.case.token {
                Token::None => {}
                // Not the token: what is found may be printed.
                Token::Made(..) => sent.push(("authorization".to_owned(), "Bearer (the token)".to_owned())),
                Token::Raw(_) => sent.push(("authorization".to_owned(), "(as sent)".to_owned())),
            }
            Ran { mismatches: compare::mismatches(&prepared.case.expect, &answered, &sent), answered: Some(answered) }
        }
        Err(error) => {
            let broken = Mismatch { what: "answer".to_owned(), expected: "one".to_owned(), found: error.to_string() };
            Ran { mismatches: vec![broken], answered: None }
        }
    }
}

/// What can be named of a configuration.
#[derive(Debug)]
pub(crate) struct Names<'s> {
    rules: HashSet<&'s str>,
    policies: HashSet<&'s str>,
}

impl<'s> Names<'s> {
    /// Those of the stage's policy.
    pub(crate) fn of(stage: &'s Stage) -> Self {
        let policy = stage.policy();
        let rules = policy.rules().chain(policy.default_rule()).chain(policy.named().map(|(_, rule)| rule));
        Self {
            rules: rules.map(|rule| rule.id.as_str()).collect(),
            policies: policy.named().map(|(name, _)| name).collect(),
        }
    }
}

/// An id that no rule has is never found. A policy that doesn't exist denies everything: only a test about that can
/// mean it.
fn check_names(bag: &mut Bag, case: &Case, names: &Names<'_>) -> Option<()> {
    let rule = case.expect.rule.as_ref().filter(|(id, _)| !names.rules.contains(id.as_str()));
    if let Some((id, place)) = rule {
        let help = "a route's id is its `id`, or what it matches: `GET,HEAD /api/messages/{id}`, `* /api`";
        return unknown(bag, "rule", id, place, &names.rules, help);
    }
    let expects_that = case.expect.reason == Some(DenyReason::UnknownPolicy);
    let policy = case.request.policy.as_ref().filter(|(name, _)| !names.policies.contains(name.as_str()));
    match policy {
        Some((name, place)) if !expects_that => {
            let help = "name one of `policies`, or expect `unknown_policy`";
            unknown(bag, "policy", name, place, &names.policies, help)
        }
        _ => Some(()),
    }
}

/// A name that the configuration doesn't have.
fn unknown<T>(bag: &mut Bag, what: &str, name: &str, place: &Place, known: &HashSet<&str>, help: &str) -> Option<T> {
    let problem = Problem::error(place, format!("the configuration has no {what} {}", quoted(name)));
    let meant = if bag.is_shown() { closest(name, known.iter().copied()) } else { None };
    bag.push(match meant {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
        None => problem.help(help),
    });
    None
}

/// The token of a recipe, and its claims if nothing else about it is special.
fn token(
    bag: &mut Bag,
    recipe: &Recipe,
    place: &Place,
    at: UnixTime,
    stage: &Stage,
    minted: &mut Minted,
) -> Option<(String, Option<String>)> {
    let rules = issuer(bag, recipe, place, stage)?;
    let made = match token_builder::made(recipe, rules, at) {
        Ok(made) => made,
        Err(reason) => {
            bag.push(Problem::error(place, reason).help("configure it, or try another fault"));
            return None;
        }
    };
    let signed = match &made {
        Made::Text(text) => return Some(((*text).to_owned(), None)),
        Made::Signed(recipe) | Made::Tampered(recipe) => recipe,
    };
    let key = format!("{:?} {:?} {:?} {:?}", signed.issuer, signed.header, signed.claims, signed.signature);
    let token = match minted.0.get(&key) {
        Some(token) => token.clone(),
        None => match stage.mint(signed) {
            Ok(token) => minted.0.entry(key).or_insert(token).clone(),
            Err(error) => {
                bag.push(Problem::error(place, error.to_string()));
                return None;
            }
        },
    };
    if matches!(made, Made::Tampered(_)) {
        return Some((token_builder::tampered(&token, signed), None));
    }
    // `explain` fills in what is usual, and knows no other header.
    let usual = request::Recipe::usual(rules, at);
    let has_all = usual.claims.keys().all(|claim| signed.claims.contains_key(claim));
    let is_plain = has_all && signed.signature == Signature::Good && signed.header == usual.header;
    let claims = is_plain.then(|| serde_json::Value::Object(signed.claims.clone()).to_string());
    Some((token, claims))
}

fn issuer<'s>(bag: &mut Bag, recipe: &Recipe, place: &Place, stage: &'s Stage) -> Option<&'s IssuerRules> {
    let Some((name, named_at)) = &recipe.issuer else {
        let first = stage.issuers().next();
        if first.is_none() {
            let problem = Problem::error(place, "the configuration has no issuers, so there are no tokens");
            bag.push(problem.help("write `token: none`, or add `issuers` to the configuration"));
        }
        return first;
    };
    let found = stage.rules_of(name);
    if found.is_none() {
        let names: HashSet<&str> = stage.issuers().map(|rules| &*rules.issuer).collect();
        let help = "name one of `issuers`; for a token of somebody else write `fault: unknown_issuer`";
        return unknown(bag, "issuer", name, named_at, &names, help);
    }
    found
}

/// The parts of an id that tells rules apart.
pub(crate) fn rule_of(ran: &Ran) -> Option<Arc<str>> {
    ran.answered.as_ref()?.rule.as_ref().map(|hit| hit.id.as_str().into())
}
