//! Scopes that no token will have: misspelt, or not written as tokens have them.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::{
    super::lint_catalogue::Lint,
    provider::{self, Provider},
    query::{Word, entries, get, issuers, rules, scopes, text, words},
    typos,
};
use crate::{
    config::error::Problem,
    document::{
        flow,
        suggest::quoted,
        tree::{Entry, Node},
    },
};

/// A scope with the first place where it stands, and how often it does.
struct Used<'n> {
    word: Word<'n>,
    count: usize,
}

pub(super) fn check(root: &Node, problems: &mut Vec<Problem>) {
    let holders: HashSet<&str> = implications(root).iter().map(|entry| entry.key.as_str()).collect();
    let entra = is_all_entra(root);
    let mut used: Vec<Used<'_>> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    let asked: Vec<Word<'_>> = rules(root).flat_map(scopes).collect();
    for scope in asked.iter().copied().chain(implied(root)) {
        let at = *index.entry(scope.text).or_insert(used.len());
        match used.get_mut(at) {
            Some(used) => used.count = used.count.saturating_add(1),
            None => used.push(Used { word: scope, count: 1 }),
        }
    }
    for scope in asked {
        problems.extend(syntax(scope, &holders).or_else(|| entra.then(|| resource(scope)).flatten()));
    }
    let by_name: Vec<(&str, usize)> = used.iter().map(|used| (used.word.text, used.count)).collect();
    for (rare, usual) in typos::pairs(&by_name) {
        if let (Some(rare), Some(usual)) = (used.get(rare), used.get(usual)) {
            problems.push(misspelt(rare, usual));
        }
    }
}

fn misspelt(rare: &Used<'_>, usual: &Used<'_>) -> Problem {
    let (text, other) = (quoted(rare.word.text), quoted(usual.word.text));
    let message = if rare.word.text.eq_ignore_ascii_case(usual.word.text) {
        format!("the scopes {text} and {other} differ in case only, and are two scopes")
    } else {
        format!("the scope {text} is used once, and one letter away from {other}")
    };
    let problem = Problem::warning(rare.word.place, message).lint(Lint::ScopeSpelling);
    problem.label("this one").and(usual.word.place, "the other one").help(format!("did you mean {other}?"))
}

fn implications(root: &Node) -> &[Entry] {
    get(root, "implies").map_or(&[], entries)
}

/// Every scope that `implies` speaks of. With a star it means those that begin like it.
fn implied(root: &Node) -> impl Iterator<Item = Word<'_>> {
    let all = implications(root).iter().flat_map(|entry| {
        let holder = Word { text: &entry.key, place: &entry.place };
        words(&entry.node).chain([holder])
    });
    all.filter(|word| !word.text.contains('*'))
}

/// A star is no wildcard, unless `implies` says of this very scope what it stands for.
fn syntax(scope: Word<'_>, holders: &HashSet<&str>) -> Option<Problem> {
    if holders.contains(scope.text) {
        return None;
    }
    let shown = quoted(scope.text);
    let problem =
        |message: String, help: String| Problem::warning(scope.place, message).lint(Lint::ScopeSyntax).help(help);
    if scope.text.contains(',') {
        let parts: Vec<&str> = scope.text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        let help = format!("write each as an item of its own: {}", quoted(&flow::list(&parts)));
        return Some(problem(format!("{shown} is a single scope with a comma in it"), help));
    }
    let is_wildcard = scope.text.split([':', '.', '/']).any(|part| part.ends_with('*'));
    is_wildcard.then(|| {
        let help = "name the scopes that are meant, several with `scopes: { any: […] }`, or write \
                    `access: authenticated` if any token will do";
        problem(format!("{shown} is no wildcard: a token must have a scope with this very star"), help.to_owned())
    })
}

fn is_all_entra(root: &Node) -> bool {
    let provider = |node| provider::of(&Url::parse(text(node, "issuer")?.text).ok()?);
    let nodes = issuers(root);
    !nodes.is_empty() && nodes.iter().all(|node| matches!(provider(node), Some(Provider::Entra | Provider::EntraV1)))
}

/// Clients of Entra ask for `api://ID/read`, and tokens have `read`.
fn resource(scope: Word<'_>) -> Option<Problem> {
    let (before, name) = scope.text.rsplit_once('/')?;
    if !["api://", "https://"].iter().any(|scheme| before.starts_with(scheme)) {
        return None;
    }
    let message = format!(
        "clients ask Microsoft Entra for {}, but its tokens have the part after the last slash",
        quoted(scope.text)
    );
    let help = if name == ".default" {
        "name a scope or app role of the API: `.default` stands for all of them, and is in no token".to_owned()
    } else {
        format!("write {}", quoted(name))
    };
    Some(Problem::warning(scope.place, message).lint(Lint::EntraScope).help(help))
}
