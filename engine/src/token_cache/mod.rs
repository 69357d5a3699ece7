//! The cache of tokens: [`cached_verifier`] is a verifier that remembers, [`cache`] keeps tokens that were verified, `hot_tokens`
//! finds those that come again and again, and `refused` remembers tokens that were refused.

pub mod cache;
pub mod cached_verifier;
pub(crate) mod hot_tokens;
pub(crate) mod refused;
