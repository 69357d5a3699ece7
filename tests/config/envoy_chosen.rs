//! `check --envoy`: requests whose way clients choose, or another part of Envoy after the decision, and what inner listeners and copies
//! of requests add to those that were judged.

use portcullis::tools::envoy_lint::Verdict;

use crate::{
    envoy_changes::filter,
    envoy_scene::{ALL, bootstrap, check, cluster, cluster_at, listener, manager, ours, tcp_proxy},
};

const OPEN: &str = "envoy-route-cache in";
const OPEN_ROUTE: &str = "envoy-route-cache in/host";

/// A bootstrap file with one listener of one manager.
fn scene(manager: &str, clusters: &[String]) -> String {
    bootstrap(&[listener("in", "", &[manager])], clusters, "")
}

/// A route to a cluster, with more fields.
fn route(action: &str, more: &str) -> String {
    format!("{{ match: {{ prefix: / }}, route: {{ {action} }}{more} }}")
}

/// The settings of a route for the filter `other`.
fn settings(kind: &str, fields: &str) -> String {
    format!(
        ", typed_per_filter_config: {{ other: {{ '@type': type.googleapis.com/envoy.extensions.filters.http.{kind}, {fields} }} }}"
    )
}

/// A cluster with options for HTTP.
fn with_options(name: &str, port: u16, options: &str) -> String {
    let kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let added = format!(
        "{{ name: {name}, typed_extension_protocol_options: {{ {kind}: {{ '@type': type.googleapis.com/{kind}, explicit_http_config: {{ \
         http_protocol_options: {{}} }}, {options} }} }},"
    );
    cluster(name, "10.0.0.2", port).replacen(&format!("{{ name: {name},"), &added, 1)
}

/// A filter that sets `x-auth-subject`.
fn forging() -> String {
    filter("m", "header_mutation.v3.HeaderMutation", &format!("mutations: {{ request_mutations: [{FORGED}] }}"))
}

const FORGED: &str = "{ append: { header: { key: x-auth-subject, value: root } } }";
const SCRIPT: &str = "default_source_code: { inline_string: 'function envoy_on_request(h) end' }";

/// Asserts what is found: nothing in what is good, and otherwise the verdict that requests may pass.
fn assert_found(name: &str, text: &str, expected: &[&str]) {
    check(name, text, expected, if expected.is_empty() { Verdict::Good } else { Verdict::Open });
}

#[test]
fn a_header_that_clients_choose_chooses_no_virtual_host_and_no_cluster() {
    for (header, is_found) in
        [("x-vhost", true), ("x-auth-subject", true), ("':authority'", false), ("host", false), ("Host", false)]
    {
        let hosts = manager(&[&ours("z", "")], ALL).replace("name: t,", &format!("name: t, vhost_header: {header},"));
        assert_found(header, &scene(&hosts, &[]), if is_found { &[OPEN] } else { &[] });
        // The cluster is chosen before Portcullis sets its headers as well.
        let cluster = route(&format!("cluster_header: {header}"), "");
        let text = scene(&manager(&[&ours("z", "")], &cluster), &[]);
        assert_found(header, &text, if is_found { &[OPEN_ROUTE] } else { &[] });
    }
}

/// A checked listener that leads to an inner one with this manager, and to the cluster `far` of the API.
fn inner(manager_inside: &str, far: &str) -> String {
    let outer = manager(&[&ours("z", "")], &route("cluster: to-inner", ""));
    let listeners = [listener("in", "", &[&outer]), listener("inner", "internal_listener: {}, ", &[manager_inside])];
    let to_inner = cluster_at("to-inner", "envoy_internal_address: { server_listener_name: inner }");
    bootstrap(&listeners, &[to_inner, far.to_owned()], "")
}

#[test]
fn what_an_inner_manager_does_to_requests_is_behind_the_check() {
    let far = cluster("far", "10.0.0.2", 80);
    let to_far = route("cluster: far", "");
    let found = |name: &str, manager: &str, far: &str, expected: &[&str]| {
        assert_found(name, &inner(manager, far), expected);
    };
    found("nothing", &manager(&[], &to_far), &far, &[]);
    let silent = [
        filter("b", "buffer.v3.Buffer", "max_request_bytes: 9"),
        filter("c", "cors.v3.Cors", ""),
        filter("g", "grpc_web.v3.GrpcWeb", ""),
    ];
    found("harmless", &manager(&[&silent.join(", ")], &to_far), &far, &[]);
    let script = filter("s", "lua.v3.Lua", SCRIPT);
    found("a script", &manager(&[&script], &to_far), &far, &["envoy-filter-order inner"]);
    found("a header", &manager(&[&forging()], &to_far), &far, &["envoy-forged-identity inner"]);
    let rates = filter("r", "ratelimit.v3.RateLimit", "domain: d");
    found("rates", &manager(&[&rates], &to_far), &far, &["envoy-filter-order inner"]);
    let another = ours("o", "").replace("cluster_name: portcullis", "cluster_name: opa");
    found("another service", &manager(&[&another], &to_far), &far, &["envoy-filter-order inner"]);
    let added = ", request_headers_to_add: [{ header: { key: x-auth-subject, value: '%REQ(x-evil)%' } }]";
    let of_route = manager(&[], &route("cluster: far", added));
    found("a route", &of_route, &far, &["envoy-forged-identity inner/host"]);
    let chosen = manager(&[], &route("cluster: far, host_rewrite_header: x-host", ""));
    found("a rewrite", &chosen, &far, &["envoy-route-cache inner/host"]);
    let mutating = with_options("far", 80, &format!("http_filters: [{}]", forging()));
    found("the cluster", &manager(&[], &to_far), &mutating, &["envoy-forged-identity inner"]);
    let upgrades = format!("stat_prefix: s, upgrade_configs: [{{ upgrade_type: websocket, filters: [{script}] }}],");
    let upgrading = manager(&[], &to_far).replace("stat_prefix: s,", &upgrades);
    found("an upgrade", &upgrading, &far, &["envoy-filter-order inner"]);
}

#[test]
fn headers_that_an_inner_manager_changes_before_its_filters_are_behind_the_check() {
    let far = cluster("far", "10.0.0.2", 80);
    let early = |kind: &str, fields: &str| {
        let extension = format!(
            "{{ name: e, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.http.early_header_mutation.{kind}{fields} }} }}"
        );
        let field = format!("stat_prefix: s, early_header_mutation_extensions: [{extension}],");
        manager(&[], &route("cluster: far", "")).replace("stat_prefix: s,", &field)
    };
    let mutation = |mutation: &str| early("header_mutation.v3.HeaderMutation", &format!(", mutations: [{mutation}]"));
    assert_found("forged", &inner(&mutation(FORGED), &far), &["envoy-forged-identity inner"]);
    assert_found("another", &inner(&mutation(&FORGED.replace("x-auth-subject", "x-team")), &far), &[]);
    let module = early("dynamic_modules.v3.DynamicModuleEarlyHeaderMutation", "");
    assert_found("a module", &inner(&module, &far), &["envoy-filter-order inner"]);
    // Portcullis judges what the first manager makes of a request.
    let first = mutation(FORGED)
        .replace("cluster: far", "cluster: api")
        .replace("http_filters: [", &format!("http_filters: [{}, ", ours("z", "")));
    assert_found("the first", &scene(&first, &[]), &[]);
}

#[test]
fn a_service_for_rates_is_asked_before_the_decision() {
    let rates = filter("r", "ratelimit.v3.RateLimit", "domain: d");
    let text = |filters: &[&str]| scene(&manager(filters, ALL), &[]);
    assert_found("behind", &text(&[&ours("z", ""), &rates]), &["envoy-filter-order in"]);
    assert_found("before", &text(&[&rates, &ours("z", "")]), &[]);
    let off = rates.replacen("{ ", "{ disabled: true, ", 1);
    assert_found("off", &text(&[&ours("z", ""), &off]), &[]);
}

#[test]
fn a_route_that_has_itself_chosen_again_by_a_filter_is_said() {
    for (kind, of_route, field) in [
        ("transform.v3.TransformConfig", "transform.v3.TransformConfig", "clear_route_cache"),
        ("transform.v3.TransformConfig", "transform.v3.TransformConfig", "clear_cluster_cache"),
        ("mcp.v3.Mcp", "mcp.v3.McpOverride", "clear_route_cache"),
    ] {
        let idle = filter("other", kind, "");
        for (value, is_found) in [("true", true), ("false", false)] {
            let fields = format!("{field}: {value}");
            let routes = route("cluster: api", &settings(of_route, &fields));
            let text = |filters: &[&str], routes: &str| scene(&manager(filters, routes), &[]);
            let expected: &[&str] = if is_found { &[OPEN_ROUTE] } else { &[] };
            assert_found(&fields, &text(&[&ours("z", ""), &idle], &routes), expected);
            assert_found(&fields, &text(&[&idle, &ours("z", "")], &routes), &[]);
            let expected: &[&str] = if is_found { &[OPEN] } else { &[] };
            assert_found(&fields, &text(&[&ours("z", ""), &filter("other", kind, &fields)], ALL), expected);
        }
    }
    // Beside another finding of the same filter.
    let both = filter(
        "other",
        "transform.v3.TransformConfig",
        &format!("clear_route_cache: true, request_transformation: {{ headers_mutations: [{FORGED}] }}"),
    );
    let text = scene(&manager(&[&ours("z", ""), &both], ALL), &[]);
    assert_found("both", &text, &[OPEN, "envoy-forged-identity in"]);
}

#[test]
fn each_ext_authz_filter_that_has_the_route_chosen_again_is_said() {
    let text = |filters: &[&str]| scene(&manager(filters, ALL), &[]);
    let (plain, clears) = (ours("a", ""), ours("b", ", clear_route_cache: true"));
    let by_headers = ours("b", ", clear_route_cache_headers: [x-auth-subject]");
    assert_found("the second", &text(&[&plain, &clears]), &[OPEN]);
    assert_found("the first", &text(&[&clears, &plain]), &[OPEN]);
    assert_found("by headers", &text(&[&plain, &by_headers]), &[OPEN]);
    let off = clears.replacen("name:", "disabled: true, name:", 1);
    assert_found("off", &text(&[&plain, &off]), &[]);
    // What stands between two of them is judged by the second one.
    let between = filter("other", "transform.v3.TransformConfig", "clear_route_cache: true");
    assert_found("between", &text(&[&plain, &between, &ours("b", "")]), &[]);
    let another = |more: &str| {
        let service = "http_service: { server_uri: { uri: 'http://opa', cluster: opa, timeout: 1s } }";
        filter("opa", "ext_authz.v3.ExtAuthz", &format!("{service}{more}"))
    };
    assert_found("another service", &text(&[&plain, &another(", clear_route_cache: true")]), &[OPEN]);
    assert_found("another service, before", &text(&[&another(", clear_route_cache: true"), &plain]), &[]);
    assert_found("another service alone", &text(&[&plain, &another("")]), &[]);
}

#[test]
fn copies_that_a_cluster_sends_on_are_requests_to_another_cluster() {
    let mirror = |policy: &str| with_options("far", 80, &format!("request_mirror_policies: [{policy}]"));
    let copies = cluster("copies", "10.0.0.3", 80);
    let checked = manager(&[&ours("z", "")], &route("cluster: far", ""));
    let text = |far: String, more: &str| scene(&checked, &[far, format!("{copies}{more}")]);
    assert_found("a copy", &text(mirror("{ cluster: copies }"), ""), &[]);
    let forged = format!("{{ cluster: copies, request_headers_mutations: [{FORGED}] }}");
    assert_found("forged", &text(mirror(&forged), ""), &["envoy-forged-identity in"]);
    assert_found("by a header", &text(mirror("{ cluster_header: x-copies }"), ""), &[OPEN]);
    let raw = [listener("in", "", &[&checked]), listener("raw", "", &[&tcp_proxy("cluster: copies")])];
    let followed = bootstrap(&raw, &[mirror("{ cluster: copies }"), copies.clone()], "");
    assert_found("followed", &followed, &["envoy-tcp-proxy raw"]);
    let alone = bootstrap(&raw, &[cluster("far", "10.0.0.2", 80), copies.clone()], "");
    assert_found("not followed", &alone, &[]);
}

#[test]
fn filters_of_clusters_that_stand_behind_another_one_are_behind_the_check() {
    let mutating = with_options("copies", 80, &format!("http_filters: [{}]", forging()));
    let aggregate = "    - { name: far, lb_policy: CLUSTER_PROVIDED, cluster_type: { name: a, typed_config: { '@type': \
                     type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig, clusters: [copies] } } }\n";
    let mirror = with_options("far", 81, "request_mirror_policies: [{ cluster: copies }]");
    for far in [aggregate, &mirror] {
        let checked = manager(&[&ours("z", "")], &route("cluster: far", ""));
        let text = scene(&checked, &[far.to_owned(), mutating.clone()]);
        assert_found(far, &text, &["envoy-forged-identity in"]);
    }
    assert_found("not reached", &scene(&manager(&[&ours("z", "")], ALL), &[mutating]), &[]);
}

#[test]
fn a_client_chooses_no_address_of_an_original_destination() {
    for (config, is_found) in [
        ("", false),
        ("use_http_header: false", false),
        ("use_http_header: true", true),
        ("use_http_header: true, http_header_name: x-to", true),
        ("http_header_name: x-to", false),
        ("use_http_header: true, http_header_name: ':authority'", false),
        ("use_http_header: true, http_header_name: x-auth-subject", false),
        ("metadata_key: { key: od, path: [{ key: to }] }", true),
        ("metadata_key: { key: envoy.filters.http.ext_authz, path: [{ key: to }] }", false),
    ] {
        let clusters = [format!(
            "    - {{ name: od, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED, original_dst_lb_config: {{ {config} }} }}\n"
        )];
        let expected: &[&str] = if is_found { &[OPEN] } else { &[] };
        let to = |cluster: &str| manager(&[&ours("z", "")], &route(cluster, ""));
        assert_found(config, &scene(&to("cluster: od"), &clusters), expected);
        assert_found(config, &scene(&to("cluster: api"), &clusters), &[]);
    }
}

#[test]
fn state_before_the_check_that_clients_choose_chooses_no_upstream() {
    const ADDRESS: &str = "envoy.network.transport_socket.original_dst_address";
    let value = |key: &str, format: &str| {
        format!("on_request_headers: [{{ object_key: {key}, format_string: {{ {format} }} }}]")
    };
    let text = |text: &str| format!("text_format_source: {{ inline_string: '{text}' }}");
    for (key, format, is_found) in [
        (ADDRESS, text("%REQ(x-host)%"), true),
        ("envoy.upstream.dynamic_host", text("%REQ(x-host)%"), true),
        ("envoy.tcp_proxy.cluster", text("a-%REQ(x-host)%"), true),
        (ADDRESS, "text_format: '%REQ(x-host)%'".to_owned(), true),
        (ADDRESS, "text_format_source: { filename: /etc/format }".to_owned(), true),
        // Portcullis has not set its headers yet.
        (ADDRESS, text("%REQ(x-auth-subject)%"), true),
        (ADDRESS, text("10.0.0.1:80"), false),
        ("envoy.upstream.dynamic_host", text("%REQ(:authority)%"), false),
        ("envoy.ratelimit.hits_addend", text("%REQ(x-cost)%"), false),
        ("shop.tenant", text("%REQ(x-tenant)%"), false),
    ] {
        let fields = value(key, &format);
        let kind = "set_filter_state.v3.Config";
        let expected: &[&str] = if is_found { &[OPEN] } else { &[] };
        let set = filter("other", kind, &fields);
        assert_found(&fields, &scene(&manager(&[&set, &ours("z", "")], ALL), &[]), expected);
        let expected: &[&str] = if is_found { &[OPEN_ROUTE] } else { &[] };
        let idle = filter("other", kind, "");
        let routes = route("cluster: api", &settings(kind, &fields));
        assert_found(&fields, &scene(&manager(&[&idle, &ours("z", "")], &routes), &[]), expected);
        assert_found(&fields, &scene(&manager(&[&ours("z", "")], &routes), &[]), &[]);
    }
}

#[test]
fn a_program_chooses_no_cluster() {
    let specifier = |kind: &str| {
        format!(
            "{{ extension: {{ name: s, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.router.cluster_specifiers.{kind} }} }} }}"
        )
    };
    for (kind, is_found) in [
        ("lua.v3.LuaConfig", true),
        ("dynamic_modules.v3.DynamicModuleClusterSpecifier", true),
        ("brand_new.v3.BrandNew", true),
        ("matcher.v3.MatcherClusterSpecifier", false),
        ("priority_group.v3.PriorityGroupClusterSpecifier", false),
    ] {
        let of_route = route(&format!("inline_cluster_specifier_plugin: {}", specifier(kind)), "");
        let text = scene(&manager(&[&ours("z", "")], &of_route), &[]);
        assert_found(kind, &text, if is_found { &[OPEN_ROUTE] } else { &[] });
        let named = manager(&[&ours("z", "")], &route("cluster_specifier_plugin: s", ""))
            .replace("name: t,", &format!("name: t, cluster_specifier_plugins: [{}],", specifier(kind)));
        assert_found(kind, &scene(&named, &[]), if is_found { &[OPEN] } else { &[] });
    }
}
