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
