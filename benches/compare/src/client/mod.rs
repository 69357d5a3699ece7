//! A lean HTTP/2 client for Checks: header blocks encoded beforehand, frames written in batches, every answer checked. It takes
//! about a microsecond a call, so that what is measured is the server.

mod connection;
mod frame;
mod hpack;
mod load;
mod streams;
mod verdict;

pub use connection::Connection;
pub use load::{Load, Measured};
pub use verdict::Verdict;

/// What is sent.
pub trait Work {
    /// Appends the next message and says how it must be answered; nothing where there is no more.
    fn next(&mut self, into: &mut Vec<u8>) -> Option<Verdict>;
}

/// No message is longer, so it fits into one frame and into what the peer's windows are at least.
pub const LONGEST: usize = 8 * 1024;
