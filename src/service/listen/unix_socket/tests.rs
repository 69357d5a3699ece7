//! Sockets as other processes see them.

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_starts_over_a_dead_socket_one_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.sock");
    for socket in [plain(&path), with_mode(&path, 0o600)] {
        for _ in 0..20 {
            drop(bind(&socket).await);
            let mut starts = tokio::task::JoinSet::new();
            for _ in 0..4 {
                let socket = socket.clone();
                starts.spawn(async move { bind(&socket).await });
            }
            let live: Vec<_> = starts.join_all().await.into_iter().filter_map(Result::ok).collect();
            assert_eq!(live.len(), 1, "listeners at one place");
            assert!(UnixStream::connect(&path).await.is_ok());
        }
    }
}

#[tokio::test]
async fn a_directory_that_stays_locked_is_not_waited_for_without_end() {
    tokio::time::pause();
    let dir = tempfile::tempdir().unwrap();
    let held = File::open(dir.path()).unwrap();
    held.lock().unwrap();
    let error = bind(&plain(&dir.path().join("p.sock"))).await.unwrap_err().to_string();
    assert_eq!(error, "another process holds a lock on the socket's directory");
    drop(held);
    assert!(bind(&plain(&dir.path().join("p.sock"))).await.is_ok());
}

/// A `sockaddr_un` has room for 107 bytes.
#[tokio::test]
async fn a_mode_takes_little_of_the_length_that_a_path_may_have() {
    let dir = tempfile::tempdir().unwrap();
    let longest = dir.path().join("x".repeat(107 - dir.path().as_os_str().len() - 1));
    drop(bind(&plain(&longest)).await.unwrap());
    fs::remove_file(&longest).unwrap();
    assert!(bind(&with_mode(&longest, 0o660)).await.is_ok());
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

/// The system tells nothing of a change by way of the private directory, so a thread looks all the time.
#[tokio::test]
async fn nobody_finds_a_socket_with_another_mode_at_any_time() {
    const TIMES: usize = 300;
    let dir = tempfile::tempdir().unwrap();
    let (path, is_over) = (dir.path().join("p.sock"), Arc::new(AtomicBool::new(false)));
    let looking = {
        let (path, is_over) = (path.clone(), Arc::clone(&is_over));
        std::thread::spawn(move || {
            let mut found = BTreeSet::new();
            loop {
                let is_last = is_over.load(Ordering::SeqCst);
                found.extend(fs::symlink_metadata(&path).map(|socket| socket.mode() & 0o7777));
                if is_last {
                    return found;
                }
            }
        })
    };
    for _ in 0..TIMES {
        drop(bind(&with_mode(&path, 0o600)).await.unwrap());
        fs::remove_file(&path).unwrap();
    }
    let _listener = bind(&with_mode(&path, 0o600)).await.unwrap();
    is_over.store(true, Ordering::SeqCst);
    assert_eq!(looking.join().unwrap(), BTreeSet::from([0o600]));
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
    assert_eq!(mode(&private.0), 0o700);
}
