//! The readings of one segment of a path by lax backends: one drops its ends, or a stream of NTFS.

use super::trie::Look;
use crate::request::effort::look_at;

/// The characters that a backend drops at the ends of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trim {
    /// The backend drops nothing.
    Nothing,
    /// Spaces are dropped: by Windows, and by many programs that read configuration or databases.
    Spaces,
    /// Dots at the end of a name are dropped as well: by Windows, also where they are mixed with spaces.
    SpacesAndDots,
}

impl Trim {
    /// Returns what is left of a segment.
    fn trimmed(self, segment: &str) -> &str {
        if self == Self::Nothing {
            return segment;
        }
        let mut name = segment.as_bytes();
        loop {
            name = match name {
                [shorter @ .., b'%', b'2', b'0'] => shorter,
                [shorter @ .., b'.'] if self == Self::SpacesAndDots => shorter,
                _ => break,
            };
        }
        let end = name.len();
        // Backends that trim names trim both ends.
        while let [b'%', b'2', b'0', shorter @ ..] = name {
            name = shorter;
        }
        look_at(segment.len() - name.len());
        segment.get(end - name.len()..end).unwrap_or_default()
    }
}

/// The way in which a backend looks at segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LaxSegment {
    pub(super) trim: Trim,
    /// Says whether it drops the stream of a file, as NTFS does; before it drops anything else.
    pub(super) drops_streams: bool,
}

impl Look for LaxSegment {
    /// Returns what is left of a segment. An empty name is merged with the slash beside it.
    fn look(self, segment: &str) -> Option<&str> {
        let name = if self.drops_streams { before_stream(segment) } else { segment };
        let name = self.trim.trimmed(name);
        if name.is_empty() && !segment.is_empty() { None } else { Some(name) }
    }
}

/// Says whether a text has what a name of a stream on NTFS begins with; in canonical or in folded text.
pub(super) fn has_stream(text: &str) -> bool {
    text.contains(":$") || text.contains('%') && (text.len() != before_stream(text).len())
}

/// The name of the file or directory whose stream a segment names: what stands before `:$` or `::$`. `admin::$DATA` and
/// `admin:$i30:$INDEX_ALLOCATION` are `admin` (CVE-2010-2731). A stream of another name than those of NTFS itself is another
/// content, and no reading.
fn before_stream(segment: &str) -> &str {
    look_at(segment.len());
    let mut rest = segment;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b':' | b'%')) {
        let Some(found) = rest.get(at..) else { break };
        let Some(after) = after_colon(found) else {
            rest = found.get(1..).unwrap_or_default();
            continue;
        };
        if after.starts_with('$') || after.starts_with("%24") {
            let name = segment.get(..segment.len() - found.len()).unwrap_or_default();
            return name.strip_suffix(':').or_else(|| name.strip_suffix("%3A")).unwrap_or(name);
        }
        rest = after;
    }
    segment
}

fn after_colon(text: &str) -> Option<&str> {
    text.strip_prefix(':').or_else(|| text.strip_prefix("%3A"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_ntfs_itself_are_dropped() {
        for (segment, name) in [
            ("admin::$DATA", "admin"),
            ("admin::$INDEX_ALLOCATION", "admin"),
            ("admin:$i30:$INDEX_ALLOCATION", "admin"),
            ("admin%3A%3A%24DATA", "admin"),
            ("admin:%3A$data", "admin"),
            ("::$DATA", ""),
            ("a:b:$DATA", "a:b"),
            ("a:::$DATA", "a:"),
        ] {
            assert_eq!(before_stream(segment), name, "{segment}");
            assert!(has_stream(segment), "{segment}");
        }
        for segment in ["", "a", "a:b", "a$", "$a:", "a:%24", "42:cancel", "%3", "%253A$"] {
            let is_stream = segment == "a:%24";
            assert_eq!(before_stream(segment) != segment, is_stream, "{segment}");
            assert_eq!(has_stream(segment), is_stream, "{segment}");
        }
    }
}
