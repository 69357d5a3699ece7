//! How much a YAML text may have, and of what: a configuration, and one of Envoy's.

use crate::limits;

/// The name of a field that Envoy leaves out: blocks stand there to be repeated by aliases.
pub(super) const IGNORED: &str = "!ignore";

/// What a text may have.
pub(super) struct Bounds {
    pub(super) depth: usize,
    pub(super) aliases: usize,
    pub(super) nodes: usize,
    pub(super) text_bytes: usize,
    /// Whether a field's name may have the tag `!ignore`: it is then called [`IGNORED`].
    pub(super) knows_ignore: bool,
    /// Switches on that more documents may follow the first one.
    pub(super) many_documents: bool,
    /// The help for faults of the grammar that have none of their own.
    pub(super) grammar_help: &'static str,
}

impl Bounds {
    /// A configuration's.
    pub(super) const CONFIG: Self = Self {
        depth: limits::CONFIG_DEPTH,
        aliases: limits::CONFIG_ALIASES,
        nodes: limits::CONFIG_NODES,
        text_bytes: limits::CONFIG_TEXT_BYTES,
        knows_ignore: false,
        many_documents: false,
        grammar_help: "line up the fields of one entry, and quote what has braces, `: ` or `*` in it: `path: \"/a/{id}\"`",
    };
    /// Those of a configuration of Envoy's.
    pub(super) const ENVOY: Self = Self {
        depth: limits::ENVOY_DEPTH,
        aliases: limits::ENVOY_ALIASES,
        text_bytes: 2 * limits::ENVOY_BYTES,
        knows_ignore: true,
        many_documents: true,
        grammar_help: "line up the fields of one entry, and close each bracket, brace and quote that is open here",
        ..Self::CONFIG
    };
}
