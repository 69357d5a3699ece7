//! The tests that a configuration names for itself: none of them may fail, or it does not go into force.

use std::path::{Path, PathBuf};

use super::reload::candidate::Candidate;
use crate::{
    clock::{Clock as _, SystemClock},
    config::Config,
    limits, printable,
    tools::policy_test::{Report, Subject, compare::Mismatch, run_for},
};

/// Runs the tests of a configuration that may go into force.
///
/// # Errors
/// A line for each test that fails or file that can't be used, the summary first.
pub fn of_candidate(candidate: &Candidate<'_>) -> Result<(), Vec<String>> {
    check(candidate.config, candidate.file)
}

/// Runs the tests that a configuration names; none is no failure.
///
/// # Errors
/// As [`of_candidate`].
pub fn check(config: &Config, file: &Path) -> Result<(), Vec<String>> {
    let subject = Subject {
        policy: config.policy.clone(),
        issuers: config.issuers.iter().map(|issuer| issuer.rules.clone()).collect(),
        identity: config.identity.clone(),
    };
    check_by(&config.tests, subject, file)
}

/// Runs some tests of a policy; none is no failure.
///
/// # Errors
/// As [`of_candidate`].
pub fn check_by(tests: &[PathBuf], subject: Subject, file: &Path) -> Result<(), Vec<String>> {
    if tests.is_empty() {
        return Ok(());
    }
    let report = run_for(&file.display().to_string(), subject, tests, SystemClock.now());
    if report.is_green() { Ok(()) } else { Err(lines(&report)) }
}

fn lines(report: &Report) -> Vec<String> {
    let unusable = report.errors.iter().flat_map(|errors| {
        errors.problems().map(|problem| match problem.line() {
            Some(line) => format!("{}:{line}: {problem}", errors.name()),
            None => format!("{}: {problem}", errors.name()),
        })
    });
    let failed = report.failures().map(|test| {
        let differs = |mismatch: &Mismatch| {
            format!("{}: expected {}, found {}", mismatch.what, mismatch.expected, mismatch.found)
        };
        let mismatches: Vec<String> = test.mismatches.iter().map(differs).collect();
        format!("{} ({}:{}): {}", test.name, test.file, test.line, mismatches.join("; "))
    });
    let lines = [report.summary()].into_iter().chain(unusable.chain(failed).take(limits::RELOAD_ERRORS_LOGGED));
    // Names of files and answers are others' words: one line, and nothing that acts on a terminal.
    lines.map(|line| printable::one_line(&line).into_owned()).collect()
}
