//! The kernel's account of who had a processor: the evidence that the machine was too slow.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// A process that the judged requests depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// An instance of Portcullis, whose own use of the processors is no excuse.
    Portcullis,
    /// The Envoy in front.
    Envoy,
}

/// The time that the kernel has accounted to a thread, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    /// Time on a processor.
    pub(crate) ran: u64,
    /// Time in which the thread was ready to run and had no processor.
    pub(crate) waited: u64,
}

/// One look: the account of every thread.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// The moment of the look.
    pub(crate) at: Instant,
    /// By process and thread id.
    pub(crate) threads: HashMap<(Role, u32), Account>,
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

impl Sampler {
    /// Starts the thread that looks.
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
        self.state.lock().watched.push((role, pid));
    }

    /// Tells whether the machine and not Portcullis is why nothing came between these two moments, of a request that
    /// was given up after `timeout`.
    pub(crate) fn machine_too_slow(&self, from: Instant, to: Instant, timeout: Duration) -> bool {
        machine_too_slow(&self.state.lock().samples, from, to, timeout)
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn look(state: &Mutex<State>) {
    let watched = state.lock().watched.clone();
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
    state.lock().samples.push(Sample { at: Instant::now(), threads });
}

/// Decides [`Sampler::machine_too_slow`] by these looks, the oldest first.
///
/// A thread that is idle now and then has done all that there was for it to do, however late it ran: what it has not
/// answered for seconds is not in its queue. So only one that was never idle is an excuse; one that ran for most of
/// that time is none, if it is Portcullis' own.
pub(crate) fn machine_too_slow(samples: &[Sample], from: Instant, to: Instant, timeout: Duration) -> bool {
    let begin = samples.iter().position(|sample| sample.at >= from).unwrap_or(samples.len());
    // One look after the end: a thread's wait is on its account once it has run again.
    let end = samples.iter().position(|sample| sample.at > to);
    let end = end.unwrap_or_else(|| samples.len().saturating_sub(1));
    let Some(window) = samples.get(begin.saturating_sub(1)..=end) else { return false };
    let (Some(first), Some(last)) = (window.first(), window.last()) else { return false };
    let time = last.at - first.at;
    if time < timeout / 2 {
        return false;
    }
    // Pauses between two looks, of which none is as long as this unless nothing at all runs.
    let stood_still = window.iter().zip(window.iter().skip(1)).any(|(one, next)| next.at - one.at >= timeout / 2);
    let (mut had_no_processor, mut ran_itself) = (false, Duration::ZERO);
    for (thread, account) in &last.threads {
        let before = first.threads.get(thread).copied().unwrap_or_default();
        let waited = Duration::from_nanos(account.waited.saturating_sub(before.waited));
        let ran = Duration::from_nanos(account.ran.saturating_sub(before.ran));
        let never_idle = (ran + waited) * 10 >= time * 9;
        match thread.0 {
            Role::Portcullis => {
                ran_itself += ran;
                had_no_processor |= never_idle && waited >= ran;
            }
            Role::Envoy => had_no_processor |= never_idle,
        }
    }
    (stood_still || had_no_processor) && ran_itself * 2 < time
}
