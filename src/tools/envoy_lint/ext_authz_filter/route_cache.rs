//! Settings that have the route of a request chosen again after the decision.

use crate::{
    config::lint::Lint,
    document::tree::{Entry, Node, Value},
    tools::envoy_lint::{findings::Findings, read},
};

/// Lints what has the route chosen again after the decision: it is one that was not judged.
pub(crate) fn lint(findings: &mut Findings, config: &Node) {
    let headers = read::field(config, "clear_route_cache_headers").filter(|entry| is_filled(&entry.node));
    if let Some(entry) = read::switched_on(config, "clear_route_cache").or(headers) {
        report(findings, entry);
    }
}

/// Reports the field that has Envoy choose the route again.
pub(crate) fn report(findings: &mut Findings, entry: &Entry) {
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
