//! Trying a policy without a running service: requests and tokens in, the very answers of `serve` out.
//!
//! [`stage`] is a whole engine with keys of its own, at a time that each request chooses; [`mint`] makes those keys and
//! signs with them; [`ask`] is one request, [`answered`] what came of it, [`explain`] says why. Nothing here decides anything: what is said of
//! a request is read off the engine's answer, and what is said of single checks comes from the functions that the engine
//! calls. The keys never leave the process, and no configuration that `serve` takes can name them.

pub mod answered;
pub mod ask;
pub mod explain;
pub mod mint;
pub mod moment;
pub mod stage;
pub mod suite;
