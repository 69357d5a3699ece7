//! Headers that Envoy itself sets after the decision.

use super::{Around, findings::Findings, quoted, read};
use crate::{
    config::{lint::Lint, tree::Node},
    identity::fold,
};

/// A `HeaderValueOption` that is applied behind ext_authz.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, option: &Node) {
    let Some(entry) = read::value(option, "header").and_then(|header| read::field(header, "key")) else { return };
    let Some(name) = read::as_text(&entry.node) else { return };
    let folded = fold(name);
    if !around.identity.guarded().any(|guarded| fold(guarded) == folded) {
        return;
    }
    let message = format!("Envoy sets {} after the decision: the API takes it for what Portcullis says", quoted(name));
    let help = "remove it, or choose another name: this one carries the identity that Portcullis has verified";
    findings.warn(Lint::EnvoyForgedIdentity, &entry.node.place, message, help);
}
