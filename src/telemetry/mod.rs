//! Logs and metrics. What may be said, and with which names, stands in [`events`] and [`metrics`], on one page each.
//!
//! Never in either: tokens, signatures, secrets, query strings, headers, the subject.

pub mod connections;
pub mod events;
pub mod metrics;
mod series;
pub mod subscriber;
mod tally;
pub(crate) mod throttle;
