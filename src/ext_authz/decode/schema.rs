//! The messages of `proto/` that are read: what each field has to be. Most fields are looked at for that alone; a
//! message with a source that is no text is no `CheckRequest`, whatever its request says.
//!
//! A test holds these tables against the descriptors of `proto/`.

use super::protobuf_reader::{Key, Malformed, Wire};

/// What a field has to be.
#[derive(Debug)]
pub(crate) enum Kind {
    /// An integer, a boolean or an enumeration.
    Number,
    Double,
    Text,
    Bytes,
    /// A message, or the entries of a map.
    Message(&'static Shape),
}

use Kind::{Bytes, Double, Message, Number, Text};

/// The fields of a message, by number.
#[derive(Debug)]
pub(crate) struct Shape(pub(super) &'static [(u32, Kind)]);

impl Shape {
    fn kind(&self, field: u32) -> Option<&'static Kind> {
        // Most messages number their fields without gaps.
        let there = usize::try_from(field).ok().and_then(|field| self.0.get(field.wrapping_sub(1)));
        let is_it = |(number, _): &&(u32, Kind)| *number == field;
        there.filter(is_it).or_else(|| self.0.iter().find(is_it)).map(|(_, kind)| kind)
    }
}

pub(crate) static CHECK_REQUEST: Shape = Shape(&[(1, Message(&ATTRIBUTE_CONTEXT))]);
pub(crate) static ATTRIBUTE_CONTEXT: Shape = Shape(&[
    (1, Message(&PEER)),
    (2, Message(&PEER)),
    (4, Message(&REQUEST)),
    (10, Message(&TEXT_ENTRY)),
    (11, Message(&METADATA)),
    (12, Message(&TLS_SESSION)),
    (13, Message(&METADATA)),
]);
pub(crate) static REQUEST: Shape = Shape(&[(1, Message(&TIMESTAMP)), (2, Message(&HTTP_REQUEST))]);
pub(crate) static HTTP_REQUEST: Shape = Shape(&[
    (1, Text),
    (2, Text),
    (3, Message(&TEXT_ENTRY)),
    (4, Text),
    (5, Text),
    (6, Text),
    (7, Text),
    (8, Text),
    (9, Number),
    (10, Text),
    (11, Text),
    (12, Bytes),
    (13, Message(&HEADER_MAP)),
]);
pub(crate) static HEADER_MAP: Shape = Shape(&[(1, Message(&HEADER_VALUE))]);
pub(crate) static HEADER_VALUE: Shape = Shape(&[(1, Text), (2, Text), (3, Bytes)]);
/// An entry of `map<string, string>`.
pub(crate) static TEXT_ENTRY: Shape = Shape(&[(1, Text), (2, Text)]);

static PEER: Shape = Shape(&[(1, Message(&ADDRESS)), (2, Text), (3, Message(&TEXT_ENTRY)), (4, Text), (5, Text)]);
static ADDRESS: Shape = Shape(&[(1, Message(&SOCKET_ADDRESS)), (2, Message(&PIPE)), (3, Message(&INTERNAL_ADDRESS))]);
static SOCKET_ADDRESS: Shape =
    Shape(&[(1, Number), (2, Text), (3, Number), (4, Text), (5, Text), (6, Number), (7, Text)]);
static PIPE: Shape = Shape(&[(1, Text), (2, Number)]);
static INTERNAL_ADDRESS: Shape = Shape(&[(1, Text), (2, Text)]);
static TIMESTAMP: Shape = Shape(&[(1, Number), (2, Number)]);
static TLS_SESSION: Shape = Shape(&[(1, Text)]);
static METADATA: Shape = Shape(&[(1, Message(&STRUCT_ENTRY)), (2, Message(&ANY_ENTRY))]);
static STRUCT_ENTRY: Shape = Shape(&[(1, Text), (2, Message(&STRUCT))]);
static ANY_ENTRY: Shape = Shape(&[(1, Text), (2, Message(&ANY))]);
static ANY: Shape = Shape(&[(1, Text), (2, Bytes)]);
static STRUCT: Shape = Shape(&[(1, Message(&VALUE_ENTRY))]);
static VALUE_ENTRY: Shape = Shape(&[(1, Text), (2, Message(&VALUE))]);
static VALUE: Shape =
    Shape(&[(1, Number), (2, Double), (3, Text), (4, Number), (5, Message(&STRUCT)), (6, Message(&LIST_VALUE))]);
static LIST_VALUE: Shape = Shape(&[(1, Message(&VALUE))]);

/// Passes over a field of a message of that shape, if it is what it has to be.
pub(crate) fn check(wire: &mut Wire<'_>, key: Key, shape: &'static Shape) -> Result<(), Malformed> {
    match shape.kind(key.field) {
        None => wire.skip(key),
        Some(Number) => wire.number(key).map(drop),
        Some(Double) => wire.fixed64(key),
        Some(Text) => wire.text_bytes(key).map(drop),
        Some(Bytes) => wire.bytes(key).map(drop),
        Some(Message(inner)) => wire.message(key, |wire, key| check(wire, key, inner)),
    }
}

#[cfg(test)]
mod tests;
