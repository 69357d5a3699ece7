//! The outside of the service: the time, and a way to fetch keys.

use std::{fmt, sync::Arc};

use crate::{clock::Clock, keystore::fetch::Fetchers};

/// The outside of the service: the time, and a way to fetch keys.
#[derive(Clone)]
pub struct Outside {
    /// The source of wall time.
    pub clock: Arc<dyn Clock>,
    /// The fetchers of key documents.
    pub fetchers: Arc<dyn Fetchers>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside(..)")
    }
}
