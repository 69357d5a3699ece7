//! Work with the file system that may never end: a disk that hangs takes a thread, and neither the caller nor the next work
//! with it.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::limits;

/// The urgency of some work: urgent work may take the last threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    Routine,
    Urgent,
}

/// The reason why work has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// The work has not ended in time, or too much earlier work has not ended yet.
    Hangs,
    /// The work panicked, which is a bug.
    Bug,
}

/// Runs work on threads of its own, a bounded number of them, each for a bounded time.
#[derive(Clone, Debug)]
pub(super) struct BoundedWork {
    threads: Arc<Semaphore>,
    limit: Duration,
}

impl BoundedWork {
    pub(super) fn new(limit: Duration) -> Self {
        Self { threads: Arc::new(Semaphore::new(limits::RELOAD_HANGING)), limit }
    }

    /// Sets another limit for work on the same threads.
    #[cfg(test)]
    pub(super) fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Runs some work and returns its result. Work that does not end in time goes on, and keeps its thread until it ends.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        urgency: Urgency,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let hanging = limits::RELOAD_HANGING.saturating_sub(self.threads.available_permits());
        if urgency == Urgency::Routine && hanging >= limits::RELOAD_HANGING_ROUTINE {
            return Err(Unfinished::Hangs);
        }
        let thread = Arc::clone(&self.threads).try_acquire_owned().map_err(|_| Unfinished::Hangs)?;
        let working = spawn_blocking(move || {
            let result = work();
            drop(thread);
            result
        });
        match timeout(self.limit, working).await {
            Ok(result) => result.map_err(|_| Unfinished::Bug),
            Err(_) => Err(Unfinished::Hangs),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_hangs_is_left_behind_and_so_much_of_it_and_no_more() {
        let work = BoundedWork::new(Duration::from_millis(20));
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(parking_lot::Mutex::new(released));
        let hang = |urgency| {
            let released = Arc::clone(&released);
            work.run(urgency, move || released.lock().recv().is_ok())
        };
        for _ in 0..limits::RELOAD_HANGING_ROUTINE {
            assert_eq!(hang(Urgency::Routine).await, Err(Unfinished::Hangs));
        }
        assert_eq!(work.run(Urgency::Routine, || 1).await, Err(Unfinished::Hangs), "routine leaves threads to others");
        // A busy machine may take longer than work that hangs is waited for.
        let patient = work.clone().with_limit(Duration::from_secs(60));
        assert_eq!(patient.run(Urgency::Urgent, || 1).await, Ok(1));
        for _ in limits::RELOAD_HANGING_ROUTINE..limits::RELOAD_HANGING {
            assert_eq!(hang(Urgency::Urgent).await, Err(Unfinished::Hangs));
        }
        assert_eq!(work.run(Urgency::Urgent, || 1).await, Err(Unfinished::Hangs), "the number of threads is bounded");
        drop(release);
        let ended = async {
            while work.run(Urgency::Routine, || 1).await != Ok(1) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(60), ended).await.unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_is_a_bug_and_gives_its_thread_back() {
        let work = BoundedWork::new(Duration::from_secs(60));
        for _ in 0..=limits::RELOAD_HANGING {
            assert_eq!(work.run(Urgency::Urgent, || panic!("a bug")).await, Err::<(), _>(Unfinished::Bug));
        }
    }
}
