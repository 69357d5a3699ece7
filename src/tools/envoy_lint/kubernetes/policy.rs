//! Istio's `AuthorizationPolicy` with the action CUSTOM: which requests a provider is asked about.

use std::collections::BTreeMap;

use super::{found::Found, namespace, object::Object};
use crate::{
    config::lint::Lint,
    document::{
        suggest::{closest, quoted},
        tree::{Node, Place, Value},
    },
    limits,
    tools::envoy_lint::read,
};

/// Providers among which one is looked for that may be meant.
const SUGGESTED: usize = 100;

/// The providers of a mesh configuration by their name, each with whether it may be Portcullis.
pub(super) type Names<'n> = BTreeMap<&'n str, bool>;

/// Gives the name of the provider that a policy asks.
pub(super) fn provider_name(policy: &Object) -> Option<&str> {
    read::at(policy.root(), &["spec", "provider", "name"]).and_then(read::as_text)
}

/// Lints a policy. `providers` are all of the mesh configuration, where that is known, `root` is the root namespace.
pub(super) fn lint(found: &mut Found, policy: &Object, providers: Option<&Names<'_>>, root: &str) {
    let object = Object::describe(policy.root());
    let (spec, start) = (policy.spec(), &policy.root().place);
    if let (Some(name), Some(providers)) = (provider_name(policy), providers) {
        match providers.get(name) {
            Some(true) => {}
            Some(false) => return found.unseen.push(format!("{object}, which asks another provider")),
            None => {
                let message = format!("there is no extension provider {}: every request is denied", quoted(name));
                let known = providers.keys().copied().take(SUGGESTED);
                let known = known.filter(|_| found.findings.count() < limits::CONFIG_SUGGESTIONS);
                let help = closest(name, known).map_or_else(
                    || "add it to `extensionProviders` of the mesh configuration".to_owned(),
                    |meant| format!("did you mean {}?", quoted(meant)),
                );
                let at = read::at(policy.root(), &["spec", "provider", "name"]).map_or(start, |name| &name.place);
                return found.findings.error(Lint::EnvoyCluster, at, message, help);
            }
        }
    }
    if let Some((at, found_action)) = other_action(policy.root()) {
        let message = format!("this policy has a `provider`, but {found_action}: no request is checked");
        let help = "set `action: CUSTOM`: no other action asks a provider";
        return found.findings.error(Lint::EnvoyUnchecked, at, message, help);
    }
    let rules = spec.and_then(|spec| read::field(spec, "rules"));
    let items = rules.map_or(&[][..], |rules| read::items(&rules.node));
    if items.is_empty() {
        let message = "no rule matches a request: none is checked";
        let at = rules.map_or(start, |rules| &rules.place);
        found.findings.error(
            Lint::EnvoyUnchecked,
            at,
            message,
            "set `rules: [{}]`: one empty rule matches every request",
        );
    } else if let Some(rules) = rules.filter(|_| !items.iter().any(matches_everything)) {
        let message = "requests that none of these rules matches are not checked";
        let help =
            "set `rules: [{}]`, and give paths `access: public` in the policy: Portcullis then removes forged headers";
        found.findings.warn(Lint::EnvoyPartlyEnabled, &rules.place, message, help);
    }
    let chosen = ["selector", "targetRefs", "targetRef"];
    if spec.is_some_and(|spec| chosen.iter().any(|name| read::field(spec, name).is_some())) {
        found.unseen.push(format!("the workloads that {object} does not select"));
    } else {
        found.unseen.extend(namespace::outside(policy, root));
    }
    // Versions of Istio differ in it.
    if namespace::is_tried(policy.root()) {
        found.unseen.push(format!("whether Istio asks by {object}, which `istio.io/dry-run` has it only try"));
    }
}

/// Finds an action that asks no provider. None is `ALLOW`.
fn other_action(policy: &Node) -> Option<(&Place, String)> {
    match read::at(policy, &["spec", "action"]) {
        None => {
            let provider = read::at(policy, &["spec", "provider"]);
            let at = provider.map_or(&policy.place, |provider| &provider.place);
            Some((at, "no `action: CUSTOM`".to_owned()))
        }
        Some(action) => {
            let name = read::as_text(action).unwrap_or_default();
            (name != "CUSTOM").then(|| (&action.place, format!("{} as its `action`", quoted(name))))
        }
    }
}

/// Says whether a rule has no condition at all.
fn matches_everything(rule: &Node) -> bool {
    match &rule.value {
        Value::Section(entries) => entries.is_empty(),
        value => matches!(value, Value::Null),
    }
}
