//! How much a YAML text may have, and of what: a configuration, and one of Envoy's.

use crate::limits;

/// The name of a field that Envoy leaves out: blocks stand there to be repeated by aliases.
pub(crate) const IGNORED: &str = "!ignore";

/// What a text may have.
pub(crate) struct Bounds {
    pub(crate) depth: usize,
    pub(crate) aliases: usize,
    pub(crate) nodes: usize,
    pub(crate) text_bytes: usize,
    /// Whether a field's name may have the tag `!ignore`: it is then called [`IGNORED`].
    pub(crate) knows_ignore: bool,
    /// Switches on that more documents may follow the first one.
    pub(crate) many_documents: bool,
    /// The help for faults of the grammar that have none of their own.
    pub(crate) grammar_help: &'static str,
}

impl Bounds {
    /// A configuration's.
    pub(crate) const CONFIG: Self = Self {
        depth: limits::CONFIG_DEPTH,
        aliases: limits::CONFIG_ALIASES,
        nodes: limits::CONFIG_NODES,
        text_bytes: limits::CONFIG_TEXT_BYTES,
        knows_ignore: false,
        many_documents: false,
        grammar_help: "line up the fields of one entry, and quote what has braces, `: ` or `*` in it: `path: \"/a/{id}\"`",
    };
    /// Those of a configuration of Envoy's.
    pub(crate) const ENVOY: Self = Self {
        depth: limits::ENVOY_DEPTH,
        aliases: limits::ENVOY_ALIASES,
        text_bytes: 2 * limits::ENVOY_BYTES,
        knows_ignore: true,
        many_documents: true,
        grammar_help: "line up the fields of one entry, and close each bracket, brace and quote that is open here",
        ..Self::CONFIG
    };
}
