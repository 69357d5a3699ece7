//! Read-ahead: bytes of a connection that are read before their turn, so that it is known since when they wait.
//!
//! A connection is read in turns of [`limits::READ_PER_TURN`]. Bytes beyond a turn would wait in the kernel, which does not say
//! since when, and most of them at the peer, as the kernel takes few. So at the end of each turn they are moved here together
//! with the time, and later turns go on from here. Bytes never seem to have waited for longer than they have.

use std::{
    collections::VecDeque,
    io, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes};
use hyper::rt::{Read, ReadBuf, ReadBufCursor};
use tokio::time::Instant;

use crate::{
    ext_authz::queue::{AheadShare, Reads},
    limits,
};

/// Bytes of a frame, as a length.
pub(super) const FRAME: usize = limits::FRAME_BYTES as usize;

/// The bytes that were read ahead of one connection, oldest first.
///
/// A turn in which this is not used up takes [`limits::READ_PER_TURN`] bytes, and adds at most one piece that has less than a
/// frame may have. So pieces are few: [`limits::READ_AHEAD`] is 20 turns, and 160 such frames.
#[derive(Debug)]
pub(super) struct ReadAhead {
    pieces: VecDeque<Piece>,
    /// The error that ended the stream, for when the pieces are used up. A socket reports it only once.
    failed: Option<io::Error>,
    /// Says that the stream was read for this in the turn that ends.
    is_filled: bool,
    /// The time of the piece that was read last.
    last: Option<Instant>,
    /// Bytes in pieces that are yet to be read.
    unread: usize,
    /// Bytes of pieces that take memory.
    held: usize,
    rate: Rate,
    share: AheadShare,
}

/// Bytes that were read ahead, at the end of one turn. Their memory is given back when all of them are read.
#[derive(Debug)]
struct Piece {
    unread: Bytes,
    /// Bytes that the piece takes in memory.
    size: usize,
    at: Instant,
}

/// The number of calls that come in so many bytes, as far as the turns before this one show it.
#[derive(Debug)]
struct Rate {
    /// The calls that had come when reading ahead began.
    calls_before: u64,
    /// Bytes that were read since then. The turn that ended then is among them, as its calls come after it.
    read: usize,
    calls: usize,
    bytes: usize,
}

impl Rate {
    fn new(reads: &Reads) -> Self {
        Self { calls_before: reads.calls(), read: limits::READ_PER_TURN + FRAME, calls: 0, bytes: 0 }
    }

    /// Counts up to the end of the last turn.
    fn update(&mut self, reads: &Reads) {
        let calls = reads.calls().wrapping_sub(self.calls_before);
        (self.calls, self.bytes) = (usize::try_from(calls).unwrap_or(usize::MAX), self.read);
    }

    /// Estimates the number of calls in so many bytes. The estimate is rather too low: it is a reason to turn others away.
    fn calls_in(&self, bytes: usize) -> usize {
        bytes.saturating_mul(self.calls).checked_div(self.bytes).unwrap_or_default()
    }
}

impl ReadAhead {
    pub(super) fn new(reads: &Reads) -> Self {
        Self {
            pieces: VecDeque::new(),
            failed: None,
            is_filled: false,
            last: None,
            unread: 0,
            held: 0,
            rate: Rate::new(reads),
            share: reads.ahead(),
        }
    }

    /// Returns whether nothing is left to be read from here.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.failed.is_none()
    }

    /// Returns whether what comes next is younger than what was read last: the calls of a turn have one time.
    pub(super) fn is_younger_next(&self) -> bool {
        self.pieces.front().map(|piece| piece.at) != self.last
    }

    /// Reads what has come, or as much of it as there is room for. It does so once in a turn, though h2 asks again for each
    /// call that the turn has brought.
    pub(super) fn fill<T: Read + Unpin>(&mut self, stream: &mut T, cx: &mut Context<'_>) {
        if self.is_filled || self.failed.is_some() {
            return;
        }
        let before = self.pieces.len();
        let (mut bytes, mut room) = (Vec::new(), self.share.room());
        while room > 0 {
            let mut frame = [0; FRAME];
            let Some(into) = frame.get_mut(..(FRAME - bytes.len()).min(room)) else { break };
            let mut into = ReadBuf::new(into);
            match Pin::new(&mut *stream).poll_read(cx, into.unfilled()) {
                // Nothing at all is the end, which the stream says as often as it is asked.
                Poll::Ready(Ok(())) if !into.filled().is_empty() => {
                    room -= into.filled().len();
                    bytes.extend_from_slice(into.filled());
                    if bytes.len() == FRAME {
                        self.push(mem::take(&mut bytes));
                    }
                }
                Poll::Ready(Ok(())) | Poll::Pending => break,
                Poll::Ready(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        self.push(bytes);
        let now = Instant::now();
        self.pieces.iter_mut().skip(before).for_each(|piece| piece.at = now);
        self.is_filled = !self.is_empty();
        self.note();
    }

    /// Adds a piece of bytes that were just read, if there are any.
    fn push(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            let unread = Bytes::from(bytes.into_boxed_slice());
            let size = unread.len();
            self.unread += size;
            self.held += size;
            self.pieces.push_back(Piece { unread, size, at: Instant::now() });
        }
    }

    /// Reads the oldest bytes. They are no more than a frame may have, as each piece is.
    ///
    /// # Errors
    /// Those of the stream, once everything that came before is read.
    pub(super) fn read(&mut self, mut into: ReadBufCursor<'_>, reads: &Reads) -> io::Result<()> {
        if self.is_filled {
            self.rate.update(reads);
            self.is_filled = false;
        }
        let Some(piece) = self.pieces.front_mut() else {
            return Err(self.failed.take().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()));
        };
        let bytes = piece.unread.split_to(piece.unread.len().min(into.remaining()));
        into.put_slice(&bytes);
        reads.read_at(piece.at);
        self.last = Some(piece.at);
        self.unread -= bytes.len();
        self.rate.read = self.rate.read.saturating_add(bytes.len());
        if !piece.unread.has_remaining() {
            self.held -= piece.size;
            self.pieces.pop_front();
        }
        self.note();
        Ok(())
    }

    /// Tells the thread what waits here.
    fn note(&mut self) {
        self.share.set(self.held, self.rate.calls_in(self.unread));
    }
}

#[cfg(test)]
mod tests;
