//! The one canonical form of a request's path.
//!
//! What two parsers could read differently is refused here, before any rule is looked at. This does not resolve dot
//! segments or merge slashes: the backend gets the path as the client sent it, so repairing our copy would only make
//! the two differ.

use super::{
    effort::look_at,
    escape::{DECODED_SLASH, ENCODED_SLASH, escape, hex_pair},
    fold::fold_decoded,
    forms::{Fitted, fitted},
    sessions::may_have_sessions,
};
use crate::{limits, reason::RequestFault};

/// A path without query: starts with `/`, has no empty segment and no trailing slash, escapes only what is not
/// unreserved (RFC 3986 section 2.3), in upper-case hex. An encoded slash stays one: see [`Self::has_encoded_slash`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CanonicalPath {
    text: String,
    /// The other forms of the path, if it has any.
    forms: Option<Box<Forms>>,
    /// Whether it has no byte that a lax backend could read as something else; see `policy::lenient_paths`.
    is_usual: bool,
    has_encoded_slash: bool,
}

/// The forms of a path for backends that read it in another way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Forms {
    /// The folded form, where it is another one.
    folded: Option<Box<str>>,
    /// The path with plain ASCII in place of compatibility forms, if it has any; see `policy::lenient_paths`. It may be no path.
    fitted: Option<Fitted>,
}

impl CanonicalPath {
    /// The canonical form of a path as a request has it, with its query or without.
    ///
    /// # Errors
    /// The first thing about it that is not acceptable.
    pub fn parse(raw: impl AsRef<[u8]>) -> Result<Self, RequestFault> {
        let raw = raw.as_ref();
        look_at(raw.len());
        if raw.len() > limits::PATH_BYTES {
            return Err(RequestFault::PathTooLong);
        }
        match usual(raw) {
            Some(text) => Ok(Self { text: text.to_owned(), forms: None, is_usual: true, has_encoded_slash: false }),
            None => Self::parse_any(raw),
        }
    }

    fn parse_any(raw: &[u8]) -> Result<Self, RequestFault> {
        look_at(raw.len());
        let path = raw.split(|&byte| byte == b'?').next().unwrap_or_default();
        let Some((b'/', rest)) = path.split_first() else { return Err(RequestFault::PathNotAbsolute) };
        let mut written = Written { text: Vec::with_capacity(path.len()), decoded: Vec::with_capacity(path.len()) };
        if rest.is_empty() {
            written.push(b'/');
        } else {
            // A trailing slash is not significant. Of two, the first one stays and is refused as an empty segment.
            let rest = rest.strip_suffix(b"/").unwrap_or(rest);
            for (index, segment) in rest.split(|&byte| byte == b'/').enumerate() {
                if index == limits::PATH_SEGMENTS {
                    return Err(RequestFault::PathTooLong);
                }
                written.push_segment(segment)?;
            }
        }
        // All of it is ASCII.
        let text = String::from_utf8(written.text).map_err(|_| RequestFault::NonAscii)?;
        let has_escapes = text.contains('%');
        // RFC 3629 section 10: `%C0%AF` is no character, but lax decoders take it for `/`, and `%C0%AE` for `.`.
        let decoded = String::from_utf8(written.decoded).map_err(|_| RequestFault::AmbiguousEscape)?;
        if has_escapes && has_ambiguous_escape(decoded.as_bytes()) {
            return Err(RequestFault::AmbiguousEscape);
        }
        let folded = fold_decoded(&decoded);
        let folded = (*folded != *text).then_some(folded);
        let fitted = if decoded.is_ascii() { None } else { fitted(&text, &decoded) };
        let forms = (folded.is_some() || fitted.is_some()).then(|| Box::new(Forms { folded, fitted }));
        let is_usual = !has_escapes && !may_be_read_otherwise(&text);
        let has_encoded_slash = has_escapes && text.contains(ENCODED_SLASH);
        Ok(Self { text, forms, is_usual, has_encoded_slash })
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Says whether a segment has an encoded slash in it. Only where a route takes those as data does such a path reach a rule.
    #[must_use]
    pub fn has_encoded_slash(&self) -> bool {
        self.has_encoded_slash
    }

    /// Its segments, in order; the root has none.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.text.split('/').skip(1).filter(|segment| !segment.is_empty())
    }

    /// What is left of it for a backend that ignores case and decodes every escape. Its segments are as many.
    pub(crate) fn folded(&self) -> &str {
        self.forms.as_ref().and_then(|forms| forms.folded.as_deref()).unwrap_or(&self.text)
    }

    /// Whether folding changes nothing.
    pub(crate) fn is_folded(&self) -> bool {
        self.forms.as_ref().is_none_or(|forms| forms.folded.is_none())
    }

    /// The path with plain ASCII in place of compatibility forms, if it has any: not yet looked at.
    pub(crate) fn fitted(&self) -> Option<&Fitted> {
        self.forms.as_ref().and_then(|forms| forms.fitted.as_ref())
    }

    /// Whether no backend, however lax, reads anything else in it.
    pub(crate) fn is_usual(&self) -> bool {
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
            b'(' if before == b'/' => return None,
            b'?' => {
                end = at;
                break;
            }
            b'/' | b'.' | 0..=b' ' | b'#' | b'$' | b'%' | b';' | b'A'..=b'Z' | b'\\' | 0x7F.. => return None,
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

/// The canonical form of a path and its decoded one, which are written together.
struct Written {
    text: Vec<u8>,
    decoded: Vec<u8>,
}

impl Written {
    /// Appends a byte that needs no escape.
    fn push(&mut self, byte: u8) {
        self.text.push(byte);
        self.decoded.push(byte);
    }

    /// Appends `/` and one segment.
    fn push_segment(&mut self, segment: &[u8]) -> Result<(), RequestFault> {
        self.push(b'/');
        let start = self.text.len();
        let mut rest = segment;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if is_plain(byte) {
                self.push(byte);
            } else if byte == b'%' {
                let (digits, after) = after.split_first_chunk().ok_or(RequestFault::BrokenEscape)?;
                self.push_escape(hex_pair(*digits).ok_or(RequestFault::BrokenEscape)?)?;
                rest = after;
            } else {
                return Err(not_plain(byte));
            }
        }
        // All of it is ASCII.
        match self.text.get(start..).and_then(|written| std::str::from_utf8(written).ok()) {
            None | Some("") => Err(RequestFault::EmptySegment),
            Some("." | "..") => Err(RequestFault::DotSegment),
            Some(written) if has_dubious_part(written) => Err(RequestFault::EncodedSlash),
            Some(_) => Ok(()),
        }
    }

    /// Appends a byte that was escaped.
    fn push_escape(&mut self, byte: u8) -> Result<(), RequestFault> {
        match byte {
            0..0x20 | 0x7F => return Err(RequestFault::ControlCharacter),
            b'\\' => return Err(RequestFault::EncodedSlash),
            b'/' => {
                self.text.extend_from_slice(ENCODED_SLASH.as_bytes());
                self.decoded.push(DECODED_SLASH);
            }
            // Servers differ in whether parameters are cut before or after decoding, and a proxy that decodes hands the
            // next one a plain `;`: `/admin%3Bx` can become `/admin`.
            b';' => return Err(RequestFault::PathParameter),
            // RFC 3986 section 6.2.2.2: unreserved characters are the same decoded.
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => self.push(byte),
            _ => {
                self.text.extend_from_slice(&escape(byte));
                self.decoded.push(byte);
            }
        }
        Ok(())
    }
}

/// Says whether a segment has encoded slashes, and between them what can't be meant as data: nothing, or one or two dots.
pub(crate) fn has_dubious_part(segment: &str) -> bool {
    segment.contains(ENCODED_SLASH) && segment.split(ENCODED_SLASH).any(|part| matches!(part, "" | "." | ".."))
}

/// Says whether a canonical text may have other readings than itself, if it has no escapes.
fn may_be_read_otherwise(text: &str) -> bool {
    text.contains("./") || text.ends_with('.') || text.contains(":$") || may_have_sessions(text)
}

/// Says whether a byte needs no escape.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'%' | b'\\' | b';' | b'#')
}

/// The fault of a byte that needs an escape and begins none.
const fn not_plain(byte: u8) -> RequestFault {
    match byte {
        0x80.. => RequestFault::NonAscii,
        b'\\' => RequestFault::EncodedSlash,
        b';' => RequestFault::PathParameter,
        b'#' => RequestFault::Fragment,
        _ => RequestFault::ControlCharacter,
    }
}

/// Says whether a second decoder would find an escape in what the first one has made of the path.
///
/// `%252F` is the text `%2F` to one decoder and `/` to two in a row, so an escaped percent sign may not stand before two hex
/// digits; `%25%32%46` decodes to the same. Nor before `u` and four: what decodes `%25u002F` once may hand `%u002F` to a
/// server that has such escapes.
fn has_ambiguous_escape(mut decoded: &[u8]) -> bool {
    let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    while let Some((&byte, after)) = decoded.split_first() {
        decoded = after;
        let digits = match after {
            _ if byte != b'%' => continue,
            [b'u' | b'U', digits @ ..] => digits.get(..4),
            digits => digits.get(..2),
        };
        if digits.is_some_and(is_hex) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod bytes;
#[cfg(test)]
mod tests;
