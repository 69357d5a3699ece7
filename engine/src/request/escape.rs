//! Escapes of paths (RFC 3986 section 2.1), and slashes that are data.

/// A slash that is data, as it is written in a canonical path.
pub(crate) const ENCODED_SLASH: &str = "%2F";
/// The byte for `%2F` in a decoded path, in which `/` is between segments. No path has this byte.
pub(crate) const DECODED_SLASH: u8 = 0;

/// A byte as it is escaped: a percent sign and two hex digits in upper case.
pub(crate) fn escape(byte: u8) -> [u8; 3] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'A' - 10 + nibble };
    [b'%', digit(byte >> 4), digit(byte & 0x0F)]
}

/// The byte that two hex digits stand for.
pub(crate) fn hex_pair([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}
