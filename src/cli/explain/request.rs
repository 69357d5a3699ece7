//! A request as people have it at hand: a path, a URL, or a line out of a log. The path is taken as it is written: what is
//! odd about it is what is to be explained.

use std::path::Path;

use crate::{
    config::{self, quoted},
    limits,
    tools::simulate::request,
};

/// Method, host and raw path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) method: String,
    pub(super) host: Option<String>,
    pub(super) path: String,
}

/// Why some words are no request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestError {
    #[error("there is no request: write `GET https://api.example.com/path`, or name a file with `--check-request`")]
    Missing,
    // What is written may be a token, whose place is another one: it is not repeated.
    #[error("the request is neither a path nor a URL: write `[METHOD] /path` or `[METHOD] https://host/path`")]
    Unclear,
    #[error("the configuration goes before the request, or after `--config`")]
    ConfigurationLast,
    #[error("{0} is a configuration, and there is no request behind it: write `GET` before it if that path is meant")]
    ConfigurationAlone(String),
    #[error("the configuration is given twice, as an argument and with `--config`: leave one out")]
    TwoConfigurations,
    #[error("the request is given twice, as an argument and with `--check-request`: leave one out")]
    TwoRequests,
    #[error("the method is given twice, as {} and as {}", quoted(.0), quoted(.1))]
    TwoMethods(String, String),
    #[error("the host is given twice, as {} and as {}", quoted(.0), quoted(.1))]
    TwoHosts(String, String),
    #[error("a header has no colon: write `--header 'name: value'`")]
    Header,
}

/// Takes the name of a configuration off the words before a request, if one is there: what ends like one and is no path of a
/// request by itself, or any file that stands before a whole request. `is_captured` tells that the request is given as an option.
pub(super) fn split_config(words: &[String], is_captured: bool) -> Result<(Option<&Path>, &[String]), RequestError> {
    let Some((first, rest)) = words.split_first() else { return Ok((None, words)) };
    let is_config = is_named_so(first) && (!rest.is_empty() || !first.starts_with('/'));
    // Only what is a file is opened as one: another word may be a token, which no error repeats.
    let file = Path::new(first);
    let is_before_request = || {
        let is_whole = read(rest, None, None).is_ok() || (rest.is_empty() && is_captured);
        is_whole && (read(words, None, None).is_err() || config::is_configuration(file))
    };
    if is_config || (file.exists() && is_before_request()) {
        return Ok((Some(file), rest));
    }
    if rest.is_empty() && config::is_configuration(file) {
        return Err(RequestError::ConfigurationAlone(quoted(first)));
    }
    Ok((None, words))
}

/// Says whether a word ends like the name of a configuration.
fn is_named_so(word: &str) -> bool {
    let is_named = [".yaml", ".yml", ".json"].iter().any(|end| word.ends_with(end));
    is_named && !word.contains([' ', '?']) && !word.contains("://")
}

/// Reads the words of a request.
pub(super) fn read(words: &[String], method: Option<&str>, host: Option<&str>) -> Result<Read, RequestError> {
    // Words by themselves are a method, a target and a version: what else stands there, a token say, is none of them.
    match words {
        [] => return Err(RequestError::Missing),
        [_] => {}
        [method, _] if is_method(method) => {}
        [method, _, version] if is_method(method) && version.starts_with("HTTP/") => {}
        [request @ .., last] if is_named_so(last) && read(request, None, None).is_ok() => {
            return Err(RequestError::ConfigurationLast);
        }
        _ => return Err(RequestError::Unclear),
    }
    let words = words.join(" ");
    let words = words.trim();
    if words.is_empty() {
        return Err(RequestError::Missing);
    }
    let words = match words.rsplit_once(' ') {
        Some((before, version)) if version.starts_with("HTTP/") => before.trim_end(),
        _ => words,
    };
    // What is in the target, a blank among it, stays there.
    let (named, target) = match words.split_once(' ') {
        Some((word, target)) if is_method(word) => (Some(word), target.trim_start()),
        _ => (None, words),
    };
    let method = match (named, method) {
        (Some(named), Some(other)) if named != other => {
            return Err(RequestError::TwoMethods(named.to_owned(), other.to_owned()));
        }
        (named, other) => named.or(other).unwrap_or("GET"),
    };
    let (in_url, path) = target_of(target)?;
    let host = match (in_url, host) {
        (Some(named), Some(other)) if named != other => {
            return Err(RequestError::TwoHosts(named.to_owned(), other.to_owned()));
        }
        (named, other) => named.or(other),
    };
    Ok(Read { method: method.to_owned(), host: host.map(str::to_owned), path })
}

/// A method is a word before the target.
fn is_method(word: &str) -> bool {
    !word.is_empty() && word.len() <= limits::METHOD_CHARS && !word.contains(['/', ':', '*', '?', '.', '%', ' '])
}

/// Host and path of a target. A URL is cut by its text alone: a parser would resolve `..` and hide what was sent.
fn target_of(target: &str) -> Result<(Option<&str>, String), RequestError> {
    let lower = target.to_ascii_lowercase();
    let scheme = ["http://", "https://"].into_iter().find(|scheme| lower.starts_with(scheme));
    let Some(rest) = scheme.and_then(|scheme| target.get(scheme.len()..)) else {
        let is_path = request::is_path(target) || target.is_empty();
        return if is_path { Ok((None, target.to_owned())) } else { Err(RequestError::Unclear) };
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    // No client sends a fragment, and each sends `/` where a URL has no path.
    let path = path.split('#').next().unwrap_or_default();
    let slash = if path.is_empty() || path.starts_with('?') { "/" } else { "" };
    Ok((Some(host), format!("{slash}{path}")))
}

/// Name and value of a header. The value may be a token: no error repeats it.
pub(super) fn header(text: &str) -> Result<(String, Vec<u8>), RequestError> {
    let (name, value) = text.split_once(':').ok_or(RequestError::Header)?;
    // Envoy hands names over in lower case.
    Ok((name.trim().to_ascii_lowercase(), value.trim().as_bytes().to_vec()))
}
