//! The formats of log lines.

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One line of text, with colours on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
