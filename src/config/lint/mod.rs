//! Lints: what is right by itself and yet seldom meant. Each is a warning with a name; precision counts more than
//! number, because a false alarm teaches people to look away.

mod catalogue;

pub use catalogue::Lint;
