//! Help of `explain`, followed: the request, its token or the configuration is changed as it says, and the check that failed
//! passes.

mod cases;
mod key_cases;
mod scene;

use portcullis::tools::explain::{Explanation, Outcome, Step};
use serde_json::Value;

use self::scene::Scene;
use super::sources::{has_word, literals, sources_of, unfollowed};

/// A help that is followed: the members of the scene that raise it, and those that follow it.
struct Case {
    before: Value,
    after: Value,
}

fn all() -> Vec<Case> {
    [cases::cases(), key_cases::cases()].into_iter().flatten().collect()
}

/// The check that failed.
fn failed(explanation: &Explanation) -> Option<&Step> {
    explanation.steps.iter().find(|step| step.outcome == Outcome::Failed)
}

/// Says whether a check passes that failed before, or is not made any more because nothing before it or of its own part fails.
fn passes(check: &Step, explanation: &Explanation) -> bool {
    const PARTS: [&str; 5] = ["request", "route", "credentials", "token", "rule"];
    let place = |step: &Step| PARTS.iter().position(|part| *part == step.part);
    let is_behind = failed(explanation).is_none_or(|next| next.check != check.check && place(next) >= place(check));
    let own = explanation.steps.iter().find(|step| step.check == check.check);
    is_behind && own.is_none_or(|step| step.outcome == Outcome::Passed)
}

/// Says whether something that help has in backticks is in one of the texts: a name or a value by itself.
fn is_about(help: &str, texts: [&str; 2]) -> bool {
    let mut named = help.split('`').skip(1).step_by(2).filter(|text| !text.is_empty()).peekable();
    let is_there = |part: &str| match part.split_once(['…', '<', '{']) {
        Some((beginning, _)) => texts.iter().any(|text| text.contains(beginning)),
        None => texts.iter().any(|text| has_word(text, part) || text.contains(part)),
    };
    named.peek().is_none() || named.any(is_there)
}

/// Describes the fault of a case, if it has one.
fn fault(case: &Case) -> Option<String> {
    let (before, after) = (Scene::with(&[&case.before]), Scene::with(&[&case.before, &case.after]));
    let (first, second) = (before.explanation(), after.explanation());
    let told = format!("{}\n{}\n{:?}\n{:?}", case.before, case.after, first.help, second.help);
    let Some(check) = failed(&first) else { return Some(format!("nothing failed: {told}")) };
    if !is_about(&first.help.join(" "), [&before.text(), &after.text()]) {
        return Some(format!("not as the help says: {told}"));
    }
    // A setting that help writes out is the one that is set.
    let help = first.help.join(" ");
    let mut settings = help.split('`').skip(1).step_by(2).filter(|text| text.contains(": ")).peekable();
    let is_set = |setting: &str| after.text().contains(setting) && !before.text().contains(setting);
    if !case.after["config"].is_null() && settings.peek().is_some() && !settings.any(is_set) {
        return Some(format!("set otherwise: {told}"));
    }
    let is_done = second.verdict.allowed || passes(check, &second);
    (!is_done).then(|| format!("{} fails still, {:?}: {told}", check.check, failed(&second)))
}

#[test]
fn a_check_passes_once_the_help_of_explain_is_followed() {
    let failed: Vec<String> = all().iter().filter_map(fault).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n---\n"));
}

/// Words of a help that asks for something.
const ASKS: [&str; 18] = [
    "write ",
    "set `",
    "run `",
    "send ",
    "get a ",
    "get the ",
    "ask the issuer",
    "configure the issuer",
    "add ",
    "add it",
    "choose ",
    "spell ",
    "say which",
    "name it",
    "mend ",
    "wait, or",
    "did you mean",
    "remove ",
];

/// Texts that no request to a policy raises.
const ELSEWHERE: [&str; 1] = [
    // Only a service with more Checks than threads says it.
    "send it again: the service has more to do than its threads can",
];

/// Remedies of rows of the table of reasons in place of which `explain` says something more exact: the key, the claim, the scope.
const GENERAL: [&str; 11] = [
    "ask the issuer to give each key a `kid` of its own, and each token the `kid` of its key",
    "get a token from one of the configured issuers, or add this issuer under `issuers`",
    "get a token that is signed with a key which its issuer publishes",
    "add the policy to `policies`, or remove it from the Envoy route",
    "get a token for an audience that the rule names in `audiences`",
    "send the token exactly as the issuer gave it, or get a new one",
    "get a token from an issuer that the rule names in `issuers`",
    "get a token with the scopes that the rule asks for",
    "get a token that meets the `claims` of the rule",
    "get a token for one of the issuer's `audiences`",
    "get a new token: this one expired",
];

#[test]
fn every_help_of_explain_is_followed() {
    let helps: Vec<String> =
        all().iter().map(|case| Scene::with(&[&case.before]).explanation().help.join("\n")).collect();
    let sources = sources_of("tools/explain");
    let mut literals: Vec<String> = sources
        .iter()
        .flat_map(|source| literals(source, &ASKS))
        .chain(literals("../engine/src/reason/table.rs", &ASKS))
        .collect();
    literals.retain(|literal| !ELSEWHERE.iter().any(|other| literal.contains(other)));
    let count = literals.len();
    let missing = unfollowed("", literals, helps.iter().map(String::as_str).collect());
    let mut missing: Vec<&str> = missing.iter().map(|text| text.trim_start_matches([':', ' '])).collect();
    let mut general = GENERAL.to_vec();
    missing.sort_unstable();
    general.sort_unstable();
    assert_eq!(missing, general, "each one of the left ones that the right ones lack needs a case that follows it");
    assert!(count > 55, "{count}");
}
