//! Requests to a configuration without a running service: requests and tokens in, the very answers of `serve` out.
//!
//! [`simulator`] is a whole engine with keys of its own, at a time that each request chooses; [`mint`] makes those keys and
//! signs with them; [`request`] is one request, [`response`] its answer, [`timestamp`] reads times. The keys never leave the
//! process, and no configuration that `serve` takes can name them.

pub mod mint;
pub mod request;
pub mod response;
pub mod simulator;
pub mod timestamp;
