//! `portcullis check`: are these configurations good?

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{
    ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

use super::{FAILED, USAGE, environment, output};
use crate::{
    app::own_tests,
    config::{
        self, Config,
        error::{ConfigErrors, Severity},
        lint::Lint,
        report::Report,
    },
};

/// Validates configurations: every problem at once, with the place underlined, and the tests that they name.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portcullis check portcullis.yaml
  portcullis check --deny-warnings --allow open-wildcard portcullis.yaml
  portcullis check --format json portcullis.yaml
  portcullis check --envoy envoy.yaml portcullis.yaml

Each warning has a name, in brackets after its text.

Exit codes: 0 good, perhaps with warnings
            1 there are warnings, and --deny-warnings
            2 there are errors")]
pub(super) struct CheckArgs {
    /// The configuration files
    #[arg(required_unless_present = "envoy", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// An Envoy configuration, or what its /config_dump gives: finds what would undo the policy, or lose requests
    /// when Portcullis restarts
    #[arg(long, value_name = "ENVOY_FILE")]
    envoy: Option<PathBuf>,
    /// How problems are printed: text on standard error, JSON on standard output
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Warnings fail, too
    #[arg(long)]
    deny_warnings: bool,
    /// Says nothing of warnings of this name; may be repeated
    #[arg(long, value_name = "LINT", value_parser = lints())]
    allow: Vec<Lint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What there is to say of one file.
struct Checked {
    problems: ConfigErrors,
    /// Of a file without errors, what it holds.
    holds: Option<String>,
    config: Option<Config>,
}

pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let environment = environment::read();
    let mut all: Vec<Checked> = args.files.iter().map(|file| check(file, args, &environment)).collect();
    if let Some(file) = &args.envoy {
        let envoy = check_envoy(file, args, &all);
        all.push(envoy);
    }
    match args.format {
        Format::Text => all.iter().for_each(print),
        Format::Json => {
            let files: Vec<&ConfigErrors> = all.iter().map(|checked| &checked.problems).collect();
            output::json(&Report::of(&files));
        }
    }
    let count = |severity| all.iter().map(|checked| checked.problems.count(severity)).sum::<usize>();
    if count(Severity::Error) > 0 {
        ExitCode::from(USAGE)
    } else if args.deny_warnings && count(Severity::Warning) > 0 {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    }
}

fn check(file: &Path, args: &CheckArgs, environment: &BTreeMap<String, String>) -> Checked {
    let (problems, config) = match config::load(Some(file), environment) {
        Ok(loaded) => (loaded.warnings, Some(loaded.config)),
        Err(problems) => (problems, None),
    };
    let problems = problems.without(&args.allow);
    // A start and a reload run them as well, and refuse what they don't pass.
    let (problems, config) = match config.map(|config| (own_tests::check(&config, file), config)) {
        Some((Err(failed), _)) => (with_failed(problems, &failed), None),
        Some((Ok(()), config)) => (problems, Some(config)),
        None => (problems, None),
    };
    let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let holds = config.as_ref().map(|config| {
        format!(
            "{} is good: {}, {}, {}",
            file.display(),
            count(config.issuers.len(), "issuer"),
            count(config.policy.rules().count(), "route"),
            count(problems.count(Severity::Warning), "warning"),
        )
    });
    Checked { problems, holds, config }
}

fn with_failed(problems: ConfigErrors, failed: &[String]) -> ConfigErrors {
    let (summary, lines) = failed.split_first().map_or(("", failed), |(summary, lines)| (summary.as_str(), lines));
    problems.with_error(&format!("the policy's own tests fail: {summary}"), &lines.join("\n"))
}

/// Of several configurations nothing tells which one this Envoy asks: its lints go without.
fn check_envoy(file: &Path, args: &CheckArgs, ours: &[Checked]) -> Checked {
    let config = if let [only] = ours { only.config.as_ref() } else { None };
    let problems = config::envoy::check(file, config).without(&args.allow);
    let warnings = problems.count(Severity::Warning);
    let plural = if warnings == 1 { "" } else { "s" };
    let holds = (!problems.has_errors()).then(|| format!("{} is good: {warnings} warning{plural}", file.display()));
    Checked { problems, holds, config: None }
}

fn print(checked: &Checked) {
    if !checked.problems.is_empty() {
        output::problems(&checked.problems);
    }
    if let Some(holds) = &checked.holds {
        output::line(holds);
    }
}

/// Lints by their names, which `--help` lists with what they find.
fn lints() -> impl TypedValueParser<Value = Lint> {
    let values = Lint::ALL.iter().map(|lint| PossibleValue::new(lint.name()).help(lint.about().trim_end_matches('.')));
    PossibleValuesParser::new(values).try_map(|name| Lint::named(&name).ok_or("there is no warning of that name"))
}
