//! `claims` of a route or an issuer: what the values of claims must be.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{Bag, fields::Fields, read};
use crate::{
    config::{
        error::Problem,
        scalar::is_disputed,
        schema::CLAIM,
        suggest::quoted,
        tree::{Entry, Node, Value},
    },
    jwt::claim_rule::{ClaimRule, ClaimTest},
};

/// The rules: at least one.
pub(super) fn decode(bag: &mut Bag, entry: &Entry) -> Option<Vec<ClaimRule>> {
    let Value::Section(claims) = &entry.node.value else {
        let message = format!("`claims` must be a section of claims, not {}", entry.node.value);
        bag.push(Problem::error(&entry.node.place, message).help("write `claims: { org_id: { equals: org_42 } }`"));
        return None;
    };
    if claims.is_empty() {
        let problem = Problem::error(&entry.node.place, "`claims` asks for nothing");
        bag.push(problem.help("write `claims: { org_id: { equals: org_42 } }`, or remove it"));
        return None;
    }
    read::refuse_many(bag, &entry.place, "`claims`", claims.len(), "claims")?;
    let mut rules = Some(Vec::new());
    let mut seen: HashMap<&str, &Entry> = HashMap::with_capacity(claims.len());
    for claim in claims {
        if let Some(first) = seen.insert(&claim.key, claim) {
            let problem = Problem::error(&claim.place, format!("the claim {} is there twice", quoted(&claim.key)));
            bag.push(problem.label("again").and(&first.place, "first").help("put both rules into one section"));
            rules = None;
            continue;
        }
        match (tests(bag, claim), &mut rules) {
            (Some(tests), Some(rules)) => {
                rules.extend(tests.into_iter().map(|test| ClaimRule { claim: claim.key.clone(), test }));
            }
            _ => rules = None,
        }
    }
    rules
}

/// What one claim must be: every test that is written.
fn tests(bag: &mut Bag, claim: &Entry) -> Option<Vec<ClaimTest>> {
    let shown = quoted(&claim.key);
    if let Value::String(text) = &claim.node.value {
        let problem = Problem::error(&claim.node.place, format!("the claim {shown} needs a test, not just a value"));
        bag.push(problem.help(format!("write {}", quoted(&format!("{}: {{ equals: {text} }}", claim.key)))));
        return None;
    }
    let fields = Fields::read(bag, &claim.node, &format!("the claim {shown}"), CLAIM)?;
    let equals = fields.get("equals").map(|entry| scalar(bag, &entry.node, "`equals`").map(ClaimTest::Equals));
    let one_of = fields.get("in").map(|entry| read::list_of(bag, entry, scalar).map(ClaimTest::OneOf));
    let includes = fields.get("includes").map(|entry| read::list_of(bag, entry, scalar).map(ClaimTest::Includes));
    let present = fields.get("present").map(|entry| present(bag, entry));
    let tests: Vec<Option<ClaimTest>> = [equals, one_of, includes, present].into_iter().flatten().collect();
    if tests.is_empty() {
        if !fields.is_faulty() {
            let problem = Problem::error(&claim.place, format!("the claim {shown} has no test"));
            bag.push(problem.help("write `equals`, `in`, `includes` or `present: true`"));
        }
        return None;
    }
    tests.into_iter().collect()
}

fn present(bag: &mut Bag, entry: &Entry) -> Option<ClaimTest> {
    if read::flag(bag, entry)? {
        return Some(ClaimTest::Present);
    }
    let problem = Problem::error(&entry.node.place, "`present` can only be true");
    bag.push(problem.help("a rule that a claim be absent is not supported: remove it"));
    None
}

/// A value to compare a claim with.
fn scalar(bag: &mut Bag, node: &Node, what: &str) -> Option<Json> {
    match &node.value {
        Value::String(text) if node.plain && is_disputed(text) => {
            let problem = Problem::error(&node.place, format!("{} can be read as text or otherwise", quoted(text)));
            bag.push(problem.help(format!(
                "write {} for the text, or `true`, `false`, a decimal number",
                quoted(&format!("\"{text}\""))
            )));
            None
        }
        Value::String(text) => Some(Json::String(text.clone())),
        Value::Bool(value) => Some(Json::Bool(*value)),
        Value::Number(number) => Some(Json::Number(number.clone())),
        other => {
            let message = format!("{what} must be a string, a number or a boolean, not {other}");
            let problem = Problem::error(&node.place, message);
            bag.push(match other {
                Value::List(_) => {
                    problem.help("for one of several values write `in`, for members of an array `includes`")
                }
                _ => problem,
            });
            None
        }
    }
}
