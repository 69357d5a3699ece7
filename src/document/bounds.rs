//! The bounds of a YAML text.

/// The bounds of a text.
pub(crate) struct Bounds {
    pub(crate) depth: usize,
    pub(crate) aliases: usize,
    pub(crate) nodes: usize,
    pub(crate) text_bytes: usize,
    /// The tag that a field's name may have: the field is then called like the tag.
    pub(crate) tag_of_names: Option<&'static str>,
    /// Switches on that more documents may follow the first one.
    pub(crate) many_documents: bool,
    /// The help for faults of the grammar that have none of their own.
    pub(crate) grammar_help: &'static str,
}
