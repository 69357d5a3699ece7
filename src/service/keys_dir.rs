//! Opens the directory of saved keys. The directory is an aid to availability, so the service serves without it, unless others
//! can write there.

use std::{io, path::Path};

use tokio::{task::spawn_blocking, time::timeout};

use super::{error::ServeError, instrumentation::Observers};
use crate::{
    keystore::{
        fetch::FetchError,
        saved::{OpenedDir, SavedKeys},
    },
    limits,
};

/// Opens that directory, if one is configured. That it can't be written to is logged and counted.
///
/// # Errors
/// [`ServeError::KeysDir`] if others can write to it.
pub(super) async fn open(dir: Option<&Path>, observers: &Observers) -> Result<Option<SavedKeys>, ServeError> {
    let Some(dir) = dir else { return Ok(None) };
    let path = dir.to_owned();
    let opening = spawn_blocking(move || SavedKeys::open(&path));
    let OpenedDir { keys, trouble } = match timeout(limits::DISK_TIMEOUT, opening).await {
        Ok(Ok(opened)) => opened.map_err(ServeError::KeysDir)?,
        Ok(Err(_)) => OpenedDir { keys: SavedKeys::unopened(dir), trouble: Some(FetchError::Bug) },
        // A disk that hangs.
        Err(_) => {
            let (path, cause) = (dir.display().to_string(), io::ErrorKind::TimedOut.into());
            OpenedDir { keys: SavedKeys::unopened(dir), trouble: Some(FetchError::File { path, cause }) }
        }
    };
    if let Some(trouble) = trouble {
        observers.keys_dir_unwritable(&trouble);
    }
    Ok(Some(keys))
}
