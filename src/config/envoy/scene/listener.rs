//! Listeners: their names, addresses and filter chains.

use super::read;
use crate::config::{site::Site, tree::Node};

/// A listener of Envoy, with the names of its filter chains.
pub(in super::super) struct Listener {
    /// The name, or the address where there is none, or the number.
    pub(in super::super) name: String,
    /// The names of its filter chains, or their numbers.
    pub(in super::super) chains: Vec<String>,
    /// Tells whether connections come from this Envoy only.
    pub(in super::super) is_internal: bool,
}

impl Listener {
    /// The listener of that number.
    pub(super) fn new(node: &Node, number: usize) -> Self {
        let name = read::text(node, "name").filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        let name = name.or_else(|| address(node)).unwrap_or_else(|| number.to_string());
        let chain_name = |(at, chain): (usize, &Node)| {
            let name = read::text(chain, "name").filter(|name| !name.is_empty()).map(ToOwned::to_owned);
            name.unwrap_or_else(|| at.saturating_add(1).to_string())
        };
        let mut chains: Vec<String> = read::list(node, "filter_chains").iter().enumerate().map(chain_name).collect();
        if read::field(node, "default_filter_chain").is_some() {
            chains.push("default".to_owned());
        }
        Self { name, chains, is_internal: read::field(node, "internal_listener").is_some() }
    }

    /// Returns the site of one of its filter chains.
    pub(super) fn site(&self, chain: Option<usize>) -> Site {
        let named = |at: usize| self.chains.get(at).map(|chain| (at, chain.as_str()));
        Site::of_listener(&self.name, chain.filter(|_| self.chains.len() > 1).and_then(named))
    }
}

/// Returns the address in words.
fn address(listener: &Node) -> Option<String> {
    let address = read::value(listener, "address")?;
    if let Some(socket) = read::value(address, "socket_address") {
        let host = read::text(socket, "address")?;
        let port = read::value(socket, "port_value").and_then(read::number);
        return Some(port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
    }
    read::at(address, &["pipe", "path"]).and_then(read::as_text).map(ToOwned::to_owned)
}
