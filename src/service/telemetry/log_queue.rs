//! The bounded queue between the threads that log and the one thread that writes.
//!
//! *Invariant: logging never waits and never fails.* A line that finds no room is dropped and counted. So a reader
//! of the log that stops decides nothing about requests.

use std::{
    cell::RefCell,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use crate::limits;

/// Bytes that a line takes in the queue beside its text.
const LINE_OVERHEAD: usize = limits::ALLOCATION_BYTES + size_of::<Entry>();

thread_local! {
    /// The buffer in which the writing thread collects a line of its own, which it must not queue behind itself.
    static COLLECTED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// One entry of the queue.
#[derive(Debug)]
pub(super) enum Entry {
    /// One or more whole lines, with their line ends.
    Line(Box<[u8]>),
    /// A request for an answer once everything before it has been written or dropped.
    Flush(mpsc::Sender<()>),
}

/// The counters that both ends of the queue share.
#[derive(Debug, Default)]
pub(super) struct LogCounts {
    queued_bytes: AtomicUsize,
    dropped: AtomicU64,
}

impl LogCounts {
    /// The number of lines that were dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Counts a line that is lost.
    pub(super) fn drop_line(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes the room of a line free that the writing thread took out of the queue.
    pub(super) fn release(&self, line: &[u8]) {
        self.queued_bytes.fetch_sub(room(line), Ordering::Relaxed);
    }

    fn reserve(&self, line: &[u8]) -> bool {
        let fits = |queued: usize| queued.checked_add(room(line)).filter(|sum| *sum <= limits::LOG_QUEUE_BYTES);
        self.queued_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

const fn room(line: &[u8]) -> usize {
    line.len().saturating_add(LINE_OVERHEAD)
}

/// The end of the queue that lines are put into.
#[derive(Clone, Debug)]
pub(super) struct LogQueue {
    entries: mpsc::Sender<Entry>,
    counts: Arc<LogCounts>,
}

/// The end of the queue that the writing thread takes lines from.
#[derive(Debug)]
pub(super) struct LogEntries {
    pub(super) entries: mpsc::Receiver<Entry>,
    pub(super) counts: Arc<LogCounts>,
}

/// Makes an empty queue. The channel itself has no bound: the bytes in it do.
pub(super) fn log_queue() -> (LogQueue, LogEntries) {
    let (sender, entries) = mpsc::channel();
    let counts = Arc::<LogCounts>::default();
    (LogQueue { entries: sender, counts: Arc::clone(&counts) }, LogEntries { entries, counts })
}

impl LogQueue {
    /// Queues a line, or drops it if there is no room or no thread to write it.
    pub(super) fn push(&self, line: &[u8]) {
        if !self.counts.reserve(line) {
            self.counts.drop_line();
        } else if self.entries.send(Entry::Line(line.into())).is_err() {
            self.counts.release(line);
            self.counts.drop_line();
        }
    }

    /// Waits until all lines that are queued now have been written or dropped, at most for that time. Returns whether they
    /// have.
    pub(super) fn flush(&self, within: Duration) -> bool {
        let (done, ended) = mpsc::channel();
        self.entries.send(Entry::Flush(done)).is_ok() && ended.recv_timeout(within).is_ok()
    }

    /// The number of lines that were dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.counts.dropped()
    }
}

/// The subscriber writes each line with one call.
impl io::Write for &LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A thread that is ending has no cell any more, and is not the writing thread.
        let collect = |cell: &RefCell<Option<Vec<u8>>>| match cell.borrow_mut().as_mut() {
            Some(collected) => {
                collected.extend_from_slice(line);
                true
            }
            None => false,
        };
        if !COLLECTED.try_with(collect).unwrap_or(false) {
            self.push(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes that `log` logs on this thread, which are not queued.
pub(super) fn collect(log: impl FnOnce()) -> Vec<u8> {
    COLLECTED.with_borrow_mut(|cell| *cell = Some(Vec::new()));
    log();
    COLLECTED.take().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn lines(queue: &LogEntries) -> Vec<Box<[u8]>> {
        let line = |entry| match entry {
            Entry::Line(line) => Some(line),
            Entry::Flush(_) => None,
        };
        queue.entries.try_iter().filter_map(line).collect()
    }

    #[test]
    fn the_queue_takes_the_limit_in_bytes_and_not_one_more() {
        let (queue, entries) = log_queue();
        let largest = vec![b'x'; limits::LOG_QUEUE_BYTES - LINE_OVERHEAD];
        queue.push(&largest);
        assert_eq!(queue.dropped(), 0, "the limit itself fits");
        queue.push(b"");
        assert_eq!(queue.dropped(), 1, "an empty line takes room as well");
        let taken = lines(&entries);
        assert_eq!(taken.len(), 1);
        entries.counts.release(&taken[0]);
        queue.push(&[largest.as_slice(), b"x"].concat());
        assert_eq!((queue.dropped(), lines(&entries).len()), (2, 0), "one byte more never fits");
        queue.push(&largest);
        assert_eq!((queue.dropped(), lines(&entries).len()), (2, 1), "there is room again");
    }

    #[test]
    fn many_short_lines_are_bounded_too() {
        let (queue, entries) = log_queue();
        let room = limits::LOG_QUEUE_BYTES / (LINE_OVERHEAD + 1);
        for _ in 0..room + 7 {
            queue.push(b"\n");
        }
        assert_eq!(queue.dropped(), 7);
        // A pointer, a length, and what the allocator takes.
        assert!(room <= limits::LOG_QUEUE_BYTES / 32, "{room}");
        assert_eq!(lines(&entries).len(), room);
    }

    #[test]
    fn nobody_who_writes_is_no_failure() {
        let (queue, entries) = log_queue();
        drop(entries);
        (&queue).write_all(b"lost\n").unwrap();
        assert_eq!(queue.dropped(), 1);
        assert!(!queue.flush(Duration::from_secs(60)), "and is not waited for");
    }

    #[test]
    fn what_is_collected_is_not_queued() {
        let (queue, entries) = log_queue();
        let collected = collect(|| (&queue).write_all(b"own\n").unwrap());
        assert_eq!(collected, b"own\n");
        (&queue).write_all(b"queued\n").unwrap();
        assert_eq!(lines(&entries), [Box::from(&b"queued\n"[..])]);
    }

    #[test]
    fn a_flush_waits_no_longer_than_it_is_told() {
        let (queue, _entries) = log_queue();
        assert!(!queue.flush(Duration::from_millis(1)));
    }
}
