//! What an answer says, whatever protocol writes it.

pub mod identity;
