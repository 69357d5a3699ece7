//! A configuration that may go into force: read, parsed and tried by its own tests. Nothing here changes what is in force.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    config::{self, Config, Loaded, error::ConfigErrors},
    digest::{Sha256, sha256},
    telemetry::events,
};

use super::ServeError;

/// What a policy's own tests are run on.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// The file.
    pub file: &'a Path,
    /// What stands in it.
    pub text: &'a str,
    /// The environment of the start.
    pub env: &'a BTreeMap<String, String>,
    /// What it means.
    pub config: &'a Config,
}

/// Runs the tests that a configuration names. The errors are lines for operators, at least one if a test fails. Runs on a
/// thread where it may take its time.
pub type Suite = dyn Fn(&Candidate<'_>) -> Result<(), Vec<String>> + Send + Sync;

/// Why a configuration does not go into force.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejected {
    /// The file can't be read.
    #[error("{}", first(.0))]
    Unreadable(ConfigErrors),
    /// It is written all the time.
    #[error("the file changes while it is read")]
    Restless,
    /// It is no valid configuration.
    #[error("{}", first(.0))]
    Invalid(ConfigErrors),
    /// Its own tests fail.
    #[error("the policy's own tests fail: {}", .0.first().map_or("", String::as_str))]
    Tests(Vec<String>),
    /// Its issuers' keys can't be had in the configured way, or not be saved.
    #[error(transparent)]
    Keys(#[from] ServeError),
    /// A bug of ours.
    #[error("loading the configuration failed: a bug, please report it")]
    Bug,
}

impl Rejected {
    /// For a metric's label: a closed list.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::Restless => "unreadable",
            Self::Invalid(_) => "invalid",
            Self::Tests(_) => "tests_failed",
            Self::Keys(_) => "keys",
            Self::Bug => "bug",
        }
    }

    /// Logs every reason, within bounds.
    pub(super) fn log(&self, file: &str, most: usize) {
        let more = match self {
            Self::Unreadable(problems) | Self::Invalid(problems) => {
                for problem in problems.errors().take(most) {
                    events::config_error(&place(file, problem), &problem, problem.help_text());
                }
                problems.errors().count()
            }
            Self::Tests(lines) => {
                lines.iter().take(most).for_each(|line| events::config_error(file, line, None));
                lines.len()
            }
            Self::Keys(_) | Self::Restless | Self::Bug => 0,
        };
        if let Some(more @ 1..) = more.checked_sub(most) {
            events::config_more_errors(more);
        }
    }
}

/// The first error, with its place.
fn first(problems: &ConfigErrors) -> String {
    let file = problems.name();
    problems.errors().next().map_or_else(String::new, |problem| format!("{}: {problem}", place(file, problem)))
}

fn place(file: &str, problem: &config::error::Problem) -> String {
    match (problem.position(), problem.variable()) {
        (Some((line, column)), _) => format!("{file}:{line}:{column}"),
        (None, Some(name)) => name.to_owned(),
        (None, None) => file.to_owned(),
    }
}

/// The text of the file.
pub(super) struct Read {
    pub(super) text: String,
    pub(super) digest: Sha256,
}

/// Reads the file.
pub(super) fn read(file: &Path) -> Result<Read, Rejected> {
    let text = config::read(file).map_err(Rejected::Unreadable)?;
    Ok(Read { digest: sha256(text.as_bytes()), text })
}

/// Parses and tries a text.
pub(super) fn judge(
    file: &Path,
    text: &str,
    env: &BTreeMap<String, String>,
    suite: Option<&Arc<Suite>>,
) -> Result<Loaded, Rejected> {
    let loaded = config::parse(text, &file.display().to_string(), env).map_err(Rejected::Invalid)?;
    if let Some(suite) = suite {
        suite(&Candidate { file, text, env, config: &loaded.config }).map_err(Rejected::Tests)?;
    }
    Ok(loaded)
}
