//! The words of a kind of documents for its problems: their names, and the parts that they are in.

use std::{
    fmt::{Debug, Display},
    hash::Hash,
};

use serde::Serialize;

/// The name of a kind of problems.
pub trait Code: Copy + Debug + Display + Eq + Hash + 'static {
    /// Returns the name, which is stable.
    fn name(self) -> &'static str;
}

/// A part of a document, by names. In JSON it is a section with members of its own.
pub trait Part: Clone + Debug + Display + Eq + Hash + Serialize + 'static {
    /// Says whether nothing is known of it.
    fn is_empty(&self) -> bool;

    /// The word for others of its problem, in the singular.
    fn word_for(&self, others: &[Self]) -> &'static str;
}
