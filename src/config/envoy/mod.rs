//! `check --envoy`: what of an Envoy configuration undoes the policy. Each lint says only what is certain from the file
//! alone; what a field means was looked up in the API of Envoy 1.40 and is held by tests with that Envoy.
//!
//! Fields that are unknown here are none of our business, and whether Envoy accepts the file at all is Envoy's:
//! `envoy --mode validate` says so.
//!
//! *Error or warning:* an error is what can't be meant, because either nothing is ever checked or nothing is ever
//! allowed. What somebody may have a reason for is a warning.

mod body;
mod chain;
mod collect;
mod endpoints;
mod filter;
mod findings;
mod headers;
mod headers_set;
mod manager;
mod matcher;
mod order;
mod paths;
mod read;
mod retries;
mod routes;
mod service;

use std::{path::Path, sync::Arc};

use super::{
    Config,
    bounds::Bounds,
    error::{ConfigErrors, Problem},
    load,
    parse::parse_within,
    source::Source,
    suggest::quoted,
    tree::{Node, Place, Value},
};
use crate::{identity::IdentityHeaders, limits};
use collect::Parts;
use findings::Findings;

/// What the lints may ask.
struct Around<'a> {
    parts: &'a Parts<'a>,
    /// The configuration of the Portcullis that this Envoy asks, if it was given.
    config: Option<&'a Config>,
    identity: &'a IdentityHeaders,
}

/// The problems of the Envoy configuration in a file, as [`lint`] finds them.
#[must_use]
pub fn check(path: &Path, config: Option<&Config>) -> ConfigErrors {
    let name = path.display().to_string();
    let smaller = "leave out what this Envoy's ext_authz filters, routes and clusters don't need";
    match load::read_argument(path, "the Envoy configuration", limits::ENVOY_BYTES, smaller) {
        Ok(text) => lint(&text, &name, config),
        Err(problem) => ConfigErrors::single(&name, *problem),
    }
}

/// The problems of an Envoy configuration: a bootstrap file, a file of resources, or what `/config_dump` gives, as YAML
/// or JSON. `config` is that of the Portcullis that it asks.
#[must_use]
pub fn lint(text: &str, name: &str, config: Option<&Config>) -> ConfigErrors {
    let parsed = parse_within(text, &Bounds::ENVOY);
    if is_kubernetes(&parsed, text) {
        let message = "this is a Kubernetes resource, not an Envoy configuration";
        let help =
            "lint what Envoy is given in the end: `curl localhost:9901/config_dump` (Istio's Envoys listen on 15000)";
        return ConfigErrors::single(name, Problem::error(&Place::Nowhere, message).help(help));
    }
    let source = Arc::new(Source::new(name, text, parsed.as_ref().ok()));
    let problems = match parsed {
        Ok(root) => of_tree(&root, config),
        Err(problem) => vec![*problem],
    };
    ConfigErrors::new(name, Some(&source), problems)
}

fn of_tree(root: &Node, config: Option<&Config>) -> Vec<Problem> {
    if matches!(root.value, Value::Null) {
        return vec![Problem::error(&Place::Nowhere, "the file is empty").help(EXPECTED)];
    }
    let usual = IdentityHeaders::default();
    let parts = Parts::of(root);
    let identity = config.map_or(&usual, |config| &config.identity);
    let around = Around { parts: &parts, config, identity };
    let mut findings = Findings::default();
    if parts.is_envoy {
        manager::lint_all(&mut findings, &around);
    } else {
        findings.push(Problem::error(&Place::Nowhere, "this is not an Envoy configuration").help(EXPECTED));
    }
    findings.finished()
}

const EXPECTED: &str =
    "name the file that `envoy -c` reads, a file of its resources, or what `curl localhost:9901/config_dump` gives";

/// Whether it is a Kubernetes resource: one, or the first of several documents, which are no configuration of Envoy's.
fn is_kubernetes(parsed: &Result<Node, Box<Problem>>, text: &str) -> bool {
    const FIELDS: [&str; 2] = ["apiVersion", "kind"];
    match parsed {
        Ok(root) => FIELDS.iter().all(|name| read::field(root, name).is_some()),
        Err(_) => FIELDS
            .iter()
            .all(|name| text.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))),
    }
}
