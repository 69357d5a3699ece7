//! Listeners: their names, addresses and filter chains.

use std::net::IpAddr;

use crate::{config::site::Site, document::tree::Node, tools::envoy_lint::read};

/// A listener of Envoy, with the names of its filter chains.
pub(crate) struct Listener {
    /// The name, or the address where there is none, or the number.
    pub(crate) name: String,
    /// The names of its filter chains, or their numbers.
    pub(crate) chains: Vec<String>,
    /// Tells whether connections come from this Envoy only.
    pub(crate) is_internal: bool,
    /// Tells whether a filter chain has a transport socket, which may end TLS.
    pub(crate) ends_tls: bool,
    /// The addresses at which connections arrive.
    addresses: Vec<(String, u64)>,
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
        let mut all = read::list(node, "filter_chains").iter().chain(read::value(node, "default_filter_chain"));
        let others = read::list(node, "additional_addresses").iter();
        let addresses = std::iter::once(node).chain(others).filter_map(|one| read::value(one, "address"));
        Self {
            name,
            chains,
            is_internal: read::field(node, "internal_listener").is_some(),
            ends_tls: all.any(|chain| read::field(chain, "transport_socket").is_some()),
            addresses: addresses.filter_map(socket).map(|(host, port)| (host.to_owned(), port)).collect(),
        }
    }

    /// Tells whether connections from this machine to an address arrive here.
    pub(crate) fn takes(&self, address: &Node) -> bool {
        let Some((host, port)) = socket(address) else { return false };
        let is_local = |name: &str| name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let is_any = |name: &str| name.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
        let is_host = |own: &str| own == host || is_local(host) && (is_local(own) || is_any(own));
        self.addresses.iter().any(|(own, own_port)| *own_port == port && is_host(own))
    }

    /// Returns the site of one of its filter chains.
    pub(super) fn site(&self, chain: Option<usize>) -> Site {
        let named = |at: usize| self.chains.get(at).map(|chain| (at, chain.as_str()));
        Site::of_listener(&self.name, chain.filter(|_| self.chains.len() > 1).and_then(named))
    }
}

/// Returns host and port of an address, or the path of a socket.
fn socket(address: &Node) -> Option<(&str, u64)> {
    let Some(socket) = read::value(address, "socket_address") else {
        return read::at(address, &["pipe", "path"]).and_then(read::as_text).map(|path| (path, 0));
    };
    let port = read::value(socket, "port_value").and_then(read::number)?;
    read::text(socket, "address").map(|host| (host, port))
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
