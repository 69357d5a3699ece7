//! A filter before ext_authz: one that takes tokens out of requests, lets the client choose the upstream, answers without a decision, or
//! ends the chain.

use super::{filter_state, line::Line};
use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{
        catalogue::{self, jwt_authn},
        findings::Findings,
        scene::chain::Filter,
    },
};

pub(super) fn lint(findings: &mut Findings, filter: &Filter<'_>, line: &Line<'_, '_>) {
    match (filter.kind.map(catalogue::name_of), filter.config) {
        (Some("jwt_authn"), Some(config)) => lint_jwt_authn(findings, filter, config, line),
        (Some("set_filter_state"), Some(config)) => filter_state::lint(findings, config),
        (Some("set_filter_state"), None) => {
            findings.unseen(format!("the settings of the filter {}", quoted(filter.name.unwrap_or_default())));
        }
        (Some("file_server"), _) => {
            let message = "file_server stands before ext_authz: it answers with files, and Portcullis is not asked who may have them";
            let help = "put the filter behind ext_authz; if its files are public, leave this out with `--allow envoy-filter-order`";
            findings.warn(Lint::EnvoyFilterOrder, filter.place(), message, help);
        }
        (Some("router"), _) => {
            let message =
                "the router stands before ext_authz, and no filter runs behind it: Envoy refuses such a chain";
            findings.error(Lint::EnvoyFilterOrder, filter.place(), message, "put the router last");
        }
        _ => {}
    }
}

fn lint_jwt_authn(findings: &mut Findings, filter: &Filter<'_>, config: &Node, line: &Line<'_, '_>) {
    for provider in jwt_authn::providers_in_use(config, line.has_settings(filter.name)) {
        if jwt_authn::takes_bearer_token(&provider.node) {
            let message = "jwt_authn takes the tokens that it verifies out of requests before Portcullis sees them";
            let help =
                "set `forward: true` for the provider, or remove the filter: Portcullis verifies tokens by itself";
            findings.warn(Lint::EnvoyTokenTaken, &provider.place, message, help);
        }
    }
}
