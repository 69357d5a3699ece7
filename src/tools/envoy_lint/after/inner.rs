//! Managers on internal listeners that get requests from checked ones alone: all that they do to a request is behind ext_authz.

use super::{super::Around, Findings, Manager, catalogue::UNJUDGED, chain, identity, read};
use crate::document::suggest::quoted;
use crate::{config::lint::Lint, document::tree::Node};

const EARLY_MUTATION: &str = "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";

/// Lints all that such a manager does to requests.
pub(crate) fn lint<'n>(findings: &mut Findings, around: &Around<'n>, manager: &Manager<'n>) {
    read::list(manager.node, "early_header_mutation_extensions")
        .iter()
        .for_each(|extension| lint_early_mutation(findings, around, extension));
    super::lint(findings, around, manager, &manager.filters, None);
    for upgrade in read::list(manager.node, "upgrade_configs") {
        let filters = chain::filters(read::list(upgrade, "filters"), &around.scene.extensions);
        if !filters.is_empty() {
            super::lint(findings, around, manager, &filters, None);
        }
    }
}

/// Lints an extension that changes headers before the filters of its manager.
fn lint_early_mutation(findings: &mut Findings, around: &Around<'_>, extension: &Node) {
    match read::value(extension, "typed_config").and_then(read::message) {
        Some((EARLY_MUTATION, config)) => {
            let set = read::list(config, "mutations").iter().filter_map(|mutation| read::value(mutation, "append"));
            set.for_each(|option| identity::lint_option(findings, around, option));
        }
        Some((kind, _)) => {
            let message = format!("an early header mutation of type {} {UNJUDGED}", quoted(kind));
            let help = "put it into the manager that has ext_authz, so that Portcullis judges what the API gets; if it changes no \
                        header that the API trusts, leave this out with `--allow envoy-filter-order`";
            findings.warn(Lint::EnvoyFilterOrder, read::place(extension), message, help);
        }
        None => {}
    }
}
