//! HTTP filters that act whatever the route of a request says: they answer it with data, or send it on, in place of the router.

use std::collections::BTreeSet;

use super::{
    chain::{self, Extensions, Filter},
    coverage::{Case, SETTINGS},
    destinations::Destinations,
    route::Route,
};
use crate::{
    document::tree::{Node, Place, Value},
    tools::envoy_lint::{catalogue, read, types::EXT_AUTHZ},
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

/// A filter that acts by itself.
pub(crate) struct Acting<'n> {
    /// The item of the list.
    pub(crate) node: &'n Node,
    /// The name under which routes have settings for it: of a filter inside of another one, that of the other one.
    name: Option<&'n str>,
    pub(crate) is_on_by_default: bool,
    pub(crate) act: Act<'n>,
}

/// The way in which a filter acts.
pub(crate) enum Act<'n> {
    /// The filter sends requests to clusters of its own.
    Sends(Destinations<'n>),
    /// The filter answers with files, if the request has a route.
    Files,
    /// The filter may do either: its program or type is not known here.
    Unknown,
}

impl<'n> Acting<'n> {
    /// Tells whether it runs for some request of a route.
    pub(crate) fn is_on_for(&self, route: &Route<'n>) -> bool {
        let Some(name) = self.name else { return self.is_on_by_default };
        Case::all(route).iter().any(|case| case.state_by_name(name, self.is_on_by_default).is_on)
    }

    pub(crate) fn place(&self) -> &'n Place {
        read::place(self.node)
    }
}

/// Returns the filters of a chain that act by themselves, those inside of others among them.
pub(crate) fn acting<'n>(filters: &[Filter<'n>]) -> Vec<Acting<'n>> {
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
        _ => (!catalogue::is_known(kind)).then_some(Act::Unknown),
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
pub(crate) fn acts_by_settings<'n>(route: &Route<'n>, extensions: &Extensions<'n>) -> bool {
    let levels = route.table.into_iter().chain([route.host, route.node]);
    let settings = levels.filter_map(|level| read::value(level, SETTINGS));
    settings
        .flat_map(|settings| acting(&chain::inside(settings, extensions)))
        .any(|one| !matches!(one.act, Act::Unknown))
}
