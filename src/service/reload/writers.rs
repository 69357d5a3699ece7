//! Finds the process that holds a file open for writing, also one that opened it before anybody watched.
//!
//! The system tells of writing when it happens (`watch`), and not of a writer that pauses since before. What it does show
//! is every descriptor of the processes that this one may look at, in `/proc`: those of the same user in the same
//! container, and all of them with `CAP_SYS_PTRACE`. A lease (`fcntl` with `F_SETLEASE`) would tell more about own files,
//! and no crate offers it without `unsafe`. So a process that is seen is certain, and none that is seen proves nothing.

use std::{
    fmt,
    fs::{self, DirEntry, File},
    io,
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::Path,
};

use crate::limits;

/// A process that holds a file open for writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Writer {
    id: u32,
    /// The name of its program, as it may be printed.
    name: String,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} (`{}`)", self.id, self.name)
    }
}

/// Finds a process that holds one of these files open for writing, and which of them that is. `None` where none is seen. One
/// search for all of them: a machine may have thousands of descriptors, and a configuration hundreds of files.
pub(super) fn find(files: &[Wanted]) -> Option<(usize, Writer)> {
    find_within(files, limits::WRITER_DESCRIPTORS)
}

fn find_within(files: &[Wanted], mut descriptors: usize) -> Option<(usize, Writer)> {
    if files.is_empty() {
        return None;
    }
    #[cfg(test)]
    SEARCHES.set(SEARCHES.get() + 1);
    let processes = fs::read_dir("/proc").ok()?.flatten();
    for process in processes {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Another user's process, or one that has just ended.
        let Ok(held) = fs::read_dir(process.path().join("fd")) else { continue };
        for descriptor in held.flatten() {
            descriptors = descriptors.checked_sub(1)?;
            if let Some(index) = written_by(files, &process.path(), &descriptor) {
                return Some((index, Writer { id, name: name_of(&process.path()) }));
            }
        }
    }
    None
}

/// A file that is looked for.
pub(super) struct Wanted {
    device: u64,
    inode: u64,
    /// The inode as `/proc` shows it, which on an overlay may be another number than `stat` gives. Linux shows it since 5.14.
    shown: Option<u64>,
}

impl Wanted {
    pub(super) fn new(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        let shown = shown_inode(Path::new("/proc/self"), &file.as_raw_fd().to_string());
        Ok(Self { device: found.dev(), inode: found.ino(), shown })
    }

    fn may_be(&self, shown: Option<u64>) -> bool {
        self.shown.is_none() || self.shown == shown
    }
}

/// Returns which of the files a descriptor is for, if that may write.
fn written_by(files: &[Wanted], process: &Path, descriptor: &DirEntry) -> Option<usize> {
    // The entry's own permissions say how the file was opened.
    let may_write = descriptor.metadata().is_ok_and(|entry| entry.permissions().mode() & 0o200 != 0);
    // Most of them are sockets, pipes and terminals, and no file.
    let is_none = |to: &Path| !to.is_absolute() || to == Path::new("/dev/null") || to.starts_with("/dev/pts");
    let is_file = || fs::read_link(descriptor.path()).is_ok_and(|to| !is_none(&to));
    if !may_write || !is_file() {
        return None;
    }
    // Compared first: asking for the status of a file on a disk that hangs would hang as well.
    let shown = descriptor.file_name().to_str().and_then(|name| shown_inode(process, name));
    if !files.iter().any(|file| file.may_be(shown)) {
        return None;
    }
    let found = fs::metadata(descriptor.path()).ok()?;
    let is_same = |file: &Wanted| file.may_be(shown) && (found.dev(), found.ino()) == (file.device, file.inode);
    files.iter().position(is_same)
}

/// The inode of a descriptor, as its page in `/proc` gives it.
fn shown_inode(process: &Path, descriptor: &str) -> Option<u64> {
    let page = fs::read_to_string(process.join("fdinfo").join(descriptor)).ok()?;
    page.lines().find_map(|line| line.strip_prefix("ino:")).and_then(|inode| inode.trim().parse().ok())
}

/// A process may call itself what it likes.
fn name_of(process: &Path) -> String {
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    name.trim_end().chars().map(|c| if c.is_ascii_graphic() && c != '`' { c } else { '?' }).collect()
}

#[cfg(test)]
thread_local! {
    static SEARCHES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Returns the number of searches on this thread since the last call.
#[cfg(test)]
pub(super) fn searches() -> usize {
    SEARCHES.replace(0)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    fn find_one(file: &File) -> Option<Writer> {
        find(&[Wanted::new(file).unwrap()]).map(|(_, writer)| writer)
    }

    #[test]
    fn one_search_finds_the_one_that_is_written_of_many() {
        let dir = tempfile::tempdir().unwrap();
        let create = |index: usize| File::create(dir.path().join(index.to_string())).unwrap();
        let files: Vec<Wanted> = (0..100).map(|index| Wanted::new(&create(index)).unwrap()).collect();
        assert_eq!((find(&files), find(&[])), (None, None));
        let writer = create(70);
        let (index, found) = find(&files).unwrap();
        assert_eq!((index, found.id), (70, std::process::id()));
        drop(writer);
        assert_eq!(find(&files), None);
    }

    #[test]
    fn who_holds_a_file_open_for_writing_is_seen_and_who_reads_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("file"), dir.path().join("hard-link"));
        fs::write(&path, "text").unwrap();
        fs::hard_link(&path, &other).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(find_one(&file), None, "we read it ourselves");
        let elsewhere = File::create(dir.path().join("another")).unwrap();
        assert_eq!(find_one(&file), None);
        for name in [&path, &other] {
            let writer = OpenOptions::new().append(true).open(name).unwrap();
            let found = find_one(&file).unwrap();
            assert_eq!(found.id, std::process::id());
            assert!(found.to_string().starts_with("process ") && found.to_string().ends_with("`)"), "{found}");
            drop(writer);
            assert_eq!(find_one(&file), None);
        }
        drop(elsewhere);
    }

    #[test]
    fn a_writer_of_the_file_before_it_was_replaced_is_no_writer_of_this_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, new) = (dir.path().join("file"), dir.path().join("new"));
        let _old = File::create(&path).unwrap();
        fs::write(&new, "text").unwrap();
        fs::rename(&new, &path).unwrap();
        assert_eq!(find_one(&File::open(&path).unwrap()), None);
    }

    #[test]
    fn the_search_ends_after_so_many_descriptors() {
        let dir = tempfile::tempdir().unwrap();
        let writer = File::create(dir.path().join("file")).unwrap();
        assert_eq!(find_within(&[Wanted::new(&writer).unwrap()], 0), None);
    }
}
