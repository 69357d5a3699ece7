//! Files of an issuer: read and written one at a time and within a bound, so that a disk that hangs is a failed attempt and
//! takes one thread, not one more with each attempt.

use std::{fs, io, io::Read as _, path::Path, sync::Arc};

use tokio::sync::Semaphore;

use crate::{jwks::fetch::FetchError, limits};

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
    let failed = |cause| FetchError::File { path: path.display().to_string(), cause };
    // Opening a pipe would wait for its other end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is not a regular file")));
    }
    let mut text = Vec::new();
    // One byte more than allowed tells a file at the limit from one beyond it.
    let most = limits::KEY_DOCUMENT_BYTES;
    let file = fs::File::open(path).map_err(failed)?;
    file.take(most as u64 + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() > most {
        return Err(failed(io::Error::other(format!("larger than {most} bytes"))));
    }
    Ok(text)
}
