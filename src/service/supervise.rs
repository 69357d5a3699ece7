//! Keeps background tasks running: a bug in one is logged and counted, and the task is started again, after a time that grows.
//! The process goes on, as it can still decide.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::time::Instant;

use crate::{limits, service::telemetry::events};

/// A panic that was caught. The panic hook has logged and counted it.
#[derive(Debug)]
pub(super) struct Panicked;

/// The time to wait before a task is started again: doubled each time, and short again once the task has run for long.
#[derive(Debug)]
pub(super) struct Backoff {
    started: Instant,
    next: Duration,
}

impl Backoff {
    /// The back-off of a task that starts now.
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), next: *limits::TASK_BACKOFF.start() }
    }

    /// The time to wait now that the task has ended.
    pub(super) fn after_end(&mut self) -> Duration {
        let most = *limits::TASK_BACKOFF.end();
        if self.started.elapsed() >= most {
            self.next = *limits::TASK_BACKOFF.start();
        }
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(most);
        self.started = Instant::now() + wait;
        wait
    }
}

/// Runs a future to its end, or to a panic in it.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        // What a task shares with others is changed whole or not at all; what it has for itself ends with it.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

/// Runs a task until it ends without a panic. `start` makes it, at first and again after each panic.
pub(super) async fn keep_running<F: Future<Output = ()>>(task: &str, mut start: impl FnMut() -> F) {
    let mut backoff = Backoff::new();
    while caught(start()).await.is_err() {
        wait_to_restart(task, &mut backoff).await;
    }
}

/// Says that a panic has ended a task, and waits until it may be started again.
pub(super) async fn wait_to_restart(task: &str, backoff: &mut Backoff) {
    let wait = backoff.after_end();
    events::task_restarts(task, wait);
    tokio::time::sleep(wait).await;
}

/// Does some work whose failure must not be that of the caller: it says what has happened, and changes nothing of it.
pub(super) fn contained(work: impl FnOnce()) {
    // The panic hook has logged and counted it.
    let _ = catch_unwind(AssertUnwindSafe(work));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_started_again_after_a_time_that_grows() {
        let starts = AtomicUsize::new(0);
        let began = Instant::now();
        let times = parking_lot::Mutex::new(Vec::new());
        keep_running("test", || async {
            times.lock().push(began.elapsed().as_secs());
            tokio::task::yield_now().await;
            let is_bad = starts.fetch_add(1, Ordering::Relaxed) < 9;
            assert!(!is_bad, "a bug");
        })
        .await;
        assert_eq!(times.into_inner(), [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_ran_for_long_is_started_again_soon() {
        let starts = AtomicUsize::new(0);
        keep_running("test", || async {
            match starts.fetch_add(1, Ordering::Relaxed) {
                0..7 => panic!("a bug at the start"),
                7 => {
                    tokio::time::sleep(*limits::TASK_BACKOFF.end()).await;
                    panic!("a rare bug");
                }
                _ => {}
            }
        })
        .await;
        let began = Instant::now();
        let mut backoff = Backoff::new();
        for _ in 0..7 {
            let wait = backoff.after_end();
            tokio::time::advance(wait).await;
        }
        assert_eq!(backoff.after_end(), *limits::TASK_BACKOFF.end());
        tokio::time::advance(*limits::TASK_BACKOFF.end() * 2).await;
        assert_eq!(backoff.after_end(), *limits::TASK_BACKOFF.start(), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_task_that_ends_is_not_started_again() {
        let starts = AtomicUsize::new(0);
        keep_running("test", async || {
            starts.fetch_add(1, Ordering::Relaxed);
        })
        .await;
        assert_eq!(starts.into_inner(), 1);
    }

    #[test]
    fn what_is_contained_ends_alone() {
        contained(|| panic!("a bug"));
    }
}
