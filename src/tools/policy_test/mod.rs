//! Policy tests: files of requests with what must come of each, run on a [`super::simulate::simulator::Stage`].
//!
//! `decode` reads a file into `case`s, every problem at once; `token_builder` turns the recipe of a token into claims; `run`
//! prepares a case and asks the simulator; `compare` compares; `coverage` says what of the policy no test exercised, `mutate`
//! which weakening of it no test would notice; `runner` holds it together, and [`report`] is what comes out.

mod case;
pub mod compare;
pub mod coverage;
mod decode;
mod explain_line;
mod fault;
pub mod mutate;
pub mod report;
mod run;
mod runner;
mod token_builder;

pub use report::Report;
pub use runner::{Session, Subject, TestFile, run_for};

#[cfg(test)]
mod tests;
