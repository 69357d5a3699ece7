//! Listeners with their filter chains.

use serde_json::{Value, json};

use super::{Choices, Site, checks, filter, message, others, routes, socket};

const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const TCP_PROXY: &str = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

pub(super) fn listener(choices: &mut Choices, site: &Site, index: usize) -> Value {
    let is_inner = site.is_wide && index == 1 && choices.one_in(3);
    let name = if is_inner { site.name("inner") } else { format!("{}-{index}", site.name("listener")) };
    let mut chains = vec![chain(choices, site, index, &name)];
    if site.is_wide && choices.one_in(4) {
        let mut other = chain(choices, site, index, &format!("{name}-lan"));
        other["filter_chain_match"] =
            json!({ "source_prefix_ranges": [{ "address_prefix": "10.0.0.0", "prefix_len": 8 }] });
        chains.insert(0, other);
    }
    let mut listener = json!({ "name": name, "filter_chains": chains });
    if is_inner {
        listener["internal_listener"] = json!({});
    } else {
        let port = site.first.port() + u16::try_from(index).expect("few listeners");
        listener["address"] = socket(&site.first.ip().to_string(), port);
    }
    if choices.one_in(4) {
        listener["traffic_direction"] = choices.pick(&["OUTBOUND", "INBOUND"]).into();
    }
    listener
}

fn chain(choices: &mut Choices, site: &Site, index: usize, name: &str) -> Value {
    // The first listener is for HTTP, so that most configurations have something to check.
    let network = if index > 0 && choices.one_in(8) {
        let cluster = site.name(choices.pick(&["api", "other"]));
        json!({ "name": "tcp", "typed_config": message(TCP_PROXY, json!({ "stat_prefix": name, "cluster": cluster })) })
    } else {
        json!({ "name": "http", "typed_config": message(MANAGER, manager(choices, site, name)) })
    };
    json!({ "filters": [network] })
}

fn manager(choices: &mut Choices, site: &Site, name: &str) -> Value {
    let router = filter("router", "router.v3.Router", json!({}));
    let filters = [others::before(choices, site), checks::checks(choices, site), others::behind(choices, site)];
    let filters: Vec<Value> = filters.into_iter().flatten().chain([router.clone()]).collect();
    let mut manager = json!({
        "stat_prefix": name, "normalize_path": true, "merge_slashes": true, "http_filters": filters,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "common_http_protocol_options": { "headers_with_underscores_action": "REJECT_REQUEST", "max_headers_count": 128 },
    });
    let source = json!({ "ads": {}, "resource_api_version": "V3" });
    match choices.below(if site.is_wide { 8 } else { 1 }) {
        6 => manager["rds"] = json!({ "route_config_name": name, "config_source": source }),
        7 => {
            let scopes = json!({ "name": name, "rds_config_source": source, "scoped_rds": { "scoped_rds_config_source": source } });
            manager["scoped_routes"] = scopes;
        }
        _ => manager["route_config"] = routes::table(choices, site, name),
    }
    if choices.one_in(10) {
        let mut upgrade = json!({ "upgrade_type": "websocket" });
        if choices.one_in(2) {
            upgrade["filters"] = json!([router]);
        }
        manager["upgrade_configs"] = json!([upgrade]);
    }
    manager
}
