//! How long a Check has waited for the thread that decides it, and whether it is turned away for that.
//!
//! A connection's task reads all that has come, and hands each call to a task of its own; calls of all connections of a
//! thread wait in one queue. On a thread that can't keep up, or that gets too little of a processor, an answer comes when
//! Envoy has given up on it, and deciding it all the same makes the next one late as well. What waits in the kernel before
//! it is read is not seen here.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::deadline;
use crate::limits;

/// A place in the queue of a thread. Each call that waits there has a clone, so that the number of clones is the number of
/// calls. It falls however a call ends, also when its client takes it back.
type Place = Arc<()>;

thread_local! {
    /// The queue of this thread.
    static QUEUE: Arc<Place> = Arc::default();
}

/// When and where the calls of one connection arrive.
#[derive(Debug)]
pub(super) struct Reads {
    /// The queue of the thread that the connection began on. Its calls stay on that thread: each of the workers has a
    /// runtime of its own. Where threads share a runtime, the calls of a connection still have one queue.
    queue: Arc<Place>,
    began: Instant,
    /// When something was read last, in nanoseconds after `began`.
    last: AtomicU64,
}

impl Reads {
    /// Those of a connection that begins now, on this thread.
    pub(super) fn new() -> Self {
        Self { queue: QUEUE.with(Arc::clone), began: Instant::now(), last: AtomicU64::new(0) }
    }

    /// Notes that something was read.
    pub(super) fn read(&self) {
        let after = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last.store(after, Ordering::Relaxed);
    }

    /// A call that the last read brought. `timeout` is how long its client waits, if it says so.
    pub(super) fn call(&self, timeout: Option<Duration>) -> Call {
        let arrived = self.began + Duration::from_nanos(self.last.load(Ordering::Relaxed));
        Call { arrived, timeout, place: Place::clone(&self.queue) }
    }
}

/// A call in the queue of its thread.
#[derive(Debug)]
pub(super) struct Call {
    arrived: Instant,
    timeout: Option<Duration>,
    place: Place,
}

/// When a call came, and when its turn came.
#[derive(Clone, Copy, Debug)]
pub(super) struct PickedUp {
    /// When it was read.
    pub(super) arrived: Instant,
    /// When it left the queue.
    pub(super) at: Instant,
    /// How long after `arrived` it may wait for keys.
    pub(super) key_wait: Duration,
}

impl PickedUp {
    /// A call that did not wait.
    pub(super) fn at_once(key_wait: Duration) -> Self {
        let now = Instant::now();
        Self { arrived: now, at: now, key_wait }
    }
}

/// A call that came then is turned away: its thread has no time for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TurnedAway {
    /// When it was read.
    pub(super) arrived: Instant,
}

impl Call {
    /// Waits outside the queue for the rest of the call, which its peer has yet to send.
    pub(super) async fn aside<T>(&mut self, rest: impl Future<Output = T>) -> T {
        let queue = Arc::downgrade(&mem::take(&mut self.place));
        let rest = rest.await;
        self.place = queue.upgrade().unwrap_or_default();
        rest
    }

    /// Its turn has come.
    ///
    /// # Errors
    /// Its deadline has passed, so that nobody waits for its answer; or half of its time has, and so many other calls wait
    /// that theirs would be over as well. Few that have waited for long are no queue: the thread was not running.
    pub(super) fn pick_up(&self) -> Result<PickedUp, TurnedAway> {
        let (arrived, at) = (self.arrived, Instant::now());
        let waited = at.saturating_duration_since(arrived);
        // Without a deadline nobody says that an answer is too late, but there is a time that clients usually wait.
        let is_late = self.timeout.is_some_and(|timeout| waited >= timeout);
        let is_slow = waited > self.timeout.unwrap_or(limits::KEY_WAIT) / 2;
        if is_late || is_slow && self.others() > limits::WAITING_CHECKS {
            return Err(TurnedAway { arrived });
        }
        Ok(PickedUp { arrived, at, key_wait: deadline::key_wait_within(self.timeout) })
    }

    /// How many other calls wait.
    fn others(&self) -> usize {
        // One clone is the queue's own, and one is this call's.
        Arc::strong_count(&self.place).saturating_sub(2)
    }
}

#[cfg(test)]
mod tests;
