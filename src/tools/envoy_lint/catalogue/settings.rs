//! The settings on which the effect of an HTTP filter depends.

use crate::document::tree::Node;
use portcullis_engine::answer::identity::IdentityHeaders;

/// The settings on which the effect of a filter depends.
pub(crate) struct Settings<'a> {
    /// The settings of the filter, or those that a route has for it.
    pub(crate) config: &'a Node,
    /// The settings of the filter, if they are in the files.
    pub(crate) filter: Option<&'a Node>,
    pub(crate) identity: &'a IdentityHeaders,
    /// Tells whether routes may have settings for the filter.
    pub(crate) has_route_settings: bool,
}

impl Settings<'_> {
    /// Tells whether these are the settings of a route.
    pub(crate) fn is_of_route(&self) -> bool {
        !self.filter.is_some_and(|filter| std::ptr::eq(filter, self.config))
    }
}
