//! What is remembered of tokens: those that were verified, and those that were refused.

pub mod cache;
pub(crate) mod hot_tokens;
pub(crate) mod refused;
