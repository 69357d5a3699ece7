//! The output of commands. Colours only on a terminal that wants them; a closed pipe is no error, nor is a full disk.

use std::io::{self, IsTerminal as _, Write as _};

use crate::{config::error::ConfigErrors, printable, service::telemetry::log_output};

/// Prints a line on standard output, or several.
pub(super) fn line(text: &str) {
    // The reader went away: there is nobody to tell.
    let _ = writeln!(io::stdout().lock(), "{}", printable::lines(text));
}

/// Prints a value as JSON on standard output, for programs.
pub(super) fn json(value: &impl serde::Serialize) {
    // What we make has string keys and finite numbers only, which JSON has.
    json_text(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Prints a JSON document on standard output.
pub(super) fn json_text(document: &str) {
    let _ = writeln!(io::stdout().lock(), "{}", printable::json(document));
}

/// Prints a text that ends its lines itself on standard output. It is printable but for our own colours.
pub(super) fn text(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

/// Says on standard error that something takes its time, if a person is there to read it.
pub(super) fn progress(text: &str) {
    if io::stderr().is_terminal() {
        let _ = writeln!(io::stderr().lock(), "{}", printable::lines(text));
    }
}

/// Prints an error on standard error. Once the service logs, the error follows the lines of the log, and no reader is waited
/// for.
pub(super) fn error(text: &str) {
    let red = wants_colour();
    let word = if red { "\u{1b}[31merror:\u{1b}[0m" } else { "error:" };
    let line = format!("{word} {}\n", printable::lines(text));
    if !log_output::print(&line) {
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

/// Says on standard error what changes nothing, but may not be meant.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "note: {}", printable::lines(text));
}

/// Prints problems of a configuration on standard error.
pub(super) fn problems(problems: &ConfigErrors) {
    let _ = write!(io::stderr().lock(), "{}", problems.render(wants_colour(), WIDTH));
}

/// Shows what is under way in the last line of a terminal, in place of what was shown there before; elsewhere nothing.
pub(super) fn status_line(text: &str) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\u{1b}[K{text}").and_then(|()| stderr.flush());
    }
}

const WIDTH: usize = 100;

fn wants_colour() -> bool {
    io::stderr().is_terminal() && !is_plain()
}

/// Whether standard output is a terminal that wants colours.
pub(super) fn stdout_wants_colour() -> bool {
    io::stdout().is_terminal() && !is_plain()
}

#[expect(clippy::disallowed_methods, reason = "NO_COLOR (no-color.org) is the terminal's, not the service's")]
fn is_plain() -> bool {
    // https://no-color.org: any value that is not empty.
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
