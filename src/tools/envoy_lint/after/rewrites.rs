//! Routes that take the virtual host, path, host or cluster of a request from what its client sends. Other rewrites are how Envoy maps a
//! judged path to its API.

use super::formatter::{is_chosen_by_client, is_judged};
use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Entry},
    tools::envoy_lint::{around::Around, findings::Findings, read},
};

/// Fields with the name of a header by which Envoy chooses before it asks Portcullis, and what it chooses.
const HEADERS_BEFORE: [(&str, &str); 2] = [("cluster_header", "cluster"), ("vhost_header", "virtual host")];
/// Fields with the name of a header, and the part of the request that it gives.
const HEADERS: [(&str, &str); 1] = [("host_rewrite_header", "host")];
/// Fields with a text that may have commands.
const TEXTS: [(&str, &str); 2] = [("path_rewrite", "path"), ("host_rewrite", "host")];

/// Fields with extensions that choose a cluster.
const SPECIFIERS: [&str; 2] = ["inline_cluster_specifier_plugin", "cluster_specifier_plugins"];
/// Extensions that choose one of the clusters that they list, as routes do.
const LISTING: [&str; 2] = [
    "envoy.extensions.router.cluster_specifiers.matcher.v3.MatcherClusterSpecifier",
    "envoy.extensions.router.cluster_specifiers.priority_group.v3.PriorityGroupClusterSpecifier",
];

/// Lints a field of a route, or of settings that it has for a filter.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, entry: &Entry) {
    if SPECIFIERS.iter().any(|name| read::is_named(&entry.key, name)) {
        return lint_specifiers(findings, entry);
    }
    let part = |fields: &[(&str, &'static str)]| {
        fields.iter().find(|(name, _)| read::is_named(&entry.key, name)).map(|(_, part)| *part)
    };
    let Some(text) = read::as_text(&entry.node).filter(|text| !text.is_empty()) else { return };
    let identity = Some(around.identity);
    let by_header = part(&HEADERS_BEFORE).filter(|_| !is_judged(text, None));
    let by_header = by_header.or_else(|| part(&HEADERS).filter(|_| !is_judged(text, identity)));
    let by_text = part(&TEXTS).filter(|_| is_chosen_by_client(text, identity));
    let Some(part) = by_header.or(by_text) else { return };
    let message = format!(
        "`{}` takes the {part} from {}, which the client chooses: Portcullis has not judged where the request goes",
        entry.key,
        quoted(text)
    );
    let help = "write a fixed one, and for several of them one route each; if a filter before ext_authz sets the value for every \
                request, leave this out with `--allow envoy-route-cache`";
    findings.warn(Lint::EnvoyRouteCache, &entry.node.place, message, help);
}

/// Lints the extensions that choose a cluster for a route, of a route itself or of its table.
fn lint_specifiers(findings: &mut Findings, entry: &Entry) {
    let of_route = read::items(&entry.node).is_empty().then_some(&entry.node);
    for plugin in read::items(&entry.node).iter().chain(of_route) {
        let config = read::at(plugin, &["extension", "typed_config"]);
        let Some((config, (kind, _))) = config.and_then(|config| Some((config, read::message(config)?))) else {
            continue;
        };
        if LISTING.contains(&kind) {
            continue;
        }
        let message = format!(
            "`{}` has {} choose the cluster, maybe by what the client sends: Portcullis has not judged where the request goes",
            entry.key,
            quoted(kind)
        );
        let help = "remove it, and give each cluster a route; if it does not go by what clients send, leave this out with `--allow \
                    envoy-route-cache`";
        findings.warn(Lint::EnvoyRouteCache, &config.place, message, help);
    }
}
