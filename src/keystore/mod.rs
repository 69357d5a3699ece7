//! The keys of the configured issuers: where they come from, when they are fetched, and the store that Checks read.
//!
//! [`source`] says where keys come from, [`url_guard`] what may be called, [`discovery`] reads issuer metadata,
//! [`issuer_keys`] is the state machine that decides when to fetch and what a missing key means, [`store`] shares it between
//! Checks and refreshers, [`clock_skew`] compares clocks: all of that is pure. [`fetch`], [`saved`] and [`refresh`] do the IO, in tasks of their own and never inside a Check.

pub mod clock_skew;
pub mod discovery;
pub mod fetch;
pub mod issuer_keys;
pub mod refresh;
pub mod saved;
pub mod source;
pub mod store;
pub mod url_guard;
