//! YAML files with positions: a tree of nodes that know where they come from, and problems that underline the place.

pub(crate) mod bounds;
pub(crate) mod builder;
pub(crate) mod flow;
pub(crate) mod parse;
pub(crate) mod problem;
pub(crate) mod scalar;
pub(crate) mod source;
pub(crate) mod suggest;
pub(crate) mod syntax;
pub mod tree;
