//! `decoder_header_mutation_rules` of ext_authz: rules by which Envoy ignores what Portcullis sets and removes.

use std::collections::BTreeSet;

use super::name_pattern;
use crate::{
    config::lint::Lint,
    document::{
        suggest::quoted,
        tree::{Entry, Node},
    },
    tools::envoy_lint::{around::Around, findings::Findings, read},
};
use portcullis_engine::answer::identity::{IdentityHeaders, spellings};

/// Names that a message shows.
const SHOWN: usize = 3;
/// The beginning of names that Envoy keeps for itself.
const OWN_PREFIX: &str = "x-envoy";

/// Lints the rules of an ext_authz filter.
pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, config: &Node) {
    let Some(entry) = read::field(config, "decoder_header_mutation_rules") else { return };
    let rules = Rules::new(entry);
    let names = Names::new(around.identity);
    if rules.is_error {
        lint_errors(findings, &rules, &names);
    } else if rules.allowed.is_none()
        && let Some(all) = rules.forbids_all
    {
        let message = "Envoy ignores every header that Portcullis sets or removes: clients can forge identity headers";
        let help = format!("remove `{}`, or never trust the identity headers in the API", entry.key);
        findings.warn(Lint::EnvoyMutationRules, &all.place, message, help);
    } else {
        lint_ignored(findings, &rules, &names);
    }
}

/// Lints rules of which each forbidden header makes Envoy answer 500.
fn lint_errors(findings: &mut Findings, rules: &Rules<'_>, names: &Names) {
    if let Some(name) = names.always.iter().find(|name| rules.forbid(name) == Some(true)) {
        let message = format!(
            "`disallow_is_error` is on, and the rules forbid {}, which Portcullis sets or removes: Envoy answers 500 to \
             every request that Portcullis allows",
            quoted(name)
        );
        findings.error(Lint::EnvoyMutationRules, &rules.place(name).place, message, remedy(rules, name));
    } else if let Some(name) = names.all().find(|name| rules.forbid(name) != Some(false)) {
        let message = format!(
            "`disallow_is_error` is on, and the rules may forbid {}, which Portcullis sets or removes for some requests: they \
             then get 500",
            quoted(name)
        );
        findings.warn_closed(Lint::EnvoyMutationRules, &rules.place(name).place, message, remedy(rules, name));
    }
}

/// Lints rules of which each forbidden header stays as the client sent it.
fn lint_ignored(findings: &mut Findings, rules: &Rules<'_>, names: &Names) {
    let forbidden = |of: &BTreeSet<String>, is: Option<bool>| {
        let found = of.iter().filter(|name| rules.forbid(name) == is).cloned();
        found.collect::<Vec<_>>()
    };
    let identity = forbidden(&names.identity, Some(true));
    let others = forbidden(&names.others, Some(true));
    let unknown = forbidden(&names.identity, None);
    let (found, message) = if !identity.is_empty() {
        let shown = shown(&identity);
        (
            &identity,
            format!(
                "Envoy does not apply what Portcullis sets or removes, {shown}: clients can forge identity headers"
            ),
        )
    } else if !others.is_empty() {
        let shown = shown(&others);
        (
            &others,
            format!(
                "Envoy does not remove {shown} as Portcullis says: the API may act on another request than was judged"
            ),
        )
    } else {
        let shown = shown(&unknown);
        (
            &unknown,
            format!(
                "Envoy may not apply what Portcullis sets or removes, {shown}: the rules have an expression that is not read here"
            ),
        )
    };
    let Some(name) = found.first() else { return };
    findings.warn(Lint::EnvoyMutationRules, &rules.place(name).place, message, remedy(rules, name));
}

fn shown(names: &[String]) -> String {
    let first: Vec<String> = names.iter().take(SHOWN).map(|name| quoted(name)).collect();
    let more = if names.len() > SHOWN { " and others" } else { "" };
    format!("{}{more}", first.join(", "))
}

fn remedy(rules: &Rules<'_>, name: &str) -> String {
    let entry = rules.place(name);
    if read::is_named(&entry.key, "decoder_header_mutation_rules") {
        return format!("set `allow_envoy: true` in `{}`, or remove it", entry.key);
    }
    format!("remove `{}`: Portcullis sets and removes no other headers than its documentation names", entry.key)
}

/// The rules. Envoy asks them in this order: `disallow_expression`, `allow_expression`, `disallow_all`, `allow_envoy`.
/// `allow_all_routing` and `disallow_system` are for names that Portcullis never touches.
struct Rules<'n> {
    entry: &'n Entry,
    forbidden: Option<&'n Entry>,
    allowed: Option<&'n Entry>,
    forbids_all: Option<&'n Entry>,
    allows_own: bool,
    is_error: bool,
}

impl<'n> Rules<'n> {
    fn new(entry: &'n Entry) -> Self {
        let rules = &entry.node;
        Self {
            entry,
            forbidden: read::field(rules, "disallow_expression"),
            allowed: read::field(rules, "allow_expression"),
            forbids_all: read::switched_on(rules, "disallow_all"),
            allows_own: read::switched_on(rules, "allow_envoy").is_some(),
            is_error: read::switched_on(rules, "disallow_is_error").is_some(),
        }
    }

    /// Tells whether Envoy leaves a header as it is; nothing if an expression is in the way that can't be told.
    fn forbid(&self, name: &str) -> Option<bool> {
        let matches = |entry: &Entry| name_pattern::is_match(read::text(&entry.node, "regex")?, name);
        let forbidden = self.forbidden.map_or(Some(false), matches);
        let allowed = self.allowed.map_or(Some(false), matches);
        let otherwise = self.forbids_all.is_some() || (!self.allows_own && name.starts_with(OWN_PREFIX));
        match (forbidden, allowed, otherwise) {
            (Some(true), _, _) | (Some(false), Some(false), true) => Some(true),
            (Some(false), Some(true), _) | (Some(false), _, false) => Some(false),
            (None, Some(false), true) => Some(true),
            (None, _, _) | (Some(false), None, true) => None,
        }
    }

    /// Returns the rule that forbids a name, or may.
    fn place(&self, name: &str) -> &'n Entry {
        let expression = self.forbidden.filter(|entry| {
            read::text(&entry.node, "regex").is_none_or(|text| name_pattern::is_match(text, name) != Some(false))
        });
        expression.or(self.forbids_all).unwrap_or(self.entry)
    }
}

/// The names of headers that Portcullis sets or removes.
struct Names {
    /// Names in each answer that allows a request.
    always: BTreeSet<String>,
    /// Names that carry an identity, in each spelling.
    identity: BTreeSet<String>,
    /// Names by which some backends act on another request, in each spelling.
    others: BTreeSet<String>,
}

impl Names {
    fn new(identity: &IdentityHeaders) -> Self {
        let each_spelling = |names: &[&str]| names.iter().flat_map(|name| spellings(name)).collect();
        let guarded: Vec<&str> = identity.guarded().collect();
        let authorization = (!identity.forward_authorization).then_some("authorization");
        let removed: Vec<&str> = identity.removed().chain(authorization).collect();
        let unseen = removed.iter().filter(|name| !identity.is_removed_only_if_seen(name));
        Self {
            always: guarded.iter().chain(unseen).map(|name| (*name).to_owned()).collect(),
            identity: each_spelling(&guarded),
            others: each_spelling(&removed),
        }
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.identity.iter().chain(&self.others)
    }
}
