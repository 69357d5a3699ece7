//! Everything below a real proxy, in one binary: linking once is faster than linking ten times.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod answers;
mod bad_config;
mod bad_input;
mod bugs;
mod chaos;
mod check;
mod cli;
mod compile_fail;
mod config_argument;
mod connections;
mod explain;
mod faults;
mod figures;
mod front;
mod grpc;
mod health;
mod http2;
mod issuer_metrics;
mod keys;
mod layering;
mod lifecycle;
mod limits;
mod load;
mod log_lines;
mod logs;
mod metrics;
mod migration;
mod outages;
mod overload;
mod policy_tests;
mod providers;
mod readiness;
mod readme;
mod reload;
mod reload_files;
mod reload_load;
mod secrets;
mod sockets;
mod terminal;
mod transport;
mod wire;

#[path = "../support/mod.rs"]
mod support;
