//! Filters around ext_authz: what must stand before it, and what must not stand behind it.

use super::{Around, chain::Filter, findings::Findings, headers_set, read};
use crate::config::{
    lint::Lint,
    tree::{Node, Place},
};

const CORS: &str = "envoy.extensions.filters.http.cors.v3.Cors";
const LUA: &str = "envoy.extensions.filters.http.lua.v3.Lua";
const EXT_PROC: &str = "envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor";
const HEADER_MUTATION: &str = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";
const JWT_AUTHN: &str = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, filters: &[Filter<'_>], ours: &Filter<'_>) {
    let mut is_behind = false;
    for filter in filters {
        if std::ptr::eq(filter.node, ours.node) {
            is_behind = true;
        } else if is_behind {
            lint_behind(findings, around, filter);
        } else if filter.is(JWT_AUTHN) {
            filter.config.iter().for_each(|config| lint_token_taken(findings, config));
        }
    }
}

fn lint_behind(findings: &mut Findings, around: &Around<'_>, filter: &Filter<'_>) {
    let place = filter.place();
    let Some(config) = filter.config else { return };
    match filter.kind {
        Some(CORS) => {
            let message =
                "the cors filter stands behind ext_authz: preflight requests, which have no token, are denied";
            let help = "put it before ext_authz: pages can then also read why a request was denied";
            findings.warn(Lint::EnvoyFilterOrder, place, message, help);
        }
        Some(LUA) if changes_requests(config) => behind(findings, place, "a Lua script"),
        Some(EXT_PROC) if sees_requests(config) => behind(findings, place, "an external processor"),
        Some(HEADER_MUTATION) => {
            let mutations = read::at(config, &["mutations", "request_mutations"]).map_or(&[][..], read::items);
            let appended = mutations.iter().filter_map(|mutation| read::value(mutation, "append"));
            appended.for_each(|option| headers_set::lint(findings, around, option));
        }
        _ => {}
    }
}

fn behind(findings: &mut Findings, place: &Place, what: &str) {
    let message = format!("{what} sees requests behind ext_authz: what it changes in them was not judged");
    let help = "put the filter before ext_authz, so that Portcullis judges what the API gets";
    findings.warn(Lint::EnvoyFilterOrder, place, message, help);
}

/// Whether a script that can be read handles requests.
fn changes_requests(config: &Node) -> bool {
    let inline = read::text(config, "inline_code")
        .or_else(|| read::at(config, &["default_source_code", "inline_string"]).and_then(read::as_text));
    inline.is_some_and(|code| code.contains("envoy_on_request"))
}

/// Request headers are sent unless that is switched off.
fn sees_requests(config: &Node) -> bool {
    let mode = read::at(config, &["processing_mode", "request_header_mode"]);
    let observes = read::switched_on(config, "observability_mode").is_some();
    !observes && !mode.is_some_and(|mode| read::as_text(mode) == Some("SKIP") || read::number(mode) == Some(2))
}

/// `jwt_authn` takes a token that it has verified out of the request, unless told to forward it.
fn lint_token_taken(findings: &mut Findings, config: &Node) {
    for provider in read::value(config, "providers").map_or(&[][..], read::entries) {
        let elsewhere = ["from_headers", "from_params", "from_cookies"];
        let is_elsewhere = elsewhere.iter().any(|name| read::field(&provider.node, name).is_some());
        if is_elsewhere || read::switched_on(&provider.node, "forward").is_some() {
            continue;
        }
        let message = "jwt_authn takes the tokens that it verifies out of requests before Portcullis sees them";
        let help = "set `forward: true` for the provider, or remove the filter: Portcullis verifies tokens by itself";
        findings.warn(Lint::EnvoyTokenTaken, &provider.place, message, help);
    }
}
