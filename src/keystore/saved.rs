//! The last good key set of each issuer in a directory, so that a start while an issuer is down is no outage.
//!
//! SECURITY: write access is as good as a signing key; the files are as trusted as the configuration. So a directory that
//! others may write to is refused, and a file counts only if it is ours alone to write, for the issuer, the URL and the way
//! there that it was fetched for, and up to `max_stale` from when it was fetched.
//!
//! A directory that can't be written to, or not yet, is no reason not to serve: it is tried again with each key set.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::value::RawValue;

use super::{fetch::FetchError, source::Transport, url_guard::shown};
use crate::{files, limits};
use portcullis_engine::{digest::sha256, time::UnixTime};

/// A directory of saved key sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedKeys {
    dir: PathBuf,
    /// The user that this process runs as, as the file system sees it. No file is read while that is unknown.
    owner: Option<u32>,
}

/// A directory of saved key sets as it was found.
#[derive(Debug)]
pub struct OpenedDir {
    /// The directory, to save to and to load from.
    pub keys: SavedKeys,
    /// The error of trying to write there, if that failed.
    pub trouble: Option<FetchError>,
}

/// A reason not to use a directory of saved key sets at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedDir {
    /// The mode of the directory lets others write.
    #[error(
        "others than this user can write to `{dir}` (mode {mode:04o}), and whoever writes there can sign tokens: take that \
         away (`chmod go-w`), or name a directory below it that does not exist: it is made for this user alone"
    )]
    Mode {
        /// The path of the directory.
        dir: String,
        /// The mode of the directory.
        mode: u32,
    },
    /// The directory belongs to another user than this one and root.
    #[error(
        "`{dir}` belongs to user {owner}, and Portcullis runs as user {user}: whoever writes there can sign tokens; give it to \
         user {user} (`chown`), or name a directory below it that does not exist: it is made for this user alone"
    )]
    Owner {
        /// The path of the directory.
        dir: String,
        /// The user whom the directory belongs to.
        owner: u32,
        /// The user that this process runs as.
        user: u32,
    },
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
    /// Opens the directory, and makes it for this user alone if it is not there. Where that fails, the next set that is saved
    /// tries it again.
    ///
    /// # Errors
    /// [`RefusedDir`]: others can write there.
    pub fn open(dir: &Path) -> Result<OpenedDir, RefusedDir> {
        let made = make(dir);
        let found = fs::metadata(dir).ok().filter(fs::Metadata::is_dir);
        if let Some(mode) = found.as_ref().map(fs::Metadata::mode).filter(|mode| is_writable_by_others(*mode)) {
            return Err(RefusedDir::Mode { dir: dir.display().to_string(), mode: mode & 0o7777 });
        }
        // What we make there says who we are, and that we can.
        let probe = dir.join(beside("probe"));
        let probed = made.and_then(|()| write_new(&probe, b"")).and_then(|()| fs::symlink_metadata(&probe));
        let _ = fs::remove_file(&probe);
        if let (Ok(probed), Some(found)) = (&probed, found) {
            let (user, owner) = (probed.uid(), found.uid());
            // Root can write everywhere.
            if owner != user && owner != 0 {
                return Err(RefusedDir::Owner { dir: dir.display().to_string(), owner, user });
            }
        }
        let keys = match &probed {
            Ok(probed) => Self { dir: dir.to_owned(), owner: Some(probed.uid()) },
            Err(_) => Self::unopened(dir),
        };
        Ok(OpenedDir { keys, trouble: probed.err().map(|cause| file_error(dir, cause)) })
    }

    /// Returns a directory that was not looked at, because the disk does not answer, for example. Each file that is saved or
    /// loaded tries it again.
    #[must_use]
    pub fn unopened(dir: &Path) -> Self {
        // Linux says who we are where no file that we made does.
        let owner = fs::metadata("/proc/self").ok().map(|own| own.uid());
        Self { dir: dir.to_owned(), owner }
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
        make(&self.dir).and_then(|()| self.check_dir()).map_err(|cause| file_error(&self.dir, cause))?;
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
        self.check_dir()?;
        // Before it is opened: opening a pipe would wait for its other end, and a link leads elsewhere.
        let found = fs::symlink_metadata(path)?;
        if !found.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if Some(found.uid()) != self.owner || is_writable_by_others(found.mode()) {
            return Err(io::Error::other("others than this user can write it"));
        }
        Ok(files::read(path, limits::SAVED_KEYS_BYTES)?)
    }

    /// Checks again that no others can write to the directory: its mode may have changed since it was opened.
    fn check_dir(&self) -> io::Result<()> {
        if is_writable_by_others(fs::metadata(&self.dir)?.mode()) {
            return Err(io::Error::other("others than this user can write to its directory"));
        }
        Ok(())
    }

    /// A name that no other origin has, and that says nothing to a file system.
    fn path(&self, origin: &Origin) -> PathBuf {
        let Origin { issuer, url, via } = origin;
        // The lengths tell where one ends: no two origins read alike.
        let name = hex(format!("{} {issuer} {} {url} {via}", issuer.len(), url.len()).as_bytes());
        self.dir.join(format!("{name}.json"))
    }
}

fn make(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Says whether a mode lets others write. The sticky bit does not help: it keeps others from removing files, not from putting
/// theirs there first.
const fn is_writable_by_others(mode: u32) -> bool {
    mode & 0o022 != 0
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
