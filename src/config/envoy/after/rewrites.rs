//! Routes that take the virtual host, path, host or cluster of a request from what its client sends. Other rewrites are how Envoy maps a
//! judged path to its API.

use super::{
    super::quoted,
    Around, Findings,
    formatter::{is_chosen_by_client, is_judged},
    read,
};
use crate::config::{lint::Lint, tree::Entry};

/// Fields with the name of a header by which Envoy chooses before it asks Portcullis, and what it chooses.
const HEADERS_BEFORE: [(&str, &str); 2] = [("cluster_header", "cluster"), ("vhost_header", "virtual host")];
/// Fields with the name of a header, and the part of the request that it gives.
const HEADERS: [(&str, &str); 1] = [("host_rewrite_header", "host")];
/// Fields with a text that may have commands.
const TEXTS: [(&str, &str); 2] = [("path_rewrite", "path"), ("host_rewrite", "host")];

/// Lints a field of a route, or of settings that it has for a filter.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, entry: &Entry) {
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
