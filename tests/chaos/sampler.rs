//! The kernel's account of who had a processor: the evidence that the machine was too slow.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// A process that the judged requests depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// An instance of Portcullis, whose own use of the processors is no excuse.
    Portcullis,
    /// Envoy.
    Envoy,
}

/// What a thread had so far, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    ran: u64,
    waited: u64,
}

#[derive(Debug)]
struct Sample {
    at: Instant,
    threads: HashMap<(Role, u32), Account>,
}

#[derive(Debug, Default)]
struct State {
    watched: Vec<(Role, u32)>,
    samples: Vec<Sample>,
}

/// A thread that looks ten times a second, until it is dropped.
#[derive(Debug)]
pub(crate) struct Sampler {
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Sampler {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let (state, stop) = (Arc::<Mutex<State>>::default(), Arc::new(AtomicBool::new(false)));
        let (shared, stopped) = (Arc::clone(&state), Arc::clone(&stop));
        thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                look(&shared);
                thread::sleep(PAUSE);
            }
        });
        Self { state, stop }
    }

    /// Looks at this process from now on.
    pub(crate) fn watch(&self, role: Role, pid: u32) {
        lock(&self.state).watched.push((role, pid));
    }

    /// Tells whether the machine and not Portcullis is why nothing came between these two moments, of a request that
    /// was given up after `timeout`.
    pub(crate) fn machine_too_slow(&self, from: Instant, to: Instant, timeout: Duration) -> bool {
        let state = lock(&self.state);
        let enough = timeout / 2;
        let begin = state.samples.iter().rposition(|sample| sample.at <= from).unwrap_or(0);
        // A thread's wait is on its account once it has run again.
        let settled = to + 5 * PAUSE;
        let end = state.samples.iter().position(|sample| sample.at >= settled);
        let end = end.unwrap_or_else(|| state.samples.len().saturating_sub(1));
        let Some(window) = state.samples.get(begin..=end) else { return false };
        let stood_still = window.iter().zip(window.iter().skip(1)).any(|(one, next)| next.at - one.at >= enough);
        let (Some(first), Some(last)) = (window.first(), window.last()) else { return false };
        let mut longest_wait = 0;
        let mut ran = 0;
        for (thread, account) in &last.threads {
            let before = first.threads.get(thread).copied().unwrap_or_default();
            longest_wait = longest_wait.max(account.waited.saturating_sub(before.waited));
            if thread.0 == Role::Portcullis {
                ran += account.ran.saturating_sub(before.ran);
            }
        }
        let had_no_processor = Duration::from_nanos(longest_wait) >= enough;
        let was_busy_itself = Duration::from_nanos(ran) * 2 >= last.at - first.at;
        (stood_still || had_no_processor) && !was_busy_itself
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn look(state: &Mutex<State>) {
    let watched = lock(state).watched.clone();
    let mut threads = HashMap::new();
    for (role, pid) in watched {
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let tid = task.file_name().to_str().and_then(|name| name.parse().ok());
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let mut fields = text.split_whitespace().map_while(|field| field.parse().ok());
            if let (Some(tid), Some(ran), Some(waited)) = (tid, fields.next(), fields.next()) {
                threads.insert((role, tid), Account { ran, waited });
            }
        }
    }
    lock(state).samples.push(Sample { at: Instant::now(), threads });
}
