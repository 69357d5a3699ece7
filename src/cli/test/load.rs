//! From the command line to sessions: which tests run against which configuration.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::args::TestArgs;
use crate::{
    cli::environment,
    clock::{Clock as _, SystemClock},
    config::{self, Offline, error::ConfigErrors, quoted},
    files, limits,
    tools::policy_test::{Session, Subject, TestFile},
};
use portcullis_engine::time::UnixTime;

/// What to call a configuration that is none but variables.
const ENVIRONMENT: &str = "the environment";

/// A configuration as it is named, and the files that are tests of it.
type Group = (Option<PathBuf>, Vec<TestFile>);

/// A configuration, and the tests that it is tested by.
struct Chosen<'a> {
    config: Option<&'a Path>,
    files: Vec<&'a PathBuf>,
    filter: Option<&'a str>,
}

impl<'a> Chosen<'a> {
    /// A configuration is an argument or an option: one of them, and once.
    fn new(args: &'a TestArgs, given: &[&'a PathBuf], files: Vec<&'a PathBuf>) -> Result<Self, String> {
        let filter = args.filter.as_deref();
        match (given, &args.config) {
            ([], config) => Ok(Self { config: config.as_deref(), files, filter }),
            ([one], None) => Ok(Self { config: Some(one), files, filter }),
            ([one, ..], Some(_)) => Err(format!(
                "the configuration is given twice, as {} and with `--config`: leave one out",
                quoted(&one.display().to_string())
            )),
            ([one, other, ..], None) => Err(format!(
                "{} and {} are both configurations: test one after the other",
                quoted(&one.display().to_string()),
                quoted(&other.display().to_string())
            )),
        }
    }
}

/// The reasons for which no test runs.
pub(super) enum Refused {
    /// A command line that is wrong, in a sentence.
    Usage(String),
    /// Problems of files, file by file.
    Files(Vec<ConfigErrors>),
}

/// The sessions, one for each configuration.
pub(super) fn sessions(args: &TestArgs) -> Result<Vec<Session>, Refused> {
    let env = environment::read();
    let now = SystemClock.now();
    let (given, files): (Vec<&PathBuf>, Vec<&PathBuf>) =
        args.files.iter().partition(|file| config::is_configuration(file));
    let args = &Chosen::new(args, &given, files).map_err(Refused::Usage)?;
    let (mut groups, mut broken) = (BTreeMap::<Option<PathBuf>, Group>::new(), Vec::new());
    for path in args.files.iter().copied() {
        match TestFile::open_argument(path, now) {
            Ok(file) => {
                let config = args.config.map(Path::to_owned).or_else(|| file.config.clone());
                let key = config.as_ref().map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.clone()));
                groups.entry(key).or_insert_with(|| (config, Vec::new())).1.push(file);
            }
            Err(problems) => broken.push(problems),
        }
    }
    if args.files.is_empty() {
        groups.insert(None, (args.config.map(Path::to_owned), Vec::new()));
    }
    let mut sessions = Vec::with_capacity(groups.len());
    for (config, files) in groups.into_values() {
        match session(args, config.as_deref(), files, &env, now) {
            Ok(session) => sessions.push(session),
            Err(Refused::Files(problems)) => broken.extend(problems),
            Err(usage) => return Err(usage),
        }
    }
    if !broken.is_empty() {
        return Err(Refused::Files(broken));
    }
    if sessions.iter().all(Session::is_empty) {
        let filter = args.filter.unwrap_or_default();
        return Err(Refused::Usage(format!("no test has `{filter}` in its name: a check that can't fail is none")));
    }
    sessions.retain(|session| !session.is_empty());
    Ok(sessions)
}

fn session(
    args: &Chosen<'_>,
    config: Option<&Path>,
    mut files: Vec<TestFile>,
    env: &BTreeMap<String, String>,
    now: UnixTime,
) -> Result<Session, Refused> {
    if config::is_absent(config, env) {
        return Err(Refused::Usage(no_configuration(&files)));
    }
    if let Some(problems) = unreadable_config(args, config, &files) {
        return Err(Refused::Files(problems));
    }
    let Offline { policy, issuers, identity, tests, .. } =
        config::load_offline(config, env).map_err(|problems| Refused::Files(vec![problems]))?;
    let name = config.map_or_else(|| ENVIRONMENT.to_owned(), |path| path.display().to_string());
    if args.files.is_empty() {
        if tests.is_empty() {
            return Err(Refused::Usage(match config {
                Some(_) => format!("no tests: name a file of tests, or write `tests: [policy_test.yaml]` into {name}"),
                None => "no tests: name a file of tests".to_owned(),
            }));
        }
        let mut broken = Vec::new();
        for path in &tests {
            match TestFile::open(path, now) {
                Ok(file) => files.push(file),
                Err(problems) => broken.push(problems),
            }
        }
        if !broken.is_empty() {
            return Err(Refused::Files(broken));
        }
    }
    let subject = Subject { policy, issuers, identity };
    Session::new(&name, subject, files, args.filter).map_err(Refused::Files)
}

/// Says what to do where neither the command line nor a file of tests nor a variable names a configuration.
fn no_configuration(files: &[TestFile]) -> String {
    match files {
        [] => "there is no file of tests: `portcullis test policy_test.yaml` runs one".to_owned(),
        [first, ..] => format!(
            "there is no configuration to test: write `config: portcullis.yaml` into {}, or name one with `--config`",
            quoted(first.name())
        ),
    }
}

/// The problems of files of tests that name a configuration which can't be read, each with its line.
fn unreadable_config(args: &Chosen<'_>, config: Option<&Path>, files: &[TestFile]) -> Option<Vec<ConfigErrors>> {
    if args.config.is_some() {
        return None;
    }
    let error = files::read(config?, limits::CONFIG_BYTES).err()?;
    let problems: Vec<_> = files.iter().filter_map(|file| file.unreadable_config(&error.to_string())).collect();
    (!problems.is_empty()).then_some(problems)
}
