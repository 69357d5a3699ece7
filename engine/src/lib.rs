//! The engine of Portcullis decides: it makes a decision of a request, keys and a moment, and says what the answer is.
//!
//! Pure and synchronous. There is no clock, no network, no file, no log and no randomness here: keys, times and identifiers
//! are arguments, so that a decision can be made again and explained. The crate `portcullis` brings requests and keys.
//!
//! # Modules, lowest first
//!
//! | module | |
//! |---|---|
//! | [`limits`] | bounds of what is read |
//! | [`time`], [`digest`], [`strict_json`] | moments, SHA-256, JSON without duplicate members |
//! | [`reason`] | the one table of deny reasons |
//! | [`oauth`] | scopes, credentials, challenges (RFC 6749, RFC 6750) |
//! | [`keys`] | algorithms, keys, key sets, and how a verifier asks for them (RFC 7517, RFC 7518) |
//! | [`jwt`] | tokens, claims, the verifier (RFC 7515, RFC 7519, RFC 9068) |
//! | [`token_cache`] | a verifier that remembers |
//! | [`request`] | the canonical request: method, host, path |
//! | [`policy`] | rules, and which one is for a request |
//! | [`answer`] | what an answer says |
//! | [`authorizer`] | a request, keys and a moment in, a decision out |
//!
//! A module imports those above it in this table only; a test holds that.

pub mod answer;
pub mod authorizer;
pub mod digest;
pub mod jwt;
pub mod keys;
pub mod limits;
pub mod oauth;
pub mod policy;
pub mod reason;
pub mod request;
pub mod strict_json;
pub mod time;
pub mod token_cache;
