//! Logs and metrics. What may be said, and with which names, stands in [`events`] and [`metrics`], on one page each.
//!
//! Never in either: tokens, signatures, secrets, query strings, headers, the subject.

pub mod classic_text;
pub mod connections;
pub mod denial_lines;
pub mod events;
mod issuer_metrics;
mod live;
pub mod log_output;
mod log_queue;
mod log_writer;
pub mod metrics;
pub mod panic_hook;
mod process;
mod recent_peak;
mod series;
pub mod subscriber;
mod tally;
mod thread_lag;
pub(crate) mod throttle;
