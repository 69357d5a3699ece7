//! The requests that a requirement is for, as far as its claims may have to match a part of them.

use portcullis_engine::policy::{HostPattern, PathPattern};

/// The requests that a requirement is for: claims may have to match a part of them.
#[derive(Clone, Copy)]
pub(super) enum Site<'a> {
    /// The requests of a route.
    Route { path: &'a PathPattern, host: &'a HostPattern },
    /// The requests for which Envoy chooses a policy.
    Policy,
    /// The requests of a route whose path or host can't be read.
    Unknown,
}
