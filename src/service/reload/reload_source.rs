//! Where a configuration came from, which one it is, and what makes a service load it anew.

use std::{collections::BTreeMap, sync::Arc};

use super::{candidate::Suite, watch::Pace};
use crate::{config::LoadedFile, service::shutdown::Hangups};
use portcullis_engine::digest::{Sha256, short_hex};

/// Where a configuration came from, and what makes a service load it anew. The default one never does.
#[derive(Default)]
pub struct Reload {
    /// The file; without one there is nothing to load.
    pub file: Option<LoadedFile>,
    /// The environment of the start, which is laid over the file each time.
    pub env: BTreeMap<String, String>,
    /// SIGHUP.
    pub hangups: Option<Hangups>,
    /// Runs the policy's own tests; without it there are none.
    pub suite: Option<Arc<Suite>>,
    /// How fast a change is noticed.
    pub pace: Pace,
}

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Reload {
    /// The name of the configuration that was loaded at the start.
    pub(crate) fn revision(&self) -> Arc<str> {
        self.file.as_ref().map_or_else(|| "environment".into(), |file| short(&file.digest))
    }
}

/// The beginning of a digest: enough to tell one's own versions of a file apart.
pub(crate) fn short(digest: &Sha256) -> Arc<str> {
    short_hex(digest).into()
}
