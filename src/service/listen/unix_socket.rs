//! Binding Unix sockets: over what a dead process left behind, and with the mode and group that the configuration says.
//!
//! SECURITY: the system makes a socket with what the umask leaves of 0777, and the umask is the whole process's. So where a mode
//! is configured, the socket is made in a directory that this user alone can enter, and appears at its place once mode and group
//! are set: at no moment may anybody connect whom the mode does not admit.

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _, lchown},
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

use super::user_group;
use crate::{
    config::{SocketAccess, UnixSocket},
    limits,
};

/// Binds a socket file. One that a dead process left behind is replaced, one that answers is not, and no other file is
/// ever removed.
pub(super) async fn bind(socket: &UnixSocket) -> io::Result<UnixListener> {
    let path = &socket.path;
    let _claim = only_here(path).await?;
    let Some(access) = &socket.access else { return claim(path, || UnixListener::bind(path)).await };
    let private = PrivateDir::beside(path)?;
    let inside = private.0.join(SOCKET);
    let listener = UnixListener::bind(&inside)?;
    restrict(&inside, access)?;
    // Unlike a rename, a link never replaces what is there. Who connects by the one name or the other reaches the same socket.
    claim(path, || fs::hard_link(&inside, path)).await?;
    Ok(listener)
}

/// Keeps other starts from claiming a socket in the same directory until the claim is dropped: of two that find the same dead
/// socket, one would remove the other's new one. A directory that can't be opened or locked is claimed by no one.
async fn only_here(path: &Path) -> io::Result<Option<File>> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let Ok(dir) = File::open(dir) else { return Ok(None) };
    for _ in 0..limits::SOCKET_CLAIMS {
        match dir.try_lock() {
            Ok(()) => return Ok(Some(dir)),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(limits::SOCKET_CLAIM_PAUSE).await,
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
    Err(io::Error::other("another process holds a lock on the socket's directory"))
}

/// Sets the group and then the mode: no other group may connect in between.
fn restrict(file: &Path, access: &SocketAccess) -> io::Result<()> {
    if let Some(group) = &access.group {
        let id = user_group::id(group)?;
        lchown(file, None, Some(id)).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => io::Error::other(format!(
                "the socket can't be given to the group `{group}`: make the user that Portcullis runs as a member of it"
            )),
            _ => error,
        })?;
    }
    fs::set_permissions(file, Permissions::from_mode(access.mode.bits()))
}

/// Puts a socket at its place by `attempt`, which must not replace anything.
async fn claim<T>(path: &Path, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let in_use = || io::Error::from(io::ErrorKind::AddrInUse);
    let is_there = |error: &io::Error| matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AlreadyExists);
    match attempt() {
        Err(error) if is_there(&error) => {}
        outcome => return outcome,
    }
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::other("a file that is no socket has this name: remove it, or choose another name"));
    }
    // Only a refusal says that no process listens: a live owner that is busy answers otherwise, or not at all.
    let probe = UnixStream::connect(path).await;
    if !probe.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        return Err(in_use());
    }
    fs::remove_file(path)?;
    attempt().map_err(|error| if is_there(&error) { in_use() } else { error })
}

/// The name of the socket in its private directory.
const SOCKET: &str = "s";

/// A directory that this user alone can enter. It goes, with the socket's first name, when it is dropped.
struct PrivateDir(PathBuf);

impl PrivateDir {
    /// Makes one on the same file system as `path`: links don't lead to others. Its name is short, as the system's limit for
    /// the path of a socket counts for this one, too.
    fn beside(path: &Path) -> io::Result<Self> {
        let dir = Self(path.with_file_name(format!(".{:08x}", rand::random::<u32>())));
        DirBuilder::new().mode(0o700).create(&dir.0)?;
        // What the umask has taken from it, which may be the owner's way in.
        fs::set_permissions(&dir.0, Permissions::from_mode(0o700))?;
        Ok(dir)
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // A directory that can't be removed now disturbs nothing.
        let _ = fs::remove_file(self.0.join(SOCKET));
        let _ = fs::remove_dir(&self.0);
    }
}

#[cfg(test)]
mod tests;
