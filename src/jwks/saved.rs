//! The last good key set of each issuer in a directory, so that a start while an issuer is down is no outage.
//!
//! SECURITY: whoever can write there can sign tokens; the files are as trusted as the configuration. A file counts only
//! for the issuer and the URL that it was fetched for, and only up to `max_stale` from when it was fetched.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::value::RawValue;

use super::fetch::FetchError;
use crate::{clock::UnixTime, digest::sha256, limits};

/// A directory of saved key sets.
#[derive(Clone, Debug)]
pub struct SavedKeys {
    dir: PathBuf,
}

/// What was fetched when, for whom and from where.
#[derive(serde::Serialize, serde::Deserialize)]
struct Record<'a> {
    issuer: String,
    source: String,
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
    /// The directory, made if it is not there.
    ///
    /// # Errors
    /// [`FetchError::File`] if it can't be made.
    pub fn open(dir: &Path) -> Result<Self, FetchError> {
        fs::create_dir_all(dir).map_err(|cause| file_error(dir, cause))?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Saves a set that was fetched now, whole or not at all.
    ///
    /// # Errors
    /// [`FetchError::File`].
    pub fn save(&self, issuer: &str, source: &str, text: &[u8], now: UnixTime) -> Result<(), FetchError> {
        let path = self.path(issuer);
        let failed = |cause| file_error(&path, cause);
        let jwks: &RawValue = serde_json::from_slice(text).map_err(|error| failed(error.into()))?;
        let record = Record { issuer: issuer.to_owned(), source: source.to_owned(), fetched_at: now.as_secs(), jwks };
        let bytes = serde_json::to_vec(&record).map_err(|error| failed(error.into()))?;
        // Beside its place and then moved there: a reader sees the old set or the new one.
        let beside = path.with_extension(format!("{}.tmp", std::process::id()));
        write_private(&beside, &bytes).and_then(|()| fs::rename(&beside, &path)).map_err(|cause| {
            // What is left of it helps nobody; that it can't be removed is no second trouble.
            let _ = fs::remove_file(&beside);
            failed(cause)
        })
    }

    /// The set that was saved for that issuer and source, if it is not older than `max_stale`.
    ///
    /// # Errors
    /// [`FetchError::File`] if there is a file that can't be used.
    pub fn load(
        &self,
        issuer: &str,
        source: &str,
        max_stale: Duration,
        now: UnixTime,
    ) -> Result<Option<Saved>, FetchError> {
        let path = self.path(issuer);
        let refuse = |why: &str| file_error(&path, io::Error::other(why.to_owned()));
        let bytes = match read_bounded(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(file_error(&path, cause)),
        };
        let record: Record<'_> = serde_json::from_slice(&bytes).map_err(|_| refuse("it is not a saved key set"))?;
        // Another configuration's keys are nobody's.
        if record.issuer != issuer || record.source != source {
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

    /// A name that no other issuer has, and that says nothing to a file system.
    fn path(&self, issuer: &str) -> PathBuf {
        let name: String = sha256(issuer.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(format!("{name}.json"))
    }
}

fn file_error(path: &Path, cause: io::Error) -> FetchError {
    FetchError::File { path: path.display().to_string(), cause }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let file = fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limits::SAVED_KEYS_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limits::SAVED_KEYS_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

/// Only this user may write what it will trust later.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
    const DAY: Duration = Duration::from_secs(24 * 3600);
    const ISSUER: &str = "https://a.test/";

    fn saved() -> (tempfile::TempDir, SavedKeys) {
        let dir = tempfile::tempdir().unwrap();
        let keys = SavedKeys::open(&dir.path().join("below/keys")).unwrap();
        keys.save(ISSUER, "https://a.test/jwks", br#"{"keys": []}"#, NOW).unwrap();
        (dir, keys)
    }

    #[test]
    fn what_is_saved_comes_back_with_its_age() {
        let (_dir, keys) = saved();
        let got = keys.load(ISSUER, "https://a.test/jwks", DAY, NOW.plus(Duration::from_secs(60))).unwrap().unwrap();
        assert_eq!((got.text.as_slice(), got.age), (br#"{"keys": []}"#.as_slice(), Duration::from_secs(60)));
        keys.save(ISSUER, "https://a.test/jwks", br#"{"keys":[1]}"#, NOW).unwrap();
        let got = keys.load(ISSUER, "https://a.test/jwks", DAY, NOW).unwrap().unwrap();
        assert_eq!(got.text, br#"{"keys":[1]}"#);
        assert_eq!(fs::read_dir(&keys.dir).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn it_is_for_one_issuer_one_source_and_max_stale_only() {
        let (_dir, keys) = saved();
        let load = |issuer, source, now| keys.load(issuer, source, DAY, now).unwrap().is_some();
        assert!(load(ISSUER, "https://a.test/jwks", NOW.plus(DAY)));
        assert!(!load(ISSUER, "https://a.test/jwks", NOW.plus(DAY + Duration::from_millis(1))));
        assert!(!load(ISSUER, "https://b.test/jwks", NOW));
        assert!(!load("https://b.test/", "https://a.test/jwks", NOW));
        fs::rename(keys.path(ISSUER), keys.path("https://b.test/")).unwrap();
        assert!(!load("https://b.test/", "https://a.test/jwks", NOW), "what it says counts, not what it is called");
    }

    #[test]
    fn files_that_nobody_saved_are_errors_and_never_keys() {
        let (_dir, keys) = saved();
        let load = |now| keys.load(ISSUER, "https://a.test/jwks", DAY, now);
        assert!(load(NOW.minus(Duration::from_secs(60))).unwrap().is_some(), "clocks differ a little");
        assert!(load(NOW.minus(Duration::from_secs(61))).is_err(), "from the future");
        for text in [&b""[..], b"{}", b"[]", b"\xff", br#"{"issuer":"https://a.test/"}"#] {
            fs::write(keys.path(ISSUER), text).unwrap();
            assert!(load(NOW).is_err(), "{text:?}");
        }
        fs::write(keys.path(ISSUER), vec![b' '; limits::SAVED_KEYS_BYTES + 1]).unwrap();
        assert!(load(NOW).is_err());
        fs::remove_file(keys.path(ISSUER)).unwrap();
        fs::create_dir(keys.path(ISSUER)).unwrap();
        assert!(load(NOW).is_err());
    }

    #[test]
    fn others_may_neither_read_nor_write_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, keys) = saved();
        assert_eq!(fs::metadata(keys.path(ISSUER)).unwrap().permissions().mode() & 0o077, 0);
    }
}
