//! The TCP proxies of Envoy.

use super::destinations::Destinations;
use crate::{config::site::Site, document::tree::Node};

/// A `TcpProxy` with its place.
pub(crate) struct TcpProxy<'n> {
    pub(crate) node: &'n Node,
    /// The number of its listener among the scene's.
    pub(crate) listener: Option<usize>,
    pub(crate) site: Site,
}

impl<'n> TcpProxy<'n> {
    /// Returns the clusters to which its connections lead.
    pub(crate) fn destinations(&self) -> Destinations<'n> {
        Destinations::of_action(self.node)
    }
}
