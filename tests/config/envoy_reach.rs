//! `check --envoy` on what requests and connections reach: by way of internal listeners, the admin page, pages of agents, and by other
//! protocols than HTTP.

use portcullis::tools::envoy_lint::Verdict;

use crate::envoy_scene::{ALL, PER_ROUTE, bootstrap, check, cluster, cluster_at, listener, manager, ours, tcp_proxy};

const INTERNAL: &str = "internal_listener: {}, ";

fn route(cluster: &str, more: &str) -> String {
    format!("{{ match: {{ prefix: / }}, route: {{ cluster: {cluster} }}{more} }}")
}

/// A cluster that leads to the internal listener `inner`.
fn to_inner() -> String {
    cluster_at("to-inner", "envoy_internal_address: { server_listener_name: inner }")
}

#[test]
fn an_inner_listener_relies_on_each_route_that_leads_to_it() {
    let off = format!(", typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, disabled: true }} }}");
    let by_default = ours("z", "").replacen("name:", "disabled: true, name:", 1);
    let (on, off, other) = (route("to-inner", ""), route("to-inner", &off), route("api", ""));
    let unchecked = listener("inner", INTERNAL, &[&manager(&[], ALL)]);
    let checked = listener("inner", INTERNAL, &[&manager(&[&ours("z", "")], ALL)]);
    let text = |filter: &str, routes: &str, inner: &str| {
        let outer = listener("outer", "", &[&manager(&[filter], routes)]);
        bootstrap(&[outer, inner.to_owned()], &[to_inner()], "")
    };
    let always = ours("z", "");
    check("on", &text(&always, &on, &unchecked), &[], Verdict::Good);
    check("off", &text(&always, &off, &unchecked), &["envoy-route-disabled outer/host"], Verdict::Open);
    check("off, and checked there", &text(&always, &off, &checked), &[], Verdict::Good);
    check(
        "off by default",
        &text(&by_default, &on, &unchecked),
        &["error envoy-filter-disabled outer"],
        Verdict::Wrong,
    );
    check("off by default, and checked there", &text(&by_default, &on, &checked), &[], Verdict::Good);
    let beside = format!("{off}, {other}");
    check("off beside", &text(&always, &beside, &unchecked), &["envoy-route-disabled outer/host"], Verdict::Open);
}

#[test]
fn a_cluster_without_a_name_is_chosen_by_a_header() {
    let checked = listener("in", "", &[&manager(&[&ours("z", "")], ALL)]);
    for chosen in [
        "cluster_header: x",
        "weighted_clusters: { clusters: [{ cluster_header: x, weight: 1 }] }",
        "weighted_clusters: { clusters: [{ name: '', cluster_header: x, weight: 1 }] }",
    ] {
        let open = format!("{{ match: {{ prefix: / }}, route: {{ {chosen} }} }}");
        let text = bootstrap(&[checked.clone(), listener("open", "", &[&manager(&[], &open)])], &[], "");
        check(chosen, &text, &["envoy-unchecked open"], Verdict::Open);
    }
}

#[test]
fn a_route_to_an_internal_listener_that_is_not_in_the_files_needs_a_check() {
    let off = format!(", typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, disabled: true }} }}");
    let outer = listener("outer", "", &[&manager(&[&ours("z", "")], &route("to-inner", &off))]);
    let text = bootstrap(&[outer], &[to_inner()], "");
    check("elsewhere", &text, &["envoy-route-disabled outer/host"], Verdict::Open);
}

const ADMIN: &str = "admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }\n";
const LAYER: &str = "layered_runtime: { layers: [{ name: a, admin_layer: {} }] }\n";

#[test]
fn of_the_admin_page_only_statistics_and_health_need_no_check() {
    let page = |host: &str, path: &str, more: &str| {
        let checked = listener("checked", "", &[&manager(&[&ours("z", "")], ALL)]);
        let route = format!("{{ match: {path}, route: {{ cluster: page{more} }} }}");
        let other = listener("other", "", &[&manager(&[], &route)]);
        bootstrap(&[checked, other], &[cluster("page", host, 9901)], &format!("{ADMIN}{LAYER}"))
    };
    for path in ["{ path: /stats/prometheus }", "{ prefix: /stats/prometheus }", "{ path: /ready }"] {
        check(path, &page("127.0.0.1", path, ""), &[], Verdict::Good);
    }
    let both = &["envoy-unchecked other", "envoy-runtime other/host"];
    for (path, more) in [
        ("{ prefix: / }", ""),
        ("{ path: /config_dump }", ""),
        ("{ path: /ready }", ", prefix_rewrite: /runtime_modify"),
        ("{ prefix: /stats/prometheus }", ", regex_rewrite: { pattern: { regex: a }, substitution: b }"),
    ] {
        for host in ["127.0.0.1", "localhost"] {
            check(path, &page(host, path, more), both, Verdict::Open);
        }
    }
}

#[test]
fn a_route_or_a_tcp_proxy_to_the_admin_page_changes_the_runtime() {
    let off = format!(", typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, disabled: true }} }}");
    let text = |routes: &str, layer: &str| {
        let outer = listener("outer", "", &[&manager(&[&ours("z", "")], routes)]);
        bootstrap(&[outer], &[cluster("page", "127.0.0.1", 9901)], &format!("{ADMIN}{layer}"))
    };
    let (on, off) = (route("page", ""), route("page", &off));
    check("checked", &text(&on, LAYER), &[], Verdict::Good);
    check("off", &text(&off, LAYER), &["envoy-runtime outer/host", "envoy-route-disabled outer/host"], Verdict::Open);
    check("off, without a layer", &text(&off, ""), &["envoy-route-disabled outer/host"], Verdict::Open);
    let checked = listener("checked", "", &[&manager(&[&ours("z", "")], ALL)]);
    let raw = listener("raw", "", &[&tcp_proxy("cluster: page")]);
    let text = bootstrap(&[checked, raw], &[cluster("page", "127.0.0.1", 9901)], &format!("{ADMIN}{LAYER}"));
    check("TCP", &text, &["envoy-runtime raw"], Verdict::Open);
}

#[test]
fn a_page_of_an_agent_is_none_with_another_path_or_at_an_address_of_the_api() {
    let text = |host: &str, port: u16, more: &str, mesh: &str| {
        let checked = listener("checked", "", &[&manager(&[&ours("z", "")], &route("app", ""))]);
        let page = format!("{{ match: {{ prefix: /healthz/ready }}, route: {{ cluster: agent{more} }} }}");
        let health = listener("health", "", &[&manager(&[], &page)]);
        let clusters = [cluster("app", "127.0.0.1", 8080), cluster("agent", host, port)];
        bootstrap(&[checked, health], &clusters, mesh)
    };
    let mesh = "dynamic_resources: { ads_config: {} }\n";
    let open = &["envoy-unchecked health"];
    check("page", &text("127.0.0.1", 15020, "", mesh), &[], Verdict::Good);
    check("rewrite", &text("127.0.0.1", 15020, ", prefix_rewrite: /", mesh), open, Verdict::Open);
    check("same port by name", &text("localhost", 8080, "", mesh), open, Verdict::Open);
    check("no source", &text("127.0.0.1", 15020, "", "dynamic_resources: {}\n"), open, Verdict::Open);
}

/// A network filter of that type.
fn network_filter(kind: &str, more: &str) -> String {
    format!(
        "{{ name: f, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.filters.network.{kind}{more} }} }}"
    )
}

#[test]
fn a_network_filter_of_another_protocol_is_named_and_its_clusters_count() {
    let guarded = listener("in", "", &[&manager(&[&ours("z", "")], ALL)]);
    let text = |filter: &str| {
        let raw = listener("raw", "", &[filter]);
        bootstrap(&[guarded.clone(), raw], &[cluster("other", "10.0.0.2", 6379)], "")
    };
    let thrift = |cluster: &str| {
        let routes = format!("routes: [{{ match: {{ method_name: a }}, route: {{ {cluster} }} }}]");
        network_filter(
            "thrift_proxy.v3.ThriftProxy",
            &format!(", stat_prefix: t, route_config: {{ name: r, {routes} }}"),
        )
    };
    let unseen = ["the network filter `f`, whose protocol is not known here (listener `raw`)"];
    let other = check("other", &text(&thrift("cluster: other")), &[], Verdict::Unseen);
    assert_eq!(other.seen.unseen, unseen);
    for to_api in ["cluster: api", "weighted_clusters: { clusters: [{ name: api, weight: 1 }] }"] {
        let api = check(to_api, &text(&thrift(to_api)), &["envoy-tcp-proxy raw"], Verdict::Open);
        assert_eq!(api.seen.unseen, unseen);
    }
    check("bare", &text("{ name: f }"), &[], Verdict::Unseen);
    let state = |key: &str| {
        let value = "format_string: { text_format_source: { inline_string: a } }";
        network_filter(
            "set_filter_state.v3.Config",
            &format!(", on_new_connection: [{{ object_key: {key}, {value} }}]"),
        )
    };
    check("state", &text(&state("a")), &[], Verdict::Good);
    let chosen = state("envoy.tcp_proxy.cluster");
    check("state that chooses", &text(&chosen), &[], Verdict::Unseen);
    let later = chosen.replace("on_new_connection", "on_downstream_tls_handshake");
    check("state that chooses later", &text(&later), &[], Verdict::Unseen);
    check("echo", &text(&network_filter("echo.v3.Echo", "")), &[], Verdict::Good);
}

#[test]
fn an_inner_listener_relies_on_no_other_protocol() {
    let outer = listener("outer", "", &[&manager(&[&ours("z", "")], &route("to-inner", ""))]);
    let inner = listener("inner", INTERNAL, &[&manager(&[], ALL)]);
    let redis = network_filter(
        "redis_proxy.v3.RedisProxy",
        ", stat_prefix: r, settings: { op_timeout: 1s }, prefix_routes: { catch_all_route: { cluster: to-inner } }",
    );
    let text = bootstrap(&[outer, inner, listener("raw", "", &[&redis])], &[to_inner()], "");
    check("redis", &text, &["envoy-unchecked inner"], Verdict::Open);
}

#[test]
fn filter_chains_and_default_filters_that_come_by_discovery_are_named() {
    let guarded = listener("in", "", &[&manager(&[&ours("z", "")], ALL)]);
    let discovered = "{ name: d, config_discovery: { config_source: { ads: {} }, type_urls: [a] } }";
    let default = format!("default_filter_chain: {{ filters: [{discovered}] }}, ");
    let chains = "fcds_config: { config_source: { ads: {} } }, ";
    for (more, unseen) in [
        (default.as_str(), "the network filter `d`, which comes by discovery (listener `more`, chain `default`)"),
        (chains, "the filter chains that come by discovery (`fcds_config`, listener `more`)"),
    ] {
        let other = listener("more", more, &[&manager(&[&ours("z", "")], ALL)]);
        let found = check(more, &bootstrap(&[guarded.clone(), other], &[], ""), &[], Verdict::Unseen);
        assert_eq!(found.seen.unseen, [unseen]);
    }
}

#[test]
fn a_tcp_proxy_that_may_lead_to_the_api_is_not_good() {
    let guarded = listener("in", "", &[&manager(&[&ours("z", "")], ALL)]);
    let text = |target: &str| {
        bootstrap(&[guarded.clone(), listener("raw", "", &[&tcp_proxy("cluster: t")])], &[target.to_owned()], "")
    };
    for (host, port, verdict) in [
        ("api.example", 8080, Verdict::Unseen),
        ("api.example", 5432, Verdict::Good),
        ("10.0.0.2", 8080, Verdict::Good),
        ("127.0.0.1", 8080, Verdict::Unseen),
    ] {
        check(host, &text(&cluster("t", host, port)), &[], verdict);
    }
    let original = check(
        "original",
        &text("    - { name: t, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED }\n"),
        &[],
        Verdict::Unseen,
    );
    let unseen =
        ["the servers behind `t`, to which this TCP proxy leads, and checked routes perhaps as well (listener `raw`)"];
    assert_eq!(original.seen.unseen, unseen);
    let both = |name: &str, second: &str| {
        let address = |host: &str| format!("address: {{ socket_address: {{ address: {host}, port_value: 8080 }} }}");
        let endpoint = format!("{{ {}, additional_addresses: [{{ {} }}] }}", address("10.0.0.9"), address(second));
        format!(
            "    - {{ name: {name}, type: STATIC, load_assignment: {{ cluster_name: {name}, endpoints: [{{ lb_endpoints: [{{ endpoint: \
             {endpoint} }}] }}] }} }}\n"
        )
    };
    check("other second address", &text(&both("t", "10.0.0.2")), &[], Verdict::Good);
    check("second address", &text(&both("t", "127.0.0.1")), &[], Verdict::Unseen);
    let eds = "    - { name: t, type: EDS, eds_cluster_config: { eds_config: { ads: {} } } }\n";
    check("endpoints by discovery", &text(eds), &[], Verdict::Unseen);
}

#[test]
fn what_is_behind_an_inner_tcp_proxy_is_guarded() {
    let outer = listener("outer", "", &[&manager(&[&ours("z", "")], &route("to-inner", ""))]);
    let inner = listener("inner", INTERNAL, &[&tcp_proxy("cluster: api")]);
    let text = |more: &[String]| bootstrap(&[&[outer.clone(), inner.clone()], more].concat(), &[to_inner()], "");
    check("inner", &text(&[]), &[], Verdict::Good);
    let raw = |cluster: &str| listener("raw", "", &[&tcp_proxy(&format!("cluster: {cluster}"))]);
    check("beside", &text(&[raw("api")]), &["envoy-tcp-proxy raw"], Verdict::Open);
    check("through", &text(&[raw("to-inner")]), &["envoy-tcp-proxy inner"], Verdict::Open);
    let off = format!(", typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, disabled: true }} }}");
    let off = listener("outer", "", &[&manager(&[&ours("z", "")], &route("to-inner", &off))]);
    let text = bootstrap(&[off, inner.clone()], &[to_inner()], "");
    check("off", &text, &["envoy-route-disabled outer/host"], Verdict::Open);
}
