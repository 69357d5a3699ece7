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
mod filter;
mod findings;
mod headers;
mod headers_set;
mod manager;
mod matcher;
mod order;
mod paths;
mod read;
mod routes;
mod service;

use std::{path::Path, sync::Arc};

use super::{
    Config,
    builder::Bounds,
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
    match load::read_text(path, "the Envoy configuration", limits::ENVOY_BYTES, smaller) {
        Ok(text) => lint(&text, &name, config),
        Err(problem) => ConfigErrors::single(&name, *problem),
    }
}

/// The problems of an Envoy configuration: a bootstrap file, a file of resources, or what `/config_dump` gives, as YAML
/// or JSON. `config` is that of the Portcullis that it asks.
#[must_use]
pub fn lint(text: &str, name: &str, config: Option<&Config>) -> ConfigErrors {
    if is_kubernetes(text) {
        let message = "this is a Kubernetes resource, not an Envoy configuration";
        let help =
            "lint what Envoy is given in the end: `curl localhost:9901/config_dump` (Istio's Envoys listen on 15000)";
        return ConfigErrors::single(name, Problem::error(&Place::Nowhere, message).help(help));
    }
    let parsed = parse_within(text, &Bounds::ENVOY);
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

/// Whether some document of a text is a Kubernetes resource. Without a parser: there may be several documents.
fn is_kubernetes(text: &str) -> bool {
    let has = |field: &str| {
        text.lines().any(|line| {
            // JSON has it in quotes, and indented at most once.
            let line = line.strip_prefix('{').unwrap_or(line);
            let line =
                if line.trim_start().starts_with('"') { line.trim_start().replace('"', "") } else { line.to_owned() };
            line.strip_prefix(field).is_some_and(|rest| rest.starts_with(':'))
        })
    };
    has("apiVersion") && has("kind")
}
