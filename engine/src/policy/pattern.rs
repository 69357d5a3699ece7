//! Path patterns: literals, `{param}` for one whole segment, `{param}:verb` for one with that end, `/**` at the end.

use std::fmt;

use super::{expression::is_absolute_expression, pattern_error::PatternError, segment::Segment};
use crate::{limits, request::path::CanonicalPath};

/// A pattern for paths. Two that differ only in the names of their parameters are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPattern {
    segments: Vec<Segment>,
    /// Whether `/**` follows: the path so far and everything below it.
    tail: bool,
}

impl PathPattern {
    /// The pattern of a configuration's text. A trailing slash is not significant.
    ///
    /// # Errors
    /// What about the text is not a pattern, or could never match a request.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        // Cut at its slashes, an expression is none any more: help about one segment would lead to the next error.
        Self::parse_pattern(text).map_err(|error| {
            if is_absolute_expression(text, |text| Self::parse(text).is_ok()) {
                PatternError::Expression(text.to_owned())
            } else {
                error
            }
        })
    }

    fn parse_pattern(text: &str) -> Result<Self, PatternError> {
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
        let fits = |segment: &Segment| rest.next().is_some_and(|found| segment.matches(found));
        self.segments.iter().all(fits) && (self.tail || rest.next().is_none())
    }

    /// Whether people may well write it otherwise: `/API/Users` is. A gRPC method, `/pkg.Service/Method`, and words within a
    /// name, `/userProfile`, are spelt by machines.
    pub(super) fn is_easily_misspelt(&self) -> bool {
        let mut literals = self.segments.iter().filter_map(Segment::text);
        let is_grpc = self.segments.first().and_then(Segment::text).is_some_and(|first| first.contains('.'));
        !is_grpc && literals.any(|text| text.starts_with(|c: char| c.is_ascii_uppercase() || c == '%'))
    }

    /// Whether it names nothing: `/**`, with parameters before it or without.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.tail && self.segments.iter().all(Segment::is_param)
    }

    /// Its parameters, and which segment each stands for, from 0.
    pub fn params(&self) -> impl Iterator<Item = (&str, usize)> {
        self.segments.iter().enumerate().filter_map(|(index, segment)| Some((segment.param()?, index)))
    }

    /// The verb that stands behind the parameter of that segment, if there is one.
    #[must_use]
    pub fn verb(&self, index: usize) -> Option<&str> {
        match self.segments.get(index)? {
            Segment::Verb { verb, .. } => Some(verb),
            Segment::Literal(_) | Segment::Param(_) => None,
        }
    }

    /// The first segment of a path that may have encoded slashes in it: that of the last parameter, or what `/**` stands for.
    /// `None` if the pattern ends in something else.
    pub(super) fn data_from(&self) -> Option<usize> {
        if self.tail {
            return Some(self.segments.len());
        }
        self.segments.last().filter(|last| last.is_param()).map(|_| self.segments.len() - 1)
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
        Self { segments: self.segments.iter().map(Segment::folded).collect(), tail: self.tail }
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
            segments.push(match short.segments.get(index) {
                Some(other) => segment.intersection(other)?,
                None => segment.clone(),
            });
        }
        Some(Self { segments, tail })
    }

    /// A path that it matches, for messages.
    pub(super) fn example(&self) -> String {
        if self.segments.is_empty() {
            return "/".to_owned();
        }
        self.example_with("x")
    }

    /// A path that it matches, with a text for each parameter: `""` in place of `/`.
    pub(super) fn example_with(&self, param: &str) -> String {
        self.segments.iter().map(|segment| format!("/{}", segment.example(param))).collect()
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            write!(f, "/{segment}")?;
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
