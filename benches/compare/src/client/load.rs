//! Load on a server: some connections, each with some calls at once.

use std::{
    cell::RefCell,
    fmt,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use super::{Connection, Verdict, Work, verdict::Checker};
use crate::{stats::Latency, yardstick::Failure};

/// For how long a server may take over what was asked for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connections to a server, kept from one run to the next.
#[derive(Debug)]
pub struct Load {
    connections: Vec<Connection>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Measured {
    /// Calls that were answered as they must be.
    pub calls: u64,
    /// Calls that were answered otherwise.
    pub wrong: u64,
    /// Calls without an answer.
    pub errors: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Of each call, from when it was written to when its answer was read.
    pub latency: Latency,
}

impl Measured {
    /// Right answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a number of calls")]
        let calls = self.calls as f64;
        calls / self.elapsed.as_secs_f64()
    }
}

#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) calls: u64,
    pub(super) wrong: u64,
    pub(super) errors: u64,
    pub(super) latency: Latency,
    pub(super) checker: Checker,
}

/// What the connections of a run share.
pub(super) struct Shared {
    work: Box<dyn Work>,
    until: Option<Instant>,
    pub(super) record: Record,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("record", &self.record).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn next(&mut self, now: Instant, into: &mut Vec<u8>) -> Option<Verdict> {
        if self.until.is_some_and(|until| now >= until) { None } else { self.work.next(into) }
    }
}

impl Load {
    /// Opens so many connections, each for so many calls at once.
    ///
    /// # Errors
    /// Where the server is not there.
    pub async fn open(address: SocketAddr, connections: usize, streams: usize) -> Result<Self, Failure> {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(address, streams).await?);
        }
        Ok(Self { connections: open })
    }

    /// Does that work, for that time or to its end.
    ///
    /// # Errors
    /// Where a connection breaks, or the server stops answering.
    pub async fn run(&mut self, work: Box<dyn Work>, time: Option<Duration>) -> Result<Measured, Failure> {
        let started = Instant::now();
        let until = time.map(|time| started + time);
        let shared = Rc::new(RefCell::new(Shared { work, until, record: Record::default() }));
        let local = LocalSet::new();
        let mut tasks = Vec::new();
        for mut connection in self.connections.drain(..) {
            let shared = Rc::clone(&shared);
            tasks.push(local.spawn_local(async move { connection.run(&shared).await.map(|()| connection) }));
        }
        let all = local.run_until(async {
            for task in tasks {
                self.connections.push(task.await??);
            }
            Ok::<(), Failure>(())
        });
        tokio::time::timeout(time.unwrap_or_default() + PATIENCE, all)
            .await
            .map_err(|_| "the server stopped answering")??;
        let elapsed = started.elapsed();
        let Record { calls, wrong, errors, latency, .. } = std::mem::take(&mut shared.borrow_mut().record);
        Ok(Measured { calls, wrong, errors, elapsed, latency })
    }
}
