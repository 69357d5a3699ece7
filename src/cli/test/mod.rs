//! `portcullis test`: does the policy do what its tests say?

mod args;
mod json;
mod junit;
mod load;
mod progress;
mod text;

use std::{fs, process::ExitCode};

pub(super) use self::args::TestArgs;
use self::{args::Format, load::Refused};
use super::{
    exit_code::{FAILED, USAGE},
    output,
};
use crate::tools::policy_test::Report;

pub(super) fn run(args: &TestArgs) -> ExitCode {
    let sessions = match load::sessions(args) {
        Ok(sessions) => sessions,
        Err(refused) => {
            tell(&refused, args.format);
            return ExitCode::from(USAGE);
        }
    };
    let mut reports = Vec::with_capacity(sessions.len());
    for session in sessions {
        let mut report = session.run();
        if (args.mutate || args.min_mutation.is_some()) && report.is_green() {
            report.mutation = Some(progress::shown("mutants", |tell| session.mutate(tell)));
        }
        reports.push(report);
    }
    if let Some(path) = &args.junit
        && let Err(error) = fs::write(path, junit::document(&reports))
    {
        output::error(&format!("`{}` can't be written: {error}", path.display()));
        return ExitCode::from(USAGE);
    }
    let short = shortcomings(args, &reports);
    match args.format {
        Format::Text => text::print(&reports, &short),
        Format::Json => output::json_text(&json::document(&reports, &short)),
    }
    if short.is_empty() && reports.iter().all(Report::is_green) { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// Prints why no test runs.
fn tell(refused: &Refused, format: Format) {
    match (refused, format) {
        (Refused::Usage(error), _) => output::error(error),
        (Refused::Files(broken), Format::Text) => broken.iter().for_each(output::problems),
        (Refused::Files(broken), Format::Json) => output::json_text(&json::of_broken(broken)),
    }
}

/// What is below its minimum.
fn shortcomings(args: &TestArgs, reports: &[Report]) -> Vec<String> {
    let mut short = Vec::new();
    for report in reports {
        let mut compare = |what: &str, percent: usize, least: Option<u8>| {
            if let Some(least) = least.filter(|least| percent < usize::from(*least)) {
                short.push(format!("{}: {what} is {percent} %, less than {least} %", report.config));
            }
        };
        compare("coverage", report.coverage.percent(), args.min_coverage);
        if let Some(mutation) = &report.mutation {
            compare("mutation", mutation.percent(), args.min_mutation);
        }
    }
    short
}
