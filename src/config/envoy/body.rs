//! Request bodies in Checks: Portcullis never looks at one.

use super::{findings::Findings, read};
use crate::config::{lint::Lint, tree::Node};

/// `with_request_body` of a filter or of a route.
pub(super) fn lint(findings: &mut Findings, settings: &Node) {
    let Some(entry) = read::field(settings, "with_request_body") else { return };
    let message = "`with_request_body` makes Envoy hold and send bodies that Portcullis never looks at";
    let help = "remove it: requests wait for their body, large ones get 413, and nothing is won";
    findings.warn(Lint::EnvoyRequestBody, &entry.place, message, help);
}
