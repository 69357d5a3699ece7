//! The corpus: tokens, keys and credentials as attackers and careless providers make them, each with the exact answer;
//! the test vectors of the RFCs; laws that hold for all tokens; and that nothing prints a token.
//!
//! Nothing here opens a socket: cases run through the public API, at a moment that they choose.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice, reason = "tests")]

mod cache_law;
mod case;
mod cases;
mod crypto_vectors;
mod judge;
mod keyring;
mod laws;
mod published;
mod redaction;
mod subject;
mod template;
mod token;
mod vectors;

#[path = "../support/check.rs"]
#[expect(dead_code, unreachable_pub, reason = "made for tests over the wire too")]
mod check;
