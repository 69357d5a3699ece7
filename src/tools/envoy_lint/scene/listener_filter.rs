//! Listener filters: they run before the network filters of a connection, or take the packets of a UDP listener.

use super::network::{self, FilterKind};
use crate::{document::tree::Node, tools::envoy_lint::read};

/// Types of filters that send nothing to a cluster and choose none.
const HARMLESS: [&str; 7] = [
    "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
    "envoy.extensions.filters.listener.local_ratelimit.v3.LocalRateLimit",
    "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
    "envoy.extensions.filters.listener.original_src.v3.OriginalSrc",
    "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
    "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    "envoy.extensions.filters.udp.dns_filter.v3.DnsFilterConfig",
];
/// The names of such filters, by which older Envoys know them without a type.
const HARMLESS_NAMES: [&str; 5] = [
    "envoy.filters.listener.http_inspector",
    "envoy.filters.listener.original_dst",
    "envoy.filters.listener.original_src",
    "envoy.filters.listener.proxy_protocol",
    "envoy.filters.listener.tls_inspector",
];
const SET_STATE: &str = "envoy.extensions.filters.listener.set_filter_state.v3.Config";
const UDP_PROXY: &str = "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig";

/// Returns the kind of a filter that leads somewhere, or may do so in a way that is not known here.
pub(super) fn kind(filter: &Node) -> Option<FilterKind> {
    let Some((kind, config)) = read::value(filter, "typed_config").and_then(read::message) else {
        let is_harmless = read::text(filter, "name").is_some_and(|name| HARMLESS_NAMES.contains(&name));
        return (!is_harmless).then_some(FilterKind::Listener);
    };
    match kind {
        UDP_PROXY => Some(if leads_by_name(config) { FilterKind::UdpProxy } else { FilterKind::Listener }),
        SET_STATE => network::sets_own_state(config).then_some(FilterKind::Listener),
        _ => (!HARMLESS.contains(&kind)).then_some(FilterKind::Listener),
    }
}

/// Tells whether a UDP proxy leads to the clusters that it names, and nowhere else.
fn leads_by_name(proxy: &Node) -> bool {
    read::list(proxy, "session_filters").is_empty() && !network::named(proxy).clusters.is_empty()
}
