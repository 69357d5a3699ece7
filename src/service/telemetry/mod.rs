//! Logs and metrics. [`events`] has every log line on one page. [`metrics`] registers every metric: those of one subject have a
//! file of their own, and `docs/metrics.md` lists all of them.
//!
//! Never in either: tokens, signatures, secrets, query strings, headers, the subject.

mod check_counters;
pub mod classic_text;
pub(crate) mod clock_lines;
pub mod config_metrics;
pub mod connections;
pub mod denial_lines;
pub mod events;
mod issuer_metrics;
mod live;
pub mod log_format;
pub mod log_output;
mod log_queue;
mod log_writer;
pub mod metrics;
pub mod panic_hook;
mod printable_lines;
mod process;
mod recent_peak;
pub(crate) mod rejected_calls;
mod series;
pub mod subscriber;
mod thread_lag;
pub(crate) mod throttle;
mod token_metrics;
