//! `portcullis check`: are these configurations good?

mod allow;
mod envoy;
mod report;

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;

use allow::AllowedParser;

use self::report::CheckReport;
use super::{
    environment,
    exit_code::{FAILED, USAGE},
    output,
};
use crate::{
    config::{
        self, Config,
        error::{ConfigErrors, Severity},
    },
    service::embedded_tests,
    tools::{
        envoy_lint::{self, Allowed, Checked as CheckedEnvoy},
        policy_test::Subject,
    },
};

/// Validates configurations: every problem at once, with the place underlined, and the tests that they name.
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
portcullis check [OPTIONS] [FILE]...
       portcullis check [OPTIONS] --config <FILE>")]
#[command(after_help = "\
Examples:
  portcullis check portcullis.yaml
  portcullis check --deny-warnings --allow open-wildcard portcullis.yaml
  portcullis check --format json portcullis.yaml
  portcullis check --envoy envoy.yaml portcullis.yaml
  portcullis check --envoy lds.yaml --envoy cds.yaml portcullis.yaml
  curl -sS localhost:9901/config_dump | portcullis check --envoy -
  portcullis check --offline portcullis.yaml

With --offline, what the configuration names is not read: no secret, no key, no certificate, no
directory. It ends with what was not checked. The tests that it names run, if they are there.

Each warning has a name, in brackets after its text. With --envoy, parentheses before it name the
Kubernetes resource, listener, filter chain and route where it is, and --allow takes each of them:
--allow envoy-unchecked=metrics leaves out one listener. Errors are never left out.

Exit codes: 0 no errors: a warning can still let requests pass unchecked. With --envoy, read the
              verdict: \"not good\" is 0 as well, and \"good as far as it was seen\" is 0 even with
              --deny-warnings. For programs, it is `verdict` in JSON
            1 there are warnings, and --deny-warnings
            2 there are errors, or --allow names a place that has no such warning while others do")]
pub(super) struct CheckArgs {
    /// The configuration files [env: PORTCULLIS_CONFIG]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The configuration file as an option
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    config: Option<PathBuf>,
    /// Reads no secret, key or certificate that the configuration names, and no variable with a secret: for CI
    #[arg(long)]
    offline: bool,
    /// An Envoy configuration, what its /config_dump gives, or Kubernetes resources that make it ask Portcullis: finds
    /// what would undo the policy, or lose requests when Portcullis restarts; may be repeated for the files of one Envoy;
    /// `-` is the standard input
    #[arg(long, value_name = "ENVOY_FILE")]
    envoy: Vec<PathBuf>,
    /// The form in which problems are printed: text on standard error, JSON on standard output
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Warnings fail, too
    #[arg(long)]
    deny_warnings: bool,
    /// Leaves out warnings of this name; with a place, only those in that Kubernetes resource, listener, filter chain or
    /// route of an Envoy configuration; may be repeated
    #[arg(long, value_name = "LINT[=PLACE]", value_parser = AllowedParser)]
    allow: Vec<Allowed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// The result for one file.
struct Checked {
    problems: ConfigErrors,
    /// Describes what a file without errors holds.
    holds: Option<String>,
    config: Option<Config>,
    /// Names what `--offline` has not checked.
    unread: Vec<String>,
}

pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let environment = environment::read();
    let named = args.files.iter().map(PathBuf::as_path).chain(args.config.as_deref());
    let mut files: Vec<&Path> = named.collect();
    if files.is_empty() && args.envoy.is_empty() {
        files.extend(config::path_of(None, &environment));
    }
    if files.is_empty() && args.envoy.is_empty() {
        output::error("there is no configuration to check: name one, `portcullis check portcullis.yaml`");
        return ExitCode::from(USAGE);
    }
    if let Some(twice) = given_twice(&args.envoy) {
        let given = config::quoted(&format!("--envoy {}", twice.display()));
        output::error(&format!("{given} is there twice: leave one out"));
        return ExitCode::from(USAGE);
    }
    let all: Vec<Checked> = files.iter().map(|file| check(file, args, &environment)).collect();
    let envoy = (!args.envoy.is_empty()).then(|| check_envoy(&args.envoy, &all));
    if let Some(unknown) = allow::unknown_place(&args.allow, envoy.as_ref()) {
        output::error(&unknown);
        return ExitCode::from(USAGE);
    }
    allow::unused(&args.allow, envoy.as_ref()).iter().for_each(|unused| output::note(unused));
    let envoy = envoy.map(|envoy| envoy.without(&args.allow));
    print_all(args, &all, envoy.as_ref());
    let of_envoy = envoy.iter().flat_map(|envoy| &envoy.files);
    let problems = || all.iter().map(|checked| &checked.problems).chain(of_envoy.clone());
    let every = problems().flat_map(ConfigErrors::problems);
    allow::errors(&args.allow, every).iter().for_each(|error| output::note(error));
    let count = |severity| problems().map(|problems| problems.count(severity)).sum::<usize>();
    if count(Severity::Error) > 0 {
        ExitCode::from(USAGE)
    } else if args.deny_warnings && count(Severity::Warning) > 0 {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    }
}

fn print_all(args: &CheckArgs, all: &[Checked], envoy: Option<&CheckedEnvoy>) {
    let of_envoy = envoy.iter().flat_map(|envoy| &envoy.files);
    match args.format {
        Format::Text => {
            all.iter().for_each(print);
            of_envoy.filter(|problems| !problems.is_empty()).for_each(output::problems);
            envoy.map(envoy::lines).unwrap_or_default().iter().for_each(|line| output::line(line));
            if args.offline {
                print_unread(all);
            }
        }
        Format::Json => {
            let files: Vec<&ConfigErrors> = all.iter().map(|checked| &checked.problems).chain(of_envoy).collect();
            let mut report = CheckReport::new(&files);
            let unread = all.iter().flat_map(|checked| checked.unread.iter().map(String::as_str)).collect();
            if args.offline {
                report = report.without(unread);
            }
            if let Some(envoy) = envoy {
                report = report.of_envoy(envoy);
            }
            output::json(&report);
        }
    }
}

fn check(file: &Path, args: &CheckArgs, environment: &BTreeMap<String, String>) -> Checked {
    if args.offline {
        return check_offline(file, args, environment);
    }
    let (problems, config) = match config::load(Some(file), environment) {
        Ok(loaded) => (loaded.warnings, Some(loaded.config)),
        Err(problems) => (problems, None),
    };
    let problems = problems.without(&allow::everywhere(&args.allow));
    // A start and a reload run them as well, and refuse what they don't pass.
    let tested = config.as_ref().map_or(Ok(()), |config| embedded_tests::check(config, file));
    let issuers = config.as_ref().map_or(0, |config| config.issuers.len());
    judged(file, problems, config, issuers, tested)
}

/// The report of a check that has read nothing of what the configuration names.
fn check_offline(file: &Path, args: &CheckArgs, environment: &BTreeMap<String, String>) -> Checked {
    let offline = match config::load_offline(Some(file), environment) {
        Ok(offline) => offline,
        Err(problems) => {
            let problems = problems.without(&allow::everywhere(&args.allow));
            let unread = vec![format!("{}: what it names outside of itself", file.display())];
            return Checked { problems, holds: None, config: None, unread };
        }
    };
    let problems = offline.warnings.clone().without(&allow::everywhere(&args.allow));
    let (there, absent): (Vec<PathBuf>, Vec<PathBuf>) = offline.tests.iter().cloned().partition(|tests| tests.exists());
    let mut unread: Vec<String> = offline.unread.iter().map(|one| format!("{}: {one}", file.display())).collect();
    unread.extend(absent.iter().map(|tests| {
        format!("{}: `tests` {}: there is no such file", file.display(), config::quoted(&tests.display().to_string()))
    }));
    let subject = Subject {
        policy: offline.policy.clone(),
        issuers: offline.issuers.clone(),
        identity: offline.identity.clone(),
    };
    let tested = embedded_tests::check_by(&there, subject, file);
    let issuers = offline.issuers.len();
    Checked { unread, ..judged(file, problems, Some(offline.without_issuers()), issuers, tested) }
}

fn judged(
    file: &Path,
    problems: ConfigErrors,
    config: Option<Config>,
    issuers: usize,
    tested: Result<(), Vec<String>>,
) -> Checked {
    let (problems, config) = match tested {
        Err(failed) => (with_failed(problems, &failed), None),
        Ok(()) => (problems, config),
    };
    let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let holds = config.as_ref().map(|config| {
        format!(
            "{} is good: {}, {}, {}",
            file.display(),
            count(issuers, "issuer"),
            count(config.policy.rules().count(), "route"),
            count(problems.count(Severity::Warning), "warning"),
        )
    });
    Checked { problems, holds, config, unread: Vec::new() }
}

fn with_failed(problems: ConfigErrors, failed: &[String]) -> ConfigErrors {
    let (summary, lines) = failed.split_first().map_or(("", failed), |(summary, lines)| (summary.as_str(), lines));
    problems.with_error(&format!("the policy's own tests fail: {summary}"), &lines.join("\n"))
}

/// Checks Envoy's files. Where there are several configurations of Portcullis, nothing tells which one this Envoy asks: the lints go
/// without.
fn check_envoy(files: &[PathBuf], ours: &[Checked]) -> CheckedEnvoy {
    let config = if let [only] = ours { only.config.as_ref() } else { None };
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let checked = envoy_lint::check_paths(&files, config);
    if ours.iter().any(|ours| ours.problems.has_errors()) { checked.beside_errors() } else { checked }
}

/// Finds a file that is given again. `-` is the standard input.
fn given_twice(files: &[PathBuf]) -> Option<&Path> {
    let mut before = HashSet::new();
    let real = |file: &PathBuf| {
        let file = if file == Path::new("-") { Path::new("/dev/stdin") } else { file };
        file.canonicalize().unwrap_or_else(|_| file.to_owned())
    };
    files.iter().find(|file| !before.insert(real(file))).map(PathBuf::as_path)
}

fn print(checked: &Checked) {
    if !checked.problems.is_empty() {
        output::problems(&checked.problems);
    }
    if let Some(holds) = &checked.holds {
        output::line(holds);
    }
}

/// The list of what a check with everything at hand would have looked at as well.
fn print_unread(all: &[Checked]) {
    let mut unread = all.iter().flat_map(|checked| &checked.unread).peekable();
    if unread.peek().is_none() {
        if !all.is_empty() {
            output::line("--offline has left nothing out: the configuration names no file and no variable");
        }
        return;
    }
    output::line("not checked, as it was offline:");
    unread.for_each(|one| output::line(&format!("  {one}")));
}
