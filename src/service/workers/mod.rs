//! The threads that Checks run on: one to a core, each with a runtime of its own. A Check is short and hardly ever waits, so
//! threads that hand tasks to one another would cost more than they gain: a runtime with one thread answers half as many
//! again as one that is made for more, and two of them answer twice as many as one with two threads (measured).
//!
//! A proxy opens few connections, about one for each of its own threads. So they are given to the threads in turn. Not to
//! the one that has fewest: who opens connections and says nothing would choose a thread for everybody else's.

pub(super) mod heartbeat;

use std::{
    io,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::heartbeat::Heartbeat;
use crate::{
    ext_authz::transport::server::{self, Task},
    service::error::ServeError,
};

/// Where connections are served.
#[derive(Debug)]
pub struct Workers {
    workers: Vec<Handle>,
    /// One for each thread. The runtime that [`Self::here`] uses has none: it is not only for Checks.
    heartbeats: Vec<Heartbeat>,
    turn: AtomicUsize,
    lost: CancellationToken,
    /// Ends the threads.
    _stop: DropGuard,
}

impl Workers {
    /// So many threads, which end when this is dropped.
    ///
    /// # Errors
    /// [`ServeError::Part`]: the system gives no more threads.
    pub fn threads(count: NonZeroUsize) -> Result<Self, ServeError> {
        let stop = CancellationToken::new();
        Self::until(count, &stop, || stop.clone().cancelled_owned())
            .map_err(|error| ServeError::Part { part: "worker", cause: error.to_string() })
    }

    /// No threads: the runtime that this is called on does the work.
    ///
    /// # Panics
    /// If it is called on none.
    #[must_use]
    pub fn here() -> Self {
        Self::of(vec![Handle::current()], Vec::new(), CancellationToken::new(), CancellationToken::new())
    }

    fn until<F>(count: NonZeroUsize, stop: &CancellationToken, stopped: impl Fn() -> F) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let lost = CancellationToken::new();
        let workers = (0..count.get()).map(|index| start(index, stopped(), lost.clone().drop_guard()));
        let workers = workers.collect::<io::Result<Vec<_>>>()?;
        let heartbeats = workers.iter().enumerate();
        let heartbeats = heartbeats.map(|(index, worker)| Heartbeat::start(&name(index), worker)).collect();
        Ok(Self::of(workers, heartbeats, lost, stop.clone()))
    }

    fn of(workers: Vec<Handle>, heartbeats: Vec<Heartbeat>, lost: CancellationToken, stop: CancellationToken) -> Self {
        Self { workers, heartbeats, turn: AtomicUsize::new(0), lost, _stop: stop.drop_guard() }
    }

    /// The signs of life of the threads.
    pub(super) fn heartbeats(&self) -> Vec<Heartbeat> {
        self.heartbeats.clone()
    }

    /// Returns if a thread ends before it is asked to, which only a bug can bring about: connections that are given to it
    /// are never served.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl server::Workers for Workers {
    fn run(&self, task: Task) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(self.workers.len());
        if let Some(worker) = turn.and_then(|turn| self.workers.get(turn)) {
            worker.spawn(task);
        }
    }
}

fn name(index: usize) -> String {
    format!("check-{index}")
}

fn start(index: usize, stopped: impl Future<Output = ()> + Send + 'static, ended: DropGuard) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let handle = runtime.handle().clone();
    let work = move || {
        let _ended = ended;
        runtime.block_on(stopped);
    };
    thread::Builder::new().name(name(index)).spawn(work)?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, mpsc},
        time::Duration,
    };

    use tokio::sync::{Semaphore, oneshot};

    use super::*;
    use crate::ext_authz::transport::server::Workers as _;

    fn three() -> Workers {
        Workers::threads(NonZeroUsize::new(3).unwrap()).unwrap()
    }

    /// On how many threads tasks run that all stay open, by how many of them a thread has.
    fn spread(workers: &Workers, tasks: usize, gate: &Arc<Semaphore>) -> Vec<usize> {
        let (ran, threads) = mpsc::channel();
        for _ in 0..tasks {
            let (ran, gate) = (ran.clone(), Arc::clone(gate));
            workers.run(Box::pin(async move {
                ran.send(thread::current().name().unwrap().to_owned()).unwrap();
                gate.acquire().await.unwrap().forget();
            }));
        }
        let mut by_thread = BTreeMap::new();
        for _ in 0..tasks {
            *by_thread.entry(threads.recv_timeout(Duration::from_secs(10)).unwrap()).or_insert(0) += 1;
        }
        by_thread.into_values().collect()
    }

    #[test]
    fn connections_are_handed_out_in_turn() {
        let (workers, gate) = (three(), Arc::new(Semaphore::new(0)));
        assert_eq!(spread(&workers, 3, &gate), [1, 1, 1]);
        assert_eq!(spread(&workers, 6, &gate), [2, 2, 2]);
    }

    #[test]
    fn nobody_chooses_a_thread_by_holding_connections() {
        let (workers, gate) = (three(), Arc::new(Semaphore::new(0)));
        assert_eq!(spread(&workers, 9, &gate), [3, 3, 3]);
        gate.add_permits(2);
        assert_eq!(spread(&workers, 3, &gate), [1, 1, 1]);
    }

    #[tokio::test]
    async fn a_thread_that_ends_by_itself_is_noticed() {
        let (stop, count) = (CancellationToken::new(), NonZeroUsize::new(2).unwrap());
        let good = three();
        tokio::time::timeout(Duration::from_millis(50), good.lost()).await.unwrap_err();
        let workers = Workers::until(count, &stop, || std::future::ready(())).unwrap();
        tokio::time::timeout(Duration::from_secs(10), workers.lost()).await.unwrap();
    }

    #[tokio::test]
    async fn threads_end_with_their_owner_and_take_what_they_have_along() {
        let (workers, lost) = {
            let workers = three();
            let lost = workers.lost.clone();
            (workers, lost)
        };
        let (held, ended) = oneshot::channel::<()>();
        workers.run(Box::pin(async move {
            let _held = held;
            std::future::pending::<()>().await;
        }));
        drop(workers);
        tokio::time::timeout(Duration::from_secs(10), lost.cancelled()).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap().unwrap_err();
    }

    #[tokio::test]
    async fn without_threads_the_runtime_at_hand_does_the_work() {
        let (ran, thread) = oneshot::channel();
        Workers::here().run(Box::pin(async move { ran.send(thread::current().id()).unwrap() }));
        assert_eq!(thread.await.unwrap(), thread::current().id());
    }
}
