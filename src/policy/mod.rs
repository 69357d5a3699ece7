//! stub
pub mod rule;
pub mod scope;
