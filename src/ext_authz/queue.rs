//! Measures the time that a Check has waited for the thread that decides it, and turns it away if that is too long.
//!
//! A connection's task reads what has come, and hands each call to a task of its own; calls of all connections of a
//! thread wait in one queue. On a thread that can't keep up, or that gets too little of a processor, an answer comes when
//! Envoy has given up on it, and deciding it all the same makes the next one late as well. A connection is read in turns, so
//! most calls of a long queue wait as bytes that were read ahead (see [`super::transport::connection`]): they have the time of that
//! read, and their number is estimated. A call whose bytes the kernel still holds is not seen. That lasts until the
//! connection's next turn, or longer where more is held than may be read ahead.

use std::{
    mem,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::deadline;
use crate::limits;

/// A place in the queue of a thread. Each call that waits there has a clone, so that the number of clones is the number of
/// calls. It falls however a call ends, also when its client takes it back.
type Place = Arc<Ahead>;

/// The total of what the connections of a thread have read ahead: calls that wait before they can have a place in the queue.
#[derive(Debug, Default)]
struct Ahead {
    bytes: AtomicUsize,
    calls: AtomicUsize,
}

thread_local! {
    /// The queue of this thread.
    static QUEUE: Arc<Place> = Arc::default();
}

impl Ahead {
    /// Returns the number of calls in a queue, and the estimated number of those in bytes that were read ahead.
    fn waiting(place: &Place, own: usize) -> usize {
        Arc::strong_count(place).saturating_sub(own).saturating_add(place.calls.load(Ordering::Relaxed))
    }
}

/// The queues of the threads that serve the connections of one server.
#[derive(Debug, Default)]
pub struct Queues(Mutex<Vec<Weak<Place>>>);

impl Queues {
    /// Adds the queue of the thread that a connection begins on.
    pub(crate) fn add(&self, reads: &Reads) {
        let queue = Arc::downgrade(&reads.queue);
        let mut queues = self.0.lock();
        if !queues.iter().any(|known| known.ptr_eq(&queue)) {
            queues.retain(|known| known.strong_count() > 0);
            queues.push(queue);
        }
    }

    /// Returns the number of calls that wait for their turn now. Calls in bytes that were read ahead are estimated.
    #[must_use]
    pub fn calls(&self) -> usize {
        let queues = self.0.lock();
        // One clone is the queue's own.
        queues.iter().filter_map(Weak::upgrade).map(|queue| Ahead::waiting(&queue, 1)).sum()
    }
}

/// The place and time at which the calls of one connection arrive.
#[derive(Debug)]
pub(crate) struct Reads {
    /// The queue of the thread that the connection began on. Its calls stay on that thread: each of the workers has a
    /// runtime of its own. Where threads share a runtime, the calls of a connection still have one queue.
    queue: Arc<Place>,
    began: Instant,
    /// The time of the last read, in nanoseconds after `began`.
    last: AtomicU64,
    /// The number of Checks that have come.
    calls: AtomicU64,
}

impl Reads {
    /// Makes the reads of a connection that begins now, on this thread.
    pub(crate) fn new() -> Self {
        Self { queue: QUEUE.with(Arc::clone), began: Instant::now(), last: AtomicU64::new(0), calls: AtomicU64::new(0) }
    }

    /// Notes that something was read.
    pub(crate) fn read(&self) {
        self.read_at(Instant::now());
    }

    /// Notes that the connection goes on with bytes that were read at that time.
    pub(crate) fn read_at(&self, at: Instant) {
        let after = at.saturating_duration_since(self.began);
        self.last.store(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns the number of calls that have come so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The share of this connection, nothing as yet, in what its thread has read ahead.
    pub(crate) fn ahead(&self) -> AheadShare {
        AheadShare { queue: Arc::clone(&self.queue), bytes: 0, calls: 0 }
    }

    /// Puts a call that the last read brought into the queue. `timeout` is the time that its client waits, if it says so.
    pub(crate) fn call(&self, timeout: Option<Duration>) -> Call {
        // One task at a time counts the calls of a connection.
        self.calls.store(self.calls().wrapping_add(1), Ordering::Relaxed);
        let arrived = self.began + Duration::from_nanos(self.last.load(Ordering::Relaxed));
        Call { arrived, timeout, place: Place::clone(&self.queue) }
    }
}

/// The share of one connection in what its thread has read ahead. It is given back when the connection ends.
#[derive(Debug)]
pub(crate) struct AheadShare {
    queue: Arc<Place>,
    bytes: usize,
    calls: usize,
}

impl AheadShare {
    /// Returns how many bytes more may be read ahead.
    pub(crate) fn room(&self) -> usize {
        let of_thread = limits::READ_AHEAD_THREAD.saturating_sub(self.queue.bytes.load(Ordering::Relaxed));
        limits::READ_AHEAD.saturating_sub(self.bytes).min(of_thread)
    }

    /// Says how many bytes this connection holds now, and about how many calls wait in them.
    pub(crate) fn set(&mut self, bytes: usize, calls: usize) {
        // Atomic numbers wrap around, so that a difference below zero is one as well.
        self.queue.bytes.fetch_add(bytes.wrapping_sub(self.bytes), Ordering::Relaxed);
        self.queue.calls.fetch_add(calls.wrapping_sub(self.calls), Ordering::Relaxed);
        (self.bytes, self.calls) = (bytes, calls);
    }
}

impl Drop for AheadShare {
    fn drop(&mut self) {
        self.set(0, 0);
    }
}

/// A call in the queue of its thread.
#[derive(Debug)]
pub(crate) struct Call {
    arrived: Instant,
    timeout: Option<Duration>,
    place: Place,
}

/// The times at which a call was read, and at which it left the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueTimes {
    /// The time at which the call was read.
    pub(crate) arrived: Instant,
    /// The time at which its turn came.
    pub(crate) left: Instant,
}

impl QueueTimes {
    /// Returns for how long the call waited.
    pub(crate) fn queued(&self) -> Duration {
        self.left.saturating_duration_since(self.arrived)
    }
}

impl From<&Result<PickedUp, TurnedAway>> for QueueTimes {
    fn from(call: &Result<PickedUp, TurnedAway>) -> Self {
        match call {
            Ok(picked_up) => picked_up.times,
            Err(turned_away) => turned_away.times,
        }
    }
}

/// A call whose turn has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PickedUp {
    /// The times of the call in the queue.
    pub(crate) times: QueueTimes,
    /// The time after it arrived for which it may wait for keys.
    pub(crate) key_wait: Duration,
}

impl PickedUp {
    /// A call that did not wait.
    pub(crate) fn at_once(key_wait: Duration) -> Self {
        let now = Instant::now();
        Self { times: QueueTimes { arrived: now, left: now }, key_wait }
    }
}

/// A call that is turned away: its thread has no time for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnedAway {
    /// The times of the call in the queue.
    pub(crate) times: QueueTimes,
}

impl Call {
    /// Waits outside the queue for the rest of the call, which its peer has yet to send. The call then counts as one that has
    /// come later and has less time: its deadline is the same, and the time that the peer took is none in the queue.
    pub(crate) async fn aside<T>(&mut self, rest: impl Future<Output = T>) -> T {
        let (queue, began) = (Arc::downgrade(&mem::take(&mut self.place)), Instant::now());
        let rest = rest.await;
        self.place = queue.upgrade().unwrap_or_default();
        let took = began.elapsed();
        self.arrived += took;
        self.timeout = self.timeout.map(|timeout| timeout.saturating_sub(took));
        rest
    }

    /// Decides whether the call is served, now that its turn has come.
    ///
    /// # Errors
    /// The deadline has passed, so that no client waits for the answer. Or half of the time to it has passed, and so many other
    /// calls wait that their deadlines would pass as well. A few calls that have waited for long are no queue: the thread was
    /// not running.
    pub(crate) fn pick_up(&self) -> Result<PickedUp, TurnedAway> {
        let times = QueueTimes { arrived: self.arrived, left: Instant::now() };
        let waited = times.queued();
        // Without a deadline no answer is known to be too late, but there is a time that clients usually wait.
        let is_late = self.timeout.is_some_and(|timeout| waited >= timeout);
        let is_slow = waited > self.timeout.unwrap_or(limits::KEY_WAIT) / 2;
        if is_late || is_slow && self.others() > limits::WAITING_CHECKS {
            return Err(TurnedAway { times });
        }
        Ok(PickedUp { times, key_wait: deadline::key_wait_within(self.timeout) })
    }

    /// Returns how many other calls wait, in the queue or in bytes that were read ahead.
    pub(crate) fn others(&self) -> usize {
        // One clone is the queue's own, and one is this call's.
        Ahead::waiting(&self.place, 2)
    }
}

#[cfg(test)]
mod tests;
