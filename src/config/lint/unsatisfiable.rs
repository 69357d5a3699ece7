//! Rules that nothing can meet, and a default that never decides. Some are locked doors that somebody needs; others
//! were meant to lock one, and another rule decides in their place.

use std::collections::HashMap;

use super::{
    super::lint_catalogue::Lint,
    query::{entries, get, issuers, routes, text, texts},
    rules::Rules,
};
use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Node, Place},
    },
    limits,
};
use portcullis_engine::{
    jwt::{
        claim_path::ClaimPath,
        claim_rule::{ClaimRule, ClaimTest},
        issuer_rules::IssuerRules,
    },
    policy::rule::{Access, Requirement, Rule},
};

pub(super) fn check(root: &Node, config: &Rules<'_>, problems: &mut Vec<Problem>) {
    problems.extend(default(root, config));
    for (node, issuer) in issuers(root).iter().zip(&config.issuers) {
        if let Some(claim) = contradiction(&issuer.claims, &[]) {
            let message = format!(
                "no value of the claim {} meets all of this, so no token of this issuer is valid",
                quoted(&claim)
            );
            problems.push(never(claim_place(node, &claim), message, "remove one of the tests"));
        }
    }
    let policies: HashMap<&str, &Rule> = config.policy.named().collect();
    let named = get(root, "policies").map_or(&[][..], entries).iter();
    let named = named.filter_map(|entry| Some((&entry.node, *policies.get(entry.key.as_str())?)));
    for (node, rule) in routes(root).iter().zip(config.policy.rules()).chain(named) {
        if let Access::Token(requirement) = &rule.access {
            let admitted = admitted(requirement, &config.issuers);
            problems.extend(audiences(node, requirement, &admitted).or_else(|| claims(node, requirement, &admitted)));
            problems.extend(scopes(node, requirement));
        }
        problems.extend(host(node));
    }
}

fn never(place: &Place, message: String, help: impl Into<String>) -> Problem {
    Problem::warning(place, message).lint(Lint::NeverMet).help(help)
}

/// What no route covers is asked for a token, and `/**` covers everything.
fn default(root: &Node, config: &Rules<'_>) -> Option<Problem> {
    let is_token = |rule: &Rule| matches!(rule.access, Access::Token(_));
    let default = get(root, "default").filter(|_| config.policy.default_rule().is_some_and(is_token))?;
    let is_everything = |node: &&Node| {
        let is = |name, words: &[&str]| text(node, name).is_some_and(|word| words.contains(&word.text));
        is("path", &["/**", "/**/"]) && (get(node, "host").is_none() || is("host", &["*"]))
    };
    let everything = text(routes(root).iter().find(is_everything)?, "path")?;
    let problem = Problem::warning(&default.place, "the default never decides: a route covers every path");
    let problem = problem.lint(Lint::NeverDefault).label("never used").and(everything.place, "covers every path");
    Some(problem.help("remove one of the two; what `/**` asks is what holds for all that no other route covers"))
}

/// The issuers whose tokens do.
fn admitted<'c>(requirement: &Requirement, issuers: &[&'c IssuerRules]) -> Vec<&'c IssuerRules> {
    let does = |issuer: &&IssuerRules| {
        requirement.issuers.as_ref().is_none_or(|names| names.as_slice().contains(&issuer.issuer))
    };
    issuers.iter().copied().filter(does).collect()
}

/// Audiences of other issuers than those whose tokens do.
fn audiences(node: &Node, requirement: &Requirement, issuers: &[&IssuerRules]) -> Option<Problem> {
    let audiences = requirement.audiences.as_ref()?;
    let has_one = |issuer: &&IssuerRules| {
        issuer.audiences.as_slice().iter().any(|audience| audiences.as_slice().contains(audience))
    };
    if issuers.iter().any(has_one) {
        return None;
    }
    let first = texts(node, "audiences").next()?;
    let message = "the issuers of this rule have none of its audiences, so nobody is let in".to_owned();
    let problem = never(first.place, message, "name an audience that one of these issuers is configured with");
    Some(match texts(node, "issuers").next() {
        Some(issuer) => problem.label("this audience").and(issuer.place, "this issuer"),
        None => problem,
    })
}

fn claims(node: &Node, requirement: &Requirement, issuers: &[&IssuerRules]) -> Option<Problem> {
    let rules = requirement.claims.as_slice();
    if rules.is_empty() {
        return None;
    }
    if let Some(claim) = contradiction(rules, &[]) {
        let message = format!("no value of the claim {} meets all of this, so nobody is let in", quoted(&claim));
        return Some(never(claim_place(node, &claim), message, "remove one of the tests"));
    }
    let mut claims = issuers.iter().map(|issuer| excluded(rules, issuer));
    let first = claims.next().flatten()?;
    if !claims.all(|claim| claim.is_some()) {
        return None;
    }
    let (claim, help) = first;
    let whom = if issuers.len() == 1 { "the issuer" } else { "any of the issuers" };
    let message = format!("no valid token of {whom} has such a {}, so nobody is let in", quoted(&claim));
    Some(never(claim_place(node, &claim), message, help))
}

/// A claim of the rules for which no valid token of the issuer has a fitting value, and help.
fn excluded(rules: &[ClaimRule], of_issuer: &IssuerRules) -> Option<(String, String)> {
    if let Some(claim) = contradiction(rules, &of_issuer.claims) {
        let help = "the issuer's own `claims` ask for something else: change them, or this".to_owned();
        return Some((claim, help));
    }
    let name = ClaimTest::Equals(of_issuer.issuer.as_ref().into());
    let mut of_iss = rules.iter().filter(|rule| rule.claim == ClaimPath::top_level("iss")).map(|rule| &rule.test);
    if of_iss.any(|test| !ClaimTest::can_all_be_met(&[&name, test])) {
        let help = format!("tokens have exactly {}, as it is configured", quoted(&of_issuer.issuer));
        return Some(("iss".to_owned(), help));
    }
    let audience_claim = ClaimPath::top_level(&of_issuer.audience_claim);
    let is_audience = |rule: &&ClaimRule| rule.claim == audience_claim;
    let mut of_audience = rules.iter().filter(is_audience).map(|rule| &rule.test);
    of_audience
        .any(|test| !can_be_audience(test, of_issuer.audiences.as_slice()))
        .then(|| (of_issuer.audience_claim.clone(), "name one of the `audiences` of the issuer".to_owned()))
}

/// Whether a claim that names one of the audiences, alone or among others, can meet the test.
fn can_be_audience(test: &ClaimTest, audiences: &[String]) -> bool {
    let is_one =
        |value: &serde_json::Value| value.as_str().is_none_or(|text| audiences.iter().any(|name| name == text));
    match test {
        ClaimTest::Equals(value) => is_one(value),
        ClaimTest::OneOf(values) => values.iter().any(is_one),
        ClaimTest::Present | ClaimTest::Includes(_) => true,
    }
}

/// The first claim about which the rules of two lists can't all be met.
fn contradiction(rules: &[ClaimRule], others: &[ClaimRule]) -> Option<String> {
    let mut by_claim: HashMap<_, Vec<&ClaimTest>> = HashMap::with_capacity(rules.len());
    for rule in rules {
        by_claim.entry(&rule.claim).or_default().push(&rule.test);
    }
    for rule in others {
        if let Some(tests) = by_claim.get_mut(&rule.claim) {
            tests.push(&rule.test);
        }
    }
    let can_be_met = |rule: &ClaimRule| by_claim.get(&rule.claim).is_none_or(|tests| ClaimTest::can_all_be_met(tests));
    rules.iter().find(|rule| !can_be_met(rule)).map(|rule| rule.claim.to_string())
}

fn claim_place<'n>(node: &'n Node, claim: &str) -> &'n Place {
    let claims = get(node, "claims").map_or(&[][..], entries);
    claims.iter().find(|entry| entry.key == claim).map_or(&node.place, |entry| &entry.place)
}

/// Scopes that no token has room for. One that others imply may come with another that is short.
fn scopes(node: &Node, requirement: &Requirement) -> Option<Problem> {
    let place = &get(node, "scopes")?.place;
    let needed = requirement.scopes.all.iter().filter(|need| need.substitutes().is_empty());
    let bytes: usize = needed.map(|need| need.scope().as_str().len().saturating_add(1)).sum();
    let most = limits::TOKEN_CLAIMS_BYTES;
    (bytes > most).then(|| {
        let message = format!("the claims of a token have at most {most} bytes, and these scopes have {bytes}");
        never(place, message, "ask for one scope that stands for them")
    })
}

/// A host below `*.NAME` is longer than the name by a label and a dot, and has a limit itself.
fn host(node: &Node) -> Option<Problem> {
    let host = text(node, "host")?;
    let name = host.text.strip_prefix("*.")?.trim_end_matches('.');
    (name.len().saturating_add(2) > limits::HOST_NAME_BYTES).then(|| {
        let message = format!("no host is below this name: a host has at most {} bytes", limits::HOST_NAME_BYTES);
        never(host.place, message, "name a shorter one")
    })
}
