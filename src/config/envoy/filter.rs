//! The ext_authz filter's own settings: what lets requests pass unchecked, and what makes its answers worse.

use super::{Around, body, chain::Filter, findings::Findings, headers, read, service};
use crate::config::{
    lint::Lint,
    tree::{Node, Place, Value},
};

pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, filter: &Filter<'_>, manager: &Node) {
    let place = filter.place();
    lint_disabled(findings, filter, manager);
    if let Some(place) = filter.skipped_at {
        let message = "requests for which this matcher says SkipFilter are not checked";
        let help = "remove the matcher: `access: public` in the policy opens a path, and says so in one place";
        findings.warn(Lint::EnvoySkipped, place, message, help);
    }
    let Some(config) = filter.config else {
        let message = "the settings of this ext_authz filter come by discovery: they were not checked";
        let help = "they are among the ecds_filters of `curl localhost:9901/config_dump`: put them into a `typed_config` to lint them";
        findings.warn(Lint::EnvoyNothingChecked, place, message, help);
        return;
    };
    lint_failures(findings, config, place);
    lint_enabled(findings, config);
    lint_route_cache(findings, config);
    lint_mutations(findings, config);
    headers::lint(findings, around, config);
    body::lint(findings, config);
    service::lint(findings, around, config, place);
    if read::switched_on(config, "encode_raw_headers").is_none() {
        let at = read::field(config, "encode_raw_headers").map_or(place, |entry| &entry.place);
        let message = "`encode_raw_headers` is off: Envoy joins repeated headers before Portcullis sees them";
        findings.warn(Lint::EnvoyRawHeaders, at, message, "set `encode_raw_headers: true`");
    }
}

/// What happens to a request that Portcullis does not answer, or refuses.
fn lint_failures(findings: &mut Findings, config: &Node, place: &Place) {
    if let Some(shadow) = read::switched_on(config, "shadow_mode") {
        let message = "`shadow_mode` is on: requests that Portcullis denies reach the API all the same";
        findings.error(Lint::EnvoyShadowMode, &shadow.place, message, "remove it");
    }
    let open = read::switched_on(config, "failure_mode_allow");
    if let Some(open) = open {
        let message = "`failure_mode_allow` is on: whenever Portcullis is down or slow, every request reaches the API \
                       unchecked";
        let help = "set `failure_mode_allow: false`, and run two of Portcullis where one may fail";
        findings.error(Lint::EnvoyFailOpen, &open.place, message, help);
    } else if let Some(header) = read::switched_on(config, "failure_mode_allow_header_add") {
        let message = "`failure_mode_allow_header_add` does nothing while `failure_mode_allow` is off";
        let help = "remove it, so that nobody takes it for a promise that requests pass when Portcullis is down";
        findings.warn(Lint::EnvoyFailOpen, &header.place, message, help);
    }
    let status = read::field(config, "status_on_error");
    let code = status.and_then(|status| read::value(&status.node, "code"));
    if !code.is_some_and(is_server_error) {
        let at = code.map(|code| &code.place).or_else(|| status.map(|status| &status.place)).unwrap_or(place);
        let message = match code {
            Some(_) => "when Portcullis can't be asked, clients get a status that blames them",
            None => "when Portcullis can't be asked, clients get 403, as if their token were not good enough",
        };
        let help = "set `status_on_error: { code: ServiceUnavailable }`: clients try again after a 503";
        findings.warn(Lint::EnvoyStatusOnError, at, message, help);
    }
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
    read::as_text(code).is_some_and(|name| NAMES.contains(&name)) || read::number(code).is_some_and(|code| code >= 500)
}

/// Whether the filter is there for every request.
fn lint_enabled(findings: &mut Findings, config: &Node) {
    let denies = read::at(config, &["deny_at_disable", "default_value"]).is_some_and(read::is_true);
    if denies {
        return;
    }
    let help = "remove it, or set `deny_at_disable: { default_value: true, runtime_key: … }`";
    if let Some(enabled) = read::field(config, "filter_enabled")
        && !is_everything(&enabled.node)
    {
        let message = "`filter_enabled` lets a part of all requests pass unchecked";
        findings.warn(Lint::EnvoyPartlyEnabled, &enabled.place, message, help);
    }
    if let Some(enabled) = read::field(config, "filter_enabled_metadata") {
        let message = "requests whose metadata `filter_enabled_metadata` does not match pass unchecked";
        findings.warn(Lint::EnvoyPartlyEnabled, &enabled.place, message, help);
    }
}

/// Whether a `RuntimeFractionalPercent` is 100 % unless somebody changes it at run time.
fn is_everything(fraction: &Node) -> bool {
    let Some(value) = read::value(fraction, "default_value") else { return false };
    let numerator = read::value(value, "numerator").and_then(read::number).unwrap_or(0);
    // The mapping of protobuf to JSON takes an enum's number for its name.
    let number = read::value(value, "denominator").and_then(read::number);
    let whole = match (read::text(value, "denominator"), number) {
        (Some("TEN_THOUSAND"), _) | (_, Some(1)) => 10_000,
        (Some("MILLION"), _) | (_, Some(2)) => 1_000_000,
        _ => 100,
    };
    numerator >= whole
}

/// A route that is chosen anew after the decision is one that was not judged.
fn lint_route_cache(findings: &mut Findings, config: &Node) {
    let headers = read::field(config, "clear_route_cache_headers").filter(|entry| is_filled(&entry.node));
    let Some(entry) = read::switched_on(config, "clear_route_cache").or(headers) else { return };
    let message = format!("`{}` has the route chosen again after the decision: it may be another one", entry.key);
    let help = "remove it: a route that Portcullis has not judged may have its check switched off";
    findings.warn(Lint::EnvoyRouteCache, &entry.place, message, help);
}

fn is_filled(node: &Node) -> bool {
    match &node.value {
        Value::List(items) => !items.is_empty(),
        Value::Section(entries) => !entries.is_empty(),
        _ => true,
    }
}

/// Rules by which Envoy ignores what Portcullis sets and removes.
fn lint_mutations(findings: &mut Findings, config: &Node) {
    let Some(rules) = read::value(config, "decoder_header_mutation_rules") else { return };
    let Some(entry) = read::switched_on(rules, "disallow_all") else { return };
    let message = "Envoy ignores every header that Portcullis sets or removes: clients can forge identity headers";
    let help = "remove `disallow_all`, or never trust the identity headers in the API";
    findings.warn(Lint::EnvoyMutationRules, &entry.place, message, help);
}

/// A filter that is off unless a route switches it on.
fn lint_disabled(findings: &mut Findings, filter: &Filter<'_>, manager: &Node) {
    let Some(entry) = read::switched_on(filter.node, "disabled") else { return };
    let help = "remove `disabled`: `access: public` in the policy opens a path, and says so in one place";
    let routes = read::value(manager, "route_config");
    // Any setting for the filter on a route may be what switches it on.
    if routes.is_some_and(|routes| !super::routes::mentions_ext_authz(routes, filter.name)) {
        let message = "this filter is off, and no route switches it on: no request is checked";
        findings.error(Lint::EnvoyFilterDisabled, &entry.place, message, help);
    } else {
        let message = "this filter is off unless a route switches it on: requests of all other routes are not checked";
        findings.warn(Lint::EnvoyFilterDisabled, &entry.place, message, help);
    }
}
