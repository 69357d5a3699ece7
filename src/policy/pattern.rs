//! Path patterns: literals, `{param}` for one whole segment, `/**` at the end.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use super::{fold::fold, path::CanonicalPath, pattern_error::PatternError};
use crate::limits;

/// A pattern for paths. Two that differ only in the names of their parameters are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPattern {
    segments: Vec<Segment>,
    /// Whether `/**` follows: the path so far and everything below it.
    tail: bool,
}

/// One segment of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    /// This text, canonical.
    Literal(Box<str>),
    /// Any one segment; the name is for people.
    Param(Box<str>),
}

impl PartialEq for Segment {
    fn eq(&self, other: &Self) -> bool {
        self.literal() == other.literal()
    }
}

impl Eq for Segment {}

impl Hash for Segment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.literal().hash(state);
    }
}

impl Segment {
    /// The text, unless it is a parameter.
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Param(_) => None,
        }
    }

    fn parse(text: &str, pattern: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::EmptySegment(pattern.to_owned()));
        }
        if text.contains(['{', '}']) {
            let name = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).filter(|name| is_name(name));
            return name.map(|name| Self::Param(name.into())).ok_or_else(|| PatternError::Param(text.to_owned()));
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
        let literal = CanonicalPath::parse(format!("/{text}"))
            .map_err(|fault| PatternError::Refused { found: text.to_owned(), fault })?;
        let canonical = literal.as_str().trim_start_matches('/');
        if canonical == text {
            return Ok(Self::Literal(text.into()));
        }
        Err(PatternError::NotCanonical { found: text.to_owned(), canonical: canonical.to_owned() })
    }
}

/// Whether it looks like a parameter, or an expression, as other programs write them. As a literal it would match no
/// request that it is meant for, and a pattern for more paths would decide instead.
fn is_foreign_parameter(text: &str) -> bool {
    // RFC 3986 section 3.3: of what is visible in ASCII, these are no pchar. Braces, `#` and `\` have errors of their own.
    text.contains(['<', '>', '[', ']', '^', '`', '|', '"']) || text.starts_with('(') && text.ends_with(')')
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

impl PathPattern {
    /// The pattern of a configuration's text. A trailing slash is not significant.
    ///
    /// # Errors
    /// What about the text is not a pattern, or could never match a request.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let rest = text.strip_prefix('/').ok_or_else(|| PatternError::NotAbsolute(text.to_owned()))?;
        if text.contains('?') {
            return Err(PatternError::Query(text.to_owned()));
        }
        if text.len() > limits::PATH_BYTES {
            return Err(PatternError::TooLong { limit: limits::PATH_BYTES, unit: "bytes" });
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (fixed, tail) = match rest.strip_suffix("**") {
            Some("") => ("", true),
            // `/a**` has no slash before its stars: its last segment is refused below.
            Some(fixed) => fixed.strip_suffix('/').map_or((rest, false), |fixed| (fixed, true)),
            None => (rest, false),
        };
        if fixed.is_empty() {
            // `//` and `//**` have nothing left either, but are not the root.
            let is_root = ["/", "/**", "/**/"].contains(&text);
            let root = Self { segments: Vec::new(), tail };
            return if is_root { Ok(root) } else { Err(PatternError::EmptySegment(text.to_owned())) };
        }
        let segments = fixed.split('/').map(|segment| Segment::parse(segment, text)).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > limits::PATH_SEGMENTS {
            return Err(PatternError::TooLong { limit: limits::PATH_SEGMENTS, unit: "segments" });
        }
        Ok(Self { segments, tail })
    }

    /// Whether it matches the whole path.
    #[must_use]
    pub fn matches(&self, path: &CanonicalPath) -> bool {
        let mut rest = path.segments();
        let fits = |segment: &Segment| {
            rest.next().is_some_and(|found| segment.literal().is_none_or(|literal| literal == found))
        };
        self.segments.iter().all(fits) && (self.tail || rest.next().is_none())
    }

    /// Whether people may well write it otherwise: `/API/Users` is. A gRPC method, `/pkg.Service/Method`, and words within a
    /// name, `/userProfile`, are spelt by machines.
    pub(super) fn is_easily_misspelt(&self) -> bool {
        let mut literals = self.segments.iter().filter_map(Segment::literal);
        let is_grpc = self.segments.first().and_then(Segment::literal).is_some_and(|first| first.contains('.'));
        !is_grpc && literals.any(|text| text.starts_with(|c: char| c.is_ascii_uppercase() || c == '%'))
    }

    /// Whether it names nothing: `/**`, with parameters before it or without.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.tail && self.segments.iter().all(|segment| segment.literal().is_none())
    }

    /// Its parameters, and which segment each stands for, from 0.
    pub fn params(&self) -> impl Iterator<Item = (&str, usize)> {
        self.segments.iter().enumerate().filter_map(|(index, segment)| match segment {
            Segment::Param(name) => Some((&**name, index)),
            Segment::Literal(_) => None,
        })
    }

    /// Whether it ends in `/**`.
    pub(super) fn has_tail(&self) -> bool {
        self.tail
    }

    /// Its segments without the `/**`.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The pattern with its literals folded.
    pub(super) fn folded(&self) -> Self {
        let folded = |segment: &Segment| match segment {
            Segment::Literal(text) => Segment::Literal(fold(text).into()),
            Segment::Param(_) => segment.clone(),
        };
        Self { segments: self.segments.iter().map(folded).collect(), tail: self.tail }
    }

    /// The pattern for exactly the paths that both match, or `None` if there are none.
    pub(super) fn intersection(&self, other: &Self) -> Option<Self> {
        let (long, short) = if self.segments.len() < other.segments.len() { (other, self) } else { (self, other) };
        if long.segments.len() > short.segments.len() && !short.tail {
            return None;
        }
        // Where both have a tail, so has the intersection; where they are as long, both need one.
        let tail = long.tail && short.tail;
        let mut segments = Vec::with_capacity(long.segments.len());
        for (index, segment) in long.segments.iter().enumerate() {
            segments.push(match (segment, short.segments.get(index)) {
                (Segment::Literal(one), Some(Segment::Literal(two))) if one != two => return None,
                (Segment::Param(_), Some(literal)) => literal.clone(),
                (segment, _) => segment.clone(),
            });
        }
        Some(Self { segments, tail })
    }

    /// A path that it matches, for messages.
    pub(super) fn example(&self) -> String {
        if self.segments.is_empty() {
            return "/".to_owned();
        }
        self.segments.iter().map(|segment| format!("/{}", segment.literal().unwrap_or("x"))).collect()
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Param(name) => write!(f, "/{{{name}}}")?,
            }
        }
        match (self.tail, self.segments.is_empty()) {
            (true, _) => f.write_str("/**"),
            (false, true) => f.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
