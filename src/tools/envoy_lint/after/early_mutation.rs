//! Extensions that change headers before the filters of a manager run.

use super::identity;
use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{around::Around, catalogue::UNJUDGED, findings::Findings, read},
};

const EARLY_MUTATION: &str = "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";

/// Lints an extension that changes headers before the filters of its manager.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, extension: &Node) {
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
