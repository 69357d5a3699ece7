//! The exit codes of the demo.

/// Everything went as it should.
pub(crate) const GOOD: u8 = 0;
/// An answer was not the expected one, or a part failed.
pub(crate) const FAILED: u8 = 1;
/// The command line can't be followed.
pub(crate) const USAGE: u8 = 2;
