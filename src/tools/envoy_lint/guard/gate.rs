//! A manager as a gate: whether it has requests checked.

use super::asked::Authorizer;
use crate::tools::envoy_lint::scene::{Manager, Route};

/// A manager as a gate.
pub(crate) struct Gate<'s, 'n> {
    pub(crate) manager: &'s Manager<'n>,
    /// The ext_authz filters that ask Portcullis.
    pub(crate) ours: Vec<Authorizer<'s, 'n>>,
    /// Tells whether requests come only from managers that have had them checked.
    pub(crate) is_behind: bool,
}

impl<'n> Gate<'_, 'n> {
    /// Returns its routes. They are not kept: thousands of managers may have the same table.
    pub(crate) fn routes(&self) -> Vec<Route<'n>> {
        self.manager.routes()
    }

    pub(crate) fn is_checked(&self) -> bool {
        !self.ours.is_empty()
    }
}
