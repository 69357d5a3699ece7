//! `jwt_authn`: which of its providers verify tokens, and what they then do to the request.

use std::collections::BTreeSet;

use super::settings::Settings;
use crate::{
    document::tree::{Entry, Node},
    tools::envoy_lint::read,
};

/// Requirements under which every provider may verify the token.
const OF_ANY_PROVIDER: [&str; 3] = ["allow_missing", "allow_missing_or_failed", "extract_only_without_validation"];

/// Returns the providers that verify tokens of some request: those that a rule requires, or may require for some route.
pub(crate) fn providers_in_use(config: &Node, has_route_settings: bool) -> Vec<&Entry> {
    let mut required = Required::default();
    let map = read::value(config, "requirement_map").map_or(&[][..], read::entries);
    for rule in read::list(config, "rules") {
        read::value(rule, "requires").into_iter().for_each(|node| required.add(node));
        let name = read::text(rule, "requirement_name");
        let named = map.iter().filter(|entry| Some(entry.key.as_str()) == name);
        named.for_each(|entry| required.add(&entry.node));
    }
    read::at(config, &["filter_state_rules", "requires"]).into_iter().for_each(|node| required.add(node));
    if has_route_settings {
        map.iter().for_each(|entry| required.add(&entry.node));
    }
    let providers = read::value(config, "providers").map_or(&[][..], read::entries).iter();
    providers.filter(|provider| required.of_all || required.names.contains(provider.key.as_str())).collect()
}

/// Tells whether a provider takes the token that Portcullis reads out of requests.
pub(crate) fn takes_bearer_token(provider: &Node) -> bool {
    let headers = read::list(provider, "from_headers");
    let is_authorization =
        |header: &Node| read::text(header, "name").is_some_and(|name| name.eq_ignore_ascii_case("authorization"));
    !forwards(provider) && (is_everywhere(provider) || headers.iter().any(is_authorization))
}

/// Tells whether the filter changes requests. Headers with a name that carries an identity have a lint of their own.
pub(crate) fn changes(settings: &Settings<'_>) -> bool {
    let is_set = |node: &Node, names: &[&str]| names.iter().any(|name| read::field(node, name).is_some());
    providers_in_use(settings.config, settings.has_route_settings).iter().any(|provider| {
        let provider = &provider.node;
        let takes = is_everywhere(provider) || is_set(provider, &["from_headers", "from_params"]);
        (!forwards(provider) && takes)
            || is_set(provider, &["claim_to_headers", "forward_payload_header"])
            || read::switched_on(provider, "clear_route_cache").is_some()
    })
}

/// Tells whether the token stays in the request.
fn forwards(provider: &Node) -> bool {
    read::switched_on(provider, "forward").is_some()
}

/// Tells whether a provider names no place for tokens, and so looks into `authorization` and the query.
fn is_everywhere(provider: &Node) -> bool {
    ["from_headers", "from_params", "from_cookies"].iter().all(|name| read::list(provider, name).is_empty())
}

/// The providers of requirements.
#[derive(Default)]
struct Required<'n> {
    names: BTreeSet<&'n str>,
    /// Tells whether each provider is one.
    of_all: bool,
}

impl<'n> Required<'n> {
    fn add(&mut self, node: &'n Node) {
        self.names.extend(read::text(node, "provider_name"));
        self.of_all |= OF_ANY_PROVIDER.iter().any(|name| read::field(node, name).is_some());
        read::entries(node).iter().for_each(|entry| self.add(&entry.node));
        read::items(node).iter().for_each(|item| self.add(item));
    }
}
