//! Configurations of version 2 of Envoy's API, which Envoy 1.18 and later do not read.

use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Node, Place},
    },
    tools::envoy_lint::{read, yaml::IGNORED},
};

const HELP: &str = "rewrite it with the types of v3, as envoy/envoy.yaml has them, or lint what a v3 control plane gives: \
                    `curl localhost:9901/config_dump`";
/// Lists whose items are filters.
const FILTERS: [&str; 2] = ["filters", "http_filters"];
/// The fields of a dump that hold what Envoy refused.
const REFUSED: [&str; 2] = ["error_state", "failed_configuration"];

/// Finds the first part of a tree that only an Envoy of v2 reads.
pub(super) fn find_v2(root: &Node) -> Option<Problem> {
    let (place, what) = find(root)?;
    let message =
        format!("this configuration is written for v2 of Envoy's API, which Envoy 1.18 and later do not read: {what}");
    Some(Problem::error(place, message).help(HELP))
}

fn find(node: &Node) -> Option<(&Place, String)> {
    if let Some(entry) = read::field(node, "@type")
        && let Some(url) = read::as_text(&entry.node)
        && is_v2(url)
    {
        return Some((&entry.node.place, quoted(url.rsplit('/').next().unwrap_or(url))));
    }
    for entry in read::entries(node) {
        if entry.key == IGNORED || REFUSED.iter().any(|name| read::is_named(&entry.key, name)) {
            continue;
        }
        if FILTERS.iter().any(|name| read::is_named(&entry.key, name))
            && let Some(place) = read::items(&entry.node).iter().find_map(config_of_v2)
        {
            return Some((place, "a filter has `config` in place of `typed_config`".to_owned()));
        }
        if let Some(found) = find(&entry.node) {
            return Some(found);
        }
    }
    read::items(node).iter().find_map(find)
}

/// Finds the `config` of a filter, which v3 does not have.
fn config_of_v2(filter: &Node) -> Option<&Place> {
    let config = read::field(filter, "config")?;
    let is_filter = read::field(filter, "name").is_some() && read::field(filter, "typed_config").is_none();
    is_filter.then_some(&config.place)
}

/// Says whether the URL of a type is one of a package of v2: `envoy.api.v2`, `envoy.config.….v2`, `….v2alpha1`.
fn is_v2(url: &str) -> bool {
    let name = url.rsplit('/').next().unwrap_or(url);
    name.starts_with("envoy.")
        && name.split('.').any(|part| {
            part.strip_prefix("v2")
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("alpha") || rest.starts_with("beta"))
        })
}
