//! Why a path has no canonical form: which rule it breaks, and in which segment.

use super::steps::Check;
use crate::limits;
use portcullis_engine::{
    reason::{DenyReason, RequestFault},
    request::path::CanonicalPath,
};

/// The rule of the canonical form that a path breaks, if the fault is one of a path.
pub(super) fn rule_of(fault: RequestFault) -> Option<String> {
    if fault == RequestFault::PathTooLong {
        return Some(format!("at most {} bytes and {} segments", limits::PATH_BYTES, limits::PATH_SEGMENTS));
    }
    DenyReason::from(fault).path_rule().map(str::to_owned)
}

/// The check of a path that breaks a rule of the canonical form.
pub(super) fn breaking(found: impl Into<String>, fault: RequestFault) -> Check {
    Check { expected: rule_of(fault), ..Check::found(found) }
}

/// A canonical path without the escapes that its characters do not need: `/a%3Ab` is `/a:b`.
pub(super) fn without_needless_escapes(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, escaped)) = rest.split_once('%') {
        plain.push_str(before);
        let byte = escaped.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|byte| byte.is_ascii_graphic() && !b"%?#/\\;".contains(byte)) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = escaped.get(2..).unwrap_or_default();
            }
            None => {
                plain.push('%');
                rest = escaped;
            }
        }
    }
    plain + rest
}

/// The first segment without which the path would not be refused in that way: its number, from 1, and its text.
///
/// Found by giving ever longer beginnings of the path to the parser that refused it.
pub(super) fn culprit(raw: &str, fault: RequestFault) -> Option<(usize, &str)> {
    let path = raw.split('?').next()?;
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    for (number, end) in (1..).zip(ends) {
        let begun = path.get(..end)?;
        // A slash behind it shows an empty segment as that; in the middle of a path there is one.
        let probe = if end < path.len() { format!("{begun}/") } else { begun.to_owned() };
        let is_it = match CanonicalPath::parse(probe) {
            Ok(path) => fault == RequestFault::EncodedSlash && path.has_encoded_slash(),
            Err(found) => found == fault,
        };
        if is_it {
            return Some((number, begun.rsplit('/').next()?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_that_no_character_needs_are_decoded() {
        for (path, plain) in [
            ("/v1/messages/42%3Acancel", "/v1/messages/42:cancel"),
            ("/a%40%7Bb", "/a@{b"),
            ("/a%20b/%25x/%2F%3F%23%3B", "/a%20b/%25x/%2F%3F%23%3B"),
            ("/%C3%A9%3A", "/%C3%A9:"),
            ("/a%", "/a%"),
        ] {
            assert_eq!(without_needless_escapes(path), plain);
        }
    }

    #[test]
    fn the_segment_at_fault_is_found() {
        let cases = [
            ("/a/../b", 2, ".."),
            ("/a/%2e%2E/b?x=/../", 2, "%2e%2E"),
            ("/a//b", 2, ""),
            ("/a/b//", 3, ""),
            ("/a/b%2Fc/d", 2, "b%2Fc"),
            ("/a/b;v=1/c", 2, "b;v=1"),
            ("/a/b/c%zz", 3, "c%zz"),
            ("/%252F", 1, "%252F"),
            ("/a/é/b", 2, "é"),
        ];
        for (path, number, segment) in cases {
            let fault = CanonicalPath::parse(path).err().unwrap_or(RequestFault::EncodedSlash);
            assert_eq!(culprit(path, fault), Some((number, segment)), "{path}");
        }
        for path in ["", "a/b", "*"] {
            assert_eq!(CanonicalPath::parse(path), Err(RequestFault::PathNotAbsolute), "{path}");
        }
    }
}
