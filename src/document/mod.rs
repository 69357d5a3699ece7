//! YAML files with positions: a tree of nodes that know where they come from, and problems that underline the place.

pub(crate) mod bounds;
mod builder;
mod fault;
pub(crate) mod flow;
pub(crate) mod kind;
pub(crate) mod parse;
pub(crate) mod problem;
pub(crate) mod problems;
pub(crate) mod redact;
pub(crate) mod report;
pub(crate) mod scalar;
pub(crate) mod source;
pub(crate) mod suggest;
pub(crate) mod syntax;
pub mod tree;
