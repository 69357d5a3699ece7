//! Takes the filters that ask out of a chain: requests that come this way then certainly pass.

use std::net::SocketAddr;

use serde_json::Value;

use super::Site;

/// A site for configurations that no Envoy runs.
pub fn unused_site() -> Site {
    let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    Site {
        suffix: String::new(),
        first: address(10_000),
        api: address(8080),
        authorizer: address(9191),
        admin: address(9901),
        is_wide: true,
    }
}

/// Each configuration that a chain's filters can be taken out of, without them. Chains of which it is not certain that requests
/// then reach an API are left out.
pub fn without_checks(tree: &Value, site: &Site) -> Vec<Value> {
    let mut all = Vec::new();
    let listeners = tree["static_resources"]["listeners"].as_array().map_or(0, Vec::len);
    for listener in 0..listeners {
        let path = |chain: usize| {
            format!("/static_resources/listeners/{listener}/filter_chains/{chain}/filters/0/typed_config")
        };
        let node = &tree["static_resources"]["listeners"][listener];
        // Where an internal listener is reached from decides for it.
        if node.get("internal_listener").is_some() {
            continue;
        }
        for chain in 0..node["filter_chains"].as_array().map_or(0, Vec::len) {
            let manager = tree.pointer(&path(chain)).filter(|manager| asks(&manager["http_filters"]));
            if manager.is_some_and(|manager| reaches_api(manager, site)) {
                let mut without = tree.clone();
                let manager = without.pointer_mut(&path(chain)).expect("it was there");
                manager["http_filters"].as_array_mut().expect("a list").retain(|filter| !asks(filter));
                all.push(without);
            }
        }
    }
    all
}

fn asks(node: &Value) -> bool {
    node.to_string().contains("filters.http.ext_authz.v3.ExtAuthz\"")
}

/// Tells whether some route leads to the API: by an inline route table, or by whatever comes by discovery.
fn reaches_api(manager: &Value, site: &Site) -> bool {
    let hosts = manager["route_config"]["virtual_hosts"].as_array();
    let api = Value::from(site.name("api"));
    let is_api = |route: &Value| {
        let action = &route["route"];
        let weighted = action["weighted_clusters"]["clusters"].as_array();
        action["cluster"] == api || weighted.is_some_and(|all| all.iter().any(|cluster| cluster["name"] == api))
    };
    let is_discovered = || ["rds", "scoped_routes"].iter().any(|name| manager.get(name).is_some());
    hosts.map_or_else(is_discovered, |hosts| {
        hosts.iter().filter_map(|host| host["routes"].as_array()).flatten().any(is_api)
    })
}
