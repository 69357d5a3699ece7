//! The names of headers that filters set, by the fields of their settings that have them.

use crate::{
    document::tree::{Entry, Node},
    tools::envoy_lint::read,
};

/// Every entry of a section, or every item of a list.
const EACH: &str = "*";
/// A field at any depth.
const ANYWHERE: &str = "**";

/// Fields that name a header which a filter sets, by the filter. Per-route settings have the same ones.
const FIELDS: &[(&str, &[&str])] = &[
    ("api_key_auth", &["forwarding", "header"]),
    ("basic_auth", &["forward_username_header"]),
    ("credential_injector", &["credential", "typed_config", "header"]),
    ("gcp_authn", &["token_header", "name"]),
    ("geoip", &["provider", "typed_config", "common_provider_config", "geo_field_keys", EACH]),
    ("geoip", &["provider", "typed_config", "common_provider_config", "geo_headers_to_add", EACH]),
    ("header_mutation", &["mutations", "request_mutations", EACH, "append", "header", "key"]),
    ("ip_tagging", &["ip_tag_header", "header"]),
    ("jwt_authn", &[ANYWHERE, "verification_status_header"]),
    ("jwt_authn", &["providers", EACH, "claim_to_headers", EACH, "header_name"]),
    ("jwt_authn", &["providers", EACH, "forward_payload_header"]),
    ("local_ratelimit", &["request_headers_to_add_when_not_enforced", EACH, "header", "key"]),
    ("oauth2", &["config", "forward_id_token", "header"]),
    ("rate_limit_quota", &["request_headers_to_add_when_not_enforced", EACH, "header", "key"]),
    ("transform", &["request_transformation", "headers_mutations", EACH, "append", "header", "key"]),
];

/// Tells whether a filter sets headers by their names.
pub(super) fn sets_headers(filter: &str) -> bool {
    FIELDS.iter().any(|(name, _)| *name == filter)
}

/// Returns the fields in the settings of a filter that name a header which it sets.
pub(super) fn header_names<'n>(filter: &str, config: &'n Node) -> Vec<&'n Entry> {
    let mut found = Vec::new();
    let paths = FIELDS.iter().filter(|(name, _)| *name == filter);
    paths.for_each(|(_, path)| find(config, path, &mut found));
    found
}

/// Returns the `HeaderValue`s in the settings of a filter that are applied to requests.
pub(super) fn header_values<'n>(filter: &str, config: &'n Node) -> Vec<&'n Entry> {
    let mut found = Vec::new();
    for (_, path) in FIELDS.iter().filter(|(name, _)| *name == filter) {
        if let [path @ .., "key"] = path {
            find(config, path, &mut found);
        }
    }
    found
}

fn find<'n>(node: &'n Node, path: &[&str], found: &mut Vec<&'n Entry>) {
    match path {
        [] => {}
        [EACH] => found.extend(read::entries(node)),
        [ANYWHERE, name] => {
            found.extend(read::field(node, name));
            read::entries(node).iter().for_each(|entry| find(&entry.node, path, found));
            read::items(node).iter().for_each(|item| find(item, path, found));
        }
        [EACH, rest @ ..] => {
            read::entries(node).iter().for_each(|entry| find(&entry.node, rest, found));
            read::items(node).iter().for_each(|item| find(item, rest, found));
        }
        [name] => found.extend(read::field(node, name)),
        [name, rest @ ..] => {
            let value = read::value(node, name);
            // A message in an `Any` may be wrapped once more.
            let inner = value.and_then(read::message).map(|(_, message)| message);
            inner.or(value).into_iter().for_each(|node| find(node, rest, found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::parse;

    fn names(filter: &str, config: &str) -> Vec<String> {
        let config = parse(config).unwrap();
        let found = header_names(filter, &config);
        found.iter().filter_map(|entry| read::as_text(&entry.node).map(ToOwned::to_owned)).collect()
    }

    #[test]
    fn names_are_found_in_sections_in_lists_and_in_wrapped_messages() {
        let jwt = "{ providers: { a: { claim_to_headers: [{ header_name: x-a }, { headerName: x-b }], forward_payload_header: x-c },
                    b: { issuer: x-d } }, rules: [{ requires: { requires_any: { requirements: [{
                    extract_only_without_validation: { verification_status_header: x-f } }] } } }] }";
        assert_eq!(names("jwt_authn", jwt), ["x-f", "x-a", "x-b", "x-c"]);
        let wrapped = "{ provider: { typed_config: { '@type': t/xds.type.v3.TypedStruct, type_url: t/a.B, value: {
                        common_provider_config: { geo_headers_to_add: { country: x-e } } } } } }";
        assert_eq!(names("geoip", wrapped), ["x-e"]);
        assert!(names("buffer", jwt).is_empty());
    }
}
