//! Messages written field by field, so that they can be wrong in any way.

use std::ptr;

use crate::ext_authz::decode::schema::{self, Kind, Shape};

pub(super) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7F).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

pub(super) fn key(field: u32, wire_type: u32) -> Vec<u8> {
    varint(u64::from(field << 3 | wire_type))
}

pub(super) fn bytes(field: u32, value: &[u8]) -> Vec<u8> {
    [key(field, 2), varint(value.len() as u64), value.to_vec()].concat()
}

pub(super) fn number(field: u32, value: u64) -> Vec<u8> {
    [key(field, 0), varint(value)].concat()
}

pub(super) fn group(field: u32, inside: &[u8]) -> Vec<u8> {
    [key(field, 3), inside.to_vec(), key(field, 4)].concat()
}

/// A message made of choices: a good one with fields in any order and number, or one with now and then each fault that
/// there is.
pub(super) fn written(choices: &[u8], shape: &Shape) -> Vec<u8> {
    let (faulty, left) = match choices.split_first() {
        Some((first, rest)) => (first % 2 == 1, rest),
        None => (false, choices),
    };
    message(&mut Choices { left, faulty }, shape, 0)
}

struct Choices<'a> {
    left: &'a [u8],
    /// Whether there may be faults: among many fields one is soon enough to have a message refused.
    faulty: bool,
}

impl Choices<'_> {
    /// Less than `bound`; 0 when there are no more choices.
    fn below(&mut self, bound: usize) -> usize {
        let Some((&first, rest)) = self.left.split_first() else { return 0 };
        self.left = rest;
        usize::from(first) % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

fn message(choices: &mut Choices<'_>, shape: &Shape, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let least = usize::from(depth < 3);
    for _ in 0..choices.below(5) + least {
        if choices.left.is_empty() || depth > 12 {
            break;
        }
        let (field, kind) = chosen(choices, shape);
        match choices.below(64) {
            0 if choices.faulty => out.extend(any_layout(choices, *field)),
            1..5 => {
                let unknown = choices.of(&[16, 99, 2047, (1 << 29) - 1]);
                out.extend(any_layout(choices, unknown));
            }
            5 if choices.faulty => {
                out.extend([choices.of(&[&[][..], &[0x80], &[0x00], &[0x02, 0], &[0x0E], &[0x0F], &[0x0C]])].concat())
            }
            6 => out.extend(widened(&field_of(choices, *field, kind, depth))),
            _ => out.extend(field_of(choices, *field, kind, depth)),
        }
    }
    out
}

/// One of the fields, and more often one on the way to the headers.
fn chosen(choices: &mut Choices<'_>, shape: &Shape) -> &'static (u32, Kind) {
    let fields = shape.0;
    let number = if ptr::eq(shape, &schema::ATTRIBUTE_CONTEXT) {
        choices.of(&[4, 4, 10])
    } else if ptr::eq(shape, &schema::REQUEST) {
        2
    } else if ptr::eq(shape, &schema::HTTP_REQUEST) {
        choices.of(&[2, 3, 3, 3, 4, 13])
    } else {
        0
    };
    let favoured = fields.iter().find(|(field, _)| *field == number);
    let any = &fields[choices.below(fields.len())];
    favoured.filter(|_| choices.below(4) > 0).unwrap_or(any)
}

fn field_of(choices: &mut Choices<'_>, field: u32, kind: &Kind, depth: usize) -> Vec<u8> {
    match kind {
        Kind::Number => number(field, choices.of(&[0, 1, 300, 1 << 40, u64::MAX])),
        Kind::Double => [key(field, 1), vec![7; 8]].concat(),
        Kind::Text | Kind::Bytes => bytes(field, text(choices)),
        Kind::Message(inner) => {
            let inside = message(choices, inner, depth + 1);
            let length = match choices.below(48) {
                _ if !choices.faulty => inside.len(),
                0 => inside.len() + 1,
                1 => inside.len().saturating_sub(1),
                _ => inside.len(),
            };
            [key(field, 2), varint(length as u64), inside].concat()
        }
    }
}

fn text(choices: &mut Choices<'_>) -> &'static [u8] {
    const LONG: &[u8] = &[b'a'; 200];
    let is_broken = choices.faulty && choices.below(4) == 0;
    choices.of(&[
        b"",
        b"a",
        b"authorization",
        b"Authorization",
        b"Bearer a.b.c",
        b"content-type",
        b"application/grpc",
        b"x-request-id",
        b"portcullis_policy",
        b"host",
        b":authority",
        b"a.test:80",
        b"GET",
        b"POST",
        b"/a/b",
        b"/a?_method=PUT",
        "é".as_bytes(),
        "aé€😀".as_bytes(),
        LONG,
        if is_broken { b"\xFF" } else { b"b" },
        if is_broken { b"a\xC3" } else { b"/" },
    ])
}

/// A field with any layout, whatever it should have.
fn any_layout(choices: &mut Choices<'_>, field: u32) -> Vec<u8> {
    match choices.below(if choices.faulty { 7 } else { 6 }) {
        0 => number(field, choices.of(&[0, 200, u64::MAX])),
        1 => [key(field, 1), vec![0xFF; 8]].concat(),
        2 => [key(field, 5), vec![0xFF; 4]].concat(),
        3 => bytes(field, b"\xFF\x80"),
        4 => group(field, &number(1, 1)),
        5 => {
            let inside = any_layout(choices, 5);
            group(field, &inside)
        }
        _ => key(field, choices.of(&[0, 1, 2, 3, 4, 5, 6, 7])),
    }
}

/// The same field, with its key in one byte more than it needs.
fn widened(field: &[u8]) -> Vec<u8> {
    match field.split_first() {
        Some((first, rest)) if *first < 0x80 => [&[*first | 0x80, 0x00], rest].concat(),
        _ => field.to_vec(),
    }
}
