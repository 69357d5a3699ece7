//! The settings for requests that Portcullis does not answer, or refuses.

use crate::{
    config::lint::Lint,
    document::tree::{Node, Place},
    tools::envoy_lint::{findings::Findings, read},
};

/// Lints what happens to a request that Portcullis does not answer, or refuses.
pub(crate) fn lint(findings: &mut Findings, config: &Node, place: &Place) {
    if let Some(shadow) = read::switched_on(config, "shadow_mode") {
        let message = "`shadow_mode` is on: requests that Portcullis denies reach the API all the same";
        findings.error(Lint::EnvoyShadowMode, &shadow.place, message, "remove it");
    }
    let open = read::switched_on(config, "failure_mode_allow");
    if let Some(open) = open {
        let message = "`failure_mode_allow` is on: whenever Portcullis is down or slow, every request reaches the API \
                       unchecked";
        let help = "set `failure_mode_allow: false`, and run two instances of Portcullis, so that one may fail";
        findings.error(Lint::EnvoyFailOpen, &open.place, message, help);
    } else if let Some(header) = read::switched_on(config, "failure_mode_allow_header_add") {
        let message = "`failure_mode_allow_header_add` does nothing while `failure_mode_allow` is off";
        let help = "remove it, so that nobody takes it for a promise that requests pass when Portcullis is down";
        findings.warn_closed(Lint::EnvoyFailOpen, &header.place, message, help);
    }
    let status = read::field(config, "status_on_error");
    let code = status.and_then(|status| read::value(&status.node, "code"));
    if !code.is_some_and(is_server_error) {
        let at = code.map(|code| &code.place).or_else(|| status.map(|status| &status.place)).unwrap_or(place);
        let help = "set `status_on_error: { code: ServiceUnavailable }`: clients try again after a 503";
        report_status(findings, at, code.is_some(), help);
    }
}

/// Reports a status for clients that blames them where there is no answer, or that none is set.
pub(crate) fn report_status(findings: &mut Findings, place: &Place, is_set: bool, help: &str) {
    let message = if is_set {
        "when Portcullis can't be asked, clients get a status that blames them"
    } else {
        "when Portcullis can't be asked, clients get 403, as if their token were not good enough"
    };
    findings.warn(Lint::EnvoyStatusOnError, place, message, help);
}

/// `ServiceUnavailable` or `503`: the codes of `envoy.type.v3.StatusCode` from 500.
fn is_server_error(code: &Node) -> bool {
    const NAMES: [&str; 11] = [
        "InternalServerError",
        "NotImplemented",
        "BadGateway",
        "ServiceUnavailable",
        "GatewayTimeout",
        "HTTPVersionNotSupported",
        "VariantAlsoNegotiates",
        "InsufficientStorage",
        "LoopDetected",
        "NotExtended",
        "NetworkAuthenticationRequired",
    ];
    let is_named = |text: &str| NAMES.iter().any(|name| name.eq_ignore_ascii_case(text));
    read::as_text(code).is_some_and(is_named) || read::number(code).is_some_and(|code| code >= 500)
}
