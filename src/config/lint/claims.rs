//! Claims that are not written as tokens have them.

use super::{
    super::lint_catalogue::Lint,
    query::{entries, get, issuers, rules},
};
use crate::{
    config::error::Problem,
    document::{suggest::quoted, tree::Node},
};

/// Claims that providers fill with arrays: roles and groups of Entra, Keycloak and Okta, permissions of Auth0.
const ARRAYS: [&str; 5] = ["roles", "groups", "permissions", "wids", "cognito:groups"];

pub(super) fn check(root: &Node, problems: &mut Vec<Problem>) {
    for node in issuers(root).iter().chain(rules(root)) {
        for claim in get(node, "claims").map_or(&[][..], entries) {
            let single = ["equals", "in"].iter().find(|test| get(&claim.node, test).is_some());
            if let Some(test) = single.filter(|_| is_array(&claim.key) && get(&claim.node, "includes").is_none()) {
                problems.push(array(claim, test));
            }
        }
    }
}

fn is_array(claim: &str) -> bool {
    let name = claim.rsplit('/').next().unwrap_or(claim);
    ARRAYS.contains(&name)
}

fn array(claim: &crate::document::tree::Entry, test: &str) -> Problem {
    let message = format!(
        "`{test}` compares the claim {} as a whole, and with most providers it is an array",
        quoted(&claim.key)
    );
    let help = format!(
        "for a member of an array write {}",
        quoted(&format!("{}: {{ includes: [{}] }}", claim.key, sample(&claim.node)))
    );
    Problem::warning(&claim.place, message).lint(Lint::ArrayClaim).help(help)
}

/// The value that is compared, if it is a text.
fn sample(tests: &Node) -> &str {
    let listed = get(tests, "in").and_then(|list| super::query::items(list).first());
    let text = get(tests, "equals").or(listed).and_then(super::query::word);
    text.map_or("…", |word| word.text)
}
