//! An Envoy with a listener for each way of authorization, all with the same direct response behind it. What matters of
//! `envoy/envoy.yaml` is here as there.

use std::{fs, net::SocketAddr};

use serde_json::{Value, json};

use crate::{
    bench::Bench,
    process::{self, Server},
    tokens::{AUDIENCE, ISSUER, SCOPE},
    yardstick::Failure,
};

/// A way of authorization: what it is called, and the filters in front of the response.
#[derive(Debug)]
pub struct Way {
    /// What it is called in the table.
    pub name: &'static str,
    /// Where its listener is.
    pub address: SocketAddr,
    filters: Vec<Value>,
}

impl Way {
    fn new(name: &'static str, filters: Vec<Value>) -> Result<Self, Failure> {
        Ok(Self { name, address: process::free_address()?, filters })
    }

    /// All of them, with the Check servers at these addresses.
    ///
    /// # Errors
    /// Where there is no address left.
    pub fn all(bench: &Bench) -> Result<Vec<Self>, Failure> {
        let jwks = &bench.tokens.jwks;
        Ok(vec![
            Self::new("no authorization", vec![])?,
            Self::new("jwt_authn + rbac", vec![jwt_authn(jwks, None), rbac()])?,
            Self::new("jwt_authn + rbac, cache", vec![jwt_authn(jwks, Some(1_000)), rbac()])?,
            Self::new("ext_authz: noop", vec![ext_authz("noop")])?,
            Self::new("ext_authz: portcullis", vec![ext_authz("portcullis")])?,
            Self::new("ext_authz: its answer, fixed", vec![ext_authz("wire")])?,
        ])
    }
}

/// Starts it with one worker.
///
/// # Errors
/// Where it does not start.
pub fn start(bench: &Bench, cores: &str, ways: &[Way], checks: &[&Server]) -> Result<Server, Failure> {
    let listeners: Vec<Value> = ways.iter().map(listener).collect();
    let clusters: Vec<Value> = checks.iter().map(|server| cluster(&server.name, server.address)).collect();
    let file = bench.file("envoy.json");
    fs::write(&file, json!({ "static_resources": { "listeners": listeners, "clusters": clusters } }).to_string())?;
    let program = bench.options.envoy.to_string_lossy().into_owned();
    let arguments = ["--concurrency", "1", "--disable-hot-restart", "-l", "warning"].map(str::to_owned);
    let mut command = vec![program, "-c".to_owned(), file.to_string_lossy().into_owned()];
    command.extend(arguments);
    let address = ways.last().ok_or("no way")?.address;
    Server::start("envoy", address, cores, &command, &bench.log("envoy"))
}

fn listener(way: &Way) -> Value {
    let mut filters = way.filters.clone();
    filters.push(typed("envoy.filters.http.router", "filters.http.router.v3.Router", json!({})));
    let manager = json!({
        "stat_prefix": "ingress",
        "use_remote_address": true,
        "normalize_path": true,
        "merge_slashes": true,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "http_filters": filters,
        "route_config": { "virtual_hosts": [{
            "name": "api",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 200, "body": { "inline_string": "ok\n" } } }],
        }] },
    });
    let manager = typed(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        manager,
    );
    json!({ "name": way.name, "address": address(way.address), "filter_chains": [{ "filters": [manager] }] })
}

fn jwt_authn(jwks: &str, cache: Option<u32>) -> Value {
    let mut provider = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": { "inline_string": jwks },
        "payload_in_metadata": "claims",
        "normalize_payload_in_metadata": { "space_delimited_claims": ["scope"] },
    });
    if let (Some(size), Some(members)) = (cache, provider.as_object_mut()) {
        members.insert("jwt_cache_config".to_owned(), json!({ "jwt_cache_size": size }));
    }
    let rules = json!([{ "match": { "prefix": "/" }, "requires": { "provider_name": "issuer" } }]);
    let config = json!({ "providers": { "issuer": provider }, "rules": rules });
    typed("envoy.filters.http.jwt_authn", "filters.http.jwt_authn.v3.JwtAuthentication", config)
}

/// The scope that Portcullis' routes ask for.
fn rbac() -> Value {
    let scope = json!({
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{ "key": "claims" }, { "key": "scope" }],
        "value": { "list_match": { "one_of": { "string_match": { "exact": SCOPE } } } },
    });
    let policy = json!({
        "permissions": [{ "any": true }],
        "principals": [{ "sourced_metadata": { "metadata_matcher": scope, "metadata_source": "DYNAMIC" } }],
    });
    let config = json!({ "rules": { "action": "ALLOW", "policies": { "scope": policy } } });
    typed("envoy.filters.http.rbac", "filters.http.rbac.v3.RBAC", config)
}

fn ext_authz(cluster: &str) -> Value {
    let config = json!({
        "transport_api_version": "V3",
        "grpc_service": { "envoy_grpc": { "cluster_name": cluster }, "timeout": "1s" },
        "failure_mode_allow": false,
        "status_on_error": { "code": "ServiceUnavailable" },
        "encode_raw_headers": true,
    });
    typed("envoy.filters.http.ext_authz", "filters.http.ext_authz.v3.ExtAuthz", config)
}

fn cluster(name: &str, at: SocketAddr) -> Value {
    let options = json!({
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { "http2_protocol_options": { "connection_keepalive": { "interval": "30s", "timeout": "5s" } } },
    });
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(at) } }] }],
        },
    })
}

fn address(at: SocketAddr) -> Value {
    json!({ "socket_address": { "address": at.ip().to_string(), "port_value": at.port() } })
}

fn typed(name: &str, kind: &str, config: Value) -> Value {
    let mut config = config;
    if let Some(members) = config.as_object_mut() {
        members.insert("@type".to_owned(), json!(format!("type.googleapis.com/envoy.extensions.{kind}")));
    }
    json!({ "name": name, "typed_config": config })
}
