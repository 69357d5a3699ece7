//! Headers that decide for the API, set by Envoy after the decision: those with the identity, and those that Portcullis removes.

use super::formatter;
use crate::{
    config::lint::Lint,
    document::{
        suggest::quoted,
        tree::{Entry, Node},
    },
    tools::envoy_lint::{around::Around, findings::Findings, read},
};
use portcullis_engine::answer::identity::fold;

const TOKEN: &str = "authorization";

/// Lints the name of a header that is set behind ext_authz. Returns whether it carries an identity, or a part of what was judged.
pub(super) fn lint_name(findings: &mut Findings, around: &Around<'_>, entry: &Entry) -> bool {
    let Some(name) = read::as_text(&entry.node) else { return false };
    let folded = fold(name);
    let carries_identity = around.identity.guarded().any(|guarded| fold(guarded) == folded);
    let is_judged = name.starts_with(':') || name.eq_ignore_ascii_case("host");
    if carries_identity {
        let message =
            format!("Envoy sets {} after the decision: the API takes it for what Portcullis says", quoted(name));
        let help = "remove it, or choose another name: this one carries the identity that Portcullis has verified";
        findings.warn(Lint::EnvoyForgedIdentity, &entry.node.place, message, help);
    } else if is_judged {
        let message =
            format!("Envoy sets {} after the decision: the API gets another one than was judged", quoted(name));
        let help = "choose the name of another header, or put the filter before ext_authz, so that Portcullis judges what the API gets";
        findings.warn(Lint::EnvoyFilterOrder, &entry.node.place, message, help);
    }
    carries_identity || is_judged
}

/// Lints a `HeaderValueOption` that is applied behind ext_authz.
pub(super) fn lint_option(findings: &mut Findings, around: &Around<'_>, option: &Node) {
    let Some(header) = read::field(option, "header") else { return };
    if !read::field(&header.node, "key").is_some_and(|entry| lint_name(findings, around, entry)) {
        _ = lint_value(findings, around, &header.node);
    }
}

/// Lints a `HeaderValue` that gives the API, from what the client sends, a header that Portcullis removes or has judged. Returns
/// whether it does.
pub(super) fn lint_value(findings: &mut Findings, around: &Around<'_>, header: &Node) -> bool {
    let (Some(key), Some(value)) = (read::field(header, "key"), read::text(header, "value")) else { return false };
    let name = read::as_text(&key.node).unwrap_or_default();
    let folded = fold(name);
    let is_token = folded == TOKEN;
    let is_removed = is_token || around.identity.removed().any(|removed| fold(removed) == folded);
    // The token itself was judged, and goes on unless it is removed.
    let is_same = is_token && around.identity.forward_authorization && is_token_alone(value);
    if !is_removed || is_same || !formatter::is_chosen_by_client(value, Some(around.identity)) {
        return false;
    }
    let message = format!(
        "Envoy sets {} after the decision, to what the client sends: the API acts on a value that was not judged",
        quoted(name)
    );
    let help = if is_token {
        "remove it: the API may take such a token for one that Portcullis has verified"
    } else {
        "remove it, or choose another name: Portcullis removes this header from requests, as backends act on it"
    };
    findings.warn(Lint::EnvoyForgedIdentity, &key.node.place, message, help);
    true
}

/// Tells whether a value is the token that was judged, and nothing else.
fn is_token_alone(value: &str) -> bool {
    value.eq_ignore_ascii_case("%REQ(authorization)%")
}
