//! One segment of a path pattern: a literal, `{param}:verb`, or `{param}`, the more specific one first.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use super::pattern_error::PatternError;
use crate::{
    reason::RequestFault,
    request::{fold::fold, path::CanonicalPath},
};

/// One segment of a pattern. Two that differ only in the name of a parameter are equal.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    /// A literal: this text, canonical.
    Literal(Box<str>),
    /// Any one segment that ends in a colon and this verb, with something before it (as in Google's AIP-136).
    Verb {
        /// The text before the colon, for people.
        name: Box<str>,
        /// The verb, canonical and without colons.
        verb: Box<str>,
    },
    /// Any one segment; the name is for people.
    Param(Box<str>),
}

/// The part of a segment that decides what it matches.
#[derive(PartialEq, Eq, Hash)]
enum Key<'s> {
    Literal(&'s str),
    Verb(&'s str),
    Param,
}

impl PartialEq for Segment {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Segment {}

impl Hash for Segment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Verb { name, verb } => write!(f, "{{{name}}}:{verb}"),
            Self::Param(name) => write!(f, "{{{name}}}"),
        }
    }
}

/// Splits a segment at its last colon into a text that is not empty and the verb behind it.
pub(super) fn split_verb(segment: &str) -> Option<(&str, &str)> {
    segment.rsplit_once(':').filter(|(before, _)| !before.is_empty())
}

impl Segment {
    fn key(&self) -> Key<'_> {
        match self {
            Self::Literal(text) => Key::Literal(text),
            Self::Verb { verb, .. } => Key::Verb(verb),
            Self::Param(_) => Key::Param,
        }
    }

    /// Says whether it matches any one segment.
    pub(super) fn is_param(&self) -> bool {
        self.key() == Key::Param
    }

    /// The text that every segment it matches has.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Literal(text) | Self::Verb { verb: text, .. } => Some(text),
            Self::Param(_) => None,
        }
    }

    /// The name of its parameter.
    pub(super) fn param(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Verb { name, .. } | Self::Param(name) => Some(name),
        }
    }

    /// Says whether it matches a segment of a canonical path.
    pub(super) fn matches(&self, segment: &str) -> bool {
        match self {
            Self::Literal(text) => **text == *segment,
            Self::Verb { verb, .. } => split_verb(segment).is_some_and(|(_, found)| found == &**verb),
            Self::Param(_) => true,
        }
    }

    /// The segment with its text folded.
    pub(super) fn folded(&self) -> Self {
        match self {
            Self::Literal(text) => Self::Literal(fold(text).into()),
            Self::Verb { name, verb } => Self::Verb { name: name.clone(), verb: fold(verb).into() },
            Self::Param(_) => self.clone(),
        }
    }

    /// Returns the segment that matches exactly what both match, or `None` if that is nothing.
    pub(super) fn intersection(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (narrow, Self::Param(_)) | (Self::Param(_), narrow) => Some(narrow.clone()),
            (Self::Literal(text), verb @ Self::Verb { .. }) | (verb @ Self::Verb { .. }, Self::Literal(text)) => {
                verb.matches(text).then(|| Self::Literal(text.clone()))
            }
            (one, two) => (one == two).then(|| one.clone()),
        }
    }

    /// A segment that it matches, for messages.
    pub(super) fn example(&self, param: &str) -> String {
        match self {
            Self::Literal(text) => text.to_string(),
            Self::Verb { verb, .. } => format!("{param}:{verb}"),
            Self::Param(_) => param.to_owned(),
        }
    }

    /// The segment of a configuration's text; `pattern` is the whole pattern, for messages.
    pub(super) fn parse(text: &str, pattern: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::EmptySegment(pattern.to_owned()));
        }
        if text.contains(['{', '}']) {
            return Self::parse_param(text);
        }
        if text.contains('*') {
            return Err(PatternError::Star(text.to_owned()));
        }
        if let Some(name) = text.strip_prefix(':') {
            return Err(PatternError::Colon { found: text.to_owned(), name: name.to_owned() });
        }
        if is_foreign_parameter(text) {
            return Err(PatternError::Foreign { found: text.to_owned(), name: likely_name(text) });
        }
        refuse_other_forms(text)?;
        Ok(Self::Literal(text.into()))
    }

    /// Parses `{name}` or `{name}:verb`.
    fn parse_param(text: &str) -> Result<Self, PatternError> {
        let braced = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let (name, rest) =
            braced.filter(|(name, _)| is_name(name)).ok_or_else(|| PatternError::Param(text.to_owned()))?;
        if rest.is_empty() {
            return Ok(Self::Param(name.into()));
        }
        let is_verb = |verb: &&str| !verb.is_empty() && !verb.contains([':', '{', '}', '*']);
        let verb = rest.strip_prefix(':').filter(is_verb).ok_or_else(|| PatternError::Param(text.to_owned()))?;
        refuse_other_forms(verb)?;
        Ok(Self::Verb { name: name.into(), verb: verb.into() })
    }
}

/// Refuses a text that no canonical path has.
fn refuse_other_forms(text: &str) -> Result<(), PatternError> {
    let refused = |fault| PatternError::Refused { found: text.to_owned(), fault };
    let path = CanonicalPath::parse(format!("/{text}")).map_err(refused)?;
    if path.has_encoded_slash() {
        return Err(refused(RequestFault::EncodedSlash));
    }
    let canonical = path.as_str().trim_start_matches('/');
    if canonical == text {
        return Ok(());
    }
    Err(PatternError::NotCanonical { found: text.to_owned(), canonical: canonical.to_owned() })
}

/// Says whether it looks like a parameter, or an expression, as other programs write them. As a literal it would match no
/// request that it is meant for, and a pattern for more paths would decide instead.
fn is_foreign_parameter(text: &str) -> bool {
    // RFC 3986 section 3.3: of what is visible in ASCII, these are no pchar. Braces, `#` and `\` have errors of their own.
    text.contains(['<', '>', '[', ']', '^', '`', '|', '"'])
        || text.starts_with('(') && text.ends_with(')')
        || text == ".+"
}

/// The name in a foreign parameter: `id` in `<int:id>`, `[...id]` and `(id)`.
fn likely_name(text: &str) -> String {
    let mut names = text.rsplit(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-');
    let name = names.find(|name| name.starts_with(|letter: char| letter.is_ascii_alphabetic()));
    name.unwrap_or("id").to_owned()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
