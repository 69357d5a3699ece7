//! The ext_authz filter's own settings: what lets requests pass unchecked, and what makes its answers worse.

pub(crate) mod body;
pub(crate) mod enabled;
pub(crate) mod failures;
mod headers;
mod matcher;
mod mutation_rules;
mod name_pattern;
pub(crate) mod route_cache;
mod runtime_flag;

use super::{around::Around, findings::Findings, guard::asked::Authorizer, read, service};
use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Node},
};

/// The remedy for what comes by discovery (ECDS).
pub(crate) const FOR_DISCOVERED: &str =
    "lint what `curl -sS localhost:9901/config_dump` gives, or add the file that has the filter with another `--envoy`";

/// Lints an ext_authz filter of a manager. Where `without_underscores` no header with `_` in its name comes so far.
pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, one: &Authorizer<'_, '_>, without_underscores: bool) {
    let filter = one.filter;
    let place = filter.place();
    lint_conditions(findings, one);
    let Some(config) = filter.config else {
        let message = "the settings of this ext_authz filter come by discovery: they were not checked";
        let help = FOR_DISCOVERED;
        findings.warn(Lint::EnvoyNothingChecked, place, message, help);
        findings.unseen(format!("the settings of the filter {}", quoted(filter.name.unwrap_or_default())));
        return;
    };
    failures::lint(findings, config, place);
    enabled::lint(findings, around, config);
    route_cache::lint(findings, config);
    mutation_rules::lint(findings, around, config);
    headers::lint(findings, around, config, without_underscores);
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

/// Tells whether the settings name what the filter asks.
fn names_service(config: &Node) -> bool {
    ["grpc_service", "http_service"].iter().any(|name| read::field(config, name).is_some())
}
