//! Where log lines go: standard error, as text for people or JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, filter::ParseError, fmt, util::TryInitError};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One line of text, with colours on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging can't start.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    /// The filter can't be read.
    #[error("the log filter `{filter}` can't be read: {cause}")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        cause: ParseError,
    },
    /// There is a subscriber already.
    #[error("logging is already set up")]
    AlreadySet,
}

/// Starts logging. The filter is a level (`info`) or what tracing's `EnvFilter` understands.
///
/// # Errors
/// [`SubscriberError`].
pub fn init(filter: &str, format: Format) -> Result<(), SubscriberError> {
    let cause = |cause| SubscriberError::Filter { filter: filter.to_owned(), cause };
    let filter = EnvFilter::builder().parse(filter).map_err(cause)?;
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let colours = std::io::stderr().is_terminal();
    let set = match format {
        Format::Text => tracing_subscriber::util::SubscriberInitExt::try_init(logs.with_ansi(colours).finish()),
        Format::Json => tracing_subscriber::util::SubscriberInitExt::try_init(logs.json().finish()),
    };
    set.map_err(|_: TryInitError| SubscriberError::AlreadySet)
}
