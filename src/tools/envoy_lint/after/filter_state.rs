//! `set_filter_state` before ext_authz: values of Envoy's own state, some of which choose the upstream.

use super::formatter::is_chosen_by_client;
use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{findings::Findings, read},
};

/// The beginning of the keys of Envoy's own state. Some of them choose the address, host or cluster of a request, and new releases
/// bring new ones.
const OWN_KEYS: &str = "envoy.";
/// Keys of Envoy's own state that choose no upstream.
const HARMLESS: [&str; 2] = ["envoy.ratelimit.hits_addend", "envoy.tcp_proxy.per_connection_idle_timeout_ms"];

/// Lints the settings of a filter, or those that a route has for it.
pub(super) fn lint(findings: &mut Findings, config: &Node) {
    let lists = read::entries(config).iter();
    for value in lists.flat_map(|list| read::items(&list.node)) {
        let Some(key) = read::field(value, "object_key") else { continue };
        let name = read::as_text(&key.node).unwrap_or_default();
        let is_chosen = read::value(value, "format_string").is_some_and(is_chosen);
        if !name.starts_with(OWN_KEYS) || HARMLESS.contains(&name) || !is_chosen {
            continue;
        }
        let message = format!(
            "set_filter_state takes {} from what the client sends: Envoy may choose another upstream by it, and Portcullis has not \
             judged where the request goes",
            quoted(name)
        );
        let help = "remove it, or take it from the host or the path, which are judged; if a filter before this one sets the value for \
                    every request, leave this out with `--allow envoy-route-cache`";
        findings.warn(Lint::EnvoyRouteCache, &key.node.place, message, help);
    }
}

/// Tells whether some text of a format has a part that the client chooses, or is in a file of its own. The filter runs before
/// Portcullis is asked.
fn is_chosen(format: &Node) -> bool {
    read::as_text(format).is_some_and(|text| is_chosen_by_client(text, None))
        || read::field(format, "filename").is_some()
        || read::entries(format).iter().any(|entry| is_chosen(&entry.node))
        || read::items(format).iter().any(is_chosen)
}
