//! The demo: everything for trying Portcullis out on one machine, as a program of its own (`portcullis-demo`), so that no code
//! that makes tokens for others is in the product. Tests use its parts as a library.
//!
//! `portcullis-demo issuer` gives a token to anybody who asks ([`issuer`]) and fails on order ([`issuer::Fault`]),
//! `portcullis-demo upstream` is a backend without authorization code ([`upstream`]), `portcullis-demo quickstart` sends
//! requests to a running stack and checks the answers, and bare `portcullis-demo` starts all of it with Portcullis and a real
//! Envoy in between.

mod alg;
mod args;
mod child;
mod client;
mod command;
mod document;
mod endpoint;
mod error;
mod exit_codes;
mod fault;
mod fault_script;
pub mod issuer;
mod issuer_state;
mod keys;
mod limits;
mod ports;
mod quickstart;
mod samples;
mod screen;
mod server;
mod signals;
mod stack;
mod token;
mod token_endpoint;
pub mod upstream;
mod work_dir;

pub use self::{command::main, error::DemoError};
