//! Tokens, claims and captured requests: given on the command line, in files, or on standard input. Errors never repeat
//! them.

use std::{
    io::{self, Read as _},
    path::Path,
};

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::{
    config::quoted,
    files::{self, ReadError},
    limits,
};

/// Why an input can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("`{0}` can't be read: {1}")]
    Unreadable(String, ReadError),
    #[error("it is larger than {} KiB", limits::EXPLAIN_INPUT_BYTES / 1024)]
    TooLarge,
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it is empty")]
    Empty,
    #[error("{0}: write {1}")]
    NotClaims(String, &'static str),
    #[error("a member of it is there twice, or it is nested too deeply")]
    AmbiguousClaims,
    #[error("{} is the name of a file: write {} to read it", quoted(.0), quoted(.1))]
    FileName(String, String),
    #[error("it is a whole answer of a token endpoint: give the text of its `{0}` alone")]
    TokenResponse(&'static str),
    #[error(
        "it is an answer of a token endpoint without an access token: its `id_token` is for the client, not for an API"
    )]
    NoAccessToken,
    #[error("it is in quotes: leave them out")]
    Quoted,
    #[error("it is JSON, and no token: a token is three parts of base64url with dots between them")]
    Json,
    #[error("it holds {0} words: a token has no spaces or line breaks")]
    Words(usize),
}

/// A token, without the blanks around it and the word `Bearer` before it.
pub(super) fn token(source: &str) -> Result<String, InputError> {
    refuse_file_name("--token", source)?;
    let text = text_of(source)?;
    let text = text.trim();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    };
    match token.split_ascii_whitespace().count() {
        0 => Err(InputError::Empty),
        _ if token.starts_with(['"', '\'']) => Err(InputError::Quoted),
        _ if token.starts_with(['{', '[']) => Err(of_json(token)),
        1 => Ok(token.to_owned()),
        words => Err(InputError::Words(words)),
    }
}

/// Names the member of a token endpoint's answer (RFC 6749 section 5.1) that was meant.
fn of_json(text: &str) -> InputError {
    let members: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let meant = ["access_token", "token"].into_iter().find(|name| members.contains_key(*name));
    match meant {
        Some(name) => InputError::TokenResponse(name),
        None if members.contains_key("id_token") => InputError::NoAccessToken,
        None => InputError::Json,
    }
}

/// Reads claims: one JSON object.
pub(super) fn claims(source: &str) -> Result<Map<String, Value>, InputError> {
    refuse_file_name("--claims", source)?;
    let text = text_of(source)?;
    portcullis_engine::strict_json::parse_object(text.as_bytes()).map_err(|_| not_claims(source, &text))
}

/// Says why a text is no claims, by its place: the text itself may be secret.
fn not_claims(source: &str, text: &str) -> InputError {
    let is_inline = source != "-" && !source.starts_with('@');
    let example = if is_inline { INLINE_CLAIMS } else { CLAIMS };
    if text.trim().is_empty() {
        return InputError::Empty;
    }
    match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) => {
            let place = format!("it is not JSON at line {}, column {}", error.line(), error.column());
            InputError::NotClaims(place, example)
        }
        Ok(_) if text.trim_start().starts_with('{') => InputError::AmbiguousClaims,
        Ok(_) => InputError::NotClaims("it is JSON, but not an object".to_owned(), example),
    }
}

const CLAIMS: &str = "`{\"scope\": \"read:messages\"}`";
/// The example as a shell takes it.
const INLINE_CLAIMS: &str = "`--claims '{\"scope\": \"read:messages\"}'`";

/// Refuses the name of a file that lacks its `@`: neither a token nor claims are that.
fn refuse_file_name(option: &str, source: &str) -> Result<(), InputError> {
    let is_named_so = [".jwt", ".token", ".txt", ".json"].iter().any(|end| source.ends_with(end));
    // JSON starts with a brace, and `@` and `-` say where to read.
    let is_text = source.trim_start().starts_with(['{', '[', '"', '@']) || source == "-" || source.contains(' ');
    if !is_text && (is_named_so || Path::new(source).is_file()) {
        return Err(InputError::FileName(source.to_owned(), format!("{option} @{source}")));
    }
    Ok(())
}

/// A file, or standard input.
pub(super) fn captured(source: &str) -> Result<String, InputError> {
    let at = if source == "-" { source.to_owned() } else { format!("@{source}") };
    text_of(&at)
}

/// The text itself, or what is in the file or on the input that it names.
fn text_of(source: &str) -> Result<String, InputError> {
    let most = limits::EXPLAIN_INPUT_BYTES;
    let read = match source.strip_prefix('@') {
        Some(file) => files::read_argument(Path::new(file), most),
        None if source == "-" => read_input(most),
        None if source.len() > most => Err(ReadError::TooLarge(most)),
        None => Ok(source.as_bytes().to_vec()),
    };
    let named = if source == "-" { "standard input" } else { source.trim_start_matches('@') };
    let bytes = read.map_err(|error| match error {
        ReadError::TooLarge(_) => InputError::TooLarge,
        ReadError::Io(_) | ReadError::NotRegular(_) => InputError::Unreadable(named.to_owned(), error),
    })?;
    String::from_utf8(bytes).map_err(|_| InputError::NotText)
}

fn read_input(most: usize) -> Result<Vec<u8>, ReadError> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most { Err(ReadError::TooLarge(most)) } else { Ok(bytes) }
}
