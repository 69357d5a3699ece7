//! The calls in flight on one connection.

use std::time::Instant;

use super::verdict::Verdict;
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
    pub(super) message: Vec<u8>,
    /// Whether a whole message said what it must.
    pub(super) is_right: bool,
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
        *slot = Some(Call { stream, expected, started, has_head: false, message: Vec::new(), is_right: false });
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
