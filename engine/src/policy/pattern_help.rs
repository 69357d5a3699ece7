//! Help for a text that is not a path pattern: the pattern to write in its place.

use super::{
    expression::{Translation, is_expression, translate},
    host_pattern::HostPattern,
    pattern::PathPattern,
    pattern_error::{PatternError, path_of},
};
use crate::{
    reason::RequestFault,
    request::{fold::percent_encode, method::Method, path::CanonicalPath},
};

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
    let Some(Translation { patterns, is_wider }) = translate(text, is_pattern) else {
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

fn is_pattern(text: &str) -> bool {
    PathPattern::parse(text).is_ok()
}
