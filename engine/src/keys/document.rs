//! Description of a document that should have been JSON, by its first bytes, because that is what the server that sent it
//! has to mend.

/// The text without a byte order mark in front, which a parser may ignore (RFC 8259 section 8.1).
#[must_use]
pub fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Names what bytes are that are no JSON, where their beginning tells.
#[must_use]
pub fn kind_of(text: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: [(&[u8], &str); 7] = [
        (b"\x1f\x8b", "it is compressed with gzip, though nobody asked for that"),
        (b"\x28\xb5\x2f\xfd", "it is compressed with zstd, though nobody asked for that"),
        (b"\x78\x9c", "it is compressed with deflate, though nobody asked for that"),
        (b"\xff\xfe", "it is UTF-16, and JSON is UTF-8 (RFC 8259 section 8.1)"),
        (b"\xfe\xff", "it is UTF-16, and JSON is UTF-8 (RFC 8259 section 8.1)"),
        (b"-----BEGIN ", "it is PEM, and a key set is JSON"),
        (b"<", "it is a page of HTML or XML"),
    ];
    let text = without_bom(text).trim_ascii_start();
    if text.is_empty() {
        return Some("it is empty");
    }
    BEGINNINGS.iter().find_map(|(beginning, kind)| text.starts_with(beginning).then_some(*kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_dropped_once_and_only_in_front() {
        assert_eq!(without_bom("\u{feff}{}".as_bytes()), b"{}");
        assert_eq!(without_bom("\u{feff}\u{feff}{}".as_bytes()), "\u{feff}{}".as_bytes());
        assert_eq!(without_bom("{}\u{feff}".as_bytes()), "{}\u{feff}".as_bytes());
        assert_eq!(without_bom(b"{}"), b"{}");
    }

    #[test]
    fn what_is_no_json_is_named_by_its_beginning() {
        for (text, word) in [
            (&b"\x1f\x8b\x08\0"[..], "gzip"),
            (b"\x28\xb5\x2f\xfd\x04", "zstd"),
            (b"\x78\x9c\x01", "deflate"),
            (b"\xff\xfe{\0", "UTF-16"),
            (b"\xfe\xff\0{", "UTF-16"),
            (b"-----BEGIN PUBLIC KEY-----", "PEM"),
            (b"\n <!doctype html>", "HTML"),
            (b" \n", "empty"),
        ] {
            assert!(kind_of(text).unwrap().contains(word), "{text:?}");
        }
        for text in [&b"{}"[..], b"null", b"[]", b"text"] {
            assert_eq!(kind_of(text), None, "{text:?}");
        }
    }
}
