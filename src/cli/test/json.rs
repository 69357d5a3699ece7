//! Results for programs: one JSON document.

use serde_json::{Value, json};

use crate::{config::error::ConfigErrors, document::report::Report as Problems, tools::policy_test::Report};

/// The document: whether all is well, what is below its minimum, and a report for each configuration.
pub(super) fn document(reports: &[Report], short: &[String]) -> String {
    let passed = short.is_empty() && reports.iter().all(Report::is_green);
    let reports: Vec<Value> = reports.iter().map(report).collect();
    json!({ "passed": passed, "below_minimum": short, "configurations": reports }).to_string()
}

/// The document of files that can't be used: no test has run.
pub(super) fn of_broken(broken: &[ConfigErrors]) -> String {
    let broken: Vec<&ConfigErrors> = broken.iter().collect();
    // A report has nothing that JSON has not.
    let problems = serde_json::to_value(Problems::new(&broken)).unwrap_or_default();
    json!({ "passed": false, "below_minimum": [], "configurations": [], "problems": problems }).to_string()
}

fn report(report: &Report) -> Value {
    // A report has nothing that JSON has not.
    let mut value = serde_json::to_value(report).unwrap_or_default();
    let mut percent = |part: &str, percent: usize| {
        if let Some(Value::Object(part)) = value.get_mut(part) {
            part.insert("percent".to_owned(), percent.into());
        }
    };
    percent("coverage", report.coverage.percent());
    if let Some(mutation) = &report.mutation {
        percent("mutation", mutation.percent());
    }
    value
}
