//! Clusters that judged requests reach: mirrors of their own, and addresses that come from the client.

use super::{formatter::is_judged, routes};
use crate::{
    config::{lint::Lint, site::Site},
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{around::Around, findings::Findings, read, scene},
};

/// The header with the address of an original destination where none is named.
const ADDRESS_HEADER: &str = "x-envoy-original-dst-host";
/// The namespace of the metadata that Portcullis writes.
const OUR_METADATA: &str = "envoy.filters.http.ext_authz";

/// Lints a cluster to which a manager at that site leads.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, cluster: &Node, site: &Site) {
    for options in scene::http_options(cluster) {
        if let Some(mirrors) = read::value(options, "request_mirror_policies") {
            routes::lint(findings, around, mirrors, (site, None));
        }
    }
    if let Some(config) = read::value(cluster, "original_dst_lb_config") {
        lint_original_destination(findings, around, config);
    }
}

/// Lints the `original_dst_lb_config` of a cluster, which takes the address of each request from a header or from metadata.
fn lint_original_destination(findings: &mut Findings, around: &Around<'_>, config: &Node) {
    let header = read::text(config, "http_header_name").filter(|name| !name.is_empty()).unwrap_or(ADDRESS_HEADER);
    if let Some(entry) =
        read::switched_on(config, "use_http_header").filter(|_| !is_judged(header, Some(around.identity)))
    {
        let message = format!(
            "`{}` takes the address from {}, which the client chooses: Portcullis has not judged where the request goes",
            entry.key,
            quoted(header)
        );
        findings.warn(Lint::EnvoyRouteCache, &entry.place, message, HELP);
    }
    if let Some(entry) = read::field(config, "metadata_key") {
        let namespace = read::text(&entry.node, "key").unwrap_or_default();
        if namespace != OUR_METADATA {
            let message = format!(
                "`{}` takes the address from the metadata {}, which may be what the client sends: Portcullis has not judged where \
                 the request goes",
                entry.key,
                quoted(namespace)
            );
            findings.warn(Lint::EnvoyRouteCache, &entry.place, message, HELP);
        }
    }
}

const HELP: &str = "remove it, and give each address a route to a cluster of its own; if a filter before ext_authz sets the value for \
                    every request, leave this out with `--allow envoy-route-cache`";
