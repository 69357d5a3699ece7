//! A document as a tree of nodes that know where they come from: a place in the file, or a variable of the
//! environment. It knows nothing of what the fields mean.

use std::{fmt, sync::Arc};

use serde_json::Number;

/// A run of bytes of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of its first byte.
    pub start: usize,
    /// Its length in bytes.
    pub len: usize,
}

impl Span {
    /// The offset after its last byte.
    #[must_use]
    pub fn end(self) -> usize {
        self.start.saturating_add(self.len)
    }
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file.
    File(Span),
    /// In a variable of the environment, by name.
    Variable(Arc<str>),
    /// Nowhere: the thing is missing as a whole.
    Nowhere,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was written; for a section, its first key.
    pub place: Place,
    /// Whether it is a scalar without quotes: some YAML parsers read `no` or `0x10` otherwise than as text.
    pub plain: bool,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`, as in YAML 1.2: `yes` and `off` are strings.
    Bool(bool),
    /// A number in decimal.
    Number(Number),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Node>),
    /// A section: its entries in the order of the file, duplicates included.
    Section(Vec<Entry>),
}

/// A field of a section.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub key: String,
    /// Where its name stands.
    pub place: Place,
    /// Its value.
    pub node: Node,
}

impl Node {
    /// A text that a variable holds.
    pub(crate) fn from_variable(name: &Arc<str>, text: &str) -> Self {
        Self { value: Value::String(text.to_owned()), place: Place::Variable(Arc::clone(name)), plain: true }
    }

    /// Whether it comes from the environment, where everything is text.
    #[must_use]
    pub fn is_from_variable(&self) -> bool {
        matches!(self.place, Place::Variable(_))
    }
}

/// What kind of value it is, in the operator's words.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Section(_) => "a section",
        })
    }
}
