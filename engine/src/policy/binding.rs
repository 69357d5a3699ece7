//! Bindings: a claim that must match a part of the request, so that a token of one tenant opens nothing of another's.

use std::{borrow::Cow, fmt};

use serde_json::Value;

use super::{
    host_pattern::HostPattern,
    lax_segment::{LaxSegment, Trim},
    lenient_paths::cut,
    trie::Look as _,
};
use crate::{
    jwt::{claim_path::ClaimPath, claims::Claims},
    request::{escape::hex_pair, host::Host, target::RequestTarget},
};

/// A claim and the part of the request that it must match.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Which claim.
    pub claim: ClaimPath,
    /// Which part of the request.
    pub part: RequestPart,
}

/// A part of a request.
#[derive(Clone, Debug)]
pub enum RequestPart {
    /// The segment of the path that a `{param}` stands for.
    Segment {
        /// The parameter's name, for people.
        name: Box<str>,
        /// Which segment, from 0.
        index: usize,
        /// The verb behind the parameter, which with its colon is no part of it.
        verb: Option<Box<str>>,
    },
    /// The whole host.
    Host,
    /// What `*` stands for in `*.example.com`: every label before that name.
    Subdomain {
        /// The name below which it is.
        of: Host,
    },
}

/// The name of a parameter is for people: where it stands decides what it stands for.
impl PartialEq for RequestPart {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Segment { index, verb, .. }, Self::Segment { index: other, verb: others, .. }) => {
                (index, verb) == (other, others)
            }
            (Self::Host, Self::Host) => true,
            (Self::Subdomain { of }, Self::Subdomain { of: other }) => of == other,
            (Self::Segment { .. } | Self::Host | Self::Subdomain { .. }, _) => false,
        }
    }
}

impl Binding {
    /// Whether the claim matches: a string or an integer that is the part, or an array with such a member. Of a host,
    /// case doesn't count; of a path it does.
    #[must_use]
    pub fn is_met_by(&self, claims: &Claims, target: &RequestTarget) -> bool {
        let (Some(value), Some(part)) = (claims.at(&self.claim), self.part.of(target)) else { return false };
        match value {
            Value::Array(members) => members.iter().any(|member| self.part.is(&part, member)),
            value => self.part.is(&part, value),
        }
    }
}

impl RequestPart {
    /// The part `*` stands for in a host pattern, if it has one.
    #[must_use]
    pub fn subdomain(host: &HostPattern) -> Option<Self> {
        match host {
            HostPattern::Suffix(of) => Some(Self::Subdomain { of: of.clone() }),
            HostPattern::Exact(_) | HostPattern::Any => None,
        }
    }

    /// What a request has there: a segment with its escapes decoded.
    #[must_use]
    pub fn of<'t>(&self, target: &'t RequestTarget) -> Option<Cow<'t, str>> {
        match self {
            Self::Segment { index, verb, .. } => {
                let segment = target.path.segments().nth(*index)?;
                decoded(match verb {
                    Some(verb) => without_verb(segment, verb)?,
                    None => segment,
                })
            }
            Self::Host => target.host.as_ref().map(|host| host.as_str().into()),
            Self::Subdomain { of } => {
                let host = target.host.as_deref()?.as_str();
                let labels = host.strip_suffix(of.as_str())?.strip_suffix('.')?;
                (!labels.is_empty()).then_some(labels.into())
            }
        }
    }

    /// Says whether a lax backend could take what stands before a verb for something else. Readings of the path tell that of a
    /// whole segment; but they trim its end, where the verb is.
    pub(super) fn may_be_read_otherwise_before_verb(&self, target: &RequestTarget) -> bool {
        let Self::Segment { index, verb: Some(verb), .. } = self else { return false };
        let part = target.path.segments().nth(*index).and_then(|segment| without_verb(segment, verb));
        let look = LaxSegment { trim: Trim::SpacesAndDots, drops_streams: true };
        part.is_some_and(|part| look.look(part) != Some(part) || cut(part).is_some())
    }

    fn is(&self, part: &str, value: &Value) -> bool {
        match (value, self) {
            (Value::String(text), Self::Segment { .. }) => text == part,
            // RFC 4343: names of hosts are the same in any case.
            (Value::String(text), Self::Host | Self::Subdomain { .. }) => text.eq_ignore_ascii_case(part),
            // One spelling only: `7`, not `07`, `7.0` or `+7`.
            (Value::Number(number), Self::Segment { .. }) if !number.is_f64() => number.to_string() == part,
            (Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_), _) => false,
        }
    }
}

/// Returns what stands before a colon and that verb.
fn without_verb<'s>(segment: &'s str, verb: &str) -> Option<&'s str> {
    segment.strip_suffix(verb)?.strip_suffix(':')
}

/// A canonical segment without its escapes. What of it is not UTF-8 was refused before (RFC 3629 section 10).
fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(segment.into());
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { hex_pair([rest.next()?, rest.next()?])? } else { byte });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "claim {} matches {}", self.claim, self.part)
    }
}

impl fmt::Display for RequestPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment { name, .. } => write!(f, "{{{name}}}"),
            Self::Host => f.write_str("the host"),
            Self::Subdomain { of } => write!(f, "the subdomain of {of}"),
        }
    }
}

#[cfg(test)]
mod tests;
