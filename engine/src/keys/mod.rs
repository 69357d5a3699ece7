//! Keys that verify tokens: JSON Web Keys and key sets (RFC 7517), their algorithms (RFC 7518), and how a verifier asks for
//! them.
//!
//! [`key`], [`public_key`] and [`key_set`] parse; [`key_text`] recognises key material by its form; [`key_ref`] names the key
//! and the set that a token was verified with; [`lookup`] is the trait by which a verifier finds keys. All of it is pure.

pub mod algorithm;
pub mod document;
pub mod key;
pub mod key_ref;
pub mod key_set;
pub mod key_text;
pub mod lookup;
pub mod public_key;
pub mod secret;
pub mod unusable;
