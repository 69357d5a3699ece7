//! The values of identity headers: what comes out of a token, made safe for a header and measured before it is written.

use super::protobuf_writer::{Field, Part};
use portcullis_engine::oauth::scope::ScopeSet;

/// Visible ASCII as it is, everything else percent-encoded, so that the value survives every hop and two values never
/// become one. That takes the percent sign along: else the subjects `a b` and `a%20b` would be the same header.
#[derive(Clone, Copy)]
pub(super) struct Safe<'a> {
    text: &'a str,
    size: usize,
}

impl<'a> Safe<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        // Almost always plain, and seen so without a branch or a sum for each byte, many at a time.
        if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
            return Self { text, size: text.len() };
        }
        let odd = text.bytes().filter(|byte| !is_plain(*byte)).count();
        // Three bytes for one.
        Self { text, size: text.len().saturating_add(odd.saturating_mul(2)) }
    }

    pub(super) fn is_empty(self) -> bool {
        self.size == 0
    }
}

impl Part for Safe<'_> {
    #[inline]
    fn size(&self) -> usize {
        self.size
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        if self.size == self.text.len() {
            into.extend_from_slice(self.text.as_bytes());
            return;
        }
        for byte in self.text.bytes() {
            if is_plain(byte) {
                into.push(byte);
            } else {
                into.extend_from_slice(&[b'%', hex(byte.wrapping_shr(4)), hex(byte & 0xF)]);
            }
        }
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() & (byte != b'%')
}

/// The digit of a number under 16.
const fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0'.wrapping_add(digit) } else { b'A'.wrapping_sub(10).wrapping_add(digit) }
}

/// Scopes with single spaces between, as in a `scope` parameter. Scope-tokens are safe as they are.
pub(super) struct Joined<'a>(pub(super) ScopeSet<'a>);

impl Part for Joined<'_> {
    #[inline]
    fn size(&self) -> usize {
        self.0.as_str().size()
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        self.0.as_str().put(into);
    }
}

/// Scopes as a `google.protobuf.ListValue`.
pub(super) struct Listed<'a>(pub(super) ScopeSet<'a>);

impl Listed<'_> {
    fn values(&self) -> impl Iterator<Item = Field<Field<&str>>> {
        // `values` of a ListValue, `string_value` of a Value.
        self.0.iter().map(|scope| Field::new(1, Field::new(3, scope)))
    }
}

impl Part for Listed<'_> {
    #[inline]
    fn size(&self) -> usize {
        self.values().map(|value| value.size()).fold(0, usize::saturating_add)
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        self.values().for_each(|value| value.put(into));
    }
}

/// What goes upstream in one header.
pub(super) enum Value<'a> {
    /// A text of the token.
    Text(Safe<'a>),
    /// Its scopes.
    Scopes(Joined<'a>),
}

impl Part for Value<'_> {
    #[inline]
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.size(),
            Self::Scopes(scopes) => scopes.size(),
        }
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        match self {
            Self::Text(text) => text.put(into),
            Self::Scopes(scopes) => scopes.put(into),
        }
    }
}
