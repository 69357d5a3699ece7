//! JSON Web Tokens: the compact form (RFC 7515), the header, the claims (RFC 7519), and the verifier that turns the
//! characters a client sent into a [`verifier::VerifiedToken`].
//!
//! Pure and synchronous: keys and the time are arguments, and nothing here logs. [`token_cache`] remembers what was
//! verified, in a way that nobody can tell from not remembering.

pub mod claim_path;
pub mod claim_retention;
pub mod claim_rule;
pub mod claims;
pub mod compact;
pub mod header;
pub mod issuer_rules;
pub mod verifier;
