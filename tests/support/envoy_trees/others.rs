//! Filters that do not ask.

use serde_json::{Value, json};

use super::{Choices, Site, filter, message};

/// A few filters before those that ask.
pub(super) fn before(choices: &mut Choices, site: &Site) -> Vec<Value> {
    let count = choices.pick(&[0, 0, 0, 1, 2]);
    (0..count).map(|_| other(choices, site)).collect()
}

/// A few filters behind those that ask. Without a wide choice they change no request.
pub(super) fn behind(choices: &mut Choices, site: &Site) -> Vec<Value> {
    if site.is_wide {
        before(choices, site)
    } else if choices.one_in(4) {
        vec![filter("fault", "fault.v3.HTTPFault", json!({}))]
    } else {
        Vec::new()
    }
}

fn other(choices: &mut Choices, site: &Site) -> Value {
    let script = json!({ "default_source_code": { "inline_string": "function envoy_on_request(handle) end" } });
    match choices.below(if site.is_wide { 11 } else { 5 }) {
        0 => filter("cors", "cors.v3.Cors", json!({})),
        1 => filter("fault", "fault.v3.HTTPFault", json!({})),
        2 => filter("script", "lua.v3.Lua", script),
        3 => {
            let url = "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors";
            json!({ "name": "cors", "typed_config": message("xds.type.v3.TypedStruct", json!({ "type_url": url })) })
        }
        4 => {
            let mut off = filter("script", "lua.v3.Lua", script);
            off["disabled"] = true.into();
            off
        }
        5 => filter("web", "grpc_web.v3.GrpcWeb", json!({})),
        6 => filter("setter", "header_mutation.v3.HeaderMutation", json!({})),
        7 => json!({ "name": "house", "typed_config": message("example.filters.v1.House", json!({ "words": [1] })) }),
        8 => {
            let url = "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors";
            json!({ "name": "cors", "config_discovery": { "config_source": { "ads": {} }, "type_urls": [url] } })
        }
        9 => json!({ "name": "envoy.filters.http.cors" }),
        _ => {
            let provider = json!({ "a": { "issuer": "a", "from_headers": [{ "name": "Authorization" }] } });
            filter("tokens", "jwt_authn.v3.JwtAuthentication", json!({ "providers": provider }))
        }
    }
}
