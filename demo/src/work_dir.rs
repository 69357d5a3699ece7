//! The demo's temporary directory: generated configurations and the children's logs.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::error::DemoError;
use crate::limits;

/// A new directory that only we can read. It stays unless it is removed: after a failure its logs are wanted.
#[derive(Debug)]
pub(super) struct WorkDir {
    path: PathBuf,
}

impl WorkDir {
    /// Makes it, under a name that nobody can have prepared.
    ///
    /// # Errors
    /// When the system's temporary directory can't be written.
    pub(super) fn new() -> Result<Self, DemoError> {
        let path = std::env::temp_dir().join(format!("portcullis-demo-{:016x}", rand::random::<u64>()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => Ok(Self { path }),
            Err(source) => Err(DemoError::File { path, source }),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file into it.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, DemoError> {
        let path = self.path.join(name);
        match fs::write(&path, text) {
            Ok(()) => Ok(path),
            Err(source) => Err(DemoError::File { path, source }),
        }
    }

    /// Removes it with all that is in it. What can't be removed stays.
    pub(super) fn remove(self) {
        fs::remove_dir_all(self.path).unwrap_or_default();
    }
}

/// The last lines of a log. A log that can't be read has none.
pub(super) fn last_lines(log: &Path) -> Vec<String> {
    let text = tail(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let skip = lines.len().saturating_sub(limits::LOG_LINES);
    lines.into_iter().skip(skip).map(str::to_owned).collect()
}

fn tail(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let start = file.metadata()?.len().saturating_sub(limits::LOG_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(limits::LOG_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_ours_alone_and_goes_when_told() {
        let dir = WorkDir::new().unwrap();
        let path = dir.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_to_string(dir.write("a", "text").unwrap()).unwrap(), "text");
        dir.remove();
        assert!(!path.exists());
    }

    #[test]
    fn only_the_end_of_a_long_log_is_shown() {
        let dir = WorkDir::new().unwrap();
        let lines: Vec<String> = (0..20_000).map(|number| format!("line {number}")).collect();
        let log = dir.write("log", &lines.join("\n")).unwrap();
        let shown = last_lines(&log);
        assert_eq!(shown, lines[lines.len() - limits::LOG_LINES..]);
        assert_eq!(last_lines(&dir.write("short", "one").unwrap()), ["one"]);
        assert!(last_lines(&dir.path().join("none")).is_empty());
        dir.remove();
    }
}
