//! Bounds the number of open connections: where a new one finds no place, the longest unused one is closed.
//!
//! A Check costs nothing here but two counts. The last use of a connection is read from a clock that moves when a
//! connection is accepted, and once a second.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::limits;

/// The connections of one server.
#[derive(Debug)]
pub(crate) struct Connections {
    /// The number of connections that may be open.
    most: usize,
    /// Tells which of two connections was used later.
    clock: AtomicU64,
    open: Mutex<Open>,
    /// Tells that a connection has closed.
    closed: Notify,
    /// Asks all connections to close.
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Open {
    /// The number of the next connection.
    next: u64,
    /// The connections that are served, the oldest one first.
    serving: BTreeMap<u64, Arc<Connection>>,
    /// The number of connections that are closing to make room.
    leaving: usize,
}

/// The use that is made of one connection.
#[derive(Debug)]
struct Connection {
    last_used: AtomicU64,
    /// One more reference for each call in flight.
    calls: Arc<()>,
    /// The time at which another one takes its place.
    due: Instant,
    close: CancellationToken,
    /// Set once the connection must make room for another one.
    makes_room: AtomicBool,
}

impl Connection {
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.calls) == 1
    }
}

impl Connections {
    /// Makes a set with no connection yet, and at most that many at once, until `stop`.
    pub(crate) fn new(most: usize, stop: CancellationToken) -> Self {
        Self { most, clock: AtomicU64::new(0), open: Mutex::default(), closed: Notify::new(), stop }
    }

    /// Waits for a place for one more connection. `None` if Checks are in flight on all of them.
    pub(crate) async fn enter(self: &Arc<Self>) -> Option<Place> {
        let deadline = Instant::now() + limits::ROOM_WAIT;
        loop {
            let closed = self.closed.notified();
            match self.try_enter() {
                Entered::Place(place) => return Some(place),
                Entered::AllBusy => return None,
                Entered::Wait => tokio::time::timeout_at(deadline, closed).await.ok()?,
            }
        }
    }

    fn try_enter(self: &Arc<Self>) -> Entered {
        self.tick();
        let mut open = self.open();
        if open.serving.len() >= self.most {
            if open.leaving >= self.most.div_ceil(limits::ROOM_CLOSING) {
                return Entered::Wait;
            }
            if !open.dismiss_longest_unused() {
                return Entered::AllBusy;
            }
        }
        let id = open.next;
        open.next += 1;
        let connection = Arc::new(Connection {
            last_used: AtomicU64::new(self.clock.load(Ordering::Relaxed)),
            calls: Arc::new(()),
            due: Instant::now() + limits::CONNECTION_AGE - jitter(rand::random()),
            close: self.stop.child_token(),
            makes_room: AtomicBool::new(false),
        });
        open.serving.insert(id, Arc::clone(&connection));
        drop(open);
        Entered::Place(Place { id, connection, connections: Arc::clone(self) })
    }

    /// Asks the longest unused connection to close: the process has no file descriptor left.
    pub(crate) fn make_room(&self) {
        self.open().dismiss_longest_unused();
    }

    /// Asks connections that have reached their age to close, at intervals. Never returns.
    pub(crate) async fn replace_aged(&self) {
        loop {
            tokio::time::sleep(limits::CONNECTIONS_LOOKED_AT).await;
            self.tick();
            let now = Instant::now();
            for connection in self.open().serving.values().filter(|connection| connection.due <= now) {
                connection.close.cancel();
            }
        }
    }

    fn tick(&self) {
        self.clock.fetch_add(1, Ordering::Relaxed);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Whatever panicked, what is in there is changed whole or not at all.
        self.open.lock()
    }
}

impl Open {
    /// Asks the longest unused connection to close. Returns false if Checks are in flight on all of them.
    fn dismiss_longest_unused(&mut self) -> bool {
        let idle = self.serving.iter().filter(|(_, connection)| connection.is_idle());
        let Some(id) =
            idle.min_by_key(|(_, connection)| connection.last_used.load(Ordering::Relaxed)).map(|(id, _)| *id)
        else {
            return false;
        };
        if let Some(connection) = self.serving.remove(&id) {
            self.leaving += 1;
            connection.makes_room.store(true, Ordering::Relaxed);
            connection.close.cancel();
        }
        true
    }
}

/// The time by which a connection is replaced earlier, for a random number from 0 to 1.
fn jitter(random: f64) -> Duration {
    limits::CONNECTION_AGE_JITTER.mul_f64(random)
}

enum Entered {
    Place(Place),
    /// So many connections are closing that the next one must wait for them.
    Wait,
    AllBusy,
}

/// A connection's place among the others, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    id: u64,
    connection: Arc<Connection>,
    connections: Arc<Connections>,
}

/// A call in flight.
pub(crate) struct Call {
    _counted: Arc<()>,
}

impl Place {
    /// Counts a call until what is returned is dropped.
    pub(crate) fn call(&self) -> Call {
        let connection = &self.connection;
        connection.last_used.store(self.connections.clock.load(Ordering::Relaxed), Ordering::Relaxed);
        Call { _counted: Arc::clone(&connection.calls) }
    }

    /// Returns when the peer is to be told to open another connection: the server stops, or another connection takes this one's
    /// place.
    pub(crate) async fn asked_to_close(&self) {
        self.connection.close.cancelled().await;
    }

    /// Returns when a connection that was asked to close must not wait for its peer any longer: another one needs its place, and
    /// nothing is in flight.
    pub(crate) async fn overstays(&self) {
        loop {
            tokio::time::sleep(limits::ROOM_GRACE).await;
            if self.makes_room() && self.connection.is_idle() {
                return;
            }
        }
    }

    /// Returns whether the connection closes to make room for another one.
    pub(crate) fn makes_room(&self) -> bool {
        self.connection.makes_room.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        if open.serving.remove(&self.id).is_none() {
            open.leaving = open.leaving.saturating_sub(1);
        }
        drop(open);
        // Only the task that accepts waits.
        self.connections.closed.notify_one();
    }
}

#[cfg(test)]
mod tests;
