//! `check --envoy` on ways to an API that are no route of a manager: filters that act by themselves, tunnels, sources of discovery, and
//! one server by two names.

use portcullis::tools::envoy_lint::Verdict;

use crate::envoy_scene::{ALL, PER_ROUTE, bootstrap, check, cluster, cluster_at, listener, manager, ours};

const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters";
const SOURCE: &str = "{ ads: {}, resource_api_version: V3 }";

/// A listener whose requests are all checked.
fn guarded() -> String {
    listener("in", "", &[&manager(&[&ours("z", "")], ALL)])
}

/// A filter of that name and type.
fn filter(name: &str, kind: &str, more: &str) -> String {
    format!("{{ name: {name}, typed_config: {{ '@type': {FILTERS}.{kind}{more} }} }}")
}

/// The settings of a route without a check.
fn off() -> String {
    format!("typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, disabled: true }} }}")
}

#[test]
fn listeners_and_clusters_that_come_by_a_locator_are_named() {
    for (name, unseen) in [
        ("lds_resources_locator", &["the listeners that come by discovery (`lds_resources_locator`)"][..]),
        ("lds_config", &["the listeners that come by discovery (`lds_config`)"]),
        ("cds_resources_locator", &["the cluster `away`, which is not in the files"]),
        ("cds_config", &["the cluster `away`, which is not in the files"]),
    ] {
        let away = "{ match: { prefix: /a }, route: { cluster: away } }";
        let routes = if name.starts_with("cds") { format!("{away}, {ALL}") } else { ALL.to_owned() };
        let one = listener("in", "", &[&manager(&[&ours("z", "")], &routes)]);
        let source = if name.ends_with("config") { "{ ads: {} }" } else { "'xdstp://x/a/*'" };
        let text = bootstrap(&[one], &[], &format!("dynamic_resources: {{ {name}: {source} }}\n"));
        let found = check(name, &text, &[], Verdict::Unseen);
        assert_eq!(found.seen.unseen, unseen);
    }
}

#[test]
fn a_cluster_that_comes_when_it_is_needed_may_lead_to_the_api() {
    let route = format!("{{ match: {{ prefix: /a }}, route: {{ cluster: away }}, {} }}, {ALL}", off());
    let text = |before: &str| {
        let filters: Vec<&str> = [before].into_iter().filter(|filter| !filter.is_empty()).collect();
        let ours = ours("z", "");
        let all: Vec<&str> = filters.into_iter().chain([ours.as_str()]).collect();
        bootstrap(&[listener("in", "", &[&manager(&all, &route)])], &[], "")
    };
    check("no such cluster", &text(""), &[], Verdict::Good);
    let on_demand = |more: &str| filter("d", "http.on_demand.v3.OnDemand", more);
    check("virtual hosts", &text(&on_demand("")), &[], Verdict::Good);
    let open = &["envoy-route-disabled in/host"];
    check("odcds", &text(&on_demand(&format!(", odcds: {{ source: {SOURCE} }}"))), open, Verdict::Open);
    let per_route = |more: &str| {
        let settings = format!("d: {{ '@type': {FILTERS}.http.on_demand.v3.PerRouteConfig{more} }}");
        text(&on_demand("")).replacen("z: { '@type'", &format!("{settings}, z: {{ '@type'"), 1)
    };
    check("settings without", &per_route(""), &[], Verdict::Good);
    check("settings of a route", &per_route(&format!(", odcds: {{ source: {SOURCE} }}")), open, Verdict::Open);
    let raw = |more: &str| {
        let proxy = filter("t", "network.tcp_proxy.v3.TcpProxy", &format!(", stat_prefix: t, cluster: away{more}"));
        bootstrap(&[guarded(), listener("raw", "", &[&proxy])], &[], "")
    };
    check("TCP proxy", &raw(""), &[], Verdict::Good);
    let found = check("TCP", &raw(&format!(", on_demand: {{ odcds_config: {SOURCE} }}")), &[], Verdict::Unseen);
    let unseen =
        "the servers behind `away`, to which this TCP proxy leads, and checked routes perhaps as well (listener `raw`)";
    assert_eq!(found.seen.unseen, [unseen]);
}

#[test]
fn filters_that_the_router_gets_by_discovery_are_named() {
    let text = |more: &str| {
        let router = "http.router.v3.Router";
        let text = bootstrap(&[guarded()], &[], "");
        text.replacen(&format!("{router} }}"), &format!("{router}, upstream_http_filters: [{more}] }}"), 1)
    };
    let codec = filter("codec", "http.upstream_codec.v3.UpstreamCodec", "");
    check("none", &text(&codec), &[], Verdict::Good);
    let discovered = |types: &str| {
        format!("{{ name: x, config_discovery: {{ config_source: {SOURCE}, type_urls: [{types}] }} }}, {codec}")
    };
    let mutation = format!("{FILTERS}.http.header_mutation.v3.HeaderMutation");
    let lua = format!("{FILTERS}.http.lua.v3.Lua");
    for (types, unseen) in [
        (mutation.clone(), "the settings of the filter `x` (listener `in`)"),
        (format!("{mutation}, {lua}"), "the filters that `x` gets by discovery (listener `in`)"),
        (
            format!("{FILTERS}.http.filter_chain.v3.FilterChainConfig"),
            "the filters that `x` gets by discovery (listener `in`)",
        ),
    ] {
        let found = check(&types, &text(&discovered(&types)), &["envoy-nothing-checked in"], Verdict::Unseen);
        assert_eq!(found.seen.unseen, [unseen]);
    }
}

#[test]
fn a_filter_that_comes_by_discovery_and_may_be_of_several_types_may_be_ext_authz() {
    let types = format!("{FILTERS}.http.lua.v3.Lua, {FILTERS}.http.ext_authz.v3.ExtAuthz");
    let discovered = format!("{{ name: x, config_discovery: {{ config_source: {SOURCE}, type_urls: [{types}] }} }}");
    let text = bootstrap(&[listener("in", "", &[&manager(&[&discovered], ALL)])], &[], "");
    let found = check("several", &text, &["envoy-nothing-checked in"], Verdict::Unseen);
    assert_eq!(found.seen.unseen, ["the filters that `x` gets by discovery (listener `in`)"]);
}

#[test]
fn routes_that_an_extension_makes_are_named() {
    let specifiers = "route_specifiers: [{ name: m, typed_config: { '@type': type.googleapis.com/envoy.extensions.router.\
                      route_specifiers.dynamic_modules.v3.DynamicModuleRouteSpecifier } }]";
    let text = |place: &str, to: &str| bootstrap(&[guarded()], &[], "").replacen(place, to, 1);
    let unseen = "the routes of `t` that an extension makes or chooses (`route_specifiers`)";
    for (place, to) in [
        ("name: t, ", format!("name: t, {specifiers}, ")),
        ("domains: ", format!("{specifiers}, domains: ")),
        ("match: ", format!("{specifiers}, match: ")),
    ] {
        let found = check(place, &text(place, &to), &[], Verdict::Unseen);
        assert_eq!(found.seen.unseen, [format!("{unseen} (listener `in`)")]);
    }
    check("empty", &text("name: t, ", "name: t, route_specifiers: [], "), &[], Verdict::Good);
    let table = format!(
        "resources:\n- {{ '@type': type.googleapis.com/envoy.config.route.v3.RouteConfiguration, name: t, {specifiers}, \
         virtual_hosts: [{{ name: host, domains: ['*'], routes: [{ALL}] }}] }}\n"
    );
    let loose = check("loose", &table, &[], Verdict::Unseen);
    assert!(loose.seen.unseen.iter().any(|one| one == unseen), "{:?}", loose.seen.unseen);
}

#[test]
fn one_server_by_two_names_is_guarded_by_both() {
    let socket = |host: &str| format!("socket_address: {{ address: '{host}', port_value: 8080 }}");
    let pipe = |path: &str| format!("pipe: {{ path: '{path}' }}");
    let open = (&["envoy-tcp-proxy raw"][..], Verdict::Open);
    let (unseen, good) = ((&[][..], Verdict::Unseen), (&[][..], Verdict::Good));
    for (one, other, (expected, verdict)) in [
        (pipe("/x/api.sock"), pipe("/x//api.sock"), open),
        (pipe("/x/api.sock"), pipe("/x/./api.sock"), open),
        (pipe("/x/api.sock"), pipe("/y/api.sock"), unseen),
        (pipe("@a"), pipe("@b"), good),
        (pipe("/x/api.sock"), socket("10.0.0.1"), good),
        (socket("2001:db8::1"), socket("2001:0DB8:0::1"), open),
        (socket("10.0.0.9"), socket("::ffff:10.0.0.9"), open),
        (socket("2001:db8::1"), socket("2001:db8::2"), good),
        (socket("Api.example."), socket("api.example"), open),
    ] {
        let routes = "{ match: { prefix: / }, route: { cluster: one } }";
        let guarded = listener("in", "", &[&manager(&[&ours("z", "")], routes)]);
        let proxy = filter("t", "network.tcp_proxy.v3.TcpProxy", ", stat_prefix: t, cluster: other");
        let clusters = [cluster_at("one", &one), cluster_at("other", &other)];
        let text = bootstrap(&[guarded, listener("raw", "", &[&proxy])], &clusters, "");
        check(&format!("{one} {other}"), &text, expected, verdict);
    }
}

#[test]
fn a_cluster_with_endpoints_elsewhere_leads_somewhere() {
    let route = format!("{{ match: {{ prefix: /a }}, route: {{ cluster: other }}, {} }}, {ALL}", off());
    let text = |groups: &str| {
        let other = format!(
            "    - {{ name: other, type: STATIC, load_assignment: {{ cluster_name: other, endpoints: [{groups}] }} }}\n"
        );
        bootstrap(&[listener("in", "", &[&manager(&[&ours("z", "")], &route)])], &[other], "")
    };
    check("none", &text(""), &[], Verdict::Good);
    let list = "load_balancer_endpoints: { lb_endpoints: [] }";
    check("in a list", &text(&format!("{{ {list} }}")), &["envoy-route-disabled in/host"], Verdict::Open);
}

#[test]
fn a_post_that_becomes_a_raw_connection_is_said() {
    let route = |upgrade: &str| {
        format!(
            "{{ match: {{ prefix: / }}, route: {{ cluster: api, upgrade_configs: [{{ upgrade_type: CONNECT{upgrade} }}] }} }}"
        )
    };
    let text =
        |upgrade: &str| bootstrap(&[listener("in", "", &[&manager(&[&ours("z", "")], &route(upgrade))])], &[], "");
    let post = ", connect_config: { allow_post: true }";
    for (upgrade, expected, verdict) in [
        (", connect_config: {}", &[][..], Verdict::Good),
        (", connect_config: { allow_post: false }", &[], Verdict::Good),
        (post, &["envoy-upgrade in/host"], Verdict::Open),
        // Envoy makes a connection of it all the same.
        (", enabled: false, connect_config: { allow_post: true }", &["envoy-upgrade in/host"], Verdict::Open),
    ] {
        check(upgrade, &text(upgrade), expected, verdict);
    }
    let table = |upgrade: &str| {
        format!(
            "resources:\n- {{ '@type': type.googleapis.com/envoy.config.route.v3.RouteConfiguration, name: t, virtual_hosts: [{{ name: host, \
             domains: ['*'], routes: [{}] }}] }}\n",
            route(upgrade)
        )
    };
    check("table", &table(""), &[], Verdict::Unseen);
    check("table with", &table(post), &["envoy-upgrade host"], Verdict::Open);
    // Behind an internal listener as well.
    let to_inner = cluster_at("to-inner", "envoy_internal_address: { server_listener_name: inner }");
    let outer = manager(&[&ours("z", "")], "{ match: { prefix: / }, route: { cluster: to-inner } }");
    let inner = listener("inner", "internal_listener: {}, ", &[&manager(&[], &route(post))]);
    let text = bootstrap(&[listener("in", "", &[&outer]), inner], &[to_inner], "");
    check("inner", &text, &["envoy-upgrade inner/host"], Verdict::Open);
}

#[test]
fn a_cluster_that_makes_raw_connections_of_requests_is_said() {
    let text = |kind: &str, name: &str| {
        let config = format!(
            "upstream_config: {{ name: u, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.{kind} }} }}"
        );
        let text = bootstrap(&[guarded()], &[cluster("other", "10.0.0.2", 8080)], "");
        text.replacen(&format!("- {{ name: {name}, "), &format!("- {{ name: {name}, {config}, "), 1)
    };
    for (kind, expected, verdict) in [
        ("upstreams.http.tcp.v3.TcpConnectionPoolProto", &["envoy-tcp-proxy"][..], Verdict::Open),
        ("upstreams.http.udp.v3.UdpConnectionPoolProto", &["envoy-tcp-proxy"], Verdict::Open),
        ("upstreams.http.dynamic_modules.v3.Config", &["envoy-tcp-proxy"], Verdict::Open),
        ("upstreams.http.http.v3.HttpConnectionPoolProto", &[], Verdict::Good),
        ("upstreams.http.generic.v3.GenericConnectionPoolProto", &[], Verdict::Good),
    ] {
        check(kind, &text(kind, "api"), expected, verdict);
        check(kind, &text(kind, "other"), &[], Verdict::Good);
    }
}

#[test]
fn listener_filters_that_may_lead_elsewhere_are_named() {
    let text = |filters: &str| {
        let proxy = filter("t", "network.tcp_proxy.v3.TcpProxy", ", stat_prefix: t, cluster: other");
        let raw = listener("raw", &format!("listener_filters: [{filters}], "), &[&proxy]);
        bootstrap(&[guarded(), raw], &[cluster("other", "10.0.0.2", 8080)], "")
    };
    for kind in [
        "http_inspector.v3.HttpInspector",
        "original_dst.v3.OriginalDst",
        "proxy_protocol.v3.ProxyProtocol",
        "tls_inspector.v3.TlsInspector",
    ] {
        check(kind, &text(&filter("f", &format!("listener.{kind}"), "")), &[], Verdict::Good);
    }
    check("by name", &text("{ name: envoy.filters.listener.tls_inspector }"), &[], Verdict::Good);
    let state = |key: &str| {
        let value = "format_string: { text_format_source: { inline_string: api } }";
        filter("f", "listener.set_filter_state.v3.Config", &format!(", on_accept: [{{ object_key: {key}, {value} }}]"))
    };
    check("state", &text(&state("a")), &[], Verdict::Good);
    let unknown = "the listener filter `f`, whose effect is not known here (listener `raw`)";
    for filter in [
        state("envoy.tcp_proxy.cluster"),
        filter("f", "listener.dynamic_modules.v3.DynamicModuleListenerFilter", ""),
        "{ name: f }".to_owned(),
    ] {
        let found = check(&filter, &text(&filter), &[], Verdict::Unseen);
        assert_eq!(found.seen.unseen, [unknown]);
    }
    let found = check(
        "discovered",
        &text(&format!("{{ name: f, config_discovery: {{ config_source: {SOURCE} }} }}")),
        &[],
        Verdict::Unseen,
    );
    assert_eq!(found.seen.unseen, ["the listener filter `f`, which comes by discovery (listener `raw`)"]);
}

#[test]
fn a_udp_proxy_past_the_check_is_said() {
    let text = |more: &str| {
        let proxy = filter("u", "udp.udp_proxy.v3.UdpProxyConfig", &format!(", stat_prefix: u{more}"));
        let udp = format!(
            "    - {{ name: udp, address: {{ socket_address: {{ protocol: UDP, address: 0.0.0.0, port_value: 9053 }} }}, \
             udp_listener_config: {{}}, listener_filters: [{proxy}] }}\n"
        );
        bootstrap(&[guarded(), udp], &[cluster("other", "10.0.0.2", 53), cluster("same", "10.0.0.1", 8080)], "")
    };
    let by_matcher = |cluster: &str| {
        let route = format!("'@type': {FILTERS}.udp.udp_proxy.v3.Route, cluster: {cluster}");
        format!(", matcher: {{ on_no_match: {{ action: {{ name: route, typed_config: {{ {route} }} }} }} }}")
    };
    let open = &["envoy-tcp-proxy udp"];
    check("elsewhere", &text(&by_matcher("other")), &[], Verdict::Good);
    check("by a matcher", &text(&by_matcher("api")), open, Verdict::Open);
    check("by name", &text(", cluster: api"), open, Verdict::Open);
    check("same address", &text(&by_matcher("same")), open, Verdict::Open);
    let found = check("nowhere", &text(""), &[], Verdict::Unseen);
    assert_eq!(found.seen.unseen, ["the listener filter `u`, whose effect is not known here (listener `udp`)"]);
    let session = format!("{}, session_filters: [{{ name: s }}]", by_matcher("other"));
    check("session filters", &text(&session), &[], Verdict::Unseen);
}

#[test]
fn network_filters_of_a_cluster_are_named() {
    let text = |kind: &str| {
        let more = format!("filters: [{}], ", filter("f", &format!("network.{kind}"), ""));
        bootstrap(&[guarded()], &[], "").replacen("- { name: api, ", &format!("- {{ name: api, {more}"), 1)
    };
    let found = check("wasm", &text("wasm.v3.Wasm"), &[], Verdict::Unseen);
    assert_eq!(found.seen.unseen, ["the network filter `f` of the cluster `api`, which may change requests"]);
    check("rate limit", &text("local_ratelimit.v3.LocalRateLimit"), &[], Verdict::Good);
}

const ANSWER: &str = "{ match: { prefix: / }, direct_response: { status: 404 } }";

/// A filter that answers with files.
fn files() -> String {
    filter(
        "files",
        "http.file_server.v3.FileServerConfig",
        ", path_mappings: [{ request_path_prefix: /f, file_path_prefix: /f }]",
    )
}

/// A filter that sends requests to a cluster.
fn mcp_router(cluster: &str) -> String {
    let servers = format!(", servers: [{{ name: s, mcp_cluster: {{ cluster: {cluster}, path: /mcp }} }}]");
    filter("mcp", "http.mcp_router.v3.McpRouter", &servers)
}

#[test]
fn a_filter_that_acts_by_itself_needs_a_check_where_the_route_answers() {
    let text = |filters: &[&str], routes: &str| {
        let other = listener("other", "", &[&manager(filters, routes)]);
        let clusters = [cluster("other", "10.0.0.2", 8080)];
        bootstrap(&[guarded(), other], &clusters, "")
    };
    let redirect = "{ match: { prefix: / }, redirect: { https_redirect: true } }";
    for route in [ANSWER, redirect] {
        check("none", &text(&[], route), &[], Verdict::Good);
        for filter in [
            files(),
            mcp_router("api"),
            mcp_router("other"),
            filter("mcp", "http.mcp_router.v3.McpRouter", ", servers: [{}]"),
        ] {
            check(&filter, &text(&[&filter], route), &["envoy-unchecked other"], Verdict::Open);
            let off = filter.replacen("name:", "disabled: true, name:", 1);
            check(&off, &text(&[&off], route), &[], Verdict::Good);
        }
    }
    // Upgrades pass filters of their own.
    let upgrade =
        format!("upgrade_configs: [{{ upgrade_type: websocket, filters: [{}] }}], route_config", mcp_router("api"));
    let upgrades = text(&[], ANSWER);
    let (before, after) = upgrades.rsplit_once("route_config").unwrap();
    check("upgrade", &format!("{before}{upgrade}{after}"), &["envoy-unchecked other"], Verdict::Open);
    let on = "typed_per_filter_config: { files: { '@type': type.googleapis.com/envoy.config.route.v3.FilterConfig, config: {} } }";
    let on = ANSWER.replacen("match:", &format!("{on}, match:"), 1);
    let by_route = files().replacen("name:", "disabled: true, name:", 1);
    check("on for a route", &text(&[&by_route], &on), &["envoy-unchecked other"], Verdict::Open);
}

#[test]
fn a_route_that_answers_needs_its_check_in_front_of_a_filter_that_acts() {
    let route = format!("{{ match: {{ prefix: /f }}, direct_response: {{ status: 404 }}, {} }}, {ALL}", off());
    let text = |filter: &str| {
        let ours = ours("z", "");
        let filters: Vec<&str> = [ours.as_str(), filter].into_iter().filter(|filter| !filter.is_empty()).collect();
        bootstrap(&[listener("in", "", &[&manager(&filters, &route)])], &[cluster("other", "10.0.0.2", 8080)], "")
    };
    check("none", &text(""), &[], Verdict::Good);
    check("files", &text(&files()), &["envoy-route-disabled in/host"], Verdict::Open);
    let both = &["envoy-filter-order in", "envoy-route-disabled in/host"];
    check("MCP", &text(&mcp_router("other")), both, Verdict::Open);
    // Only the settings of the route have the filter.
    let chain = "http.filter_chain.v3.FilterChainConfig";
    let settings = |inner: &str| {
        format!("c: {{ '@type': {FILTERS}.{chain}PerRoute, filter_chain: {{ filters: [{inner}] }} }}, z:")
    };
    let holder = text(&filter("c", chain, ""));
    check("empty chain", &holder, &[], Verdict::Good);
    let with_files = holder.replacen("{ z:", &format!("{{ {}", settings(&files())), 1);
    check("chain of a route", &with_files, &["envoy-route-disabled in/host"], Verdict::Open);
    let cors = filter("cors", "http.cors.v3.Cors", "");
    let with_cors = holder.replacen("{ z:", &format!("{{ {}", settings(&cors)), 1);
    check("harmless chain of a route", &with_cors, &["envoy-filter-order in/host"], Verdict::Good);
}

#[test]
fn what_a_filter_sends_checked_requests_to_is_guarded() {
    let text = |filters: &[&str]| {
        let one = listener("in", "", &[&manager(filters, ANSWER)]);
        let proxy = filter("t", "network.tcp_proxy.v3.TcpProxy", ", stat_prefix: t, cluster: other");
        bootstrap(&[one, listener("raw", "", &[&proxy])], &[cluster("other", "10.0.0.2", 8080)], "")
    };
    let (z, mcp) = (ours("z", ""), mcp_router("other"));
    check("without", &text(&[&z]), &[], Verdict::Good);
    check("with", &text(&[&z, &mcp]), &["envoy-filter-order in", "envoy-tcp-proxy raw"], Verdict::Open);
}

#[test]
fn a_filter_that_sends_on_what_has_no_route_does_so_without_a_check() {
    let text = |filter: &str, domain: &str, routes: &str| {
        let text = bootstrap(&[listener("in", "", &[&manager(&[&ours("z", ""), filter], routes)])], &[], "");
        text.replacen("domains: ['*']", &format!("domains: [{domain}]"), 1)
    };
    let (order, both) = (&["envoy-filter-order in"][..], &["envoy-filter-order in", "envoy-unchecked in"][..]);
    let some = "{ match: { prefix: /a }, route: { cluster: api } }";
    let with_header = "{ match: { prefix: /, headers: [{ name: a, present_match: true }] }, route: { cluster: api } }";
    for (domain, routes, expected) in [
        ("'*'", ALL.to_owned(), order),
        ("'*'", format!("{some}, {ALL}"), order),
        ("'*'", some.to_owned(), both),
        ("'*'", with_header.to_owned(), both),
        ("a.test", ALL.to_owned(), both),
    ] {
        check(&routes, &text(&mcp_router("api"), domain, &routes), expected, Verdict::Open);
    }
    // Envoy answers with a file only where there is a route.
    check("files", &text(&files(), "'*'", some), &[], Verdict::Good);
}

#[test]
fn a_filter_that_may_act_by_itself_is_named_where_nothing_is_checked() {
    let text = |filter: &str| bootstrap(&[guarded(), listener("other", "", &[&manager(&[filter], ANSWER)])], &[], "");
    let lua =
        |code: &str| filter("f", "http.lua.v3.Lua", &format!(", default_source_code: {{ inline_string: '{code}' }}"));
    let unknown = [
        filter("f", "http.new.v3.New", ""),
        filter("f", "http.golang.v3alpha.Config", ""),
        filter("f", "http.ext_proc.v3.ExternalProcessor", ""),
        filter("f", "http.wasm.v3.Wasm", ", config: { vm_config: { runtime: envoy.wasm.runtime.v8 } }"),
        filter("f", "http.lua.v3.Lua", ", default_source_code: { filename: /a.lua }"),
        lua("function envoy_on_request(h) h:httpCall(a, b) end"),
    ];
    for filter in unknown {
        let found = check(&filter, &text(&filter), &[], Verdict::Unseen);
        let unseen =
            "the filter `f`, which may answer requests without a check, or send them on, by itself (listener `other`)";
        assert_eq!(found.seen.unseen, [unseen]);
    }
    for filter in [
        lua("function envoy_on_request(h) h:respond({}) end"),
        filter("f", "http.wasm.v3.Wasm", ", config: { vm_config: { runtime: envoy.wasm.runtime.null } }"),
        filter("f", "http.ext_proc.v3.ExternalProcessor", ", disable_immediate_response: true"),
        filter("f", "http.ext_proc.v3.ExternalProcessor", ", observability_mode: true"),
        filter("f", "http.cors.v3.Cors", ""),
        filter("f", "http.health_check.v3.HealthCheck", ", pass_through_mode: false"),
    ] {
        check(&filter, &text(&filter), &[], Verdict::Good);
    }
    // Also for a route of a checked manager, whose own finding is another one.
    let route = format!("{{ match: {{ prefix: /f }}, direct_response: {{ status: 404 }}, {} }}, {ALL}", off());
    let call = lua("function envoy_on_request(h) h:httpCall(a, b) end");
    for (routes, verdict) in [(route.as_str(), Verdict::Unseen), (ALL, Verdict::Good)] {
        let text = bootstrap(&[listener("in", "", &[&manager(&[&call, &ours("z", "")], routes)])], &[], "");
        check(routes, &text, &[], verdict);
    }
}
