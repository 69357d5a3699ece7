//! JSON Web Tokens: the compact form (RFC 7515), the header, the claims (RFC 7519), and the verifier that turns the
//! characters a client sent into a [`verified_token::VerifiedToken`].
//!
//! Pure and synchronous: keys and the time are arguments, and nothing here logs or remembers anything.

pub(crate) mod claim_checks;
pub mod claim_path;
pub mod claim_retention;
pub mod claim_rule;
pub mod claims;
pub mod compact;
pub mod evidence;
pub mod header;
pub mod issuer_rules;
pub mod verified_token;
pub mod verifier;
