//! When to look at the configuration file again: the system says that it changed, SIGHUP, or some time has passed.
//!
//! Changes are only hints to look: what counts is what stands in the file. So a hint too many costs a read, and one that is
//! missed costs the time to the next look.

use std::{
    fmt::Display,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind},
};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, timeout},
};

use self::{
    file_system::{is_local, kind_of},
    symlink_chain::Places,
};
use crate::{
    limits,
    service::{
        shutdown::Hangups,
        supervise::{Backoff, caught, wait_to_restart},
        telemetry::events,
    },
};

mod file_system;
mod symlink_chain;

/// Why to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The file may have changed.
    File,
    /// Some time has passed.
    Poll,
    /// Somebody asked.
    Hangup,
}

impl Trigger {
    /// The one of two that asks for more.
    pub(crate) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Hangup, _) | (_, Self::Hangup) => Self::Hangup,
            (Self::File, _) | (_, Self::File) => Self::File,
            (Self::Poll, Self::Poll) => Self::Poll,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Poll => "poll",
            Self::Hangup => "SIGHUP",
        }
    }
}

/// How fast a change is noticed.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a change waits for the next one.
    pub quiet: Duration,
    /// How often the file is looked at where nobody tells of changes.
    pub poll: Duration,
    /// Whether the system is asked to tell of changes.
    pub watch: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { quiet: limits::RELOAD_QUIET, poll: limits::RELOAD_POLL, watch: true }
    }
}

/// Sends triggers until the receiver is gone, also after a panic: a SIGHUP that arrives meanwhile is not lost.
pub(crate) async fn run(
    file: Option<PathBuf>,
    mut hangups: Option<Hangups>,
    pace: Pace,
    hints: Arc<Hints>,
    triggers: mpsc::Sender<Trigger>,
) {
    let mut backoff = Backoff::new();
    while caught(send_triggers(file.clone(), &mut hangups, pace, Arc::clone(&hints), &triggers)).await.is_err() {
        wait_to_restart("watcher of the configuration", &mut backoff).await;
    }
}

async fn send_triggers(
    file: Option<PathBuf>,
    hangups: &mut Option<Hangups>,
    pace: Pace,
    hints: Arc<Hints>,
    triggers: &mpsc::Sender<Trigger>,
) {
    let followed = file.map(|file| Arc::new(Mutex::new(Followed::new(file, pace, &hints))));
    let has_file = followed.is_some();
    // What changed between loading and watching is seen by looking once.
    let mut trigger = Trigger::Poll;
    loop {
        // Before looking at the file: what changes from here on is told.
        if let Some(followed) = followed.clone() {
            follow(followed).await;
        }
        if (has_file || trigger == Trigger::Hangup) && triggers.send(trigger).await.is_err() {
            return;
        }
        trigger = tokio::select! {
            () = hangup(hangups) => Trigger::Hangup,
            () = hints.settled(pace.quiet) => Trigger::File,
            () = hints.idle(pace.poll), if has_file => Trigger::Poll,
        };
    }
}

/// Watches the places as they are now. A disk that hangs ends neither looking nor SIGHUP, and takes one thread: where the
/// last call has not ended, the next one does nothing.
async fn follow(followed: Arc<Mutex<Followed>>) {
    let following = tokio::task::spawn_blocking(move || followed.try_lock().map(|mut places| places.follow()));
    let _ = timeout(limits::DISK_TIMEOUT, following).await;
}

async fn hangup(hangups: &mut Option<Hangups>) {
    match hangups {
        Some(hangups) => hangups.asked().await,
        None => std::future::pending().await,
    }
}

/// What the system told and nobody has acted on.
#[derive(Default)]
pub(crate) struct Hints {
    state: Mutex<State>,
    told: Notify,
    /// Whether nobody tells of changes.
    unwatched: AtomicBool,
}

#[derive(Clone, Copy, Default)]
struct State {
    changed: bool,
    /// A process has written and not closed the file yet: that is so until its end is told, however long it takes.
    writing: bool,
}

impl Hints {
    /// Whether somebody has begun to write the file and is not known to have ended.
    pub(crate) fn is_being_written(&self) -> bool {
        self.state.lock().writing
    }

    /// As if somebody had begun to write, or ended.
    #[cfg(test)]
    pub(crate) fn set_writing(&self, writing: bool) {
        self.state.lock().writing = writing;
    }

    /// Acts as if the system did not tell of changes.
    #[cfg(test)]
    pub(crate) fn set_unwatched(&self) {
        self.unwatched.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is known of who writes.
    pub(crate) fn is_unwatched(&self) -> bool {
        self.unwatched.load(Ordering::Relaxed)
    }

    fn take(&self, event: &notify::Result<Event>, names: &Mutex<Places>) {
        let (told, writing) = match event {
            Ok(event) => {
                let names = &names.lock().names;
                let ours = event.need_rescan() || event.paths.iter().any(|path| names.contains(path));
                match event.kind {
                    EventKind::Access(AccessKind::Close(AccessMode::Write)) => (ours, Some(false)),
                    // Our own reading is one.
                    EventKind::Access(_) => (false, None),
                    EventKind::Modify(ModifyKind::Data(_)) => (ours, Some(true)),
                    EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => (ours, Some(false)),
                    EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => (ours, None),
                }
            }
            Err(_) => (true, None),
        };
        // An end that was not told would be waited for until the next change.
        let is_lost = event.as_ref().map_or(true, Event::need_rescan);
        let writing = if is_lost { Some(false) } else { writing };
        if told {
            let mut state = self.state.lock();
            state.changed = true;
            state.writing = writing.unwrap_or(state.writing);
            drop(state);
            self.told.notify_one();
        }
    }

    /// Returns when something has changed, and nothing has for a while. A writer that has not closed the file is waited
    /// for a little longer, and known from then on: see [`Self::is_being_written`].
    async fn settled(&self, quiet: Duration) {
        while !self.state.lock().changed {
            self.told.notified().await;
        }
        let began = Instant::now();
        loop {
            let writing = self.state.lock().writing;
            let wait = if writing { limits::RELOAD_WRITER } else { quiet };
            let is_quiet = timeout(wait, self.told.notified()).await.is_err();
            // One that writes all the time is reported as well as one that pauses.
            let most = if writing { limits::RELOAD_WRITER } else { limits::RELOAD_QUIET_MAX };
            if is_quiet || began.elapsed() > most {
                self.state.lock().changed = false;
                return;
            }
        }
    }

    /// Returns after that time, at a moment when no change waits to be acted on.
    async fn idle(&self, time: Duration) {
        loop {
            tokio::time::sleep(time).await;
            if !self.state.lock().changed {
                return;
            }
        }
    }
}

/// The file's places, as far as they are watched.
struct Followed {
    file: PathBuf,
    /// Where events are judged; as of the last look.
    places: Arc<Mutex<Places>>,
    hints: Arc<Hints>,
    watcher: Option<RecommendedWatcher>,
    /// The file itself, as it is watched beside its directory: written under another name, or mounted by itself into a
    /// container, it changes without a word from there.
    itself: Option<(PathBuf, (u64, u64))>,
    warned: bool,
    poll: Duration,
}

impl Followed {
    fn new(file: PathBuf, pace: Pace, hints: &Arc<Hints>) -> Self {
        let places = Arc::new(Mutex::new(Places::default()));
        let (names, told) = (Arc::clone(&places), Arc::clone(hints));
        let mut followed = Self {
            file,
            places,
            hints: Arc::clone(hints),
            watcher: None,
            itself: None,
            warned: false,
            poll: pace.poll,
        };
        if pace.watch {
            let watcher = notify::recommended_watcher(move |event| told.take(&event, &names));
            followed.watcher = watcher.map_err(|error| followed.warn(&error)).ok();
        }
        hints.unwatched.store(followed.watcher.is_none(), Ordering::Relaxed);
        followed
    }

    /// Watches the places as they are now: links may lead elsewhere than before.
    fn follow(&mut self) {
        let now = Places::of(&self.file);
        let before = std::mem::replace(&mut *self.places.lock(), now.clone());
        let Some(watcher) = &mut self.watcher else { return };
        for dir in before.dirs.difference(&now.dirs) {
            // It may be gone, and its watch with it.
            let _ = watcher.unwatch(dir);
        }
        let mut trouble = None;
        // Again also where it is watched: a directory may have been removed and made anew under its name.
        for dir in &now.dirs {
            trouble = watcher.watch(dir, RecursiveMode::NonRecursive).err().map(|error| error.to_string()).or(trouble);
        }
        let itself = identity(&self.file);
        if itself != self.itself {
            // What it was before may live on, and is no concern any more.
            let _ = self.itself.take().map(|(before, _)| watcher.unwatch(&before));
            // Where there is none, its directory tells when there is one.
            match itself.as_ref().map(|(path, _)| watcher.watch(path, RecursiveMode::NonRecursive)) {
                Some(Err(error)) => trouble = Some(error.to_string()),
                Some(Ok(())) | None => self.itself = itself,
            }
        }
        // Where others write through another machine, the system does not know.
        let remote = now.dirs.iter().chain([&self.file]).find(|path| !is_local(path));
        let trouble = trouble.or_else(|| remote.map(|path| format!("`{}` is on {}", path.display(), kind_of(path))));
        self.hints.unwatched.store(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(error) => self.warn(&error),
            None => self.warned = false,
        }
    }

    fn warn(&mut self, error: &dyn Display) {
        if !std::mem::replace(&mut self.warned, true) {
            events::config_not_watched(error, self.poll);
        }
    }
}

/// Finds the regular file that a name leads to: its path, device and inode.
fn identity(file: &Path) -> Option<(PathBuf, (u64, u64))> {
    let found = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    Some((fs::canonicalize(file).ok()?, (found.dev(), found.ino())))
}

#[cfg(test)]
mod tests;
