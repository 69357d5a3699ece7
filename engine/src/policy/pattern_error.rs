//! Why a text is not a path pattern: what was found, and what to write instead.

use thiserror::Error;

use super::{
    expression::{Translation, is_expression, translate},
    fold::percent_encode,
    host_pattern::HostPattern,
    method::Method,
    path::CanonicalPath,
    pattern::PathPattern,
};
use crate::reason::RequestFault;

/// Why a text is not a path pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It does not start with `/`.
    #[error("the path `{0}` does not start with `/`")]
    NotAbsolute(String),
    /// A path that starts with `/` and has a regular expression in it.
    #[error("the path `{}` has a regular expression in it", shown(.0))]
    Expression(String),
    /// It has a query.
    #[error("the path `{}?…` has a query, but rules are about paths alone", path_of(.0))]
    Query(String),
    /// It has an empty segment.
    #[error("the path `{0}` has an empty segment, `//`")]
    EmptySegment(String),
    /// A segment has braces but is not one parameter.
    #[error("the segment `{0}` is not a parameter")]
    Param(String),
    /// There is a `*` other than in `/**` at the end.
    #[error("the segment `{0}` has a `*`, which stands only in `/**` at the end")]
    Star(String),
    /// A segment starts with a colon, as parameters do elsewhere.
    #[error("the segment `{found}` is not how a parameter is written here")]
    Colon {
        /// The segment.
        found: String,
        /// What follows the colon.
        name: String,
    },
    /// A segment looks like a parameter of another syntax, or like a regular expression.
    #[error("the segment `{found}` is not how a parameter is written here")]
    Foreign {
        /// The segment.
        found: String,
        /// The parameter's name, as far as it can be told.
        name: String,
    },
    /// A literal is not written the way requests are compared.
    #[error("the segment `{found}` is not in canonical form")]
    NotCanonical {
        /// The segment.
        found: String,
        /// Its canonical form.
        canonical: String,
    },
    /// A literal that is refused in every request, so that the rule could never decide.
    #[error("the segment `{found}` has {}, and every such request is refused", describe(*fault))]
    Refused {
        /// The segment.
        found: String,
        /// What a request with it is refused for.
        fault: RequestFault,
    },
    /// It is longer than any request's path may be.
    #[error("the path has more than {limit} {unit}")]
    TooLong {
        /// What is allowed.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
}

impl PatternError {
    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NotAbsolute(text) => absolute(text),
            Self::Expression(text) => instead_of_expression(text),
            Self::Query(text) => match PathPattern::parse(path_of(text)) {
                Ok(_) => format!("write `{}`", path_of(text)),
                // `/a/:id?` and its like.
                Err(error) => format!("leave out the `?` and what follows, and {}", error.help()),
            },
            Self::EmptySegment(_) => "write one `/` between segments".to_owned(),
            Self::Param(_) => {
                "write `{name}` as the whole segment, or `{name}:verb`: letters, digits, `_` and `-` in braces"
                    .to_owned()
            }
            Self::Star(_) => "write `{name}` for any one segment, `/**` at the end for everything below".to_owned(),
            Self::Colon { name, .. } => format!("write `{{{}}}`", beginning_of(name)),
            Self::Foreign { name, .. } => format!("write `{{{name}}}` as the whole segment, for any one segment"),
            Self::NotCanonical { canonical, .. } => format!("write `{canonical}`"),
            Self::Refused { found, fault } => match fault {
                RequestFault::NonAscii | RequestFault::ControlCharacter if is_literal(&percent_encode(found)) => {
                    format!("write `{}`", percent_encode(found))
                }
                _ => "leave it out: requests that parsers could read differently never reach a rule".to_owned(),
            },
            Self::TooLong { .. } => "cover longer paths with `/**`".to_owned(),
        }
    }
}

/// Returns what to write in place of something that does not start with `/`, if it can be told: only what is a pattern.
fn absolute(text: &str) -> String {
    if let Some((host, path)) = host_and_path(text) {
        return format!("a path has no host: write `host: {host}` and `path: {path}`");
    }
    if text == "*" {
        return "write `/**` for every path".to_owned();
    }
    if let Some((method, path)) = text.split_once(' ').filter(|(_, path)| PathPattern::parse(path).is_ok())
        && Method::parse(method).is_ok_and(|method| method.as_str().bytes().all(|b| b.is_ascii_uppercase()))
    {
        return format!("methods have a field of their own: write `path: {path}` and `methods: [{method}]`");
    }
    if is_expression(text) {
        return instead_of_expression(text);
    }
    let candidate = format!("/{}", path_of(text));
    match PathPattern::parse(&candidate) {
        Ok(_) => format!("write `{candidate}`"),
        Err(_) => "write a path that begins with `/`: `/api/messages/{id}`, or `/api/**`".to_owned(),
    }
}

/// The host and the path of a URL, if a route can have both.
fn host_and_path(text: &str) -> Option<(HostPattern, PathPattern)> {
    let (scheme, rest) = text.split_once("://")?;
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = port.map_or(host, |(name, _)| name);
    Some((HostPattern::parse(name).ok()?, PathPattern::parse(&format!("/{}", path_of(path))).ok()?))
}

/// Returns what to write in place of a regular expression.
fn instead_of_expression(text: &str) -> String {
    let Some(Translation { patterns, is_wider }) = translate(text) else {
        return "patterns are no regular expressions: write the paths that are meant, `/api/messages/{id}` for one segment \
                of any name, `/api/**` for everything below"
            .to_owned();
    };
    let more = if is_wider { ", which takes more than the expression" } else { "" };
    match patterns.as_slice() {
        [only] => format!("write `{only}`{more}: patterns are no regular expressions"),
        all => {
            let all = all.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
            format!("patterns are no regular expressions: write {all}{more}, a route for each")
        }
    }
}

/// Says whether a segment is one that requests can have.
fn is_literal(segment: &str) -> bool {
    CanonicalPath::parse(format!("/{segment}")).is_ok()
}

/// The name at the beginning of what follows a colon: `id` of `id(\d+)` and of `id?`.
fn beginning_of(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(text.len());
    text.get(..end).filter(|name| !name.is_empty()).unwrap_or("id")
}

/// The text of an expression without what may be a query behind it.
fn shown(text: &str) -> String {
    match text.split_once('?') {
        Some((before, query)) if query.contains('=') => format!("{before}?…"),
        _ => text.to_owned(),
    }
}

/// A path without its query, in which there may be a key.
fn path_of(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
}

/// In a configuration's words, what a literal can't have.
fn describe(fault: RequestFault) -> &'static str {
    match fault {
        RequestFault::DotSegment => "a `.` or `..` segment",
        RequestFault::EncodedSlash => "a `\\` or an encoded slash",
        RequestFault::PathParameter => "a `;`",
        RequestFault::Fragment => "a `#`",
        RequestFault::ControlCharacter => "a space or a control character",
        RequestFault::NonAscii => "a character beyond ASCII",
        RequestFault::BrokenEscape => "a `%` without two hex digits",
        RequestFault::AmbiguousEscape => "an escape that can be read in two ways",
        RequestFault::PathTooLong => "too many bytes",
        RequestFault::NoHttpRequest
        | RequestFault::TooLarge
        | RequestFault::PathNotAbsolute
        | RequestFault::EmptySegment
        | RequestFault::CaseAmbiguous
        | RequestFault::LaxReading
        | RequestFault::Host
        | RequestFault::Method
        | RequestFault::Connect => "something that no request can have",
    }
}
