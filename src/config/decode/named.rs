//! `policies`: requirements by name, for which Envoy's routes ask with `context_extensions`.

use std::collections::HashMap;

use super::{access, around::Around, bag::Bag, fields::Fields, name, read, request_context::Site, trusted::Trusted};
use crate::{
    config::{error::Problem, schema::POLICY},
    document::{
        flow,
        suggest::quoted,
        tree::{Entry, Place, Value},
    },
};
use portcullis_engine::policy::rule::{Access, Rule};

/// The policies, and where one asks for a token first. `None` if one can't be read.
pub(super) type Decoded<'n> = Option<(Vec<(String, Rule)>, Option<&'n Place>)>;

/// The policies; none if there is no such field.
pub(super) fn decode<'n>(
    bag: &mut Bag,
    entry: Option<&'n Entry>,
    trusted: Trusted<'_>,
    around: Around<'_>,
) -> Decoded<'n> {
    let Some(entry) = entry else { return Some((Vec::new(), None)) };
    let Value::Section(policies) = &entry.node.value else {
        let message = format!("`policies` must be a section of named policies, not {}", entry.node.value);
        bag.push(Problem::error(&entry.node.place, message).help("write `policies: { admins: { scopes: [admin] } }`"));
        return None;
    };
    read::refuse_many(bag, &entry.place, "`policies`", policies.len(), "policies")?;
    let mut rules = Some(Vec::with_capacity(policies.len()));
    let mut token_needed_at = None;
    let mut seen = HashMap::with_capacity(policies.len());
    for policy in policies {
        if let Some(first) = seen.insert(policy.key.as_str(), policy) {
            let problem = Problem::error(&policy.place, format!("the policy {} is there twice", quoted(&policy.key)));
            bag.push(problem.label("again").and(&first.place, "first").help("keep one"));
            rules = None;
            continue;
        }
        let rule = one(bag, policy, trusted, around);
        if let Some(Rule { access: Access::Token(_) | Access::Optional, .. }) = &rule {
            token_needed_at = token_needed_at.or(Some(&policy.place));
        }
        match (rule, &mut rules) {
            (Some(rule), Some(rules)) => rules.push((policy.key.clone(), rule)),
            _ => rules = None,
        }
    }
    Some((rules?, token_needed_at))
}

fn one(bag: &mut Bag, policy: &Entry, trusted: Trusted<'_>, around: Around<'_>) -> Option<Rule> {
    let id = name::of_policy(bag, policy);
    let what = format!("the policy {}", quoted(&policy.key));
    if let Value::List(items) = &policy.node.value {
        let message = format!("{what} must be a section of fields, not a list");
        let scopes: Vec<&str> = items.iter().filter_map(read::only_text).collect();
        let scopes = if scopes.is_empty() { "[admin]".to_owned() } else { flow::list(&scopes) };
        let help = format!("write {}", quoted(&format!("{}: {{ scopes: {scopes} }}", policy.key)));
        bag.push(Problem::error(&policy.node.place, message).help(help));
        return None;
    }
    let fields = Fields::read(bag, &policy.node, &what, POLICY)?;
    let access = access::decode(bag, &fields, &what, Site::Policy, trusted);
    // What is misspelt may be what narrows it: it is not built without it.
    if fields.is_faulty() {
        return None;
    }
    Some(Rule { id: id?.at(&around.locate(&policy.place)), access: access? })
}
