//! The last good key set of each issuer in a directory, so that a start while an issuer is down is no outage.
//!
//! SECURITY: whoever can write there can sign tokens; the files are as trusted as the configuration. A file counts only
//! if it is ours alone to write, for the issuer, the URL and the way there that it was fetched for, and up to `max_stale`
//! from when it was fetched.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::value::RawValue;

use super::{address::shown, fetch::FetchError, source::Transport};
use crate::{clock::UnixTime, digest::sha256, files, limits};

/// A directory of saved key sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedKeys {
    dir: PathBuf,
    /// Who we are, as the file system sees it.
    owner: u32,
}

/// Whose keys, from where: other keys are nobody's.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The issuer.
    pub issuer: String,
    /// The configured URL.
    pub url: String,
    /// What was trusted on the way there, as a digest.
    pub via: String,
}

impl Origin {
    /// The origin of keys that come from `url` in that way.
    #[must_use]
    pub fn new(issuer: &str, url: &str, transport: &Transport) -> Self {
        // Without its password: a digest of it would help whoever reads the file to guess it.
        let proxy = transport.proxy.as_ref().map(shown).unwrap_or_default();
        let way = [transport.ca.as_deref().unwrap_or_default(), &[0], proxy.as_bytes()].concat();
        Self { issuer: issuer.to_owned(), url: url.to_owned(), via: hex(&way) }
    }
}

/// What was fetched when, for whom and from where.
#[derive(serde::Serialize, serde::Deserialize)]
struct Record<'a> {
    issuer: String,
    url: String,
    via: String,
    /// Seconds since 1970-01-01 UTC.
    fetched_at: i64,
    #[serde(borrow)]
    jwks: &'a RawValue,
}

/// A key set of an earlier run.
#[derive(Debug)]
pub struct Saved {
    /// The document.
    pub text: Vec<u8>,
    /// How long ago it was fetched.
    pub age: Duration,
}

impl SavedKeys {
    /// The directory, made if it is not there, for this user alone.
    ///
    /// # Errors
    /// [`FetchError::File`] if it can't be made or written to.
    pub fn open(dir: &Path) -> Result<Self, FetchError> {
        let failed = |cause| file_error(dir, cause);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        // What we make there says who we are, and that we can.
        let probe = dir.join(beside("probe"));
        let made = write_new(&probe, b"").and_then(|()| fs::symlink_metadata(&probe));
        let _ = fs::remove_file(&probe);
        Ok(Self { dir: dir.to_owned(), owner: made.map_err(failed)?.uid() })
    }

    /// Saves a set that was fetched now, whole or not at all.
    ///
    /// # Errors
    /// [`FetchError::File`].
    pub fn save(&self, origin: &Origin, text: &[u8], now: UnixTime) -> Result<(), FetchError> {
        let path = self.path(origin);
        let failed = |cause| file_error(&path, cause);
        let jwks: &RawValue = serde_json::from_slice(text).map_err(|error| failed(error.into()))?;
        let Origin { issuer, url, via } = origin.clone();
        let record = Record { issuer, url, via, fetched_at: now.as_secs(), jwks };
        let bytes = serde_json::to_vec(&record).map_err(|error| failed(error.into()))?;
        // Beside its place and then moved there: a reader sees the old set or the new one.
        let new = self.dir.join(beside("new"));
        write_new(&new, &bytes).and_then(|()| fs::rename(&new, &path)).map_err(|cause| {
            // What is left of it helps nobody; that it can't be removed is no second trouble.
            let _ = fs::remove_file(&new);
            failed(cause)
        })
    }

    /// The set that was saved for that origin, if it is not older than `max_stale`.
    ///
    /// # Errors
    /// [`FetchError::File`] if there is a file that can't be used.
    pub fn load(&self, origin: &Origin, max_stale: Duration, now: UnixTime) -> Result<Option<Saved>, FetchError> {
        let path = self.path(origin);
        let refuse = |why: &str| file_error(&path, io::Error::other(why.to_owned()));
        let bytes = match self.read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(file_error(&path, cause)),
        };
        let record: Record<'_> = serde_json::from_slice(&bytes).map_err(|_| refuse("it is not a saved key set"))?;
        if record.issuer != origin.issuer || record.url != origin.url || record.via != origin.via {
            return Ok(None);
        }
        let fetched_at = UnixTime::from_secs(record.fetched_at);
        if fetched_at > now.plus(limits::SAVED_KEYS_CLOCK) {
            return Err(refuse("it was saved in the future, by this machine's clock"));
        }
        let millis = now.as_millis().saturating_sub(fetched_at.as_millis());
        let age = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        let saved = Saved { text: record.jwks.get().as_bytes().to_vec(), age };
        Ok((age <= max_stale).then_some(saved))
    }

    /// The bytes of a file that nobody but us can have written.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // Before it is opened: opening a pipe would wait for its other end, and a link leads elsewhere.
        let found = fs::symlink_metadata(path)?;
        if !found.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if found.uid() != self.owner || found.mode() & 0o022 != 0 {
            return Err(io::Error::other("others than this user can write it"));
        }
        Ok(files::read(path, limits::SAVED_KEYS_BYTES)?)
    }

    /// A name that no other origin has, and that says nothing to a file system.
    fn path(&self, origin: &Origin) -> PathBuf {
        let Origin { issuer, url, via } = origin;
        // The lengths tell where one ends: no two origins read alike.
        let name = hex(format!("{} {issuer} {} {url} {via}", issuer.len(), url.len()).as_bytes());
        self.dir.join(format!("{name}.json"))
    }
}

fn hex(bytes: &[u8]) -> String {
    sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name that nobody can foresee: process ids are alike in containers that share a directory.
fn beside(what: &str) -> String {
    format!(".{what}-{:032x}", rand::random::<u128>())
}

fn file_error(path: &Path, cause: io::Error) -> FetchError {
    FetchError::File { path: path.display().to_string(), cause }
}

/// A file that was not there before, which only this user may read or write.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
