//! The format of log lines, text for people or JSON for machines, and the filter that says which are written.

use std::io::{self, IsTerminal as _};

use tracing::{Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, LevelFilter, ParseError, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    registry,
    util::{SubscriberInitExt as _, TryInitError},
};

use super::{events, log_format::Format, log_output, printable_lines::PrintableLines, rejected_calls};

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
    /// One word that is no level: tracing would take it for the name of a part, and log nothing at all.
    #[error("`{0}` is not a log level; write error, warn, info, debug or trace, or a filter like `portcullis=debug`")]
    Level(String),
    /// The thread that writes the log can't be started.
    #[error("the thread that writes the log can't be started: {0}")]
    Thread(io::Error),
    /// There is a subscriber already.
    #[error("logging is already set up")]
    AlreadySet,
}

/// Starts logging, to standard error. The filter is a level (`info`) or what tracing's `EnvFilter` understands.
///
/// # Errors
/// [`SubscriberError`].
pub fn init(filter: &str, format: Format) -> Result<(), SubscriberError> {
    let cause = |cause| SubscriberError::Filter { filter: filter.to_owned(), cause };
    let filter = EnvFilter::builder().parse(directives(filter)?).map_err(cause)?;
    let queue = log_output::start().map_err(SubscriberError::Thread)?;
    // The queue takes every line, so there are no errors to report; they would be written with `eprintln!`, which panics where
    // standard error can't be written.
    // https://no-color.org: any value that is not empty.
    #[expect(clippy::disallowed_methods, reason = "the terminal's wish, not configuration")]
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = !plain && io::stderr().is_terminal();
    subscriber(filter, format, colours, move || PrintableLines::new(queue, format))
        .try_init()
        .map_err(|_: TryInitError| SubscriberError::AlreadySet)
}

/// A subscriber that writes the lines of a filter and, unless that lets nothing through, those of [`events::ALWAYS`]. It notes
/// rejected calls whatever the filter is.
fn subscriber<W>(filter: EnvFilter, format: Format, colours: bool, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let logs = fmt::layer().with_writer(writer).with_target(false).log_internal_errors(false);
    let logs = match format {
        Format::Text => logs.with_ansi(colours).boxed(),
        Format::Json => logs.json().boxed(),
    };
    let is_off = filter.max_level_hint() == Some(LevelFilter::OFF);
    let always = filter_fn(move |line: &Metadata<'_>| !is_off && line.target() == events::ALWAYS);
    let filter = filter.or(always.with_max_level_hint(if is_off { LevelFilter::OFF } else { LevelFilter::WARN }));
    // The filter is that of the lines alone: as one of the whole subscriber it would hide events from other layers.
    registry().with(logs.with_filter(filter)).with(rejected_calls::layer())
}

/// A filter as tracing reads it. A bare level is ours: what libraries say of their frames at `debug` would bury it.
fn directives(filter: &str) -> Result<String, SubscriberError> {
    if filter.contains(['=', ',', ':', '[']) {
        return Ok(filter.to_owned());
    }
    match filter.to_ascii_lowercase().as_str() {
        level @ ("error" | "off") => Ok(level.to_owned()),
        // h2 warns of frames at the rate of its peer. `events::connection_failed` says what ends a connection.
        "warn" => Ok("warn,h2=error".to_owned()),
        level @ ("info" | "debug" | "trace") => Ok(format!("warn,h2=error,portcullis={level}")),
        _ => Err(SubscriberError::Level(filter.to_owned())),
    }
}

#[cfg(test)]
mod tests;
