//! A configuration that may go into force: read, parsed and tried by its own tests. Nothing here changes what is in force.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    config::{self, Config, Loaded, error::ConfigErrors},
    files, limits,
    service::{error::ServeError, telemetry::events},
};
use portcullis_engine::digest::{Sha256, sha256};

use super::at_rest::BeingWritten;

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
    /// A process holds it, or a file that it names, open for writing.
    #[error(transparent)]
    BeingWritten(BeingWritten),
    /// The file could not be read in time.
    #[error("the file could not be read within {} s: its disk may hang", limits::DISK_TIMEOUT.as_secs())]
    ReadingHangs,
    /// Checking it did not end in time.
    #[error(
        "the configuration could not be checked within {} s: the disk of a file that it names may hang",
        limits::RELOAD_JUDGING.as_secs()
    )]
    JudgingHangs,
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
    /// Every value of [`Self::outcome`].
    pub(super) const OUTCOMES: [&'static str; 7] =
        ["unreadable", "being_written", "timed_out", "invalid", "tests_failed", "keys", "bug"];

    /// For a metric's label: a closed list.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::Restless => "unreadable",
            Self::BeingWritten(_) => "being_written",
            Self::ReadingHangs | Self::JudgingHangs => "timed_out",
            Self::Invalid(_) => "invalid",
            Self::Tests(_) => "tests_failed",
            Self::Keys(_) => "keys",
            Self::Bug => "bug",
        }
    }

    /// Returns whether the same file may be good at the next look, without a change that the system tells.
    pub(super) const fn is_passing(&self) -> bool {
        matches!(self, Self::BeingWritten(_) | Self::ReadingHangs | Self::Restless)
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
            Self::Keys(_)
            | Self::Restless
            | Self::BeingWritten(_)
            | Self::ReadingHangs
            | Self::JudgingHangs
            | Self::Bug => 0,
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

/// The content of the file.
pub(super) struct Read {
    pub(super) text: String,
    pub(super) digest: Sha256,
    /// The process that was seen to write it, after it was read.
    pub(super) written: Option<BeingWritten>,
}

/// Reads the file and looks for its writer, unless its text is the one that is known.
pub(super) fn read(path: &Path, known: Option<&Sha256>) -> Result<Read, Rejected> {
    let unreadable = |error| config::text_of(Err(error), path).err().map_or(Rejected::Bug, Rejected::Unreadable);
    let file = files::open(path).map_err(unreadable)?;
    let text = config::text_of(files::read_open(&file, limits::CONFIG_BYTES), path).map_err(Rejected::Unreadable)?;
    let digest = sha256(text.as_bytes());
    let written = if known == Some(&digest) { None } else { BeingWritten::find_open(&file, path) };
    Ok(Read { text, digest, written })
}

/// Parses and tries a text.
pub(super) fn judge(
    file: &Path,
    text: &str,
    env: &BTreeMap<String, String>,
    suite: Option<&Arc<Suite>>,
) -> Result<Loaded, Rejected> {
    let loaded = config::parse(text, &file.display().to_string(), env).map_err(Rejected::Invalid)?;
    let tested = suite.map_or(Ok(()), |suite| suite(&Candidate { file, text, env, config: &loaded.config }));
    // Half a file of tests may be a valid one, half of the tests may pass, and half a secret is one.
    if let Some(written) = BeingWritten::find(loaded.config.read_files()) {
        return Err(Rejected::BeingWritten(written));
    }
    tested.map_err(Rejected::Tests)?;
    Ok(loaded)
}
