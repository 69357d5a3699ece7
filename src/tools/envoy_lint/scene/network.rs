//! Network and listener filters that are no HTTP connection manager and no TCP proxy.

use super::destinations::Destinations;
use crate::{
    config::site::Site,
    document::tree::Node,
    tools::envoy_lint::{
        read,
        types::{MANAGER, TCP_PROXY},
    },
};

/// Types of filters that send nothing to a cluster of their own choice: they limit, refuse, answer, or read along.
const HARMLESS: [&str; 16] = [
    "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
    "envoy.extensions.filters.network.direct_response.v3.Config",
    "envoy.extensions.filters.network.echo.v3.Echo",
    "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz",
    "envoy.extensions.filters.network.geoip.v3.Geoip",
    "envoy.extensions.filters.network.kafka_broker.v3.KafkaBroker",
    "envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit",
    "envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy",
    "envoy.extensions.filters.network.mysql_proxy.v3.MySQLProxy",
    "envoy.extensions.filters.network.postgres_proxy.v3alpha.PostgresProxy",
    "envoy.extensions.filters.network.ratelimit.v3.RateLimit",
    "envoy.extensions.filters.network.rbac.v3.RBAC",
    "envoy.extensions.filters.network.zookeeper_proxy.v3.ZooKeeperProxy",
    // Those of Istio.
    "envoy.tcp.metadataexchange.config.MetadataExchange",
    "io.istio.network.authn.Config",
    "stats.PluginConfig",
];
const SET_STATE: &str = "envoy.extensions.filters.network.set_filter_state.v3.Config";
/// The beginning of the keys of state that choose a TCP proxy's cluster, among other things.
const OWN_KEYS: &str = "envoy.";

/// The kind of a filter that leads on, or may do so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterKind {
    /// A network filter whose protocol is not known here.
    Network,
    /// A listener filter whose effect is not known here.
    Listener,
    /// A UDP proxy, which leads to the clusters that it names.
    UdpProxy,
}

/// A network or listener filter of another protocol, with its place.
pub(crate) struct NetworkFilter<'n> {
    pub(crate) kind: FilterKind,
    /// The item of the list.
    pub(crate) node: &'n Node,
    /// The number of its listener among the scene's.
    pub(crate) listener: Option<usize>,
    pub(crate) site: Site,
}

impl<'n> NetworkFilter<'n> {
    pub(crate) fn name(&self) -> &'n str {
        read::text(self.node, "name").unwrap_or_default()
    }

    /// Returns the clusters that it names.
    pub(crate) fn destinations(&self) -> Destinations<'n> {
        named(self.node)
    }
}

/// Returns the clusters that a message of an unknown type names.
pub(super) fn named(node: &Node) -> Destinations<'_> {
    let mut found = Destinations::default();
    add_named(node, &mut found);
    found
}

/// Adds the clusters that a message of an unknown type names.
fn add_named<'n>(node: &'n Node, found: &mut Destinations<'n>) {
    for entry in read::entries(node) {
        if read::is_named(&entry.key, "cluster") {
            found.clusters.extend(read::as_text(&entry.node));
        } else if read::is_named(&entry.key, "clusters") {
            let names = read::items(&entry.node).iter().filter_map(|cluster| read::text(cluster, "name"));
            found.clusters.extend(names);
        }
        add_named(&entry.node, found);
    }
    read::items(node).iter().for_each(|item| add_named(item, found));
}

/// Tells whether a filter sets state by which Envoy chooses a cluster or an address, at the beginning of a connection or at whatever
/// other time there is a list for.
pub(super) fn sets_own_state(config: &Node) -> bool {
    let values = read::entries(config).iter().flat_map(|list| read::items(&list.node));
    values.filter_map(|value| read::text(value, "object_key")).any(|key| key.starts_with(OWN_KEYS))
}

/// Tells whether a network filter may lead somewhere in a way that is not known here.
pub(crate) fn is_unknown(filter: &Node) -> bool {
    let Some((kind, config)) = read::value(filter, "typed_config").and_then(read::message) else { return true };
    match kind {
        MANAGER | TCP_PROXY => false,
        SET_STATE => sets_own_state(config),
        _ => !HARMLESS.contains(&kind),
    }
}
