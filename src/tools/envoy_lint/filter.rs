//! The ext_authz filter's own settings: what lets requests pass unchecked, and what makes its answers worse.

use super::{
    Around, after, asked::Authorizer, body, client_headers, enabled, findings::Findings, headers, read, service,
};
use crate::document::suggest::quoted;
use crate::{
    config::lint::Lint,
    document::tree::{Entry, Node, Place, Value},
};

/// Lints an ext_authz filter of a manager.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, one: &Authorizer<'_, '_>, manager: &Node) {
    let filter = one.filter;
    let place = filter.place();
    lint_conditions(findings, one);
    let Some(config) = filter.config else {
        let message = "the settings of this ext_authz filter come by discovery: they were not checked";
        let help = after::FOR_DISCOVERED;
        findings.warn(Lint::EnvoyNothingChecked, place, message, help);
        findings.unseen(format!("the settings of the filter {}", quoted(filter.name.unwrap_or_default())));
        return;
    };
    lint_failures(findings, config, place);
    enabled::lint(findings, around, config);
    lint_route_cache(findings, config);
    after::lint_mutation_rules(findings, around, config);
    headers::lint(findings, around, config, client_headers::refuses_underscores(manager));
    body::lint(findings, config, "with_request_body");
    if names_service(config) {
        service::lint(findings, around, config, place);
    } else {
        let help = "name the cluster of Portcullis in `grpc_service: { envoy_grpc: … }`, as envoy/envoy.yaml has it";
        findings.error(
            Lint::EnvoyCluster,
            place,
            "this filter names no service to ask: `grpc_service` is missing",
            help,
        );
    }
    if read::switched_on(config, "encode_raw_headers").is_none() {
        let at = read::field(config, "encode_raw_headers").map_or(place, |entry| &entry.place);
        let message = "`encode_raw_headers` is off: Envoy joins repeated headers before Portcullis sees them";
        findings.warn(Lint::EnvoyRawHeaders, at, message, "set `encode_raw_headers: true`");
    }
}

/// Lints what decides which requests the filter is for.
fn lint_conditions(findings: &mut Findings, one: &Authorizer<'_, '_>) {
    let help = "put ext_authz into `http_filters` as it is: `access: public` in the policy opens a path, and says so in one place";
    let outer = one.outer();
    let wrapper = if one.within.is_some() { Some(outer) } else { None };
    if let Some(matcher) = outer.matcher.filter(|_| outer.is_skipped) {
        let message = "requests for which this matcher says SkipFilter are not checked";
        let help = "remove the matcher: `access: public` in the policy opens a path, and says so in one place";
        findings.warn(Lint::EnvoySkipped, &matcher.place, message, help);
    } else if let Some(matcher) = outer.matcher {
        let message = "only those requests are checked for which this matcher has ext_authz run";
        findings.warn(Lint::EnvoySkipped, &matcher.place, message, help);
    } else if let Some(wrapper) = wrapper {
        let message = "ext_authz stands inside of another filter, which decides whether it runs";
        findings.warn(Lint::EnvoySkipped, wrapper.place(), message, help);
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
pub(super) fn report_status(findings: &mut Findings, place: &Place, is_set: bool, help: &str) {
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

/// Lints what has the route chosen again after the decision: it is one that was not judged.
pub(super) fn lint_route_cache(findings: &mut Findings, config: &Node) {
    let headers = read::field(config, "clear_route_cache_headers").filter(|entry| is_filled(&entry.node));
    if let Some(entry) = read::switched_on(config, "clear_route_cache").or(headers) {
        report_route_cache(findings, entry);
    }
}

/// Reports the field that has Envoy choose the route again.
pub(super) fn report_route_cache(findings: &mut Findings, entry: &Entry) {
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

/// Tells whether the settings name what the filter asks.
fn names_service(config: &Node) -> bool {
    ["grpc_service", "http_service"].iter().any(|name| read::field(config, name).is_some())
}
