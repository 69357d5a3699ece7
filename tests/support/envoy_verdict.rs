//! The findings and the verdict of `check --envoy`, in the short form in which tests compare them.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::allow_attributes, reason = "each user takes its part")]

use std::collections::BTreeSet;

pub use portcullis::tools::envoy_lint::Verdict;
use portcullis::{
    config::{
        error::{ConfigErrors, Problem, Severity},
        lint::Lint,
    },
    tools::envoy_lint::{Checked, check_files},
};

/// The result for a configuration.
#[derive(Debug)]
pub struct Judged {
    pub verdict: Verdict,
    /// Each finding as `severity lint listener`, sorted; `-` where it has no lint, or is about no listener. Several listeners stand
    /// together, with a comma between them.
    pub findings: Vec<String>,
    /// The parts that were not looked at.
    pub unseen: Vec<String>,
}

/// Judges files that are given together.
pub fn judge(files: &[(&str, &str)]) -> Judged {
    let checked = [check_files(files, None)];
    let problems = checked.iter().flat_map(|checked| &checked.files).flat_map(ConfigErrors::problems);
    let mut findings: Vec<String> = problems.map(described).collect();
    findings.sort();
    let verdict = checked.iter().map(Checked::verdict).max().unwrap_or(Verdict::Wrong);
    Judged { verdict, findings, unseen: checked.into_iter().flat_map(|checked| checked.seen.unseen).collect() }
}

fn described(problem: &Problem) -> String {
    let severity = if problem.severity() == Severity::Error { "error" } else { "warning" };
    let lint = problem.kind().map_or("-", Lint::name);
    let listeners: BTreeSet<&str> = problem.sites().iter().filter_map(|site| site.listener()).collect();
    let listeners: Vec<&str> = listeners.into_iter().collect();
    format!("{severity} {lint} {}", if listeners.is_empty() { "-".to_owned() } else { listeners.join(",") })
}
