//! `check --envoy`: requests whose way clients choose, or another part of Envoy after the decision, and what inner listeners and copies
//! of requests add to those that were judged.

use portcullis::config::envoy::Verdict;

use crate::{
    envoy_changes::filter,
    envoy_scene::{ALL, bootstrap, check, listener, manager, ours},
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

const FORGED: &str = "{ append: { header: { key: x-auth-subject, value: root } } }";

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
