//! What can be said of a field.

/// A field.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// What it means, in a line.
    pub(crate) about: &'static str,
    /// What holds without it.
    pub(crate) default: Option<Fallback>,
    /// Whether its section must have it.
    pub(crate) is_required: bool,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// One value: a variable can set it.
    Scalar(Scalar),
    /// A section, or one value: the short form of a section with that first field alone.
    ScalarOrSection(Scalar, &'static [Field]),
    /// A list or rules: in the file only.
    List(List),
    /// A section.
    Section(&'static [Field]),
    /// A list of sections, whose scalars a variable can set by index.
    Sections(&'static [Field]),
}

/// One value.
#[derive(Clone, Copy)]
pub(crate) enum Scalar {
    /// A text that is not empty.
    Text,
    /// One of these words.
    Words(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// `true`.
    True,
    /// `1m30s`.
    Duration,
    /// The same, or this word.
    DurationOr(&'static str),
    /// A whole number within these bounds.
    Count { least: usize, most: usize },
    /// An address with http or https.
    Url,
    /// `host:port`, or what that pattern matches.
    Address { instead: &'static str },
    /// The permissions of a file, as a text in octal.
    Mode,
    /// The name of a group of users, or its number.
    Group,
    /// The pattern of a path.
    Path,
    /// A host, or `*.` and a name.
    Host,
    /// A method.
    Method,
    /// A scope.
    ScopeToken,
    /// A value to compare a claim with.
    Value,
    /// A part of the request.
    Part,
    /// A header's name, or `none`.
    Header,
}

/// Several values.
#[derive(Clone, Copy)]
pub(crate) enum List {
    /// A list of different values, at least one.
    Of(Scalar),
    /// A list of at most so many different values, at least one.
    UpTo(usize, Scalar),
    /// A list of sections.
    Routes(&'static [Field]),
    /// A list of scopes, or a section.
    Scopes(&'static [Field]),
    /// A section by claim.
    Claims(&'static [Field]),
    /// A section by name.
    Policies(&'static [Field]),
    /// A list of scopes by scope.
    Implications,
}

/// What holds without a field.
#[derive(Clone, Copy)]
pub(crate) enum Fallback {
    Text(&'static str),
    Flag(bool),
    Count(usize),
    Texts(&'static [&'static str]),
}

pub(crate) const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about, default: None, is_required: false }
}

impl Field {
    pub(crate) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(crate) const fn or(self, default: bool) -> Self {
        Self { default: Some(Fallback::Flag(default)), ..self }
    }

    pub(crate) const fn or_count(self, default: usize) -> Self {
        Self { default: Some(Fallback::Count(default)), ..self }
    }

    pub(crate) const fn or_text(self, default: &'static str) -> Self {
        Self { default: Some(Fallback::Text(default)), ..self }
    }

    pub(crate) const fn or_texts(self, default: &'static [&'static str]) -> Self {
        Self { default: Some(Fallback::Texts(default)), ..self }
    }
}
