//! Signs of life of the threads that answer Checks. A blocked thread answers no Check, and nothing else in the
//! process shows it: the admin port has threads of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, timeout_at},
};

use crate::{
    limits,
    service::{
        admin::SilentThread,
        telemetry::{events, metrics::ThreadLag},
    },
};

/// The time that a thread may be silent, and the time that its answer may take when it is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) silence: Duration,
    pub(crate) answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: limits::HEARTBEAT_SILENCE, answer: limits::HEARTBEAT_ANSWER }
    }
}

/// The signs of life of one thread.
#[derive(Clone, Debug)]
pub(crate) struct Heartbeat {
    thread: Arc<str>,
    runtime: Handle,
    last: watch::Sender<Instant>,
    /// Measures by how much the thread's own signs of life come late.
    lag: Arc<ThreadLag>,
    /// The thread was asked and has not answered. One question at a time is enough.
    is_asked: Arc<AtomicBool>,
    /// The log says that the thread is silent.
    is_reported: Arc<AtomicBool>,
}

impl Heartbeat {
    /// Starts the heartbeat of a thread that runs this runtime and no other.
    pub(crate) fn start(thread: &str, runtime: &Handle) -> Self {
        let start = Instant::now();
        let (last, lag) = (watch::Sender::new(start), Arc::new(ThreadLag::new(thread, start)));
        let (beats, measured) = (last.clone(), Arc::clone(&lag));
        runtime.spawn(async move {
            let mut pace = interval_at(start, limits::HEARTBEAT);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                pace.tick().await;
                let now = Instant::now();
                measured.ran(now + limits::HEARTBEAT);
                beats.send_replace(now);
            }
        });
        let (is_asked, is_reported) = (Arc::default(), Arc::default());
        Self { thread: thread.into(), runtime: runtime.clone(), last, lag, is_asked, is_reported }
    }

    /// Returns the measure of the thread's lag.
    pub(crate) fn lag(&self) -> Arc<ThreadLag> {
        Arc::clone(&self.lag)
    }

    fn silence(&self) -> Duration {
        self.last.borrow().elapsed()
    }

    /// Asks the thread for a sign of life, in addition to those that it shows by itself.
    fn ask(&self) {
        if self.is_asked.swap(true, Ordering::Relaxed) {
            return;
        }
        let (last, is_asked) = (self.last.clone(), Arc::clone(&self.is_asked));
        self.runtime.spawn(async move {
            is_asked.store(false, Ordering::Relaxed);
            last.send_replace(Instant::now());
        });
    }

    /// Logs that the thread has fallen silent, or that it no longer is.
    fn report(&self, is_silent: bool) {
        if is_silent == self.is_reported.swap(is_silent, Ordering::Relaxed) {
            return;
        }
        if is_silent {
            events::thread_silent(&self.thread, self.silence());
        } else {
            events::thread_alive_again(&self.thread);
        }
    }
}

/// Returns the threads that have shown no sign of life for too long and show none when they are asked.
pub(crate) async fn silent_threads(heartbeats: &[Heartbeat], patience: Patience) -> Vec<SilentThread> {
    let mut asked = Vec::new();
    for heartbeat in heartbeats {
        if heartbeat.silence() < patience.silence {
            heartbeat.report(false);
        } else {
            asked.push((heartbeat, heartbeat.last.subscribe()));
            heartbeat.ask();
        }
    }
    let (deadline, mut silent) = (Instant::now() + patience.answer, Vec::new());
    for (heartbeat, mut last) in asked {
        let answer = last.wait_for(|last| last.elapsed() < patience.silence);
        let is_silent = timeout_at(deadline, answer).await.is_err();
        heartbeat.report(is_silent);
        if is_silent {
            silent.push(SilentThread { thread: heartbeat.thread.to_string(), silence: heartbeat.silence() });
        }
    }
    silent
}

#[cfg(test)]
mod tests {
    use std::{io, sync::mpsc, thread};

    use parking_lot::Mutex;
    use tokio::runtime::Builder;

    use super::*;

    const SHORT: Patience = Patience { silence: Duration::from_millis(50), answer: Duration::from_secs(10) };

    /// A thread with a runtime, until the sender is dropped.
    fn thread(name: &str) -> (Heartbeat, mpsc::Sender<()>) {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let heartbeat = Heartbeat::start(name, runtime.handle());
        let (stop, stopped) = mpsc::channel::<()>();
        thread::spawn(move || {
            runtime.block_on(async move {
                while stopped.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        });
        (heartbeat, stop)
    }

    /// Blocks a thread until the sender is dropped.
    async fn block(heartbeat: &Heartbeat) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (blocking, blocked) = tokio::sync::oneshot::channel();
        heartbeat.runtime.spawn(async move {
            blocking.send(()).unwrap();
            released.recv().unwrap_err();
        });
        blocked.await.unwrap();
        release
    }

    fn names(silent: &[SilentThread]) -> Vec<&str> {
        silent.iter().map(|silent| silent.thread.as_str()).collect()
    }

    #[tokio::test]
    async fn threads_that_live_answer_when_they_are_asked() {
        let (one, _stop_one) = thread("one");
        let (two, _stop_two) = thread("two");
        let both = [one, two];
        // Shorter than their pace: each time they are asked.
        for _ in 0..10 {
            tokio::time::sleep(SHORT.silence).await;
            assert!(silent_threads(&both, SHORT).await.is_empty());
        }
    }

    #[tokio::test]
    async fn a_blocked_thread_is_named_until_it_goes_on() {
        let (one, _stop_one) = thread("one");
        let (two, _stop_two) = thread("two");
        let release = block(&two).await;
        let both = [one, two];
        let hasty = Patience { answer: Duration::from_millis(500), ..SHORT };
        tokio::time::sleep(SHORT.silence).await;
        // However often is asked, one question waits in the blocked thread.
        for _ in 0..2 {
            let silent = silent_threads(&both, hasty).await;
            assert_eq!(names(&silent), ["two"]);
            assert!(silent[0].silence >= SHORT.silence);
        }
        assert_eq!(both[1].runtime.metrics().global_queue_depth(), 1);
        drop(release);
        assert!(silent_threads(&both, SHORT).await.is_empty(), "the question that waited is answered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_that_shows_each_sign_of_life_in_time_has_no_lag() {
        let heartbeat = Heartbeat::start("here", &Handle::current());
        tokio::time::sleep(limits::HEARTBEAT * 10 + limits::HEARTBEAT / 2).await;
        assert_eq!(heartbeat.lag().get(), Duration::ZERO);
        tokio::time::advance(limits::HEARTBEAT).await;
        assert_eq!(heartbeat.lag().get(), limits::HEARTBEAT / 2, "the timer is late");
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_may_be_silent_up_to_the_limit() {
        let patience = Patience::default();
        // Its runtime does not run.
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let heartbeat = [Heartbeat::start("idle", runtime.handle())];
        tokio::time::advance(patience.silence - Duration::from_millis(1)).await;
        assert!(silent_threads(&heartbeat, patience).await.is_empty());
        assert_eq!(runtime.metrics().global_queue_depth(), 1, "its heartbeat; it is not asked yet");
        tokio::time::advance(Duration::from_millis(1)).await;
        let silent = silent_threads(&heartbeat, patience).await;
        assert_eq!(names(&silent), ["idle"]);
        drop(heartbeat);
        thread::spawn(move || drop(runtime)).join().unwrap();
    }

    /// The lines of the log.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        /// Takes the lines since the last time.
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut self.0.lock())).unwrap()
        }
    }

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_says_once_that_a_thread_is_silent_and_once_that_it_no_longer_is() {
        let log = Log::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt().without_time().with_target(false).with_ansi(false);
        let _logging = tracing::subscriber::set_default(lines.with_writer(move || writer.clone()).finish());
        let patience = Patience::default();
        // Its runtime does not run: signs of life are those that the test gives.
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let heartbeat = [Heartbeat::start("worker-3", runtime.handle())];
        assert!(silent_threads(&heartbeat, patience).await.is_empty());
        assert_eq!(log.take(), "");

        tokio::time::advance(patience.silence).await;
        let silent = format!(
            "ERROR a thread that answers Checks shows no sign of life thread.name=\"worker-3\" silent.s={}\n",
            (patience.silence + patience.answer).as_secs()
        );
        let alive = " WARN a thread that answers Checks shows signs of life again thread.name=\"worker-3\"\n";
        for said in [silent.as_str(), "", ""] {
            assert_eq!(names(&silent_threads(&heartbeat, patience).await), ["worker-3"]);
            assert_eq!(log.take(), said);
        }

        heartbeat[0].last.send_replace(Instant::now());
        for said in [alive, ""] {
            assert!(silent_threads(&heartbeat, patience).await.is_empty());
            assert_eq!(log.take(), said);
        }

        // A sign of life that comes as the answer.
        tokio::time::advance(patience.silence).await;
        assert_eq!(names(&silent_threads(&heartbeat, patience).await), ["worker-3"]);
        assert_eq!(log.take(), silent);
        let answer = async {
            tokio::time::sleep(patience.answer / 2).await;
            heartbeat[0].last.send_replace(Instant::now());
        };
        let (found, ()) = tokio::join!(silent_threads(&heartbeat, patience), answer);
        assert!(found.is_empty());
        assert_eq!(log.take(), alive);
        drop(heartbeat);
        thread::spawn(move || drop(runtime)).join().unwrap();
    }
}
