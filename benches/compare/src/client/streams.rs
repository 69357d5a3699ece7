//! The calls in flight on one connection.

use std::time::Instant;

use super::{
    frame::GRPC_HEAD,
    verdict::{Checker, Verdict},
};
use crate::yardstick::Failure;

/// Far more than are in flight: so long may the slowest be overtaken.
const SLOTS: usize = 8_192;

/// A call in flight.
#[derive(Debug)]
pub(super) struct Call {
    stream: u32,
    pub(super) expected: Verdict,
    pub(super) started: Instant,
    /// `:status: 200` has come.
    pub(super) has_head: bool,
    /// What has come of the message, as far as it came in pieces.
    message: Vec<u8>,
    /// Of a message that came in one piece: whether it said what it must, and nothing came after it.
    at_once: Option<bool>,
}

impl Call {
    pub(super) fn new(stream: u32, expected: Verdict, started: Instant) -> Self {
        Self { stream, expected, started, has_head: false, message: Vec::new(), at_once: None }
    }

    /// Takes in the next bytes of the answer. A message that comes in one piece is not copied.
    pub(super) fn take(&mut self, bytes: &[u8], checker: &mut Checker) {
        if bytes.is_empty() {
            return;
        }
        if self.at_once.is_some() {
            self.at_once = Some(false);
        } else if self.message.is_empty() && is_whole(bytes) {
            self.at_once = Some(checker.is(bytes, self.expected));
        } else {
            self.message.extend_from_slice(bytes);
        }
    }

    /// Whether all that came is one message, and it says what it must.
    pub(super) fn is_right(&self, checker: &mut Checker) -> bool {
        self.at_once.unwrap_or_else(|| checker.is(&self.message, self.expected))
    }
}

/// Whether this is a gRPC message, all of it and nothing else.
fn is_whole(bytes: &[u8]) -> bool {
    bytes
        .split_first_chunk::<GRPC_HEAD>()
        .is_some_and(|(&[_, a, b, c, d], message)| u32::from_be_bytes([a, b, c, d]) as usize == message.len())
}

/// By the number of the stream.
#[derive(Debug)]
pub(super) struct Streams {
    slots: Vec<Option<Call>>,
    pub(super) in_flight: usize,
    next: u32,
}

impl Streams {
    pub(super) fn new() -> Self {
        Self { slots: std::iter::repeat_with(|| None).take(SLOTS).collect(), in_flight: 0, next: 1 }
    }

    /// The number of the next stream; the first is 1.
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    pub(super) fn open(&mut self, expected: Verdict, started: Instant) -> Result<(), Failure> {
        let stream = self.next;
        let slot = self.slots.get_mut(place(stream)).ok_or("no slot")?;
        if slot.is_some() {
            return Err(format!("a call was overtaken by {SLOTS} others").into());
        }
        *slot = Some(Call::new(stream, expected, started));
        self.next += 2;
        self.in_flight += 1;
        Ok(())
    }

    pub(super) fn get(&mut self, stream: u32) -> Option<&mut Call> {
        self.slots.get_mut(place(stream))?.as_mut().filter(|call| call.stream == stream)
    }

    pub(super) fn close(&mut self, stream: u32) -> Option<Call> {
        self.get(stream)?;
        self.in_flight -= 1;
        self.slots.get_mut(place(stream))?.take()
    }
}

fn place(stream: u32) -> usize {
    (stream / 2) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: &[u8] = &[0, 0, 0, 0, 2, 0x1a, 0];
    const DENY: &[u8] = &[0, 0, 0, 0, 11, 0x0a, 2, 8, 16, 0x12, 5, 0x0a, 3, 8, 0x91, 3];

    /// Whether an answer in these pieces is an allow.
    fn allows(pieces: &[&[u8]]) -> bool {
        let mut checker = Checker::default();
        let mut call = Call::new(1, Verdict::Allow, Instant::now());
        for piece in pieces {
            call.take(piece, &mut checker);
        }
        call.is_right(&mut checker)
    }

    #[test]
    fn one_message_is_an_answer_however_it_is_cut() {
        let (head, rest) = ALLOW.split_at(3);
        let bytes: Vec<&[u8]> = ALLOW.chunks(1).collect();
        for right in [&[ALLOW][..], &[head, rest], &[&[], head, &[], rest, &[]], &[ALLOW, &[]], &bytes] {
            assert!(allows(right), "{right:?}");
        }
    }

    #[test]
    fn more_or_less_than_one_message_is_no_answer() {
        let (head, rest) = ALLOW.split_at(3);
        let wrong: [&[&[u8]]; 13] = [
            &[],
            &[&[]],
            &[head],
            &[DENY],
            &[DENY, ALLOW],
            &[ALLOW, DENY],
            &[ALLOW, ALLOW],
            &[ALLOW, head],
            &[ALLOW, head, DENY],
            &[ALLOW, head, rest],
            &[head, rest, ALLOW],
            &[head, rest, head],
            &[ALLOW, &[0]],
        ];
        for pieces in wrong {
            assert!(!allows(pieces), "{pieces:?}");
            // The same, as one frame has it.
            let together = pieces.concat();
            assert!(!allows(&[&together]), "{together:?}");
        }
    }
}
