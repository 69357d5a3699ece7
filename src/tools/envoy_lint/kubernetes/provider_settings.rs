//! Settings that Istio's extension providers and the `extAuth` of Envoy Gateway have in common.

use crate::{
    config::lint::Lint,
    document::tree::{Node, Place},
    tools::envoy_lint::{
        ext_authz_filter::{failures, route_cache},
        findings::Findings,
        read,
    },
};

/// Warns that Envoy joins headers, where the API of a control plane has no field for it.
pub(super) fn lint_raw_headers(findings: &mut Findings, place: &Place, api: &str, patch: &str) {
    let message =
        format!("{api} can't set `encode_raw_headers`: Envoy joins repeated headers before Portcullis sees them");
    let help =
        format!("set `encode_raw_headers: true` by {patch}, or leave the warning out by `--allow envoy-raw-headers`");
    findings.warn(Lint::EnvoyRawHeaders, place, message, help);
}

/// Warns of a status for clients that blames them, or of none.
pub(super) fn lint_status(findings: &mut Findings, settings: &Node, place: &Place) {
    let status = read::field(settings, "statusOnError");
    if status.and_then(|status| read::number(&status.node)).is_some_and(|code| code >= 500) {
        return;
    }
    let at = status.map_or(place, |status| &status.node.place);
    failures::report_status(
        findings,
        at,
        status.is_some(),
        "set `statusOnError` to 503: clients try again after a 503",
    );
}

/// Reports a switch that lets requests pass when there is no answer.
pub(super) fn lint_fail_open(findings: &mut Findings, settings: &Node) {
    let Some(open) = read::switched_on(settings, "failOpen") else { return };
    let message = "`failOpen` is on: whenever Portcullis is down or slow, every request reaches the API unchecked";
    let help = "set `failOpen: false`, and run two of Portcullis where one may fail";
    findings.error(Lint::EnvoyFailOpen, &open.place, message, help);
}

/// Warns of a route that is chosen again.
pub(super) fn lint_route_cache(findings: &mut Findings, settings: &Node, name: &str) {
    if let Some(entry) = read::switched_on(settings, name) {
        route_cache::report(findings, entry);
    }
}
