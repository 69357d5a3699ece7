//! Request bodies in Checks: Portcullis reads none.

use crate::{
    config::lint::Lint,
    document::tree::Node,
    tools::envoy_lint::{findings::Findings, read},
};

/// Lints the field of a filter, of a route, or of a resource that has bodies sent.
pub(crate) fn lint(findings: &mut Findings, settings: &Node, name: &str) {
    let Some(entry) = read::field(settings, name) else { return };
    let message = format!("`{name}` makes Envoy hold and send bodies that Portcullis does not read");
    let help = "remove it: requests wait for their body, large ones get 413, and there is no gain";
    findings.warn(Lint::EnvoyRequestBody, &entry.place, message, help);
}
