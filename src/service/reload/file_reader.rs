//! Reads the configuration file once it is whole: it stands still, and no process is known to write it.

use std::{path::Path, sync::Arc};

use tokio::time::{Instant, sleep};

use super::{
    at_rest::BeingWritten,
    bounded_work::{BoundedWork, Unfinished, Urgency},
    candidate::{self, Read, Rejected},
    watch::{Hints, Pace, Trigger},
};
use crate::limits;
use portcullis_engine::digest::Sha256;

/// A reader of the file; in a test, one that hangs as a disk does. It looks for no writer of text that is known.
type Reader = dyn Fn(&Path, Option<&Sha256>) -> Result<Read, Rejected> + Send + Sync;

/// Reads the file, and knows what has been seen of those who write it.
pub(super) struct FileReader {
    /// Hints about the process that writes the file.
    pub(super) hints: Arc<Hints>,
    pace: Pace,
    /// The text that looks have found, and since when, where the system does not tell of writers.
    standing: Option<(Sha256, Instant)>,
    pub(super) reader: Arc<Reader>,
    pub(super) reading: BoundedWork,
}

impl FileReader {
    pub(super) fn new(hints: Arc<Hints>, pace: Pace) -> Self {
        let reading = BoundedWork::new(limits::DISK_TIMEOUT);
        Self { hints, pace, standing: None, reader: Arc::new(candidate::read), reading }
    }

    /// Reads the file until it stands still, and no process is known to write it. `known` is the text that the last look found.
    /// `None` where it has to stand still until the next look.
    ///
    /// SECURITY: half a policy may be a valid one, without the rules at its end. A trigger may be an old one that had to wait
    /// for the load before, so what counts is whether the file is being written now. Between two readings of the same text
    /// a writer was looked for: one that has come since has changed nothing yet.
    pub(super) async fn read(
        &mut self,
        file: &Path,
        known: Option<Sha256>,
        why: Trigger,
        is_again: bool,
        urgency: Urgency,
    ) -> Result<Option<Read>, Rejected> {
        let mut before = self.read_once(file, known, why, urgency).await;
        let rounds = if is_again { 1 } else { limits::RELOAD_READS };
        for round in 0..rounds {
            let is_seen = before.as_ref().is_ok_and(|read| known == Some(read.digest));
            if matches!(before, Err(Rejected::ReadingHangs)) || (is_seen && why != Trigger::Hangup) {
                return before.map(Some);
            }
            if self.hints.is_unwatched() && why != Trigger::Hangup {
                return self.stands_still(before?);
            }
            // SIGHUP says that the file is as it should be.
            if round > 0 || why != Trigger::Hangup {
                sleep(self.pace.quiet).await;
            }
            match (self.read_once(file, known, why, urgency).await, before) {
                (Ok(now), Ok(before)) if now.digest == before.digest && self.writer(file, &before, &now).is_none() => {
                    return Ok(Some(now));
                }
                // A writer that removes it, to put another one there, had the time.
                (Err(error), Err(_)) => return Err(error),
                (now, _) => before = now,
            }
        }
        let read = before?;
        Err(self.writer(file, &read, &read).map_or(Rejected::Restless, Rejected::BeingWritten))
    }

    /// Returns the writer of the file, as far as is known: a process was seen, or the system has told of a change and of no
    /// end.
    fn writer(&self, file: &Path, before: &Read, now: &Read) -> Option<BeingWritten> {
        let seen = now.written.as_ref().or(before.written.as_ref());
        let told = || self.hints.is_being_written().then(|| BeingWritten::unseen(file));
        seen.cloned().or_else(told)
    }

    /// Decides where the system does not tell of writers: a text counts when a later look finds it again.
    fn stands_still(&mut self, read: Read) -> Result<Option<Read>, Rejected> {
        if let Some(written) = read.written {
            return Err(Rejected::BeingWritten(written));
        }
        let Some((_, since)) = self.standing.filter(|(digest, _)| *digest == read.digest) else {
            self.standing = Some((read.digest, Instant::now()));
            return Ok(None);
        };
        // Looks at the same moment are one. A poll may come a little early.
        let is_later = since.elapsed() >= self.pace.poll / 2;
        Ok(is_later.then_some(read))
    }

    async fn read_once(
        &self,
        file: &Path,
        known: Option<Sha256>,
        why: Trigger,
        urgency: Urgency,
    ) -> Result<Read, Rejected> {
        let known = known.filter(|_| why != Trigger::Hangup);
        let (path, reader) = (file.to_owned(), Arc::clone(&self.reader));
        let read = self.reading.run(urgency, move || reader(&path, known.as_ref())).await;
        read.map_err(|unfinished| match unfinished {
            Unfinished::Hangs => Rejected::ReadingHangs,
            Unfinished::Bug => Rejected::Bug,
        })?
    }
}
