//! `check --envoy` on several listeners, chains, routes and filters: what is said of them together, and the verdict.

use portcullis::{
    config::{
        error::{Problem, Severity},
        lint::Lint,
    },
    tools::envoy_lint::{Allowed, Checked, Verdict, check_files},
};

const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.http";
const ROUTER: &str =
    "{ name: router, typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }";
pub(super) const PER_ROUTE: &str = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
const FILTER_CONFIG: &str = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
pub(super) const ALL: &str = "{ match: { prefix: / }, route: { cluster: api } }";

/// The settings of an ext_authz filter that asks a cluster.
fn settings(cluster: &str, more: &str) -> String {
    format!(
        "{{ '@type': {FILTERS}.ext_authz.v3.ExtAuthz, grpc_service: {{ envoy_grpc: {{ cluster_name: {cluster}, authority: a }}, timeout: 1s, \
         retry_policy: {{ retry_on: reset, retry_back_off: {{ base_interval: 0.005s, max_interval: 1s }} }} }}, \
         status_on_error: {{ code: 503 }}, encode_raw_headers: true{more} }}"
    )
}

/// An ext_authz filter that asks Portcullis.
pub(super) fn ours(name: &str, more: &str) -> String {
    format!("{{ name: {name}, typed_config: {} }}", settings("portcullis", more))
}

/// A network filter with these HTTP filters and routes.
pub(super) fn manager(filters: &[&str], routes: &str) -> String {
    manager_with(
        filters,
        &format!("route_config: {{ name: t, virtual_hosts: [{{ name: host, domains: ['*'], routes: [{routes}] }}] }}"),
    )
}

fn manager_with(filters: &[&str], routes: &str) -> String {
    format!(
        "{{ name: hcm, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.\
         HttpConnectionManager, stat_prefix: s, normalize_path: true, merge_slashes: true, path_with_escaped_slashes_action: \
         REJECT_REQUEST, common_http_protocol_options: {{ headers_with_underscores_action: REJECT_REQUEST, max_headers_count: 128 }}, \
         http_filters: [{}, {ROUTER}], {routes} }} }}",
        filters.join(", ")
    )
    .replace("[, ", "[")
}

/// A listener with a chain for each of these network filters.
pub(super) fn listener(name: &str, more: &str, chains: &[&str]) -> String {
    let chain = |(at, filter): (usize, &&str)| {
        let names =
            if at == 0 { String::new() } else { format!("filter_chain_match: {{ server_names: [{at}.test] }}, ") };
        format!("{{ {names}filters: [{filter}] }}")
    };
    let chains: Vec<String> = chains.iter().enumerate().map(chain).collect();
    // A port of its own, so that Envoy takes the file as well.
    let port = name.bytes().fold(10_000_u32, |port, byte| 10_000 + (port * 31 + u32::from(byte)) % 20_000);
    let address = format!("address: {{ socket_address: {{ address: 0.0.0.0, port_value: {port} }} }}, ");
    let address = if more.contains("internal") { "" } else { &address };
    format!("    - {{ name: {name}, {address}{more}filter_chains: [{}] }}\n", chains.join(", "))
}

/// A cluster at an address, without TLS.
pub(super) fn cluster(name: &str, host: &str, port: u16) -> String {
    let socket = format!("socket_address: {{ address: {host}, port_value: {port} }}");
    cluster_at(name, &socket)
}

pub(super) fn cluster_at(name: &str, address: &str) -> String {
    format!(
        "    - {{ name: {name}, load_assignment: {{ cluster_name: {name}, endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ \
         {address} }} }} }}] }}] }} }}\n"
    )
}

/// The cluster of Portcullis, without another finding than that it is one.
fn portcullis(more: &str) -> String {
    let options = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    format!(
        "    - {{ name: portcullis, typed_extension_protocol_options: {{ envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {{ '@type': {options}, explicit_http_config: {{ \
         http2_protocol_options: {{}} }} }} }}, circuit_breakers: {{ thresholds: [{{ max_requests: 10000, max_pending_requests: 10000, \
         max_retries: 1000 }}] }}, {more} }}\n"
    )
}

/// The address of Portcullis beside Envoy.
const NEAR: &str = "type: STRICT_DNS, load_assignment: { cluster_name: portcullis, endpoints: [{ lb_endpoints: [{ endpoint: { address: { \
                    socket_address: { address: localhost, port_value: 9191 } } } }] }] }, health_checks: [{ timeout: 1s, interval: 1s, \
                    no_traffic_interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, grpc_health_check: { authority: a } }]";
/// The address of Portcullis on another machine.
const FAR: &str = "type: STRICT_DNS, load_assignment: { cluster_name: portcullis, endpoints: [{ lb_endpoints: [{ endpoint: { address: { \
                   socket_address: { address: portcullis.example, port_value: 9191 } } } }] }] }, health_checks: [{ timeout: 1s, interval: \
                   1s, no_traffic_interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, grpc_health_check: { authority: a } }]";

/// A bootstrap file of listeners, clusters and more.
pub(super) fn bootstrap(listeners: &[String], clusters: &[String], more: &str) -> String {
    let near = if clusters.iter().any(|cluster| cluster.contains("name: portcullis,")) {
        String::new()
    } else {
        portcullis(NEAR)
    };
    format!(
        "{more}static_resources:\n  listeners:\n{}  clusters:\n{near}{}{}",
        listeners.concat(),
        cluster("api", "10.0.0.1", 8080),
        clusters.concat()
    )
}

/// The names and places of what is found.
fn found(checked: &Checked) -> Vec<String> {
    let describe = |problem: &Problem| {
        let word = if problem.severity() == Severity::Error { "error " } else { "" };
        let sites: Vec<String> =
            problem.sites().iter().map(|site| site.names().collect::<Vec<_>>().join("/")).collect();
        format!("{word}{} {}", problem.kind().map_or("", Lint::name), sites.join("+")).trim_end().to_owned()
    };
    checked.files[0].problems().map(describe).collect()
}

/// Compares findings and the verdict.
pub(super) fn check(name: &str, text: &str, expected: &[&str], verdict: Verdict) -> Checked {
    let checked = check_files(&[(text, "envoy.yaml")], None);
    let said: Vec<String> = checked.files[0].problems().map(ToString::to_string).collect();
    assert_eq!(found(&checked), expected, "{name}: {said:#?}");
    assert_eq!(checked.verdict(), verdict, "{name}: {said:#?} {:?}", checked.seen.unseen);
    checked
}

fn one(manager: &str) -> Vec<String> {
    vec![listener("in", "", &[manager])]
}

#[test]
fn what_is_checked_everywhere_is_good_and_counted() {
    let text = bootstrap(&one(&manager(&[&ours("z", "")], ALL)), &[], "");
    let checked = check("good", &text, &[], Verdict::Good);
    let seen = "looked at 1 listener, 1 filter chain, 1 HTTP connection manager, 1 route, 2 clusters";
    assert_eq!((checked.seen.to_string().as_str(), checked.seen.unseen.len()), (seen, 0));
}

#[test]
fn a_filter_that_is_not_understood_hides_no_missing_check() {
    let cors = format!(
        "{{ name: cors, typed_config: {{ '@type': type.googleapis.com/xds.type.v3.TypedStruct, type_url: {FILTERS}.cors.v3.Cors }} }}"
    );
    let bare = "{ name: envoy.filters.http.lua }";
    for filter in [cors.as_str(), bare] {
        let text = bootstrap(&one(&manager(&[filter], ALL)), &[], "");
        check(filter, &text, &["error envoy-unchecked in"], Verdict::Wrong);
        let checked = listener("checked", "", &[&manager(&[&ours("z", "")], ALL)]);
        let text = bootstrap(&[checked, one(&manager(&[filter], ALL)).concat()], &[], "");
        check(filter, &text, &["envoy-unchecked in"], Verdict::Open);
    }
    let composite = format!("{{ name: c, typed_config: {{ '@type': {FILTERS}.composite.v3.Composite }} }}");
    check(
        "composite",
        &bootstrap(&one(&manager(&[&composite], ALL)), &[], ""),
        &["error envoy-unchecked in"],
        Verdict::Wrong,
    );
    let discovered = format!(
        "{{ name: d, config_discovery: {{ config_source: {{ ads: {{}} }}, type_urls: [{FILTERS}.composite.v3.Composite] }} }}"
    );
    let text = bootstrap(&one(&manager(&[&discovered], ALL)), &[], "");
    let checked = check("discovered", &text, &["envoy-nothing-checked in"], Verdict::Unseen);
    assert_eq!(checked.seen.unseen, ["the filters that `d` gets by discovery (listener `in`)"]);
}

/// A composite filter that runs another one where a header says so.
fn composite(inner: &str) -> String {
    let input = "{ name: i, typed_config: { '@type': type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput, header_name: x-auth } }";
    format!(
        "{{ name: c, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher, \
         extension_config: {{ name: composite, typed_config: {{ '@type': {FILTERS}.composite.v3.Composite }} }}, xds_matcher: {{ matcher_tree: {{ \
         input: {input}, exact_match_map: {{ map: {{ 'yes': {{ action: {{ name: a, typed_config: {{ '@type': {FILTERS}.composite.v3.\
         ExecuteFilterAction, typed_config: {inner} }} }} }} }} }} }} }} }} }}"
    )
}

#[test]
fn ext_authz_in_a_composite_filter_runs_for_some_requests_and_is_linted() {
    let text = bootstrap(&one(&manager(&[&composite(&ours("z", ""))], ALL)), &[], "");
    check("inside", &text, &["envoy-skipped in"], Verdict::Open);
    let text = bootstrap(&one(&manager(&[&composite(&ours("z", ", failure_mode_allow: true"))], ALL)), &[], "");
    check("inside, open", &text, &["envoy-skipped in", "error envoy-fail-open in"], Verdict::Wrong);
    let text = bootstrap(
        &one(&manager(
            &[&composite("{ name: b, typed_config: { '@type': a/envoy.extensions.filters.http.buffer.v3.Buffer } }")],
            ALL,
        )),
        &[],
        "",
    );
    check("nothing inside", &text, &["error envoy-unchecked in"], Verdict::Wrong);
    // Beside one that always runs it is one more.
    let text = bootstrap(&one(&manager(&[&composite(&ours("x", "")), &ours("z", "")], ALL)), &[], "");
    check("beside", &text, &[], Verdict::Good);
}

#[test]
fn each_filter_that_only_some_routes_switch_on_is_linted() {
    let off = |name: &str, more: &str| ours(name, more).replacen("name:", "disabled: true, name:", 1);
    let (a, b) = (off("authz/a", ", failure_mode_allow: true"), off("authz/b", ""));
    let on = |path: &str, name: &str| {
        format!(
            "{{ match: {{ prefix: {path} }}, route: {{ cluster: api }}, typed_per_filter_config: {{ {name}: {{ '@type': {FILTER_CONFIG}, config: {{}} }} }} }}"
        )
    };
    let (at_a, at_b) = (on("/a", "authz/a"), on("/", "authz/b"));
    let text = |routes: &str| bootstrap(&one(&manager(&[&a, &b], routes)), &[], "");
    check("both", &text(&format!("{at_a}, {at_b}")), &["error envoy-fail-open in"], Verdict::Wrong);
    check("the good one", &text(&at_b), &[], Verdict::Good);
    check("a route without", &text(&format!("{at_b}, {ALL}")), &["envoy-filter-disabled in/host"], Verdict::Open);
    check("none", &text(ALL), &["error envoy-filter-disabled in", "error envoy-fail-open in"], Verdict::Wrong);
    // One that is on for all requests suffices, unless a route switches it off.
    let always = ours("always", "");
    let beside = bootstrap(&one(&manager(&[&a, &always], &at_a)), &[], "");
    check("beside one that is on", &beside, &[], Verdict::Good);
    let instead =
        at_a.replace("authz/a:", &format!("always: {{ '@type': {FILTER_CONFIG}, disabled: true }}, authz/a:"));
    let instead = bootstrap(&one(&manager(&[&a, &always], &instead)), &[], "");
    check("in place of one that is on", &instead, &["error envoy-fail-open in"], Verdict::Wrong);
}

#[test]
fn where_one_of_two_filters_is_off_the_other_one_counts() {
    let off = |kind: &str| {
        format!(
            "{{ match: {{ prefix: /a }}, route: {{ cluster: api }}, typed_per_filter_config: {{ a: {{ '@type': {kind}, disabled: true }} }} }}, {ALL}"
        )
    };
    let share = |share: u8| {
        format!(", filter_enabled: {{ runtime_key: authz.share, default_value: {{ numerator: {share} }} }}")
    };
    let metadata = ", filter_enabled_metadata: { filter: a, path: [{ key: b }], value: { present_match: true } }";
    let layer = "layered_runtime: { layers: [{ name: l, static_layer: { authz.share: 0 } }] }\n";
    let denies = format!("{}, deny_at_disable: {{ runtime_key: deny, default_value: true }}", share(0));
    let partly = &["envoy-partly-enabled in"][..];
    for (b, runtime, expected, verdict) in [
        (String::new(), "", &[][..], Verdict::Good),
        (share(0), "", partly, Verdict::Open),
        (share(100), layer, partly, Verdict::Open),
        (share(100), "", &[], Verdict::Good),
        (denies, "", &[], Verdict::Good),
        (metadata.to_owned(), "", partly, Verdict::Open),
        (", failure_mode_allow: true".to_owned(), "", &["error envoy-fail-open in"], Verdict::Wrong),
    ] {
        let text = |routes: &str| bootstrap(&one(&manager(&[&ours("a", ""), &ours("b", &b)], routes)), &[], runtime);
        for kind in [PER_ROUTE, FILTER_CONFIG] {
            check(&format!("{b} {kind}"), &text(&off(kind)), expected, verdict);
        }
        check(&format!("{b} nowhere off"), &text(ALL), &[], Verdict::Good);
    }
}

#[test]
fn a_filter_for_a_part_of_all_requests_covers_none_even_if_less_is_wrong_with_it() {
    let share = ours("a", ", filter_enabled: { runtime_key: a, default_value: { numerator: 50 } }");
    let late = ours("b", "").replace("timeout: 1s", "timeout: 0.01s").replace("encode_raw_headers: true", "");
    let text = bootstrap(&one(&manager(&[&share, &late], ALL)), &[], "");
    check("both", &text, &["envoy-raw-headers in", "envoy-timeout in"], Verdict::Good);
}

#[test]
fn filters_of_upgrades_are_linted_like_those_of_other_requests() {
    let upgrade = |filter: &str, route: &str| {
        let route_config = format!(
            "route_config: {{ name: t, virtual_hosts: [{{ name: host, domains: ['*'], routes: [{route}] }}] }}"
        );
        let more =
            format!("upgrade_configs: [{{ upgrade_type: websocket, filters: [{filter}, {ROUTER}] }}], {route_config}");
        bootstrap(&one(&manager_with(&[&ours("z", "")], &more)), &[], "")
    };
    check("good", &upgrade(&ours("u", ""), ALL), &[], Verdict::Good);
    let open = ours("u", ", failure_mode_allow: true");
    check("fail-open", &upgrade(&open, ALL), &["error envoy-fail-open in"], Verdict::Wrong);
    let off = format!(
        "{{ match: {{ prefix: / }}, route: {{ cluster: api }}, typed_per_filter_config: {{ u: {{ '@type': {PER_ROUTE}, disabled: true }} }} }}"
    );
    check("off", &upgrade(&ours("u", ""), &off), &["envoy-route-disabled in/host"], Verdict::Open);
}

#[test]
fn headers_that_are_hidden_and_decide_nothing_let_nothing_pass() {
    let hidden = |name: &str| {
        let filter = ours("z", &format!(", disallowed_headers: {{ patterns: [{{ exact: {name} }}] }}"));
        bootstrap(&one(&manager(&[&filter], ALL)), &[], "")
    };
    for name in ["x-request-id", "content-type"] {
        check(name, &hidden(name), &["envoy-hidden-headers in"], Verdict::Good);
    }
}

#[test]
fn listeners_that_reach_no_api_need_no_check() {
    let checked = listener("checked", "", &[&manager(&[&ours("z", "")], ALL)]);
    let to = |cluster: &str, path: &str| manager(&[], &format!("{{ match: {path}, route: {{ cluster: {cluster} }} }}"));
    let admin = "admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }\n";
    let page = cluster("page", "127.0.0.1", 9901);
    let stats = listener("stats", "", &[&to("page", "{ path: /stats/prometheus }")]);
    check(
        "admin",
        &bootstrap(&[checked.clone(), stats.clone()], std::slice::from_ref(&page), admin),
        &[],
        Verdict::Good,
    );
    check("no admin", &bootstrap(&[checked.clone(), stats], &[page], ""), &["envoy-unchecked stats"], Verdict::Open);
    // A word that is set for tracing proves nothing.
    let outbound = "traffic_direction: OUTBOUND, ";
    let front = listener("front", outbound, &[&to("api", "{ prefix: / }")]);
    let both =
        check("front", &bootstrap(&[checked.clone(), front], &[], ""), &["envoy-unchecked front"], Verdict::Open);
    let help = |checked: &Checked| checked.files[0].problems().next().unwrap().help_text().unwrap().to_owned();
    assert!(!help(&both).contains("--allow"), "{}", help(&both));
    let other = cluster("other", "10.0.0.2", 8080);
    let calls = listener("calls", outbound, &[&to("other", "{ prefix: / }")]);
    let text = bootstrap(&[checked.clone(), calls], &[other], "");
    let calls = check("calls", &text, &["envoy-unchecked calls"], Verdict::Open);
    assert!(help(&calls).contains("`--allow envoy-unchecked=calls`"), "{}", help(&calls));
    // The same upstream by another name.
    let same = cluster("same", "10.0.0.1", 8080);
    let again = listener("again", outbound, &[&to("same", "{ prefix: / }")]);
    let again = check("again", &bootstrap(&[checked, again], &[same], ""), &["envoy-unchecked again"], Verdict::Open);
    assert!(!help(&again).contains("--allow"), "{}", help(&again));
}

#[test]
fn pages_of_the_agent_of_a_mesh_are_no_api() {
    let page = |path: &str| manager(&[], &format!("{{ match: {path}, route: {{ cluster: agent }} }}"));
    let text = |path: &str, port: u16, more: &str| {
        let checked = listener(
            "checked",
            "",
            &[&manager(&[&ours("z", "")], "{ match: { prefix: / }, route: { cluster: app } }")],
        );
        let health = listener("health", "", &[&page(path)]);
        let clusters = [cluster("app", "127.0.0.1", 8080), cluster("agent", "127.0.0.1", port)];
        bootstrap(&[checked, health], &clusters, more)
    };
    let mesh = "dynamic_resources: { ads_config: {} }\n";
    let ready = "{ prefix: /healthz/ready }";
    let open = &["envoy-unchecked health"];
    check("mesh", &text(ready, 15020, mesh), &[], Verdict::Good);
    check("no mesh", &text(ready, 15020, ""), open, Verdict::Open);
    check("the app's", &text(ready, 8080, mesh), open, Verdict::Open);
    check("any page", &text("{ prefix: / }", 15020, mesh), open, Verdict::Open);
    check("more than a page", &text("{ prefix: /ready }", 15020, mesh), open, Verdict::Open);
    check("one page", &text("{ path: /ready }", 15020, mesh), &[], Verdict::Good);
    let elsewhere = "dynamic_resources: { ads_config: {}, cds_config: { ads: {} } }\n";
    let unknown = text("{ path: /ready }", 15020, elsewhere).replace("{ cluster: agent }", "{ cluster: away }");
    let unknown = check("unknown", &unknown, &[], Verdict::Unseen);
    assert_eq!(unknown.seen.unseen, ["the cluster `away`, which is not in the files"]);
}

/// A dump with a listener of these states.
fn dump(states: &str, more: &str) -> String {
    format!(
        "configs:\n- {{ '@type': type.googleapis.com/envoy.admin.v3.ListenersConfigDump, dynamic_listeners: [{{ name: in, {states} }}] }}\n\
         - {{ '@type': type.googleapis.com/envoy.admin.v3.ClustersConfigDump, static_clusters: [\
         {{ cluster: {{ '@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, name: api }} }}] }}\n{more}"
    )
}

#[test]
fn a_dump_has_what_is_served_and_what_came_by_discovery() {
    let state = |name: &str, filter: &str| {
        let one = listener("in", "", &[&manager(&[filter], ALL)]);
        let listener = one.trim().trim_start_matches("- {").to_owned();
        format!("{name}: {{ listener: {{ '@type': type.googleapis.com/envoy.config.listener.v3.Listener, {listener} }}")
    };
    let local = ours("z", "").replacen(
        "envoy_grpc: { cluster_name: portcullis, authority: a }",
        "google_grpc: { target_uri: '127.0.0.1:9191', stat_prefix: portcullis }",
        1,
    );
    let active = state("active_state", &local);
    check("active", &dump(&active, ""), &[], Verdict::Good);
    let draining = state("draining_state", "");
    check("draining", &dump(&format!("{active}, {draining}"), ""), &[], Verdict::Good);
    check("draining alone", &dump(&draining, ""), &["error envoy-unchecked in"], Verdict::Wrong);
    let warming = state("warming_state", "");
    check("warming", &dump(&format!("{active}, {warming}"), ""), &["envoy-unchecked in"], Verdict::Open);
    let discovered = format!(
        "{{ name: z, config_discovery: {{ config_source: {{ ads: {{}} }}, type_urls: [{FILTERS}.ext_authz.v3.ExtAuthz] }} }}"
    );
    let discovered = state("active_state", &discovered);
    let unseen = check("discovered", &dump(&discovered, ""), &["envoy-nothing-checked in"], Verdict::Unseen);
    assert_eq!(unseen.seen.unseen, ["the settings of the filter `z` (listener `in`)"]);
    let sent = |filter: &str| {
        let filter = filter.trim_start_matches('{');
        format!(
            "- {{ '@type': type.googleapis.com/envoy.admin.v3.EcdsConfigDump, ecds_filters: [{{ ecds_filter: {{ '@type': \
             type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig, {filter} }}] }}\n"
        )
    };
    check("sent", &dump(&discovered, &sent(&local)), &[], Verdict::Good);
    let open = local.replacen("status_on_error", "failure_mode_allow: true, status_on_error", 1);
    check("sent, open", &dump(&discovered, &sent(&open)), &["error envoy-fail-open in"], Verdict::Wrong);
}

#[test]
fn a_matcher_of_a_route_or_around_the_filter_is_said() {
    let matcher = "xds_matcher: { matcher_list: { matchers: [] } }";
    let wrapped = format!(
        "{{ name: z, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher, {matcher}, \
         extension_config: {} }} }}",
        ours("inner", "")
    );
    check("around", &bootstrap(&one(&manager(&[&wrapped], ALL)), &[], ""), &["envoy-skipped in"], Verdict::Open);
    let route = format!(
        "{{ match: {{ prefix: / }}, route: {{ cluster: api }}, typed_per_filter_config: {{ z: {{ '@type': \
         type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute, {matcher} }} }} }}"
    );
    let text = bootstrap(&one(&manager(&[&ours("z", "")], &route)), &[], "");
    check("of a route", &text, &["envoy-skipped in/host"], Verdict::Open);
}

#[test]
fn routes_in_a_tree_of_matchers_are_routes() {
    let off = format!("typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, disabled: true }} }}");
    let route = format!(
        "{{ '@type': type.googleapis.com/envoy.config.route.v3.Route, match: {{ prefix: / }}, route: {{ cluster: api }}, {off} }}"
    );
    let tree = format!("matcher: {{ on_no_match: {{ action: {{ name: r, typed_config: {route} }} }} }}");
    let table = format!("route_config: {{ virtual_hosts: [{{ name: host, domains: ['*'], {tree} }}] }}");
    let text = bootstrap(&one(&manager_with(&[&ours("z", "")], &table)), &[], "");
    check("tree", &text, &["envoy-route-disabled in/host"], Verdict::Open);
}

#[test]
fn a_cluster_that_is_meant_to_have_no_endpoints_leads_nowhere() {
    let checked = listener("checked", "", &[&manager(&[&ours("z", "")], ALL)]);
    let lost = listener("lost", "", &[&manager(&[], "{ match: { prefix: / }, route: { cluster: hole } }")]);
    let text = |cluster: &str| {
        bootstrap(&[checked.clone(), lost.clone()], &[format!("    - {{ name: hole{cluster} }}\n")], "")
    };
    check("static", &text(", type: STATIC"), &[], Verdict::Good);
    check("cut short", &text(""), &["envoy-unchecked lost"], Verdict::Open);
}

#[test]
fn an_internal_listener_is_checked_by_those_that_lead_to_it() {
    let inside = cluster_at("inside", "envoy_internal_address: { server_listener_name: inner }");
    let to_inside = "{ match: { prefix: / }, route: { cluster: inside } }";
    let checked = listener("checked", "", &[&manager(&[&ours("z", "")], to_inside)]);
    let inner = listener("inner", "internal_listener: {}, ", &[&manager(&[], ALL)]);
    let text = |listeners: &[String]| bootstrap(listeners, std::slice::from_ref(&inside), "");
    check("behind", &text(&[checked.clone(), inner.clone()]), &[], Verdict::Good);
    let open = listener("open", "", &[&manager(&[], to_inside)]);
    check("beside", &text(&[checked.clone(), inner.clone(), open]), &["envoy-unchecked inner"], Verdict::Open);
    let tcp = listener("tcp", "", &[&tcp_proxy("cluster: inside")]);
    check("by TCP", &text(&[checked, inner, tcp]), &["envoy-unchecked inner"], Verdict::Open);
}

pub(super) fn tcp_proxy(target: &str) -> String {
    format!(
        "{{ name: t, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: t, {target} }} }}"
    )
}

#[test]
fn a_tcp_proxy_past_the_check_is_said() {
    let guarded = manager(&[&ours("z", "")], ALL);
    let other = cluster("other", "10.0.0.2", 5432);
    for target in
        ["cluster: api", "weighted_clusters: { clusters: [{ name: other, weight: 1 }, { name: api, weight: 1 }] }"]
    {
        let text = bootstrap(&[listener("in", "", &[&guarded, &tcp_proxy(target)])], std::slice::from_ref(&other), "");
        check(target, &text, &["envoy-tcp-proxy in/2"], Verdict::Open);
        let text = bootstrap(
            &[listener("in", "", &[&guarded]), listener("raw", "", &[&tcp_proxy(target)])],
            std::slice::from_ref(&other),
            "",
        );
        check(target, &text, &["envoy-tcp-proxy raw"], Verdict::Open);
    }
    let text = bootstrap(&[listener("in", "", &[&guarded, &tcp_proxy("cluster: other")])], &[other], "");
    check("elsewhere", &text, &[], Verdict::Good);
}

#[test]
fn the_runtime_of_the_file_decides_which_part_is_checked() {
    let layer = |values: &str| format!("layered_runtime: {{ layers: [{{ name: l, static_layer: {values} }}] }}\n");
    let share = |percent: u32| {
        format!(", filter_enabled: {{ runtime_key: authz.share, default_value: {{ numerator: {percent} }} }}")
    };
    let denies = ", deny_at_disable: { runtime_key: authz.deny, default_value: true }";
    for (settings, values, expected, verdict) in [
        (share(100), "{ authz.share: 0 }", &["envoy-partly-enabled in"][..], Verdict::Open),
        (share(100), "{ authz: { share: 50 } }", &["envoy-partly-enabled in"], Verdict::Open),
        (
            share(100),
            "{ authz.share: { numerator: 100, denominator: MILLION } }",
            &["envoy-partly-enabled in"],
            Verdict::Open,
        ),
        (share(0), "{ authz.share: 100 }", &[], Verdict::Good),
        (share(0) + denies, "{ authz: { deny: false } }", &["envoy-partly-enabled in"], Verdict::Open),
        (share(0) + denies, "{ other: false }", &[], Verdict::Good),
        (share(100), "{ other: 0 }", &[], Verdict::Good),
    ] {
        let text = bootstrap(&one(&manager(&[&ours("z", &settings)], ALL)), &[], &layer(values));
        check(&format!("{settings} {values}"), &text, expected, verdict);
    }
    let layers = "layered_runtime: { layers: [{ name: disk, disk_layer: { symlink_root: /r } }] }\n";
    let text = bootstrap(&one(&manager(&[&ours("z", &share(100))], ALL)), &[], layers);
    let checked = check("disk", &text, &[], Verdict::Unseen);
    assert_eq!(checked.seen.unseen, ["the runtime layer `disk`, which may set `authz.share` (listener `in`)"]);
}

#[test]
fn an_admin_page_that_sets_the_runtime_is_for_this_machine_only() {
    let layer = "layered_runtime: { layers: [{ name: a, admin_layer: {} }] }\n";
    let admin =
        |host: &str| format!("admin: {{ address: {{ socket_address: {{ address: {host}, port_value: 9901 }} }} }}\n");
    let text = |more: &str| bootstrap(&one(&manager(&[&ours("z", "")], ALL)), &[], more);
    check("far", &text(&format!("{layer}{}", admin("0.0.0.0"))), &["envoy-runtime"], Verdict::Open);
    check("near", &text(&format!("{layer}{}", admin("127.0.0.1"))), &[], Verdict::Good);
    let without = "layered_runtime: { layers: [{ name: a, static_layer: {} }] }\n";
    check("without", &text(&format!("{without}{}", admin("0.0.0.0"))), &[], Verdict::Good);
    for empty in ["layered_runtime: {}\n", "layered_runtime: { layers: [] }\n"] {
        check(empty, &text(&format!("{empty}{}", admin("0.0.0.0"))), &["envoy-runtime"], Verdict::Open);
    }
}

#[test]
fn tls_without_an_authority_is_no_better_than_none() {
    let tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
    let with = |address: &str, context: &str| {
        let socket = format!(
            "{address}, transport_socket: {{ name: tls, typed_config: {{ '@type': {tls}, sni: p{context} }} }}"
        );
        bootstrap(&one(&manager(&[&ours("z", "")], ALL)), &[portcullis(&socket)], "")
    };
    let common = |rules: &str| format!(", common_tls_context: {{ {rules} }}");
    let ca = common("validation_context: { trusted_ca: { filename: /ca.pem } }");
    check(
        "plain",
        &bootstrap(&one(&manager(&[&ours("z", "")], ALL)), &[portcullis(FAR)], ""),
        &["envoy-plaintext in"],
        Verdict::Open,
    );
    check("none", &with(FAR, ""), &["envoy-tls-unverified in"], Verdict::Open);
    check("empty", &with(FAR, &common("validation_context: {}")), &["envoy-tls-unverified in"], Verdict::Open);
    let untrusted = ca.replace("trusted_ca", "trust_chain_verification: ACCEPT_UNTRUSTED, trusted_ca");
    check("untrusted", &with(FAR, &untrusted), &["envoy-tls-unverified in"], Verdict::Open);
    check("near", &with(NEAR, ""), &[], Verdict::Good);
    check("authority", &with(FAR, &ca), &[], Verdict::Good);
    let merged = |rules: &str| {
        let secret = "validation_context_sds_secret_config: { name: ca }";
        common(&format!("combined_validation_context: {{ default_validation_context: {{ {rules} }}, {secret} }}"))
    };
    check("merged", &with(FAR, &merged("")), &[], Verdict::Unseen);
    let any = merged("trust_chain_verification: ACCEPT_UNTRUSTED");
    check("merged, untrusted", &with(FAR, &any), &["envoy-tls-unverified in"], Verdict::Open);
    check("secret", &with(FAR, &common("validation_context_sds_secret_config: { name: ca }")), &[], Verdict::Unseen);
    let proxy =
        "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport";
    let raw = "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
    let wrapped = format!(
        "{FAR}, transport_socket: {{ name: p, typed_config: {{ '@type': {proxy}, transport_socket: {{ name: r, typed_config: {{ '@type': {raw} }} }} }} }}"
    );
    let text = bootstrap(&one(&manager(&[&ours("z", "")], ALL)), &[portcullis(&wrapped)], "");
    check("wrapped", &text, &["envoy-plaintext in"], Verdict::Open);
}

#[test]
fn grpcs_own_client_without_credentials_is_in_the_clear() {
    let with = |target: &str, credentials: &str| {
        let google = format!("google_grpc: {{ target_uri: '{target}', stat_prefix: portcullis{credentials} }}");
        let filter = ours("z", "").replacen("envoy_grpc: { cluster_name: portcullis, authority: a }", &google, 1);
        bootstrap(&one(&manager(&[&filter], ALL)), &[], "")
    };
    let args = ", channel_args: { args: { grpc.default_authority: { string_value: a } } }";
    check("far", &with("authz.example:9191", ""), &["envoy-plaintext in"], Verdict::Open);
    check("empty", &with("authz.example:9191", ", channel_credentials: {}"), &["envoy-plaintext in"], Verdict::Open);
    let plugin = ", channel_credentials_plugin: [{ name: a, typed_config: {} }]";
    check("not heeded", &with("authz.example:9191", plugin), &["envoy-plaintext in"], Verdict::Open);
    check("tls", &with("authz.example:9191", ", channel_credentials: { ssl_credentials: {} }"), &[], Verdict::Good);
    check("loopback", &with("127.0.0.1:9191", ""), &[], Verdict::Good);
    check("socket", &with("unix:/run/p.sock", args), &[], Verdict::Good);
}

#[test]
fn where_another_service_decides_portcullis_does_not() {
    let other = format!("{{ name: opa, typed_config: {} }}", settings("opa", ""));
    let opa = cluster("opa", "127.0.0.1", 9292);
    let checked = listener("first", "", &[&manager(&[&ours("z", "")], ALL)]);
    let second = listener("second", "", &[&manager(&[&other], ALL)]);
    let text = bootstrap(&[checked, second], std::slice::from_ref(&opa), "");
    let both = check("listener", &text, &["envoy-unchecked second"], Verdict::Open);
    assert!(both.files[0].problems().next().unwrap().message().contains("asks another service"), "{:?}", found(&both));
    let route = format!(
        "{{ name: private, match: {{ prefix: / }}, route: {{ cluster: api }}, typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, \
         check_settings: {{ grpc_service: {{ envoy_grpc: {{ cluster_name: opa }}, timeout: 1s }} }} }} }} }}"
    );
    let text = bootstrap(&one(&manager(&[&ours("z", "")], &route)), &[opa], "");
    check("route", &text, &["envoy-unchecked in/private"], Verdict::Open);
}

#[test]
fn what_is_off_or_goes_nowhere_is_no_alarm() {
    let off = format!("typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, disabled: true }} }}");
    let host = |routes: &str| {
        manager_with(
            &[&ours("z", "")],
            &format!(
                "route_config: {{ virtual_hosts: [{{ name: www, domains: [www.test], routes: [{routes}], {off} }}, {{ name: api, domains: ['*'], routes: [{ALL}] }}] }}"
            ),
        )
    };
    let redirect = "{ match: { prefix: /a }, redirect: { https_redirect: true } }, { match: { prefix: / }, direct_response: { status: 204 } }";
    check("answers", &bootstrap(&one(&host(redirect)), &[], ""), &[], Verdict::Good);
    let on = format!(
        "{{ match: {{ prefix: / }}, route: {{ cluster: api }}, typed_per_filter_config: {{ z: {{ '@type': {PER_ROUTE}, check_settings: {{}} }} }} }}"
    );
    check("on again", &bootstrap(&one(&host(&on)), &[], ""), &[], Verdict::Good);
    let some = format!("{{ name: bare, match: {{ prefix: /b }}, route: {{ cluster: api }} }}, {on}");
    check("some", &bootstrap(&one(&host(&some)), &[], ""), &["envoy-route-disabled in/bare"], Verdict::Open);
    // `FilterConfig` switches the filter on, and its own setting on the virtual host keeps it from asking.
    let hollow = on.replace(
        &format!("'@type': {PER_ROUTE}, check_settings: {{}}"),
        &format!("'@type': {FILTER_CONFIG}, config: {{}}"),
    );
    check("hollow", &bootstrap(&one(&host(&hollow)), &[], ""), &["envoy-route-disabled in/www"], Verdict::Open);
}

#[test]
fn what_comes_by_discovery_is_named_and_read_where_the_file_has_it() {
    let rds = manager_with(&[&ours("z", "")], "rds: { route_config_name: api, config_source: { ads: {} } }");
    let text = bootstrap(&one(&rds), &[], "");
    let checked = check("rds", &text, &[], Verdict::Unseen);
    assert_eq!(checked.seen.unseen, ["the routes `api`, which come by discovery (`rds`) (listener `in`)"]);
    let scoped = manager_with(
        &[&ours("z", "")],
        "scoped_routes: { name: s, scoped_rds: { scoped_rds_config_source: { ads: {} } } }",
    );
    check("scoped", &bootstrap(&one(&scoped), &[], ""), &[], Verdict::Unseen);
    let vhds = manager_with(&[&ours("z", "")], "route_config: { name: v, vhds: { config_source: { ads: {} } } }");
    check("vhds", &bootstrap(&one(&vhds), &[], ""), &[], Verdict::Unseen);
    let lds = "dynamic_resources: { lds_config: { ads: {} } }\n";
    check("lds", &bootstrap(&one(&manager(&[&ours("z", "")], ALL)), &[], lds), &[], Verdict::Unseen);
    let table = format!(
        "more: [{{ '@type': type.googleapis.com/envoy.config.route.v3.RouteConfiguration, name: api, virtual_hosts: [{{ name: h, domains: ['*'], \
         routes: [{ALL}], typed_per_filter_config: {{ z: {{ '@type': {FILTER_CONFIG}, disabled: true }} }} }}] }}]\n"
    );
    let checked = check("table", &bootstrap(&one(&rds), &[], &table), &["envoy-route-disabled in/h"], Verdict::Open);
    assert!(checked.seen.unseen.is_empty(), "{:?}", checked.seen);
    let alone = table.replacen("more:", "resources:", 1).replace("disabled: true", "config: {}");
    let checked = check("table alone", &alone, &[], Verdict::Unseen);
    assert_eq!(
        checked.seen.unseen,
        ["the listeners that take the requests of these routes, and with them who is asked"]
    );
    let elsewhere = "dynamic_resources: { cds_config: { ads: {} } }\n";
    let away = "{ match: { prefix: / }, route: { cluster: away } }";
    let checked =
        check("cds", &bootstrap(&one(&manager(&[&ours("z", "")], away)), &[], elsewhere), &[], Verdict::Unseen);
    assert_eq!(checked.seen.unseen, ["the cluster `away`, which is not in the files"]);
}

#[test]
fn chains_that_say_the_same_are_one_finding() {
    let named = |text: String| {
        text.replace("{ filters:", "{ name: n, filters:")
            .replace("{ filter_chain_match", "{ name: n, filter_chain_match")
    };
    let bare = manager(&[&ours("z", ", with_request_body: { max_request_bytes: 1 }")], ALL);
    let text = bootstrap(&[listener("in", "", &[&bare, &bare, &bare])], &[], "");
    let checked = check("chains", &text, &["envoy-request-body in/1+in/2+in/3"], Verdict::Good);
    let said = checked.files[0].problems().next().unwrap().to_string();
    assert!(said.ends_with("(listener `in`, chain 1, and in 2 more chains) [envoy-request-body]"), "{said}");
    check("of one name", &named(text), &["envoy-request-body in/n+in/n+in/n"], Verdict::Good);
}

#[test]
fn a_warning_can_be_left_out_in_one_place() {
    let open = |name: &str| listener(name, "", &[&manager(&[], ALL)]);
    let checked = listener("checked", "", &[&manager(&[&ours("z", "")], ALL)]);
    let allowed = |place: &str| Allowed { lint: Lint::EnvoyUnchecked, place: Some(place.to_owned()) };
    let text = bootstrap(&[checked.clone(), open("one"), open("two")], &[], "");
    let both = check("both", &text, &["envoy-unchecked one", "envoy-unchecked two"], Verdict::Open);
    assert_eq!(both.places(Lint::EnvoyUnchecked).into_iter().collect::<Vec<_>>(), ["one", "two"]);
    let left = both.clone().without(&[allowed("one")]);
    assert_eq!((found(&left), left.verdict()), (vec!["envoy-unchecked two".to_owned()], Verdict::Open));
    let none = both.without(&[allowed("one"), allowed("two")]);
    assert_eq!((found(&none).len(), none.verdict(), none.allowed.len()), (0, Verdict::Good, 1));
    // Beyond those that are printed as well.
    let many: Vec<String> = (0..30).map(|n| open(&format!("l{n:02}"))).chain([checked]).collect();
    let text = bootstrap(&many, &[], "");
    let places: Vec<Allowed> = (0..29).map(|n| allowed(&format!("l{n:02}"))).collect();
    let left = check_files(&[(&text, "envoy.yaml")], None).without(&places);
    assert_eq!((found(&left), left.verdict()), (vec!["envoy-unchecked l29".to_owned()], Verdict::Open));
}
