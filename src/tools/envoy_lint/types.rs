//! The names of Envoy's messages that more than one module knows.

pub(super) const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
pub(super) const TCP_PROXY: &str = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
pub(super) const EXT_AUTHZ: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
pub(super) const LISTENER: &str = "envoy.config.listener.v3.Listener";
pub(super) const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";
pub(super) const ROUTES: &str = "envoy.config.route.v3.RouteConfiguration";
pub(super) const SCOPED_ROUTES: &str = "envoy.config.route.v3.ScopedRouteConfiguration";
pub(super) const VIRTUAL_HOST: &str = "envoy.config.route.v3.VirtualHost";
pub(super) const ROUTE: &str = "envoy.config.route.v3.Route";
pub(super) const ROUTE_LIST: &str = "envoy.config.route.v3.RouteList";
/// The settings that a route has for a filter of any kind.
pub(super) const FILTER_CONFIG: &str = "envoy.config.route.v3.FilterConfig";
/// The options of a cluster for HTTP.
pub(super) const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
pub(super) const EXTENSION: &str = "envoy.config.core.v3.TypedExtensionConfig";
pub(super) const RUNTIME: &str = "envoy.service.runtime.v3.Runtime";
pub(super) const BOOTSTRAP_DUMP: &str = "envoy.admin.v3.BootstrapConfigDump";
pub(super) const CLUSTERS_DUMP: &str = "envoy.admin.v3.ClustersConfigDump";
pub(super) const LISTENERS_DUMP: &str = "envoy.admin.v3.ListenersConfigDump";
pub(super) const SECRET: &str = "envoy.extensions.transport_sockets.tls.v3.Secret";
