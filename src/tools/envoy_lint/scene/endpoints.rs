//! The endpoints of a cluster, and the way in which Envoy finds them.

use std::net::IpAddr;

use crate::{document::tree::Node, tools::envoy_lint::read};

/// A cluster's way to its endpoints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Discovery {
    /// The endpoints are listed in the `load_assignment`.
    Static,
    /// Every address of a name is an endpoint.
    StrictDns,
    /// The first address of a name is the only endpoint.
    LogicalDns,
    /// A control plane lists them, or the way is not known here.
    Elsewhere,
}

/// An endpoint of a cluster.
#[derive(Clone, Copy)]
pub(crate) struct Host<'n> {
    /// The `LocalityLbEndpoints` that has it.
    pub(crate) locality: &'n Node,
    pub(crate) endpoint: &'n Node,
}

impl<'n> Host<'n> {
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &'n Node> {
        addresses(self.endpoint)
    }

    /// Returns the hosts of its socket addresses.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'n Node> {
        names(self.endpoint)
    }
}

/// The endpoints of a cluster's `load_assignment`, with their localities.
pub(crate) fn hosts(cluster: &Node) -> impl Iterator<Item = Host<'_>> {
    let localities = read::at(cluster, &["load_assignment", "endpoints"]).map_or(&[][..], read::items);
    localities.iter().flat_map(|locality| {
        read::list(locality, "lb_endpoints").iter().map(move |endpoint| Host { locality, endpoint })
    })
}

/// The endpoints of a cluster's `load_assignment`.
pub(crate) fn endpoints(cluster: &Node) -> impl Iterator<Item = &Node> {
    hosts(cluster).map(|host| host.endpoint)
}

/// The addresses of an endpoint. Envoy connects to whichever of them answers.
pub(crate) fn addresses(endpoint: &Node) -> impl Iterator<Item = &Node> {
    let endpoint = read::value(endpoint, "endpoint");
    let others = endpoint.map_or(&[][..], |endpoint| read::list(endpoint, "additional_addresses"));
    let all = endpoint.into_iter().chain(others);
    all.filter_map(|one| read::value(one, "address"))
}

/// The hosts of an endpoint's socket addresses.
fn names(endpoint: &Node) -> impl Iterator<Item = &Node> {
    addresses(endpoint).filter_map(|address| read::at(address, &["socket_address", "address"]))
}

/// The host of an endpoint's first socket address.
pub(crate) fn host(endpoint: &Node) -> Option<&Node> {
    names(endpoint).next()
}

/// Tells whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Tells whether the endpoints of a cluster are the ones that its `load_assignment` lists.
pub(crate) fn are_listed(cluster: &Node) -> bool {
    discovery(cluster) != Discovery::Elsewhere
}

/// Tells whether a cluster leads to the address that the client has connected to.
pub(crate) fn is_chosen_by_client(cluster: &Node) -> bool {
    read::value(cluster, "type").is_some_and(|kind| read::is_enum(kind, "ORIGINAL_DST", 4))
}

/// Tells whether Envoy knows each endpoint by a name: that of the endpoint, or the one that DNS is asked for. There is no answer where
/// they come from elsewhere.
pub(crate) fn are_named(cluster: &Node) -> Option<bool> {
    let way = discovery(cluster);
    let is_name = |text: &str| !text.is_empty() && text.parse::<IpAddr>().is_err();
    let is_named = |endpoint: &Node| {
        let given =
            read::at(endpoint, &["endpoint", "hostname"]).and_then(read::as_text).filter(|name| !name.is_empty());
        let asked = || host(endpoint).and_then(read::as_text).filter(|_| way != Discovery::Static);
        given.or_else(asked).is_some_and(is_name)
    };
    (way != Discovery::Elsewhere).then(|| endpoints(cluster).all(is_named))
}

pub(crate) fn discovery(cluster: &Node) -> Discovery {
    if read::field(cluster, "cluster_type").is_some() {
        return Discovery::Elsewhere;
    }
    let Some(kind) = read::value(cluster, "type") else { return Discovery::Static };
    let is = |name, code| read::is_enum(kind, name, code);
    if is("STATIC", 0) {
        Discovery::Static
    } else if is("STRICT_DNS", 1) {
        Discovery::StrictDns
    } else if is("LOGICAL_DNS", 2) {
        Discovery::LogicalDns
    } else {
        Discovery::Elsewhere
    }
}

/// The endpoint of a cluster that certainly has no other: names may have any number of addresses.
pub(crate) fn single_endpoint(cluster: &Node) -> Option<&Node> {
    let mut all = endpoints(cluster);
    let only = all.next().filter(|_| all.next().is_none())?;
    let is_address = |host| read::as_text(host).is_some_and(|host| host.parse::<IpAddr>().is_ok());
    match discovery(cluster) {
        Discovery::Static => Some(only),
        Discovery::StrictDns | Discovery::LogicalDns => host(only).is_some_and(is_address).then_some(only),
        Discovery::Elsewhere => None,
    }
}
