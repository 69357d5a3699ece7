//! Reads whole files: regular ones, up to a number of bytes, and without ever waiting for a writer.
//!
//! SECURITY: a name may lead to a pipe, a device or a socket, at any time and by a mistake. Opening a pipe waits for its
//! other end, reading one waits for its writer, and a device may be endless, so each is refused before a byte is read.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::FileTypeExt as _,
    path::Path,
};

use rustix::fs::{Mode, OFlags};

/// The reason why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refuses it.
    #[error("{}", describe_io_error(.0))]
    Io(#[from] io::Error),
    /// The name leads to something that is no regular file.
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    /// The file has more bytes than the caller takes.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            ReadError::NotRegular(_) | ReadError::TooLarge(_) => Self::other(error.to_string()),
        }
    }
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// [`ReadError`]: a pipe, for example, which is not waited for.
pub fn read(path: &Path, most: usize) -> Result<Vec<u8>, ReadError> {
    read_open(&open(path)?, most)
}

/// Reads a regular file, or what stands behind a descriptor that this process was started with: `/dev/stdin`, and
/// `/dev/fd/63` of a shell's `<(command)`. Such a pipe is waited for: its writer was started with the command.
///
/// # Errors
/// [`ReadError`]
pub fn read_argument(path: &Path, most: usize) -> Result<Vec<u8>, ReadError> {
    let file = if is_inherited(path) { File::open(path)? } else { open(path)? };
    read_open(&file, most)
}

/// Opens a regular file for reading.
///
/// # Errors
/// [`ReadError`]
pub fn open(path: &Path) -> Result<File, ReadError> {
    // Before it is opened, because opening a device may act on it.
    check_regular(&fs::metadata(path)?)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?);
    // Another file may have taken its place in between.
    check_regular(&file.metadata()?)?;
    Ok(file)
}

/// Reads the rest of an open file, of at most `most` bytes. A file that grows meanwhile ends there as well.
///
/// # Errors
/// [`ReadError`]
pub fn read_open(file: &File, most: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file at the limit from one beyond it.
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most { Err(ReadError::TooLarge(most)) } else { Ok(bytes) }
}

/// Describes why the system refuses a file, without the number that it gives the reason.
#[must_use]
pub fn describe_io_error(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        kind => kind.to_string(),
    }
}

/// Returns whether a name stands for a descriptor of this process.
fn is_inherited(path: &Path) -> bool {
    let dirs = ["/dev/fd", "/proc/self/fd"];
    path == Path::new("/dev/stdin") || path.parent().is_some_and(|dir| dirs.iter().any(|own| dir == Path::new(own)))
}

fn check_regular(found: &Metadata) -> Result<(), ReadError> {
    let kind = found.file_type();
    if kind.is_file() {
        return Ok(());
    }
    Err(ReadError::NotRegular(if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "something else"
    }))
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::unix::net::UnixListener, path::PathBuf};

    use super::*;

    /// Makes a named pipe without a writer.
    fn pipe(dir: &Path) -> PathBuf {
        let path = dir.join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        path
    }

    #[test]
    fn what_is_no_regular_file_is_refused_by_its_kind_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for (path, kind) in [
            (pipe(dir.path()), "a named pipe"),
            (socket, "a socket"),
            (link, "a device"),
            (dir.path().to_owned(), "a directory"),
        ] {
            let expected = format!("it is {kind}, not a regular file");
            assert_eq!(read(&path, 10).unwrap_err().to_string(), expected);
            assert_eq!(read_argument(&path, 10).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_file_may_have_so_many_bytes_and_not_one_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().to_string(), "it is larger than 4 bytes");
        let endless = File::open("/dev/zero").unwrap();
        assert!(matches!(read_open(&endless, 1000), Err(ReadError::TooLarge(1000))), "one that grows while it is read");
    }

    #[test]
    fn a_descriptor_of_our_own_may_be_a_pipe() {
        use std::os::fd::AsRawFd as _;
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"text").unwrap();
        drop(writer);
        let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
        assert!(
            matches!(read(&path, 10), Err(ReadError::NotRegular("a named pipe"))),
            "never where nobody asked for it"
        );
        assert_eq!(read_argument(&path, 10).unwrap(), b"text");
    }

    #[test]
    fn reasons_are_in_plain_words() {
        assert_eq!(describe_io_error(&ErrorKind::PermissionDenied.into()), "this user may not read it");
        assert_eq!(describe_io_error(&ErrorKind::NotFound.into()), "there is no such file");
        assert!(!describe_io_error(&io::Error::from_raw_os_error(5)).contains("os error"));
    }
}
