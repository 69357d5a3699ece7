//! The configuration as an operator meets it: files and variables in, a configuration or every problem out.

#[cfg(test)]
mod environment;
#[cfg(test)]
mod envoy;
#[cfg(test)]
mod envoy_after;
#[cfg(test)]
#[path = "../support/envoy_changes.rs"]
mod envoy_changes;
#[cfg(test)]
mod envoy_chosen;
#[cfg(test)]
mod envoy_corpus;
#[cfg(test)]
mod envoy_decides;
#[cfg(test)]
#[path = "../support/envoy_faults.rs"]
mod envoy_faults;
#[cfg(test)]
mod envoy_input;
#[cfg(test)]
mod envoy_kubernetes;
#[cfg(test)]
mod envoy_ours;
#[cfg(test)]
mod envoy_reach;
#[cfg(test)]
#[path = "../support/envoy_restarts.rs"]
mod envoy_restarts;
#[cfg(test)]
mod envoy_scene;
#[cfg(test)]
#[path = "../support/envoy_trees/mod.rs"]
mod envoy_trees;
#[cfg(test)]
mod envoy_trees_law;
#[cfg(test)]
mod envoy_trust;
#[cfg(test)]
mod envoy_values;
#[cfg(test)]
#[path = "../support/envoy_verdict.rs"]
mod envoy_verdict;
#[cfg(test)]
mod envoy_ways;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod language;
#[cfg(test)]
mod lints;
#[cfg(test)]
mod offline;
#[cfg(test)]
mod placeholders;
#[cfg(test)]
mod remedies;
#[cfg(test)]
mod rendered;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod valid;
#[cfg(test)]
mod yaml;

use std::collections::BTreeMap;

use portcullis::config::{
    self, Loaded,
    error::{ConfigErrors, Severity},
};

/// An environment of these variables.
#[cfg(test)]
fn env(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What a file of that text gives, without any variables.
#[cfg(test)]
fn parse(text: &str) -> Result<Loaded, ConfigErrors> {
    config::parse(text, "portcullis.yaml", &env(&[]))
}

/// The problems of one severity as `line:column message`, or `message` where there is no place.
#[cfg(test)]
fn problems(errors: &ConfigErrors, severity: Severity) -> Vec<String> {
    let of_severity = errors.problems().filter(|problem| problem.severity() == severity);
    let line = |problem: &config::error::Problem| match problem.position() {
        Some((line, column)) => format!("{line}:{column} {}", problem.message()),
        None => problem.message().to_owned(),
    };
    of_severity.map(line).collect()
}

/// The errors of a text that has some.
#[cfg(test)]
fn errors_of(text: &str) -> Vec<String> {
    let errors = parse(text).map(|_| ()).expect_err(text);
    assert!(errors.has_errors(), "{text}");
    problems(&errors, Severity::Error)
}
