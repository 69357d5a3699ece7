//! Loads the configuration: at the start, once no writer is seen, and anew while the service runs.
//!
//! [`watch`] says when to look at the file again, [`file_reader`] reads it once it is whole, [`candidate`] judges its
//! content, and [`reloader`] makes it active.

pub(super) mod at_rest;
mod bounded_work;
pub(super) mod candidate;
mod file_reader;
pub(super) mod reload_source;
pub(super) mod reloader;
pub(super) mod status;
pub(super) mod watch;
mod writers;
