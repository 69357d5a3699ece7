//! Filters that act by themselves, for requests that are not checked.

use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{
        findings::Findings,
        guard::Gate,
        read,
        scene::{
            Route,
            acting::{Act, Acting},
        },
    },
};

/// The regular expressions that match every path.
const ALL_PATHS: [&str; 3] = [".*", "/.*", "^/.*"];

/// Names the filters of a gate that may act for requests without a check.
pub(crate) fn name_unknown<'n>(
    findings: &mut Findings,
    gate: &Gate<'_, 'n>,
    is_unchecked: impl Fn(&Route<'n>) -> bool,
) {
    let unknown = || gate.manager.acting.iter().filter(|one| matches!(one.act, Act::Unknown));
    if unknown().next().is_none() {
        return;
    }
    let unchecked: Vec<Route<'n>> = gate.routes().into_iter().filter(is_unchecked).collect();
    for filter in unknown().filter(|one| unchecked.iter().any(|route| one.is_on_for(route))) {
        let name = quoted(read::text(filter.node, "name").unwrap_or_default());
        findings.unseen(format!(
            "the filter {name}, which may answer requests without a check, or send them on, by itself"
        ));
    }
}

/// Lints filters that send on requests without a route, for which ext_authz does not run.
pub(crate) fn lint_unrouted(findings: &mut Findings, gate: &Gate<'_, '_>) {
    let manager = gate.manager;
    if !manager.unseen_routes.is_empty() || manager.tables.iter().all(|table| matches_all(table)) {
        return;
    }
    let sends = |one: &&Acting<'_>| matches!(one.act, Act::Sends(_)) && one.is_on_by_default;
    for filter in manager.acting.iter().filter(sends) {
        let message = "this filter sends on requests that match no route as well, and ext_authz does not check these";
        let help = "let a virtual host for the domain `*`, and the last route of each virtual host, match every request: \
                    `match: { prefix: / }`, with `direct_response: { status: 404 }`";
        findings.warn(Lint::EnvoyUnchecked, filter.place(), message, help);
    }
}

/// Tells whether each request certainly matches a route of a table.
fn matches_all(table: &Node) -> bool {
    let hosts = read::list(table, "virtual_hosts");
    let is_any = |host: &Node| read::list(host, "domains").iter().any(|domain| read::as_text(domain) == Some("*"));
    hosts.iter().any(is_any)
        && hosts.iter().all(|host| {
            read::list(host, "routes").iter().filter_map(|route| read::value(route, "match")).any(matches_any)
        })
}

/// Tells whether a `RouteMatch` has no other condition than one on the path, and that is one for every path.
fn matches_any(condition: &Node) -> bool {
    let is_plain = read::entries(condition)
        .iter()
        .all(|entry| ["prefix", "safe_regex", "case_sensitive"].iter().any(|name| read::is_named(&entry.key, name)));
    let pattern = read::at(condition, &["safe_regex", "regex"]).and_then(read::as_text);
    is_plain
        && (read::text(condition, "prefix").is_some_and(|prefix| ["", "/"].contains(&prefix))
            || pattern.is_some_and(|pattern| ALL_PATHS.contains(&pattern)))
}
