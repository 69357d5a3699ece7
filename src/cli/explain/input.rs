//! Tokens, claims and captured requests: given on the command line, in files, or on standard input. Errors never repeat
//! them.

use std::{
    io::{self, Read as _},
    path::Path,
};

use serde_json::{Map, Value};

use crate::{
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
    #[error("it is not one JSON object without duplicate members")]
    NotAnObject,
}

/// A token, without the blanks around it and the word `Bearer` before it.
pub(super) fn token(source: &str) -> Result<String, InputError> {
    let text = text_of(source)?;
    let text = text.trim();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    };
    if token.is_empty() { Err(InputError::Empty) } else { Ok(token.to_owned()) }
}

/// Claims: one JSON object.
pub(super) fn claims(source: &str) -> Result<Map<String, Value>, InputError> {
    crate::json::parse_object(text_of(source)?.as_bytes()).map_err(|_| InputError::NotAnObject)
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
