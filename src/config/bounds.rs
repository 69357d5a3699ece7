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
}

impl Bounds {
    /// A configuration's.
    pub(super) const CONFIG: Self = Self {
        depth: limits::CONFIG_DEPTH,
        aliases: limits::CONFIG_ALIASES,
        nodes: limits::CONFIG_NODES,
        text_bytes: limits::CONFIG_TEXT_BYTES,
        knows_ignore: false,
    };
    /// Those of a configuration of Envoy's.
    pub(super) const ENVOY: Self = Self {
        depth: limits::ENVOY_DEPTH,
        aliases: limits::ENVOY_ALIASES,
        text_bytes: 2 * limits::ENVOY_BYTES,
        knows_ignore: true,
        ..Self::CONFIG
    };
}
