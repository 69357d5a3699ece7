//! Route tables, virtual hosts, routes and weighted clusters, and what each says of the filters that ask.

use serde_json::{Map, Value, json};

use super::{
    Choices, Site,
    checks::{NAMES, service},
    message,
};

const PER_ROUTE: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
const FILTER_CONFIG: &str = "envoy.config.route.v3.FilterConfig";

/// A route table. `name` is the stem of the names in it.
pub(super) fn table(choices: &mut Choices, site: &Site, name: &str) -> Value {
    let mut hosts = vec![host(choices, site, "any", "*")];
    if choices.one_in(3) {
        hosts.push(host(choices, site, "one", "one.test"));
    }
    let mut table = json!({ "name": name, "virtual_hosts": hosts });
    if choices.one_in(10) {
        add_settings(choices, site, &mut table);
    }
    table
}

fn host(choices: &mut Choices, site: &Site, name: &str, domain: &str) -> Value {
    let prefixes: &[&str] = choices.pick(&[&["/"], &["/a", "/"], &["/a", "/b"], &["/a", "/b", "/"]]);
    let routes: Vec<Value> = prefixes.iter().map(|prefix| route(choices, site, prefix)).collect();
    let mut host = json!({ "name": name, "domains": [domain], "routes": routes });
    if choices.one_in(7) {
        add_settings(choices, site, &mut host);
    }
    host
}

fn route(choices: &mut Choices, site: &Site, prefix: &str) -> Value {
    let mut route = json!({ "name": format!("at-{}", prefix.trim_matches('/')), "match": { "prefix": prefix } });
    match choices.below(if site.is_wide { 11 } else { 8 }) {
        0..5 => route["route"] = json!({ "cluster": site.name("api") }),
        5 => route["route"] = json!({ "weighted_clusters": { "clusters": weighted(choices, site) } }),
        6 => route["redirect"] = json!({ "https_redirect": true }),
        7 => route["direct_response"] = json!({ "status": 204 }),
        8 => route["route"] = json!({ "cluster": site.name("inner") }),
        9 => route["route"] = json!({ "cluster_header": "x-to" }),
        _ => route["route"] = json!({ "cluster": site.name("stats") }),
    }
    if choices.one_in(7) {
        add_settings(choices, site, &mut route);
    }
    route
}

fn weighted(choices: &mut Choices, site: &Site) -> Vec<Value> {
    let cluster = |choices: &mut Choices, base: &str| {
        let mut cluster = json!({ "name": site.name(base), "weight": 1 });
        if choices.one_in(4) {
            add_settings(choices, site, &mut cluster);
        }
        cluster
    };
    let first = cluster(choices, "api");
    if choices.one_in(2) { vec![first, cluster(choices, "other")] } else { vec![first] }
}

/// Adds what a part of a route table says of one of the filters that ask, or of both.
fn add_settings(choices: &mut Choices, site: &Site, part: &mut Value) {
    let names: &[&str] = choices.pick(&[&NAMES[..1], &NAMES[..1], &NAMES[..1], &NAMES[1..], &NAMES[..]]);
    let all: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), settings(choices, site))).collect();
    part["typed_per_filter_config"] = Value::Object(all);
}

fn settings(choices: &mut Choices, site: &Site) -> Value {
    let off = || message(PER_ROUTE, json!({ "disabled": true }));
    match choices.below(if site.is_wide { 9 } else { 7 }) {
        0 | 1 => off(),
        2 | 3 => message(PER_ROUTE, json!({ "check_settings": {} })),
        4 => message(FILTER_CONFIG, json!({ "disabled": true })),
        5 => message(FILTER_CONFIG, json!({ "config": {} })),
        6 => message(FILTER_CONFIG, json!({ "config": off() })),
        7 => message(PER_ROUTE, json!({ "check_settings": { "grpc_service": service(site, "opa") } })),
        _ => message(FILTER_CONFIG, json!({ "config": message(PER_ROUTE, json!({ "check_settings": {} })) })),
    }
}
