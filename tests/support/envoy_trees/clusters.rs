//! Clusters: the API, another service that is the same server, Portcullis, and one that asks elsewhere.

use serde_json::{Value, json};

use super::{Choices, Site, address, filter, message};

const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

pub(super) fn clusters(choices: &mut Choices, site: &Site) -> Vec<Value> {
    let mut api = cluster(site, "api", site.api);
    if site.is_wide && choices.one_in(6) {
        let filters = json!([
            filter("setter", "header_mutation.v3.HeaderMutation", json!({})),
            filter("codec", "upstream_codec.v3.UpstreamCodec", json!({})),
        ]);
        let options = json!({ "explicit_http_config": { "http_protocol_options": {} }, "http_filters": filters });
        api["typed_extension_protocol_options"] = json!({ OPTIONS: message(OPTIONS, options) });
    }
    let mut all = vec![api, cluster(site, "other", site.api)];
    for name in ["portcullis", "opa"] {
        let mut asked = cluster(site, name, site.authorizer);
        let http2 = message(OPTIONS, json!({ "explicit_http_config": { "http2_protocol_options": {} } }));
        asked["typed_extension_protocol_options"] = json!({ OPTIONS: http2 });
        if site.is_wide && choices.one_in(8) {
            let kind = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
            asked["transport_socket"] = json!({ "name": "tls", "typed_config": message(kind, json!({})) });
        }
        all.push(asked);
    }
    if site.is_wide {
        all.push(cluster(site, "stats", site.admin));
        let inner = json!({ "envoy_internal_address": { "server_listener_name": site.name("inner") } });
        all.push(
            json!({ "name": site.name("inner"), "type": "STATIC", "load_assignment": endpoint(site, "inner", &inner) }),
        );
    }
    all
}

fn cluster(site: &Site, base: &str, at: std::net::SocketAddr) -> Value {
    json!({
        "name": site.name(base), "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": endpoint(site, base, &address(at)),
    })
}

fn endpoint(site: &Site, base: &str, address: &Value) -> Value {
    json!({ "cluster_name": site.name(base), "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }] })
}
