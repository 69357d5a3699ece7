//! Results for people.

use std::fmt::Write as _;

use crate::{
    cli::output,
    printable,
    tools::policy_test::{Report, coverage::Coverage, mutate::Mutation, report::Outcome},
};

/// Lines of one list that are printed.
const SHOWN: usize = 50;

/// Prints reports, and what is below its minimum.
pub(super) fn print(reports: &[Report], short: &[String]) {
    output::line(render(reports, short).trim_end());
}

fn render(reports: &[Report], short: &[String]) -> String {
    let mut out = String::new();
    for report in reports {
        for failure in report.failures().take(SHOWN) {
            out.push_str(&failed(failure));
        }
        let failures = report.failures().count();
        if let Some(more @ 1..) = failures.checked_sub(SHOWN) {
            line(&mut out, &format!("and {more} more that failed"));
            out.push('\n');
        }
        let (all, left_out) = (report.tests.len(), report.filtered_out);
        let filtered = if left_out > 0 { format!(", {left_out} left out by --filter") } else { String::new() };
        let passed = all.saturating_sub(failures);
        line(&mut out, &format!("{}: {passed} of {} passed{filtered}", report.config, counted(all, "test")));
        if left_out == 0 {
            coverage(&mut out, &report.coverage);
        }
        if let Some(mutation) = &report.mutation {
            mutants(&mut out, mutation);
        }
        out.push('\n');
    }
    for shortcoming in short {
        line(&mut out, &format!("FAIL {shortcoming}"));
    }
    out
}

fn failed(outcome: &Outcome) -> String {
    let mut out = String::new();
    line(&mut out, &format!("FAIL {}:{} {}", &outcome.file, outcome.line, &outcome.name));
    for mismatch in &outcome.mismatches {
        line(&mut out, &format!("  {}", mismatch.what));
        line(&mut out, &format!("    expected: {}", &mismatch.expected));
        line(&mut out, &format!("    found:    {}", &mismatch.found));
    }
    let place = outcome.rule_written_at.as_deref().unwrap_or_default();
    let rule = outcome.rule.as_deref().map_or_else(|| "none was chosen".to_owned(), |rule| placed(rule, place));
    line(&mut out, &format!("  rule: {rule}"));
    if let Some(command) = &outcome.explain {
        line(&mut out, &format!("  why:  {}", command));
    }
    out.push('\n');
    out
}

fn coverage(out: &mut String, coverage: &Coverage) {
    let (reached, goals) = (coverage.reached, counted(coverage.goals, "goal"));
    line(out, &format!("coverage {} %: {reached} of {goals}", coverage.percent()));
    let gaps = coverage.untested.iter().chain(&coverage.gaps);
    list(out, gaps.map(|gap| format!("{}: {}", placed(&gap.rule, &gap.written_at), gap.missing)));
}

fn mutants(out: &mut String, mutation: &Mutation) {
    let (noticed, tried) = (mutation.noticed, counted(mutation.tried, "mutant"));
    line(out, &format!("mutation {} %: tests notice {noticed} of {tried}", mutation.percent()));
    let survivors = mutation.survivors.iter();
    list(out, survivors.map(|one| format!("no test notices: {} {}", placed(&one.rule, &one.written_at), one.change)));
    if mutation.left_out > 0 {
        line(out, &format!("  {} were not tried: the policy is very large", counted(mutation.left_out, "mutant")));
    }
}

fn list(out: &mut String, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    for item in items.iter().take(SHOWN) {
        line(out, &format!("  {item}"));
    }
    if let Some(more @ 1..) = items.len().checked_sub(SHOWN) {
        line(out, &format!("  and {more} more"));
    }
}

/// A rule with its place.
fn placed(rule: &str, written_at: &str) -> String {
    if written_at.is_empty() { format!("`{rule}`") } else { format!("`{rule}` ({written_at})") }
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Without what would act on a terminal: values come from files that others wrote.
fn line(out: &mut String, text: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{}", printable::one_line(text));
}
