//! The content of an answer, whatever protocol writes it.

pub mod identity;
