//! The process's limit of open files (RLIMIT_NOFILE): each connection takes a file descriptor.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one, which needs no permission, and returns what holds then. Shells and systemd set the
/// soft limit to 1,024 for programs that use `select`; this one doesn't.
pub fn raise_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Where it fails (macOS refuses "unlimited") the old limit goes on to hold.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    limit()
}

/// The number of file descriptors that the process may have.
#[must_use]
pub fn limit() -> usize {
    getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}
