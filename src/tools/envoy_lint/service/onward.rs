//! The clusters to which a cluster leads on: the members of an aggregate, and those behind a listener of this Envoy.

use crate::{
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{
        read,
        scene::{Destinations, Scene, endpoints::Host},
    },
};

const AGGREGATE: &str = "envoy.extensions.clusters.aggregate.v3.ClusterConfig";
const COMPOSITE: &str = "envoy.extensions.clusters.composite.v3.ClusterConfig";
/// The type of clusters that find their servers by DNS, and connect to them by transport sockets of their own.
const DNS: &str = "envoy.extensions.clusters.dns.v3.DnsCluster";

/// The kinds of clusters, by the connections that requests to them take.
pub(crate) enum Kind<'n> {
    /// The cluster has connections of its own.
    Own,
    /// The cluster leads to others, and has no connections of its own.
    Members(Vec<&'n str>),
    Unknown,
}

pub(crate) fn kind(cluster: &Node) -> Kind<'_> {
    let Some(kind) = read::value(cluster, "cluster_type") else { return Kind::Own };
    match read::value(kind, "typed_config").and_then(read::message) {
        Some((AGGREGATE, config)) => {
            Kind::Members(read::list(config, "clusters").iter().filter_map(read::as_text).collect())
        }
        Some((COMPOSITE, config)) => {
            let members = read::list(config, "clusters").iter();
            Kind::Members(members.filter_map(|member| read::text(member, "name")).collect())
        }
        Some((DNS, _)) => Kind::Own,
        _ => Kind::Unknown,
    }
}

/// Returns where connections to an endpoint lead on, by the listeners of this Envoy that take them. `is_clear` tells whether they
/// are in the clear: others end at another server, unless the listener ends TLS. A part that is not in the files is an error, in words.
pub(crate) fn of_host<'n>(scene: &Scene<'n>, host: &Host<'n>, is_clear: bool) -> Vec<Result<Destinations<'n>, String>> {
    host.addresses().flat_map(|address| of_address(scene, address, is_clear)).collect()
}

fn of_address<'n>(scene: &Scene<'n>, address: &'n Node, is_clear: bool) -> Vec<Result<Destinations<'n>, String>> {
    let internal = read::at(address, &["envoy_internal_address", "server_listener_name"]).and_then(read::as_text);
    let takes = |at: &usize| {
        scene.listeners.get(*at).is_some_and(|listener| match internal {
            Some(name) => listener.is_internal && listener.name == name,
            None => listener.takes(address),
        })
    };
    let numbers: Vec<usize> = (0..scene.listeners.len()).filter(takes).collect();
    if let Some(name) = internal.filter(|_| numbers.is_empty()) {
        return vec![Err(format!("the internal listener {}, behind which Portcullis is", quoted(name)))];
    }
    let leads_on = |at: &usize| is_clear || scene.listeners.get(*at).is_some_and(|listener| listener.ends_tls);
    numbers.into_iter().filter(leads_on).map(|at| Ok(of_listener(scene, at))).collect()
}

/// Returns where a listener leads.
fn of_listener<'n>(scene: &Scene<'n>, at: usize) -> Destinations<'n> {
    let mut found = Destinations::default();
    let is_there = |listener: Option<usize>| listener == Some(at);
    for manager in scene.managers.iter().filter(|manager| is_there(manager.listener)) {
        found.extend(&manager.destinations());
    }
    scene
        .streams()
        .filter(|(listener, _)| is_there(*listener))
        .for_each(|(_, destinations)| found.extend(&destinations));
    found
}
