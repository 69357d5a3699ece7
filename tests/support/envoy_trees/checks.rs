//! The filters that ask, and what is wrapped around them.

use serde_json::{Value, json};

use super::{Choices, Site, filter, message};

/// The names that the filters of a chain have: routes switch them off and on by name.
pub(super) const NAMES: [&str; 2] = ["authz-a", "authz-b"];

/// The filters of a chain that ask, if any does.
pub(super) fn checks(choices: &mut Choices, site: &Site) -> Vec<Value> {
    match choices.below(14) {
        0..9 => vec![check(choices, site, NAMES[0])],
        9..11 => NAMES.iter().map(|name| check(choices, site, name)).collect(),
        // A filter for each policy, off unless a route switches it on.
        11..13 => NAMES.iter().map(|name| switched_off(plain(site, name, json!({})))).collect(),
        _ => Vec::new(),
    }
}

fn check(choices: &mut Choices, site: &Site, name: &str) -> Value {
    let numerator = |share: u32| json!({ "numerator": share, "denominator": "HUNDRED" });
    let share =
        |share: u32| json!({ "default_value": numerator(share), "runtime_key": site.name("share") + ".percent" });
    match choices.below(if site.is_wide { 21 } else { 18 }) {
        0..9 => plain(site, name, json!({})),
        9 => switched_off(plain(site, name, json!({}))),
        10 => skipping(&plain(site, name, json!({}))),
        11 => composite(&plain(site, name, json!({}))),
        12 => plain(site, name, json!({ "filter_enabled": share(100) })),
        13 => plain(site, name, json!({ "filter_enabled": share(0) })),
        14 => {
            let deny = json!({ "default_value": choices.one_in(2), "runtime_key": site.name("deny") + ".on" });
            plain(site, name, json!({ "filter_enabled": share(0), "deny_at_disable": deny }))
        }
        15 => plain(site, name, json!({ "failure_mode_allow": true })),
        16 => {
            let metadata = json!({ "filter": "a", "path": [{ "key": "b" }], "value": { "present_match": true } });
            plain(site, name, json!({ "filter_enabled_metadata": metadata }))
        }
        17 => as_struct(plain(site, name, json!({}))),
        18 => plain(site, name, json!({ "grpc_service": service(site, "opa") })),
        19 => {
            let google = json!({ "google_grpc": { "target_uri": "authz.example.net:9191", "stat_prefix": "p" } });
            plain(site, name, json!({ "grpc_service": google }))
        }
        _ => {
            let url = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
            json!({ "name": name, "config_discovery": { "config_source": { "ads": {} }, "type_urls": [url] } })
        }
    }
}

/// The service that a filter asks, by the name of its cluster.
pub(super) fn service(site: &Site, base: &str) -> Value {
    json!({ "envoy_grpc": { "cluster_name": site.name(base), "authority": "portcullis" }, "timeout": "1s" })
}

/// A filter with everything as it should be, and these fields.
fn plain(site: &Site, name: &str, fields: Value) -> Value {
    let mut plain = filter(
        name,
        "ext_authz.v3.ExtAuthz",
        json!({
            "transport_api_version": "V3", "grpc_service": service(site, "portcullis"), "encode_raw_headers": true,
            "status_on_error": { "code": "ServiceUnavailable" },
        }),
    );
    if let (Some(config), Value::Object(fields)) = (plain["typed_config"].as_object_mut(), fields) {
        config.extend(fields);
    }
    plain
}

fn switched_off(mut filter: Value) -> Value {
    filter["disabled"] = true.into();
    filter
}

/// Gives a filter as a struct of its type.
fn as_struct(mut filter: Value) -> Value {
    let config = filter["typed_config"].as_object_mut().expect("a message");
    let url = config.remove("@type");
    let value = Value::Object(std::mem::take(config));
    filter["typed_config"] = message("xds.type.v3.TypedStruct", json!({ "type_url": url, "value": value }));
    filter
}

/// Wraps a filter so that requests with a header pass by.
fn skipping(filter: &Value) -> Value {
    let kind = "envoy.extensions.filters.common.matcher.action.v3.SkipFilter";
    let action = json!({ "name": "skip", "typed_config": message(kind, json!({})) });
    with_matcher(&filter["name"], filter, &action)
}

/// Puts a filter into another one, which runs it for requests with a header.
fn composite(inner: &Value) -> Value {
    let kind = "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction";
    let action = json!({ "name": "run", "typed_config": message(kind, json!({ "typed_config": inner })) });
    with_matcher(&inner["name"], &filter("composite", "composite.v3.Composite", json!({})), &action)
}

fn with_matcher(name: &Value, inner: &Value, action: &Value) -> Value {
    let input = message("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", json!({ "header_name": "x-plan" }));
    let predicate = json!({ "single_predicate": {
        "input": { "name": "header", "typed_config": input }, "value_match": { "exact": "free" }
    } });
    let matchers = json!([{ "predicate": predicate, "on_match": { "action": action } }]);
    let fields = json!({ "extension_config": inner, "xds_matcher": { "matcher_list": { "matchers": matchers } } });
    json!({ "name": name, "typed_config": message("envoy.extensions.common.matching.v3.ExtensionWithMatcher", fields) })
}
