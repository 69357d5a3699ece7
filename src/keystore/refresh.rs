//! The task that keeps one issuer's keys fresh: it does what [`super::issuer_keys`] says, and reports how it went.

mod blocking_io;
mod fetch_keys;
mod outside;
mod persist;
mod target;

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use super::{
    fetch::FetchError,
    store::{Due, KeyStore},
};
use crate::limits;
pub use outside::{Observer, Outside};
pub use target::Target;

use blocking_io::Disk;
use fetch_keys::{Metadata, Obtained, Wish, obtain};
use persist::Keeper;
use portcullis_engine::{keys::lookup::KeyLookup as _, time::UnixTime};

/// Keeps the keys of one issuer fresh, until it is dropped.
pub async fn run(target: Arc<Target>, store: Arc<KeyStore>, outside: Outside) {
    let Some(wanted) = store.wanted(&target.issuer) else { return };
    let disk = Disk::new();
    let mut keeper = Keeper::new(&target, &outside, &disk);
    if let Some((set, age)) = keeper.restore().await {
        store.restore(&target.issuer, set, age, rand::random(), Instant::now());
        store.note_success(&target.issuer, outside.clock.now().minus(age));
        outside.observer.restored(&target.issuer, age);
    }
    let mut clocks = Clocks::read(&outside);
    let mut metadata = Metadata::default();
    loop {
        match store.due(&target.issuer, Instant::now()) {
            Due::Now => {
                if let Some(text) = attempt(&target, &store, &outside, &disk, &mut metadata).await {
                    keeper.save(text);
                }
            }
            Due::At(at) => tokio::select! {
                () = tokio::time::sleep_until(at.min(Instant::now() + limits::CLOCKS_COMPARED)) => {}
                () = wanted.notified() => {}
            },
            Due::Never => return,
        }
        if let Some(slept) = clocks.slept(&outside) {
            store.slept(&target.issuer, slept, Instant::now());
        }
    }
}

/// Makes one attempt; returns the document if there is one to save.
async fn attempt(
    target: &Arc<Target>,
    store: &KeyStore,
    outside: &Outside,
    disk: &Disk,
    metadata: &mut Metadata,
) -> Option<Vec<u8>> {
    let began = Instant::now();
    let is_asked_for = store.begin(&target.issuer, began);
    let held = store.at(began).current(&target.issuer).map(|snapshot| snapshot.set.fingerprint());
    let wish = Wish { is_asked_for, held };
    // In a task of its own: remote documents are parsed there, and a bug in that must stay this issuer's trouble.
    let mut fetching = JoinSet::new();
    let (what, how, disk) = (Arc::clone(target), outside.fetch.clone(), disk.clone());
    // What an attempt that was cut off had learned is not known: the next one begins with the metadata.
    let mut learned = std::mem::take(metadata);
    fetching.spawn(async move {
        let outcome = obtain(&what, how.as_deref(), &disk, &mut learned, wish).await;
        (outcome, learned)
    });
    let outcome = match tokio::time::timeout(limits::ATTEMPT_TIMEOUT, fetching.join_next()).await {
        Ok(Some(Ok((outcome, learned)))) => {
            *metadata = learned;
            outcome
        }
        Ok(Some(Err(_)) | None) => Err(FetchError::Bug),
        Err(_) => Err(FetchError::TimedOut(target.issuer.to_string())),
    };
    let set = outcome.as_ref().map(|obtained| &obtained.set);
    outside.observer.fetched(&target.issuer, set, began.elapsed());
    let (outcome, text) = match outcome {
        Ok(Obtained { set, lifetime, text, dated }) => {
            let (wall, now) = (outside.clock.now(), Instant::now());
            store.note_success(&target.issuer, wall);
            if let Some(skew) = dated.map(|answer| answer.skew(wall, now)) {
                let tolerance = store.note_clock_skew(&target.issuer, skew);
                outside.observer.clock_compared(&target.issuer, skew, tolerance);
            }
            (Ok((set, lifetime)), text)
        }
        Err(error) => (Err(error.to_string()), None),
    };
    store.end(&target.issuer, outcome, rand::random::<f64>(), Instant::now());
    text
}

/// Both clocks at one moment. The one that timers go by stands still while the machine is suspended, and keys grow old all
/// the same.
struct Clocks {
    timers: Instant,
    wall: UnixTime,
}

impl Clocks {
    fn read(outside: &Outside) -> Self {
        Self { timers: Instant::now(), wall: outside.clock.now() }
    }

    /// For how long the machine slept since, if it did.
    fn slept(&mut self, outside: &Outside) -> Option<Duration> {
        let before = std::mem::replace(self, Self::read(outside));
        let millis = self.wall.as_millis().saturating_sub(before.wall.as_millis());
        let passed = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        let missed = passed.saturating_sub(self.timers.saturating_duration_since(before.timers));
        // Clocks are set right by small steps all the time.
        (missed > limits::CLOCKS_DIFFER).then_some(missed)
    }
}

#[cfg(test)]
mod tests;
