//! Sockets as other processes see them.

use std::{
    os::unix::fs::MetadataExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

#[cfg(target_os = "linux")]
use notify::Watcher as _;

use super::*;
use crate::config::{SocketGroup, SocketMode};

fn plain(path: &Path) -> UnixSocket {
    UnixSocket::new(path)
}

fn with_mode(path: &Path, bits: u32) -> UnixSocket {
    let mode = SocketMode::new(bits).unwrap();
    UnixSocket { access: Some(SocketAccess { mode, group: None }), ..UnixSocket::new(path) }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.sock");
    for socket in [plain(&path), with_mode(&path, 0o600), with_mode(&path, 0o220)] {
        let live = bind(&socket).await.unwrap();
        for other in [plain(&path), with_mode(&path, 0o666)] {
            assert_eq!(bind(&other).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
        assert!(UnixStream::connect(&path).await.is_ok(), "the live one is still there");
        drop(live);
    }
    let file = dir.path().join("file");
    fs::write(&file, "keep").unwrap();
    for socket in [plain(&file), with_mode(&file, 0o600)] {
        let error = bind(&socket).await.unwrap_err().to_string();
        assert_eq!(error, "a file that is no socket has this name: remove it, or choose another name");
        assert_eq!(fs::read(&file).unwrap(), b"keep");
    }
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).unwrap();
    for socket in [plain(&link), with_mode(&link, 0o600)] {
        assert!(bind(&socket).await.is_err());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "no private directory is left: {left:?}");
}

#[tokio::test]
async fn a_socket_has_its_mode_whatever_the_umask_leaves() {
    let dir = tempfile::tempdir().unwrap();
    for bits in [0o200, 0o600, 0o660, 0o666, 0o777] {
        let path = dir.path().join(format!("{bits:o}.sock"));
        let _listener = bind(&with_mode(&path, bits)).await.unwrap();
        assert_eq!(mode(&path), bits, "{bits:o}");
        assert!(UnixStream::connect(&path).await.is_ok());
    }
}

#[tokio::test]
async fn a_group_that_is_unknown_is_said_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.sock");
    let group = Some(SocketGroup::Name("no-such-group".to_owned()));
    let access = Some(SocketAccess { mode: SocketMode::GROUP, group });
    let error = bind(&UnixSocket { access, ..plain(&path) }).await.unwrap_err().to_string();
    assert!(error.contains("has no group `no-such-group`"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Looks at the file all the time, from a thread of its own.
struct Watcher {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<u32>,
}

impl Watcher {
    /// Gathers every permission that the file has had at any look.
    fn start(path: &Path, looks: &Arc<AtomicU32>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (path, stopped, looks) = (path.to_owned(), Arc::clone(&stop), Arc::clone(looks));
        let thread = thread::spawn(move || {
            let mut seen = 0;
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(found) = fs::symlink_metadata(&path) {
                    seen |= found.mode() & 0o7777;
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            }
            seen
        });
        Self { stop, thread }
    }

    fn stop(self) -> u32 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

#[tokio::test]
async fn nobody_ever_sees_a_wider_mode() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.sock");
    let looks = Arc::new(AtomicU32::new(0));
    let watcher = Watcher::start(&path, &looks);
    for _ in 0..30 {
        let before = looks.load(Ordering::Relaxed);
        let listener = bind(&with_mode(&path, 0o600)).await.unwrap();
        while looks.load(Ordering::Relaxed) == before {
            thread::yield_now();
        }
        drop(listener);
        fs::remove_file(&path).unwrap();
    }
    let seen = watcher.stop();
    assert_eq!(seen, 0o600, "{seen:o}");
}

/// The system tells of each change, so that none is missed by a look at the wrong moment.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_socket_appears_with_its_mode_and_is_not_changed_after() {
    let dir = tempfile::tempdir().unwrap();
    let (told, events) = std::sync::mpsc::channel();
    let mut watcher = notify::recommended_watcher(told).unwrap();
    watcher.watch(dir.path(), notify::RecursiveMode::NonRecursive).unwrap();
    let (path, end) = (dir.path().join("p.sock"), dir.path().join("end"));
    let _listener = bind(&with_mode(&path, 0o600)).await.unwrap();
    fs::write(&end, "").unwrap();
    let mut kinds = Vec::new();
    loop {
        let event = events.recv_timeout(std::time::Duration::from_secs(60)).unwrap().unwrap();
        if event.paths.contains(&end) {
            break;
        }
        if event.paths.contains(&path) {
            kinds.push(event.kind);
        }
    }
    assert!(matches!(kinds.as_slice(), [notify::EventKind::Create(_)]), "{kinds:?}");
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn the_first_name_of_a_socket_is_where_nobody_else_can_go() {
    let dir = tempfile::tempdir().unwrap();
    let private = PrivateDir::beside(&dir.path().join("p.sock")).unwrap();
    assert_eq!(mode(&private.0) & 0o077, 0);
    let name = private.0.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with(".p.sock-"), "{name}");
}
