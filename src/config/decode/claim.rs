//! `claims` of a route or an issuer: what the values of claims must be.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{bag::Bag, binding, fields::Fields, read, request_context::Site};
use crate::{
    config::{
        error::Problem,
        lint_catalogue::Lint,
        schema::{CLAIM, REQUEST_CLAIM},
    },
    document::{
        scalar::is_disputed,
        suggest::quoted,
        tree::{Entry, Node, Place, Value},
    },
};
use portcullis_engine::{
    jwt::{
        claim_path::ClaimPath,
        claim_rule::{ClaimRule, ClaimTest},
    },
    policy::binding::{Binding, RequestPart},
};

/// What a claim must be.
enum Test {
    /// By itself.
    Claim(ClaimTest),
    /// A part of the request.
    Part(RequestPart),
}

/// The rules of an issuer: at least one.
pub(super) fn decode(bag: &mut Bag, entry: &Entry) -> Option<Vec<ClaimRule>> {
    let tests = decode_tests(bag, entry, None)?;
    let rule = |(claim, test): (ClaimPath, Test)| match test {
        Test::Claim(test) => Some(ClaimRule { claim, test }),
        Test::Part(_) => None,
    };
    tests.into_iter().map(rule).collect()
}

/// The rules of a route or policy, where claims may have to match a part of the request: at least one.
pub(super) fn decode_for_requests(
    bag: &mut Bag,
    entry: &Entry,
    site: Site<'_>,
) -> Option<(Vec<ClaimRule>, Vec<Binding>)> {
    let (mut rules, mut bindings) = (Vec::new(), Vec::new());
    for (claim, test) in decode_tests(bag, entry, Some(site))? {
        match test {
            Test::Claim(test) => rules.push(ClaimRule { claim, test }),
            Test::Part(part) => bindings.push(Binding { claim, part }),
        }
    }
    Some((rules, bindings))
}

fn decode_tests(bag: &mut Bag, entry: &Entry, site: Option<Site<'_>>) -> Option<Vec<(ClaimPath, Test)>> {
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
        let path = path(bag, &claim.key, &claim.place);
        match (path, tests(bag, claim, site), &mut rules) {
            (Some(path), Some(tests), Some(rules)) => {
                rules.extend(tests.into_iter().map(|test| (path.clone(), test)));
            }
            _ => rules = None,
        }
    }
    rules
}

/// What one claim must be: every test that is written.
fn tests(bag: &mut Bag, claim: &Entry, site: Option<Site<'_>>) -> Option<Vec<Test>> {
    let shown = quoted(&claim.key);
    if let Value::String(text) = &claim.node.value {
        let problem = Problem::error(&claim.node.place, format!("the claim {shown} needs a test, not just a value"));
        bag.push(problem.help(format!("write {}", quoted(&format!("{}: {{ equals: {text} }}", claim.key)))));
        return None;
    }
    let fields = Fields::read(
        bag,
        &claim.node,
        &format!("the claim {shown}"),
        if site.is_some() { REQUEST_CLAIM } else { CLAIM },
    )?;
    let equals = fields.get("equals").map(|entry| scalar(bag, &entry.node, "`equals`").map(ClaimTest::Equals));
    let one_of = fields.get("in").map(|entry| read::list_of(bag, entry, scalar).map(ClaimTest::OneOf));
    let includes = fields.get("includes").map(|entry| read::list_of(bag, entry, scalar).map(ClaimTest::Includes));
    let present = fields.get("present").map(|entry| present(bag, entry));
    let matches = site.zip(fields.get("matches")).map(|(site, entry)| binding::decode(bag, entry, site));
    let by_itself = [equals, one_of, includes, present].into_iter().flatten().map(|test| test.map(Test::Claim));
    let tests: Vec<Option<Test>> = by_itself.chain(matches.map(|part| part.map(Test::Part))).collect();
    if tests.is_empty() {
        if !fields.is_faulty() {
            let problem = Problem::error(&claim.place, format!("the claim {shown} has no test"));
            bag.push(problem.help(if site.is_some() {
                "write `equals`, `in`, `includes`, `matches` or `present: true`"
            } else {
                "write `equals`, `in`, `includes` or `present: true`"
            }));
        }
        return None;
    }
    tests.into_iter().collect()
}

/// The claim that a key names.
pub(super) fn path(bag: &mut Bag, text: &str, place: &Place) -> Option<ClaimPath> {
    let path = match ClaimPath::parse(text) {
        Ok(path) => path,
        Err(error) => {
            bag.push(Problem::error(place, error.to_string()).help(error.help()));
            return None;
        }
    };
    // Names that are URLs have dots as a matter of course.
    if text.contains('.') && !text.contains(['/', ':']) {
        let pointer = format!("/{}", text.replace('.', "/"));
        let problem = Problem::warning(place, format!("{} is one claim with a dot in its name", quoted(text)));
        bag.push(problem.lint(Lint::ClaimPath).help(format!(
            "for a claim within another write {}; if the name has a dot, write {}",
            quoted(&pointer),
            quoted(&format!("/{text}"))
        )));
    }
    Some(path)
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
