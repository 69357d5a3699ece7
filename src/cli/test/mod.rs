//! `portcullis test`: does the policy do what its tests say?

mod json;
mod junit;
mod load;
mod progress;
mod text;

use std::{fs, path::PathBuf, process::ExitCode};

use self::load::Refused;
use super::{FAILED, USAGE, output};
use crate::tools::policy_test::Report;

/// Runs policy tests: requests with their tokens, and what must come of each. No keys and no network are needed.
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
portcullis test [OPTIONS] [FILE]...
       portcullis test [OPTIONS] --config <FILE> [FILE]...")]
#[command(after_help = HELP)]
pub(super) struct TestArgs {
    /// Files of tests; without any, those that `tests` of the configuration names. A configuration may stand here as well
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The configuration, in place of the one that `config` of a file names, or that PORTCULLIS_CONFIG does
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only tests with this text in their name
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["min_coverage", "mutate", "min_mutation"])]
    filter: Option<String>,
    /// Fails if the tests reach less than so many percent of the goals
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
    /// Weakens the policy in one place at a time, and lists what no test notices
    #[arg(long)]
    mutate: bool,
    /// Fails if the tests notice less than so many percent of the mutants; implies `--mutate`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_mutation: Option<u8>,
    /// Writes the results as JUnit XML as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How the results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

const HELP: &str = "\
Examples:
  portcullis test policy_test.yaml
  portcullis test portcullis.yaml
  portcullis test --config portcullis.yaml --mutate --min-mutation 100 --junit out.xml tests/*.yaml

A file of tests:
  config: portcullis.yaml               # relative to this file
  tests:
    - name: messages need read:messages
      request: GET /api/private-scoped
      cases:
        - { token: { scopes: [read:messages] }, expect: allow }
        - { token: valid, expect: insufficient_scope }
        - { token: expired, expect: token_expired }
        - { token: none, expect: 401 }

Coverage is the share of goals that passing tests reached. Each rule has a goal for letting a request
pass; each that asks for a token, one for turning away a request without a good one; each of its
requirements (a scope, a claim...), one that is reached when one token met it and another was turned
away for it.

Mutants: each requirement dropped, each rule made public, opened to every method, removed. One that
no test notices is a hole that could open without anybody seeing it.

Exit codes: 0 every test passed
            1 a test failed, or coverage or mutation is below its minimum
            2 the command line, a file of tests or the configuration is wrong, or there are no tests";

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
