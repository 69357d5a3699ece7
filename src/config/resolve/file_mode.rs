//! Files on which the trust in tokens rests, and that other users of the machine may write.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use crate::{
    config::{decode::bag::Bag, error::Problem, lint_catalogue::Lint},
    document::{suggest::quoted, tree::Entry},
};

/// Warns if all users may write the file, or put another one in its place. A group may: a person who gives a file to a group
/// means it, and Kubernetes does so with what it mounts.
pub(super) fn warn(bag: &mut Bag, entry: &Entry, path: &Path) {
    let Ok(file) = fs::metadata(path) else { return };
    let is_sticky = |mode: u32| mode & 0o1000 != 0;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let dir = fs::metadata(dir).map_or(0, |dir| dir.mode());
    let what = if is_writable_by_all(file.mode()) {
        "every user of this machine may write"
    } else if is_writable_by_all(dir) && !is_sticky(dir) {
        "every user of this machine may replace: the directory is theirs to write"
    } else {
        return;
    };
    let message = format!("{} is a file that {what}", quoted(&path.display().to_string()));
    let help = "whoever writes it decides whose tokens are taken: `chmod o-w` the file and its directory";
    bag.push(Problem::warning(&entry.node.place, message).lint(Lint::WritableKeyFile).help(help));
}

const fn is_writable_by_all(mode: u32) -> bool {
    mode & 0o002 != 0
}
