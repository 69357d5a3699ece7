//! The exit codes of commands, beside 0 for what went well.

/// The command ran and failed.
pub(super) const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub(super) const USAGE: u8 = 2;
