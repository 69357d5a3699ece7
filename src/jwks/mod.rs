//! Keys of issuers: JSON Web Key Sets (RFC 7517), where they come from, and the store that keeps them.
//!
//! [`key`], [`public_key`] and [`key_set`] parse, [`basis`] says what tokens rest on, [`issuer_keys`] is the state machine
//! that decides when to fetch and what a missing key means, [`key_store`] shares it between Checks and refreshers,
//! [`document`] and [`key_text`] say what bytes are, [`source`] says where keys come from, [`discovery`] reads issuer
//! metadata, [`address`] says what may be called, [`clock_skew`] compares clocks: all of that is pure. [`fetch`], [`saved`]
//! and [`refresh`] do the IO, in tasks of their own and never inside a Check.

pub mod address;
pub mod basis;
pub mod clock_skew;
pub mod discovery;
pub mod document;
pub mod fetch;
pub mod issuer_keys;
pub mod key;
pub mod key_set;
pub mod key_store;
pub mod key_text;
pub mod public_key;
pub mod refresh;
pub mod saved;
pub mod source;
