//! The one canonical form of a request's path.
//!
//! What two parsers could read differently is refused here, before any rule is looked at. This does not resolve dot
//! segments or merge slashes: the backend gets the path as the client sent it, so repairing our copy would only make
//! the two differ.

use super::fold::fold_path;
use crate::{decision::RequestFault, limits};

/// A path without query: starts with `/`, has no empty segment and no trailing slash, escapes only what is not
/// unreserved (RFC 3986 section 2.3), in upper-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CanonicalPath {
    text: String,
    /// The folded form, where it is another one.
    folded: Option<String>,
    /// Whether it has no byte that a lax backend could read as something else; see `readings`.
    is_usual: bool,
}

impl CanonicalPath {
    /// The canonical form of a path as a request has it, with its query or without.
    ///
    /// # Errors
    /// The first thing about it that is not acceptable.
    pub fn parse(raw: impl AsRef<[u8]>) -> Result<Self, RequestFault> {
        let raw = raw.as_ref();
        if raw.len() > limits::PATH_BYTES {
            return Err(RequestFault::PathTooLong);
        }
        match usual(raw) {
            Some(text) => Ok(Self { text: text.to_owned(), folded: None, is_usual: true }),
            None => Self::parse_any(raw),
        }
    }

    fn parse_any(raw: &[u8]) -> Result<Self, RequestFault> {
        let path = raw.split(|&byte| byte == b'?').next().unwrap_or_default();
        let Some((b'/', rest)) = path.split_first() else { return Err(RequestFault::PathNotAbsolute) };
        let mut text = String::with_capacity(path.len());
        if rest.is_empty() {
            text.push('/');
        } else {
            // A trailing slash is not significant. Of two, the first one stays and is refused as an empty segment.
            let rest = rest.strip_suffix(b"/").unwrap_or(rest);
            for (index, segment) in rest.split(|&byte| byte == b'/').enumerate() {
                if index == limits::PATH_SEGMENTS {
                    return Err(RequestFault::PathTooLong);
                }
                push_segment(segment, &mut text)?;
            }
        }
        if text.contains('%') {
            check_escapes(&text)?;
        }
        let folded = fold_path(&text);
        let is_usual = !text.contains('%') && !text.contains("./") && !text.ends_with('.');
        Ok(Self { text, folded, is_usual })
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its segments, in order; the root has none.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.text.split('/').skip(1).filter(|segment| !segment.is_empty())
    }

    /// What is left of it for a backend that ignores case and decodes every escape. Its segments are as many.
    pub(super) fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.text)
    }

    /// Whether folding changes nothing.
    pub(super) fn is_folded(&self) -> bool {
        self.folded.is_none()
    }

    /// Whether no backend, however lax, reads anything else in it.
    pub(super) fn is_usual(&self) -> bool {
        self.is_usual
    }
}

/// What nearly all paths are: nothing about them changes, but that they end before a query or a trailing slash. `None`
/// says nothing about a path, but that it has to be looked at segment by segment.
///
/// One look at each byte, where the rest of this file takes several.
fn usual(raw: &[u8]) -> Option<&str> {
    let mut end = raw.len();
    let (mut before, mut slashes) = (b'.', 0_usize);
    for (at, &byte) in raw.iter().enumerate() {
        match byte {
            // Names that end with a dot are no usual ones; those of nothing but dots are among them.
            b'/' if before != b'/' && (before != b'.' || at == 0) => slashes = slashes.wrapping_add(1),
            b'.' if at > 0 => {}
            b'?' => {
                end = at;
                break;
            }
            b'/' | b'.' | 0..=b' ' | b'#' | b'%' | b';' | b'A'..=b'Z' | b'\\' | 0x7F.. => return None,
            _ if at == 0 => return None,
            _ => {}
        }
        before = byte;
    }
    let path = raw.get(..end)?;
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let is_whole = !path.is_empty() && before != b'.' && slashes <= limits::PATH_SEGMENTS;
    if is_whole { std::str::from_utf8(path).ok() } else { None }
}

/// Appends `/` and the canonical form of one segment.
fn push_segment(segment: &[u8], text: &mut String) -> Result<(), RequestFault> {
    text.push('/');
    let start = text.len();
    let mut bytes = segment.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (bytes.next().copied(), bytes.next().copied());
            push_escape(hex_pair(high, low).ok_or(RequestFault::BrokenEscape)?, text)?;
        } else {
            text.push(plain(byte)?);
        }
    }
    match text.get(start..) {
        None | Some("") => Err(RequestFault::EmptySegment),
        Some("." | "..") => Err(RequestFault::DotSegment),
        Some(_) => Ok(()),
    }
}

fn plain(byte: u8) -> Result<char, RequestFault> {
    match byte {
        0..=b' ' | 0x7F => Err(RequestFault::ControlCharacter),
        0x80.. => Err(RequestFault::NonAscii),
        b'\\' => Err(RequestFault::EncodedSlash),
        b';' => Err(RequestFault::PathParameter),
        b'#' => Err(RequestFault::Fragment),
        _ => Ok(char::from(byte)),
    }
}

fn push_escape(byte: u8, text: &mut String) -> Result<(), RequestFault> {
    match byte {
        0..0x20 | 0x7F => return Err(RequestFault::ControlCharacter),
        b'/' | b'\\' => return Err(RequestFault::EncodedSlash),
        // Servers differ in whether parameters are cut before or after decoding, and a proxy that decodes hands the
        // next one a plain `;`: `/admin%3Bx` can become `/admin`.
        b';' => return Err(RequestFault::PathParameter),
        // RFC 3986 section 6.2.2.2: unreserved characters are the same decoded.
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
        _ => {
            text.push('%');
            for nibble in [byte >> 4, byte & 0x0F] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
    Ok(())
}

/// Refuses what a second decoder, or one that is lax about UTF-8, would read as something else.
fn check_escapes(text: &str) -> Result<(), RequestFault> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let escaped = hex_pair(bytes.next(), bytes.next()).ok_or(RequestFault::BrokenEscape)?;
        // `%252F` is the text `%2F` to one decoder and `/` to two in a row, so an escaped percent sign may not stand
        // before two hex digits. By now `%25%32%46` reads `%252F` as well. Nor before `u` and four: what decodes
        // `%25u002F` once may hand `%u002F` to a server that has such escapes.
        if escaped == b'%' && begins_escape(bytes.clone()) {
            return Err(RequestFault::AmbiguousEscape);
        }
        decoded.push(escaped);
    }
    // RFC 3629 section 10: `%C0%AF` is no character, but lax decoders take it for `/`, and `%C0%AE` for `.`.
    std::str::from_utf8(&decoded).map(drop).map_err(|_| RequestFault::AmbiguousEscape)
}

/// Whether this would be an escape if there were a percent sign before it.
fn begins_escape(mut ahead: std::str::Bytes<'_>) -> bool {
    match ahead.next() {
        Some(b'u' | b'U') => (0..2).all(|_| hex_pair(ahead.next(), ahead.next()).is_some()),
        first => hex_pair(first, ahead.next()).is_some(),
    }
}

/// The byte that two hex digits stand for.
pub(super) fn hex_pair(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod bytes;
#[cfg(test)]
mod tests;
