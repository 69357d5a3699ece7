//! Protobuf as far as an answer needs it: parts that know their size before they are written, so that a message and all
//! that is nested in it goes into one buffer of the right size, once.
//!
//! The fields of an answer have numbers under 16, so that the key of a field is one byte.

/// A part of a message.
pub(super) trait Part {
    /// How many bytes [`Self::put`] appends.
    fn size(&self) -> usize;

    /// Appends it.
    fn put(&self, into: &mut Vec<u8>);
}

/// A field with a length: a text, or a message of the parts that it holds.
pub(super) struct Field<P> {
    key: u8,
    /// What [`Part::size`] said of the content: nested parts are measured once.
    length: usize,
    content: P,
}

impl<P: Part> Field<P> {
    /// The field of that number, 1 to 15.
    #[inline]
    pub(super) fn new(number: u8, content: P) -> Self {
        // The wire type of what has a length is 2.
        Self { key: number.wrapping_shl(3) | 2, length: content.size(), content }
    }
}

impl<P: Part> Part for Field<P> {
    #[inline]
    fn size(&self) -> usize {
        self.length.saturating_add(varint_size(self.length)).saturating_add(1)
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        if self.length <= 0x7F {
            into.extend_from_slice(&[self.key, low_bits(self.length)]);
        } else {
            into.push(self.key);
            put_varint(self.length, into);
        }
        self.content.put(into);
    }
}

/// A field that holds a number.
#[derive(Clone, Copy)]
pub(super) struct Number {
    key: u8,
    value: u16,
}

impl Number {
    /// The field of that number, 1 to 15.
    pub(super) const fn new(number: u8, value: u16) -> Self {
        // The wire type of a number is 0.
        Self { key: number.wrapping_shl(3), value }
    }
}

impl Part for Number {
    #[inline]
    fn size(&self) -> usize {
        varint_size(usize::from(self.value)).saturating_add(1)
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        into.push(self.key);
        put_varint(usize::from(self.value), into);
    }
}

/// Bytes that never change.
#[derive(Clone, Copy)]
pub(super) struct Fixed<const N: usize>(pub(super) &'static [u8; N]);

impl<const N: usize> Part for Fixed<N> {
    #[inline]
    fn size(&self) -> usize {
        N
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.0);
    }
}

impl Part for [u8] {
    #[inline]
    fn size(&self) -> usize {
        self.len()
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self);
    }
}

impl Part for str {
    #[inline]
    fn size(&self) -> usize {
        self.len()
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.as_bytes());
    }
}

impl<P: Part + ?Sized> Part for &P {
    #[inline]
    fn size(&self) -> usize {
        (**self).size()
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        (**self).put(into);
    }
}

/// A part that may be missing.
impl<P: Part> Part for Option<P> {
    #[inline]
    fn size(&self) -> usize {
        self.as_ref().map_or(0, Part::size)
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        if let Some(part) = self {
            part.put(into);
        }
    }
}

/// Parts of one kind, one after another.
impl<P: Part, const N: usize> Part for [P; N] {
    #[inline]
    fn size(&self) -> usize {
        self.iter().map(Part::size).fold(0, usize::saturating_add)
    }

    #[inline]
    fn put(&self, into: &mut Vec<u8>) {
        self.iter().for_each(|part| part.put(into));
    }
}

/// Parts of different kinds, one after another.
macro_rules! one_after_another {
    ($($part:ident)+) => {
        impl<$($part: Part),+> Part for ($($part,)+) {
            #[inline]
            fn size(&self) -> usize {
                #[expect(non_snake_case, reason = "a name for each type, and one for each value of it")]
                let ($($part,)+) = self;
                [$($part.size()),+].into_iter().fold(0, usize::saturating_add)
            }

            #[inline]
            fn put(&self, into: &mut Vec<u8>) {
                #[expect(non_snake_case, reason = "a name for each type, and one for each value of it")]
                let ($($part,)+) = self;
                $($part.put(into);)+
            }
        }
    };
}

one_after_another!(A B);
one_after_another!(A B C);
one_after_another!(A B C D);
one_after_another!(A B C D E);

/// The bytes of a part that doesn't change any more.
pub(super) fn encoded(part: &impl Part) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(part.size());
    part.put(&mut bytes);
    bytes.into()
}

/// How many bytes a number takes: seven bits each.
#[inline]
const fn varint_size(value: usize) -> usize {
    if value <= 0x7F { 1 } else { (usize::BITS.saturating_sub(value.leading_zeros()) as usize).div_ceil(7) }
}

fn put_varint(mut value: usize, into: &mut Vec<u8>) {
    while value > 0x7F {
        into.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    into.push(low_bits(value));
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits fit")]
const fn low_bits(value: usize) -> u8 {
    (value & 0x7F) as u8
}

#[cfg(test)]
mod tests {
    use prost::{Message as _, encoding};

    use super::*;
    use crate::ext_authz::proto::{envoy::config::core::v3::HeaderValue, google::rpc::Status};

    #[test]
    fn numbers_are_those_of_prost() {
        let around = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for number in around.chain([u64::MAX]) {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            let value = usize::try_from(number).unwrap();
            put_varint(value, &mut ours);
            encoding::encode_varint(number, &mut theirs);
            assert_eq!(ours, theirs, "{number}");
            assert_eq!(varint_size(value), ours.len(), "{number}");
        }
    }

    #[test]
    fn a_message_of_parts_is_that_of_prost() {
        for length in [0, 1, 127, 128, 300, 16_383, 16_384, 70_000] {
            let text = "x".repeat(length);
            let status = (Number::new(1, 16), Field::new(2, text.as_str()), None::<Number>);
            let bytes = encoded(&status);
            assert_eq!(bytes.len(), status.size());
            let wanted = Status { code: 16, message: text.clone(), details: vec![] };
            assert_eq!(Status::decode(&*bytes).unwrap(), wanted);
            let header = [Field::new(1, text.as_str()), Field::new(2, "v")];
            let wanted = HeaderValue { key: text.clone(), value: "v".into(), raw_value: vec![] };
            assert_eq!(HeaderValue::decode(&*encoded(&header)).unwrap(), wanted);
            let nested = Field::new(3, (Field::new(2, &header), Some(&b"\x18\x02"[..]), Number::new(1, 403)));
            assert_eq!(encoded(&nested).len(), nested.size());
        }
    }
}
