//! What the fuzz targets share: slow, obvious references to hold the real code against, writers of texts that random
//! bytes would never come to, and a policy to judge with.
//!
//! The targets assert laws. A law is a function whose name says what always holds; it panics where it doesn't, and the
//! input is then kept in `target/fuzz/artifacts`.

pub mod base64url;
pub mod config;
#[path = "../../tests/support/envoy_trees/mod.rs"]
pub mod envoy_trees;
#[path = "../../tests/support/envoy_verdict.rs"]
pub mod envoy_verdict;
pub mod json_reference;
pub mod json_writer;
pub mod keys;
