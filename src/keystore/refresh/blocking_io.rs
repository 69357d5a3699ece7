//! Files of an issuer: read and written one at a time and within a bound, so that a disk that hangs is a failed attempt and
//! takes one thread, not one more with each attempt.

use std::{io, path::Path, sync::Arc};

use tokio::sync::Semaphore;

use crate::{
    files::{self, ReadError},
    keystore::fetch::FetchError,
    limits,
};

/// One issuer's place at the disk.
#[derive(Clone, Debug)]
pub(super) struct Disk(Arc<Semaphore>);

impl Disk {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Does some work with the file system, unless the last one has not ended yet.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        path: &Path,
        work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
    ) -> Result<T, FetchError> {
        let hangs = || FetchError::File { path: path.display().to_string(), cause: io::ErrorKind::TimedOut.into() };
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(|_| hangs())?;
        let working = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(place);
            outcome
        });
        match tokio::time::timeout(limits::DISK_TIMEOUT, working).await {
            Ok(outcome) => outcome.unwrap_or(Err(FetchError::Bug)),
            Err(_) => Err(hangs()),
        }
    }
}

/// The bytes of a key file.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, FetchError> {
    let failed = |error: ReadError| FetchError::File { path: path.display().to_string(), cause: error.into() };
    files::read(path, limits::KEY_DOCUMENT_BYTES).map_err(failed)
}
