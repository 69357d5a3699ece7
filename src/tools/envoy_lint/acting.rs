//! HTTP filters that act whatever the route of a request says: they answer it with data, or send it on, in place of the router.

use std::collections::BTreeSet;

use super::{
    after,
    chain::{self, Extensions, Filter},
    coverage::{Case, SETTINGS},
    findings::Findings,
    guard::Gate,
    read,
    scene::{Destinations, Route},
    types::EXT_AUTHZ,
};
use crate::document::suggest::quoted;
use crate::{
    config::lint::Lint,
    document::tree::{Node, Place, Value},
};

const MCP_ROUTER: &str = "envoy.extensions.filters.http.mcp_router.v3.McpRouter";
const FILE_SERVER: &str = "envoy.extensions.filters.http.file_server.v3.FileServerConfig";
const LUA: &str = "envoy.extensions.filters.http.lua.v3.Lua";
const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";
const PROCESSOR: &str = "envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor";
/// Types of filters that run a program of their own.
const PROGRAMS: [&str; 2] = [
    "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
    "envoy.extensions.filters.http.golang.v3alpha.Config",
];
/// The runtime of what is compiled into Envoy.
const COMPILED_IN: &str = "envoy.wasm.runtime.null";
/// The fields of an external processor that keep it from answering requests.
const QUIET: [&str; 2] = ["disable_immediate_response", "observability_mode"];
/// The parts of Lua by which a script sends requests, or may make the name of what does.
const CALLS: [&str; 7] = ["httpCall", "require", "dofile", "load", "_G", "getfenv", "debug"];
/// The regular expressions that match every path.
const ALL_PATHS: [&str; 3] = [".*", "/.*", "^/.*"];

/// A filter that acts by itself.
pub(super) struct Acting<'n> {
    /// The item of the list.
    node: &'n Node,
    /// The name under which routes have settings for it: of a filter inside of another one, that of the other one.
    name: Option<&'n str>,
    is_on_by_default: bool,
    pub(super) act: Act<'n>,
}

/// The way in which a filter acts.
pub(super) enum Act<'n> {
    /// The filter sends requests to clusters of its own.
    Sends(Destinations<'n>),
    /// The filter answers with files, if the request has a route.
    Files,
    /// The filter may do either: its program or type is not known here.
    Unknown,
}

impl<'n> Acting<'n> {
    /// Tells whether it runs for some request of a route.
    pub(super) fn is_on_for(&self, route: &Route<'n>) -> bool {
        let Some(name) = self.name else { return self.is_on_by_default };
        Case::all(route).iter().any(|case| case.state_by_name(name, self.is_on_by_default).is_on)
    }

    fn place(&self) -> &'n Place {
        read::place(self.node)
    }
}

/// Returns the filters of a chain that act by themselves, those inside of others among them.
pub(super) fn acting<'n>(filters: &[Filter<'n>]) -> Vec<Acting<'n>> {
    let mut found = Vec::new();
    filters.iter().for_each(|filter| find(filter, filter, &mut found));
    found
}

fn find<'n>(filter: &Filter<'n>, outer: &Filter<'n>, found: &mut Vec<Acting<'n>>) {
    let (name, is_on_by_default) = (outer.name, outer.disabled.is_none());
    found.extend(act(filter).map(|act| Acting { node: filter.node, name, is_on_by_default, act }));
    filter.inside.iter().for_each(|inner| find(inner, outer, found));
}

fn act<'n>(filter: &Filter<'n>) -> Option<Act<'n>> {
    let Some(kind) = filter.kind else { return Some(Act::Unknown) };
    let may_act = |acts: fn(&Node) -> bool| filter.config.is_none_or(acts).then_some(Act::Unknown);
    match kind {
        MCP_ROUTER => Some(Act::Sends(filter.config.map_or_else(anywhere, of_mcp_router))),
        FILE_SERVER => Some(Act::Files),
        EXT_AUTHZ => None,
        LUA => may_act(sends_requests),
        WASM => may_act(|config| {
            let runtime = read::at(config, &["config", "vm_config", "runtime"]).and_then(read::as_text);
            runtime != Some(COMPILED_IN)
        }),
        PROCESSOR => may_act(|config| QUIET.iter().all(|name| read::switched_on(config, name).is_none())),
        _ if PROGRAMS.contains(&kind) || filter.hides_some => Some(Act::Unknown),
        _ => (!after::is_known(kind)).then_some(Act::Unknown),
    }
}

fn anywhere<'n>() -> Destinations<'n> {
    Destinations { is_open: true, ..Destinations::default() }
}

fn of_mcp_router(config: &Node) -> Destinations<'_> {
    let servers = read::list(config, "servers").iter();
    let clusters = servers.map(|server| read::at(server, &["mcp_cluster", "cluster"]).and_then(read::as_text));
    let clusters: Option<BTreeSet<&str>> = clusters.collect();
    clusters.map_or_else(anywhere, |clusters| Destinations { clusters, is_open: false })
}

/// Tells whether a script of a Lua filter may send requests, or is not in the file.
fn sends_requests(config: &Node) -> bool {
    let is_call = |code: &str| {
        code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(|word| CALLS.iter().any(|call| word.starts_with(call)))
    };
    match &config.value {
        Value::String(text) => is_call(text),
        Value::Section(entries) => entries.iter().any(|entry| {
            ["filename", "environment_variable", "inline_bytes"].iter().any(|name| read::is_named(&entry.key, name))
                || sends_requests(&entry.node)
        }),
        _ => false,
    }
}

/// Tells whether settings of a route have a filter that certainly acts by itself: a filter may run a chain that only a route has.
pub(super) fn acts_by_settings<'n>(route: &Route<'n>, extensions: &Extensions<'n>) -> bool {
    let levels = route.table.into_iter().chain([route.host, route.node]);
    let settings = levels.filter_map(|level| read::value(level, SETTINGS));
    settings
        .flat_map(|settings| acting(&chain::inside(settings, extensions)))
        .any(|one| !matches!(one.act, Act::Unknown))
}

/// Names the filters of a gate that may act for requests without a check.
pub(super) fn name_unknown<'n>(
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
pub(super) fn lint_unrouted(findings: &mut Findings, gate: &Gate<'_, '_>) {
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
