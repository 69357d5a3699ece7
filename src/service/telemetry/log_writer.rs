//! The one thread that writes log lines. It alone may wait for the reader of the log.

use std::{
    io::{self, Write},
    mem,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
};

use tokio::time::Instant;

use super::log_queue::{Entry, LogEntries};
use crate::limits;

/// Writes queued lines to an output, several with one call.
pub(super) struct LogWriter<W, N> {
    output: W,
    queue: LogEntries,
    /// Makes the line that says how many were lost; no bytes if the log's filter leaves it out.
    notice: N,
    batch: Batch,
    /// A line that was taken out of the queue and did not fit into the batch before.
    next: Option<Box<[u8]>>,
    /// Requests for an answer once the lines before them have been written.
    flushes: Vec<mpsc::Sender<()>>,
    /// The number of lost lines that the log has a line about.
    reported: u64,
    reported_at: Option<Instant>,
}

impl<W: Write, N: FnMut(u64) -> Vec<u8>> LogWriter<W, N> {
    pub(super) fn new(output: W, queue: LogEntries, notice: N) -> Self {
        let (batch, next, flushes) = (Batch::default(), None, Vec::new());
        Self { output, queue, notice, batch, next, flushes, reported: 0, reported_at: None }
    }

    /// Writes until every sender is gone.
    pub(super) fn run(&mut self) {
        while self.wait() {
            self.write_queued();
        }
        self.write_queued();
    }

    /// Waits for an entry, or for the next attempt to say what was lost. Returns whether there can be more entries.
    fn wait(&mut self) -> bool {
        if self.next.is_some() || !self.flushes.is_empty() {
            return true;
        }
        let owes = self.lost() > 0 || !self.batch.is_empty();
        let received = if owes {
            self.queue.entries.recv_timeout(limits::LOG_RETRY)
        } else {
            self.queue.entries.recv().map_err(|mpsc::RecvError| RecvTimeoutError::Disconnected)
        };
        match received {
            Ok(entry) => self.take(entry),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Line(line) => {
                self.queue.counts.release(&line);
                self.next = Some(line);
            }
            Entry::Flush(done) => self.flushes.push(done),
        }
    }

    /// Writes one batch: what is queued, as far as it fits, up to the next flush.
    fn write_queued(&mut self) {
        self.add_notice();
        loop {
            if self.next.is_none() && self.flushes.is_empty() {
                match self.queue.entries.try_recv() {
                    Ok(entry) => self.take(entry),
                    Err(_) => break,
                }
            }
            match self.next.take() {
                Some(line) if self.batch.has_room_for(&line) => self.batch.push(&line, Part::Line),
                Some(line) => {
                    self.next = Some(line);
                    break;
                }
                None => break,
            }
        }
        // A flush comes before the exit: there is no later attempt.
        self.add_notice();
        self.write_batch();
        if self.next.is_none() {
            for done in mem::take(&mut self.flushes) {
                // An error means that the requester has stopped waiting.
                let _ = done.send(());
            }
        }
    }

    /// Puts the line that says how many were lost before the others, at most once a second: where lines are lost all the
    /// time, it must not take their place.
    fn add_notice(&mut self) {
        let lost = self.lost();
        let is_recent = self.reported_at.is_some_and(|at| at.elapsed() < limits::LOG_RETRY) && self.flushes.is_empty();
        if lost == 0 || is_recent || self.batch.has_notice() {
            return;
        }
        let line = (self.notice)(lost);
        if line.is_empty() {
            self.reported = self.reported.saturating_add(lost);
        } else {
            self.batch.push(&line, Part::Notice(lost));
        }
    }

    fn lost(&self) -> u64 {
        self.queue.counts.dropped().saturating_sub(self.reported)
    }

    /// Writes the batch. If that fails, whole lines are lost; one that was written in part stays, so that the next attempt
    /// begins with its rest and the output has whole lines only.
    fn write_batch(&mut self) {
        let written = write_as_far_as_possible(&mut self.output, &self.batch.bytes);
        let batch = mem::take(&mut self.batch);
        let mut start = 0;
        for (end, part) in batch.parts {
            let is_begun = written > start || part == Part::Rest;
            match part {
                Part::Notice(lost) if is_begun => {
                    self.reported = self.reported.saturating_add(lost);
                    self.reported_at = Some(Instant::now());
                }
                Part::Line if !is_begun => self.queue.counts.drop_line(),
                Part::Notice(_) | Part::Line | Part::Rest => {}
            }
            if is_begun && let Some(rest) = batch.bytes.get(written.max(start)..end).filter(|rest| !rest.is_empty()) {
                self.batch.push(rest, Part::Rest);
            }
            start = end;
        }
    }
}

/// Writes until all is written or writing fails. Returns how many bytes were written.
fn write_as_far_as_possible(output: &mut impl Write, bytes: &[u8]) -> usize {
    let mut written = 0_usize;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match output.write(rest) {
            Ok(0) => break,
            Ok(more) => written = written.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Another process that has this pipe or terminal open made it non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(limits::LOG_PAUSE),
            Err(_) => break,
        }
    }
    written
}

/// The kind of a part of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A line from the queue.
    Line,
    /// The line that says that so many were lost.
    Notice(u64),
    /// The end of a line whose beginning has been written.
    Rest,
}

/// Lines that are written with one call, and where each ends.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    parts: Vec<(usize, Part)>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn has_notice(&self) -> bool {
        self.parts.iter().any(|(_, part)| matches!(part, Part::Notice(_)))
    }

    /// Returns whether a line fits beside those that are here. A line alone always fits.
    fn has_room_for(&self, line: &[u8]) -> bool {
        self.is_empty() || self.bytes.len().saturating_add(line.len()) <= limits::LOG_BATCH_BYTES
    }

    fn push(&mut self, line: &[u8], part: Part) {
        self.bytes.extend_from_slice(line);
        self.parts.push((self.bytes.len(), part));
    }
}

/// Starts the writing thread, which lives as long as the process and is not joined.
///
/// # Errors
/// The system gives no thread.
pub(super) fn start<W, N>(mut writer: LogWriter<W, N>) -> io::Result<()>
where
    W: Write + Send + 'static,
    N: FnMut(u64) -> Vec<u8> + Send + 'static,
{
    let write = move || {
        // A bug in here is a line of the log, and must not be the last one.
        while std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| writer.run())).is_err() {
            thread::sleep(limits::LOG_RETRY);
        }
    };
    thread::Builder::new().name("log".to_owned()).spawn(write).map(drop)
}

#[cfg(test)]
mod tests;
