//! What the service needs of the outside: the time, and a way to fetch keys.

use std::{fmt, sync::Arc};

use crate::{clock::Clock, keystore::fetch::Fetchers};

/// What the service needs of the outside: the time, and a way to fetch keys.
#[derive(Clone)]
pub struct Outside {
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Key documents.
    pub fetchers: Arc<dyn Fetchers>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside(..)")
    }
}
