//! From the command line to sessions: which tests run against which configuration.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{TestArgs, output};
use crate::{
    cli::{USAGE, environment},
    clock::{Clock as _, SystemClock, UnixTime},
    config::{self, Offline},
    rehearsal::suite::{Session, Subject, TestFile},
};

/// What to call a configuration that is none but variables.
const ENVIRONMENT: &str = "the environment";

/// A configuration as it is named, and the files that are tests of it.
type Group = (Option<PathBuf>, Vec<TestFile>);

/// The sessions, one for each configuration. What is wrong is printed.
pub(super) fn sessions(args: &TestArgs) -> Result<Vec<Session>, ExitCode> {
    let env = environment::read();
    let now = SystemClock.now();
    let (mut groups, mut is_broken) = (BTreeMap::<Option<PathBuf>, Group>::new(), false);
    for path in &args.files {
        match TestFile::open_argument(path, now) {
            Ok(file) => {
                let config = args.config.clone().or_else(|| file.config.clone());
                let key = config.as_ref().map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.clone()));
                groups.entry(key).or_insert_with(|| (config, Vec::new())).1.push(file);
            }
            Err(problems) => {
                output::problems(&problems);
                is_broken = true;
            }
        }
    }
    if args.files.is_empty() {
        groups.insert(None, (args.config.clone(), Vec::new()));
    }
    let mut sessions = Vec::with_capacity(groups.len());
    for (config, files) in groups.into_values() {
        match session(args, config.as_deref(), files, &env, now) {
            Ok(session) => sessions.push(session),
            Err(()) => is_broken = true,
        }
    }
    if is_broken {
        return Err(ExitCode::from(USAGE));
    }
    if sessions.iter().all(Session::is_empty) {
        let filter = args.filter.as_deref().unwrap_or_default();
        output::error(&format!("no test has `{filter}` in its name: a check that can't fail is none"));
        return Err(ExitCode::from(USAGE));
    }
    sessions.retain(|session| !session.is_empty());
    Ok(sessions)
}

fn session(
    args: &TestArgs,
    config: Option<&Path>,
    mut files: Vec<TestFile>,
    env: &BTreeMap<String, String>,
    now: UnixTime,
) -> Result<Session, ()> {
    let Offline { policy, issuers, identity, tests, .. } =
        config::load_offline(config, env).map_err(|problems| output::problems(&problems))?;
    let name = config.map_or_else(|| ENVIRONMENT.to_owned(), |path| path.display().to_string());
    if args.files.is_empty() {
        if tests.is_empty() {
            output::error(&format!("no tests: name a file of tests, or write `tests: [policy_test.yaml]` into {name}"));
            return Err(());
        }
        let opened: Vec<_> = tests.iter().map(|path| TestFile::open(path, now)).collect();
        opened.iter().filter_map(|file| file.as_ref().err()).for_each(output::problems);
        files = opened.into_iter().collect::<Result<_, _>>().map_err(drop)?;
    }
    let subject = Subject { policy, issuers, identity };
    Session::new(&name, subject, files, args.filter.as_deref())
        .map_err(|broken| broken.iter().for_each(output::problems))
}
