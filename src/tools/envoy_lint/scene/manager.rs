//! The HTTP connection managers of Envoy.

use super::{
    acting::{Act, Acting},
    chain::Filter,
    destinations::Destinations,
    route::{Route, routes},
};
use crate::{config::site::Site, document::tree::Node};

/// An `HttpConnectionManager` with its filters and routes.
pub(crate) struct Manager<'n> {
    pub(crate) node: &'n Node,
    /// The number of its listener among the scene's.
    pub(crate) listener: Option<usize>,
    pub(crate) site: Site,
    pub(crate) filters: Vec<Filter<'n>>,
    /// The filters that act by themselves, those for upgrades among them.
    pub(crate) acting: Vec<Acting<'n>>,
    /// The tables of routes that it has or names, as far as the files have them.
    pub(crate) tables: Vec<&'n Node>,
    /// Routes that it has from elsewhere, in words.
    pub(crate) unseen_routes: Vec<String>,
}

impl<'n> Manager<'n> {
    /// Returns the clusters to which its routes lead, and filters that send requests on by themselves.
    pub(crate) fn destinations(&self) -> Destinations<'n> {
        let mut all = Destinations { is_open: !self.unseen_routes.is_empty(), ..Destinations::default() };
        for filter in &self.acting {
            if let Act::Sends(destinations) = &filter.act {
                all.extend(destinations);
            }
        }
        self.routes().iter().for_each(|route| all.extend(&route.destinations()));
        all
    }

    /// Returns its routes, as far as the files have them.
    pub(crate) fn routes(&self) -> Vec<Route<'n>> {
        self.tables.iter().flat_map(|table| routes(table)).collect()
    }
}
