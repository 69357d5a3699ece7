//! `portcullis check`: is this configuration good?

use std::{path::PathBuf, process::ExitCode};

use super::{USAGE, environment, output};
use crate::config::{self, error::Severity};

/// Validates a configuration: every problem at once, with the place underlined.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  portcullis check portcullis.yaml\n\nExit codes: 0 good, 2 it has errors.")]
pub(super) struct CheckArgs {
    /// The configuration file
    file: PathBuf,
}

pub(super) fn run(args: &CheckArgs) -> ExitCode {
    match config::load(Some(&args.file), &environment::read()) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                output::problems(&loaded.warnings);
            }
            let issuers = loaded.config.issuers.len();
            let warnings = loaded.warnings.count(Severity::Warning);
            let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
            output::line(&format!(
                "{} is good: {}, {}, {}",
                args.file.display(),
                count(issuers, "issuer"),
                count(loaded.config.policy.rules().count(), "route"),
                count(warnings, "warning"),
            ));
            ExitCode::SUCCESS
        }
        Err(problems) => {
            output::problems(&problems);
            ExitCode::from(USAGE)
        }
    }
}
