//! Protobuf's wire format over borrowed bytes: keys, numbers, lengths, texts, and skipping what nobody knows.
//!
//! It refuses exactly what prost refuses, so that the generated types can stand beside it in tests and say whether it
//! is right. Every read is bounds-checked, and none costs more than the bytes it passes.

use std::{fmt, str};

/// How deep messages and groups may lie in each other: prost's own limit, with which it keeps its stack.
const DEPTH: u32 = 100;

/// Bytes that are no message of their type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// How a field's value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint,
    Fixed64,
    Length,
    Group,
    EndGroup,
    Fixed32,
}

/// What stands before each value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) field: u32,
    wire_type: WireType,
}

impl Key {
    /// # Errors
    /// The value is laid out in another way.
    fn is(self, wire_type: WireType) -> Result<(), Malformed> {
        if self.wire_type == wire_type { Ok(()) } else { Err(Malformed) }
    }
}

/// A place in a message.
pub(crate) struct Wire<'m> {
    whole: &'m [u8],
    /// The whole up to the end of the innermost message.
    scope: &'m [u8],
    at: usize,
    /// How many levels deeper it may go.
    depth: u32,
    /// Up to here all bytes are ASCII, as far back as anything is still to be read.
    ascii_to: usize,
}

impl fmt::Debug for Wire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: a token is in them.
        write!(f, "Wire({} of {} bytes)", self.at, self.whole.len())
    }
}

impl<'m> Wire<'m> {
    /// The beginning of a message.
    pub(crate) fn new(message: &'m [u8]) -> Self {
        Self { whole: message, scope: message, at: 0, depth: DEPTH, ascii_to: 0 }
    }

    /// Reads the fields of the message that it stands in, to its end.
    pub(crate) fn fields(
        &mut self,
        mut field: impl FnMut(&mut Self, Key) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        while self.at < self.scope.len() {
            let key = self.key()?;
            field(self, key)?;
        }
        Ok(())
    }

    /// Reads a message inside: a field of that type, or an entry of a map, which is laid out alike.
    pub(crate) fn message(
        &mut self,
        key: Key,
        field: impl FnMut(&mut Self, Key) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let outer = (self.scope, self.depth);
        let end = self.end_of(key)?;
        self.scope = self.scope.get(..end).ok_or(Malformed)?;
        self.depth = self.depth.checked_sub(1).ok_or(Malformed)?;
        self.fields(field)?;
        (self.scope, self.depth) = outer;
        Ok(())
    }

    /// Reads a number, whatever its type: integers, booleans and enumerations are laid out alike, and prost takes what
    /// does not fit.
    pub(crate) fn number(&mut self, key: Key) -> Result<u64, Malformed> {
        key.is(WireType::Varint)?;
        self.varint()
    }

    /// Passes over a number of eight bytes.
    pub(crate) fn fixed64(&mut self, key: Key) -> Result<(), Malformed> {
        key.is(WireType::Fixed64)?;
        self.pass(8)
    }

    /// Reads bytes.
    #[inline]
    pub(crate) fn bytes(&mut self, key: Key) -> Result<&'m [u8], Malformed> {
        let end = self.end_of(key)?;
        let bytes = self.scope.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(bytes)
    }

    /// Reads a text.
    pub(crate) fn text(&mut self, key: Key) -> Result<&'m str, Malformed> {
        str::from_utf8(self.bytes(key)?).map_err(|_| Malformed)
    }

    /// Reads a text, and gives its bytes.
    ///
    /// The texts of a message lie close together, so one look over many bytes finds them all to be ASCII; from each text
    /// by itself, the look would cost more than the reading.
    pub(crate) fn text_bytes(&mut self, key: Key) -> Result<&'m [u8], Malformed> {
        let bytes = self.bytes(key)?;
        if !self.is_ascii(self.at.saturating_sub(bytes.len()), self.at) {
            str::from_utf8(bytes).map_err(|_| Malformed)?;
        }
        Ok(bytes)
    }

    /// Reads a message of two short texts, if it is laid out as every writer does it: the first one in field 1, the other
    /// one with the key `second`, both ASCII, each with its length in one byte. If not, it stays where it is.
    ///
    /// That is nearly every header, and all headers together are most of a message.
    #[inline]
    pub(crate) fn short_pair(&mut self, key: Key, second: u8) -> Option<(&'m [u8], &'m [u8])> {
        const FIRST: u8 = 0x0A;
        if key.wire_type != WireType::Length || self.depth == 0 {
            return None;
        }
        let (&length, rest) = self.scope.get(self.at..)?.split_first()?;
        let pair = rest.get(..usize::from(length))?;
        let (&[FIRST, length_of_first], rest) = pair.split_first_chunk()? else { return None };
        let (one, rest) = rest.split_at_checked(usize::from(length_of_first))?;
        let (&[other_key, length_of_other], other) = rest.split_first_chunk()?;
        if other_key != second || other.len() != usize::from(length_of_other) {
            return None;
        }
        // The lengths among it: in one byte each, they are ASCII too. So is the one before it, being no longer.
        let end = self.at.saturating_add(1).saturating_add(pair.len());
        if !self.is_ascii(self.at, end) {
            return None;
        }
        self.at = end;
        Some((one, other))
    }

    #[inline]
    fn is_ascii(&mut self, start: usize, end: usize) -> bool {
        if end > self.ascii_to {
            self.ascii_to = start.saturating_add(self.whole.get(start..).map_or(0, ascii_prefix));
        }
        end <= self.ascii_to
    }

    /// Passes over a field that nobody knows.
    pub(crate) fn skip(&mut self, key: Key) -> Result<(), Malformed> {
        if self.depth == 0 {
            return Err(Malformed);
        }
        match key.wire_type {
            WireType::Varint => self.varint().map(drop),
            WireType::Fixed64 => self.pass(8),
            WireType::Fixed32 => self.pass(4),
            WireType::Length => self.bytes(key).map(drop),
            WireType::EndGroup => Err(Malformed),
            WireType::Group => {
                self.depth = self.depth.saturating_sub(1);
                loop {
                    let inner = self.key()?;
                    if inner.wire_type == WireType::EndGroup {
                        self.depth = self.depth.saturating_add(1);
                        return if inner.field == key.field { Ok(()) } else { Err(Malformed) };
                    }
                    self.skip(inner)?;
                }
            }
        }
    }

    #[inline]
    fn key(&mut self) -> Result<Key, Malformed> {
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed)?;
        let wire_type = match key & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Length,
            3 => WireType::Group,
            4 => WireType::EndGroup,
            5 => WireType::Fixed32,
            _ => return Err(Malformed),
        };
        match key >> 3 {
            0 => Err(Malformed),
            field => Ok(Key { field, wire_type }),
        }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        match self.scope.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                // There is a byte at `at`, so there is a number after it.
                self.at = self.at.wrapping_add(1);
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    /// A number whose first byte is not its last.
    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let rest = self.scope.get(self.at..).ok_or(Malformed)?;
        if let [low, high @ 0..0x80, ..] = *rest {
            // Nearly all that are longer than one byte: the lengths of what is around a token.
            self.at = self.at.saturating_add(2);
            return Ok(u64::from(high) << 7 | u64::from(low & 0x7F));
        }
        let mut value = 0;
        // Ten bytes hold 70 bits: of the last one, a single bit is left.
        for (&byte, shift) in rest.iter().zip((0..64).step_by(7)) {
            self.at = self.at.saturating_add(1);
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return if shift == 63 && byte > 1 { Err(Malformed) } else { Ok(value) };
            }
        }
        Err(Malformed)
    }

    /// Reads a length, and says where what is that long ends.
    #[inline]
    fn end_of(&mut self, key: Key) -> Result<usize, Malformed> {
        key.is(WireType::Length)?;
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
        self.at.checked_add(length).ok_or(Malformed)
    }

    fn pass(&mut self, length: usize) -> Result<(), Malformed> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.scope.len()).ok_or(Malformed)?;
        self.at = end;
        Ok(())
    }
}

/// How many bytes at the beginning are ASCII.
fn ascii_prefix(bytes: &[u8]) -> usize {
    const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk::<32>() {
        let (words, _) = chunk.as_chunks::<8>();
        if words.iter().fold(0, |all, word| all | u64::from_le_bytes(*word)) & HIGH_BITS != 0 {
            break;
        }
        rest = after;
    }
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let high = u64::from_le_bytes(*word) & HIGH_BITS;
        if high != 0 {
            return bytes.len() - rest.len() + high.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    bytes.len() - rest.len() + rest.iter().take_while(|byte| byte.is_ascii()).count()
}

#[cfg(test)]
mod tests;
