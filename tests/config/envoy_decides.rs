//! `check --envoy`: parts of a configuration that let another service decide, or a client choose what was not judged.

use portcullis::{
    config::Config,
    tools::envoy_lint::{Verdict, check_files},
};

use crate::{envoy_faults::HA, parse};

/// The routes of envoy/ha.yaml lead to this cluster.
const ACTION: &str = "cluster: upstream\n";
const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.http";
const EXT_AUTHZ: &str = "                  - name: envoy.filters.http.ext_authz\n";
const LISTENER: &str = "    - name: ingress\n";
const CLUSTER: &str = "    - name: portcullis\n";
const ROUTER: &str = "                  - name: envoy.filters.http.router\n";

/// Returns envoy/ha.yaml with changes, each of which must have a place in it.
fn ha(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(HA.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "there is no {from}");
        text.replacen(from, to, 1)
    })
}

/// Asserts the verdict on a text, and its findings: a part of each message, in their order.
fn assert_verdict(text: &str, config: Option<&Config>, verdict: Verdict, expected: &[&str]) {
    let checked = check_files(&[(text, "envoy.yaml")], config);
    let found: Vec<String> = checked.files[0].problems().map(ToString::to_string).collect();
    let is_as_expected =
        found.len() == expected.len() && found.iter().zip(expected).all(|(one, part)| one.contains(part));
    assert!(is_as_expected, "{found:#?} in place of {expected:?}\n{text}");
    assert_eq!(checked.verdict(), verdict, "{found:#?} {:?}", checked.seen.unseen);
}

fn assert_open(text: &str, part: &str) {
    assert_verdict(text, None, Verdict::Open, &[part]);
}

fn assert_good(text: &str) {
    assert_verdict(text, None, Verdict::Good, &[]);
}

#[test]
fn a_route_that_takes_path_host_or_cluster_from_the_client_is_said() {
    let with = |field: &str| ha(&[(ACTION, &format!("{field}\n"))]);
    let rewritten = |field: &str| with(&format!("cluster: upstream\n                            {field}"));
    for (text, part) in [
        (with("cluster_header: x-cluster"), "takes the cluster from `x-cluster`"),
        (rewritten("host_rewrite_header: x-host"), "takes the host from `x-host`"),
        (rewritten("path_rewrite: '%REQ(x-path)%'"), "takes the path from `%REQ(x-path)%`"),
        (rewritten("host_rewrite: '%REQ(x-tenant)%.internal'"), "takes the host from"),
    ] {
        assert_open(&text, part);
    }
    let weighted = "weighted_clusters: { clusters: [{ cluster_header: x-cluster, weight: 1 }] }";
    assert_open(&with(weighted), "takes the cluster from `x-cluster`");
    for field in [
        "host_rewrite_literal: a.internal",
        "prefix_rewrite: /",
        "host_rewrite_header: x-auth-subject",
        "path_rewrite: '/v1%REQ(:path)%'",
    ] {
        assert_good(&rewritten(field));
    }
    let of_proxy = format!(
        "{ACTION}                          typed_per_filter_config: {{ proxy: {{ '@type': {FILTERS}.dynamic_forward_proxy.v3.PerRouteConfig, \
         host_rewrite_header: x-host }} }}\n"
    );
    let proxy = format!(
        "                  - {{ name: proxy, typed_config: {{ '@type': {FILTERS}.dynamic_forward_proxy.v3.FilterConfig }} }}\n{ROUTER}"
    );
    assert_open(&ha(&[(ACTION, &of_proxy), (ROUTER, &proxy)]), "takes the host from `x-host`");
}

#[test]
fn a_filter_that_sets_the_path_or_host_is_said() {
    for name in ["':path'", "host"] {
        let keys = format!(
            "                  - {{ name: keys, typed_config: {{ '@type': {FILTERS}.api_key_auth.v3.ApiKeyAuth, forwarding: {{ header: {name} \
             }} }} }}\n{ROUTER}"
        );
        assert_open(&ha(&[(ROUTER, &keys)]), "the API gets another one than was judged");
    }
}

#[test]
fn a_header_that_portcullis_removes_or_judges_does_not_come_back_from_the_client() {
    let of_route = |name: &str, value: &str| {
        let added = format!(
            "{ACTION}                          request_headers_to_add: [{{ header: {{ key: {name}, value: '{value}' }} }}]\n"
        );
        ha(&[(ACTION, &added)])
    };
    let of_filter = |name: &str, value: &str| {
        let added = format!(
            "                  - {{ name: m, typed_config: {{ '@type': {FILTERS}.header_mutation.v3.HeaderMutation, mutations: {{ \
             request_mutations: [{{ append: {{ header: {{ key: {name}, value: '{value}' }} }} }}] }} }} }}\n{ROUTER}"
        );
        ha(&[(ROUTER, &added)])
    };
    for (name, value) in [
        ("authorization", "Bearer %REQ(x-tok)%"),
        ("x-http-method-override", "%REQ(x-m)%"),
        ("X-Original-URL", "%REQ(x-u)%"),
    ] {
        assert_open(&of_route(name, value), "to what the client sends");
        assert_open(&of_filter(name, value), "to what the client sends");
    }
    for (name, value) in [
        ("authorization", "Basic abc"),
        ("authorization", "%REQ(authorization)%"),
        ("x-forwarded-host", "%REQ(:authority)%"),
        ("x-original-url", "%REQ(:path)%"),
        ("x-tenant", "%REQ(x-t)%"),
    ] {
        assert_good(&of_route(name, value));
        assert_good(&of_filter(name, value));
    }
    let removes = parse(
        "issuers: [{ issuer: https://a.test/, audiences: [a] }]\nroutes: [{ path: /a, access: authenticated }]\n\
         identity: { forward_authorization: false }\n",
    )
    .unwrap()
    .config;
    let text = of_route("authorization", "%REQ(authorization)%");
    assert_verdict(&text, Some(&removes), Verdict::Open, &["to what the client sends"]);
}

#[test]
fn an_upgrade_that_a_route_allows_passes_the_filters_that_the_manager_has_for_it() {
    let router = format!("[{{ name: router, typed_config: {{ '@type': {FILTERS}.router.v3.Router }} }}]");
    let upgrades = format!(
        "                upgrade_configs: [{{ upgrade_type: websocket, enabled: false, filters: {router} }}]\n                http_filters:\n"
    );
    let of_route = |upgrade: &str| {
        let action = format!("{ACTION}                            upgrade_configs: [{upgrade}]\n");
        ha(&[(ACTION, &action), ("                http_filters:\n", &upgrades)])
    };
    for on in ["{ upgrade_type: websocket }", "{ upgrade_type: WebSocket, enabled: true }"] {
        assert_open(&of_route(on), "pass filters of their own, without ext_authz");
    }
    for off in ["{ upgrade_type: websocket, enabled: false }", "{ upgrade_type: CONNECT }"] {
        assert_good(&of_route(off));
    }
}

#[test]
fn a_filter_before_ext_authz_that_answers_with_files_is_said() {
    let files = format!(
        "                  - {{ name: files, typed_config: {{ '@type': {FILTERS}.file_server.v3.FileServerConfig }} }}\n{EXT_AUTHZ}"
    );
    assert_open(&ha(&[(EXT_AUTHZ, &files)]), "file_server stands before ext_authz");
    let behind = files.replace(EXT_AUTHZ, ROUTER);
    assert_good(&ha(&[(ROUTER, &behind)]));
}

#[test]
fn a_chain_that_the_router_ends_before_ext_authz_is_an_error() {
    let router = format!(
        "                  - {{ name: router, typed_config: {{ '@type': {FILTERS}.router.v3.Router }} }}\n{EXT_AUTHZ}"
    );
    let text = ha(&[(EXT_AUTHZ, &router)]);
    assert_verdict(&text, None, Verdict::Wrong, &["the router stands before ext_authz"]);
}

#[test]
fn a_filter_that_names_no_service_is_an_error() {
    let text = ha(&[("                      grpc_service:\n", "                      grpc_servce:\n")]);
    assert_verdict(&text, None, Verdict::Wrong, &["names no service to ask"]);
}

#[test]
fn no_other_remedy_than_to_remove_it_is_given_for_a_part_of_requests() {
    let half = "failure_mode_allow: false\n                      filter_enabled: { default_value: { numerator: 50 } }";
    let text = ha(&[("failure_mode_allow: false", half)]);
    let checked = check_files(&[(&text, "envoy.yaml")], None);
    let helps: Vec<&str> = checked.files[0].problems().filter_map(|problem| problem.help_text()).collect();
    let help = "remove `filter_enabled`, and give paths that need no check `access: public` in Portcullis";
    assert_eq!(helps, [help]);
}

/// A bootstrap file with a listener for each pair of filter and cluster that it asks.
fn listeners(asked: &[(&str, &str)]) -> String {
    let (head, rest) = HA.split_once(LISTENER).unwrap();
    let (listener, clusters) = rest.split_once("\n  clusters:\n").unwrap();
    let listener = |(at, (filter, cluster)): (usize, &(&str, &str))| {
        LISTENER.replace("ingress", &format!("l{at}"))
            + &listener
                .replace("cluster_name: portcullis\n", &format!("cluster_name: {cluster}\n"))
                .replace(EXT_AUTHZ, &EXT_AUTHZ.replace("envoy.filters.http.ext_authz", filter))
    };
    let all: String = asked.iter().enumerate().map(listener).collect();
    let others = ["authz", "opa"].map(|name| {
        let (_, rest) = clusters.split_once(CLUSTER).unwrap();
        let fields = rest.split_once("\n    - name: ").map_or(rest, |(fields, _)| fields);
        format!("{}{}\n", CLUSTER.replace("portcullis", name), fields.replace("portcullis", name))
    });
    format!("{head}{all}\n  clusters:\n{}{clusters}", others.concat())
}

#[test]
fn of_several_services_without_the_name_of_portcullis_none_is_taken_for_it() {
    let text = listeners(&[("a", "authz"), ("b", "opa")]);
    let checked = check_files(&[(&text, "envoy.yaml")], None);
    assert_eq!(checked.verdict(), Verdict::Unseen, "{:?}", checked.files[0].problems().collect::<Vec<_>>());
    assert!(
        checked.seen.unseen[0].contains("which of the services `authz`, `opa` is Portcullis"),
        "{:?}",
        checked.seen
    );
    for only in [&[("a", "opa")][..], &[("a", "opa"), ("b", "opa")]] {
        let checked = check_files(&[(&listeners(only), "envoy.yaml")], None);
        let unseen = "whether the service `opa` is Portcullis: name its cluster so, or give the filter `stat_prefix: portcullis`";
        assert_eq!((checked.verdict(), &checked.seen.unseen[..]), (Verdict::Unseen, &[unseen.to_owned()][..]));
    }
    assert_good(&listeners(&[("portcullis", "opa"), ("b", "opa")]));
    // The name of a filter says nothing where a cluster has the name.
    let text = listeners(&[("a", "portcullis"), ("portcullis-off", "opa")]);
    assert_open(&text, "ext_authz asks another service here");
}

#[test]
fn a_route_that_asks_another_service_than_its_filter_leaves_open_which_is_portcullis() {
    let per_route = format!(
        "{ACTION}                          typed_per_filter_config: {{ a: {{ '@type': {FILTERS}.ext_authz.v3.ExtAuthzPerRoute, check_settings: {{ \
         grpc_service: {{ envoy_grpc: {{ cluster_name: opa, authority: a }}, timeout: 1s, retry_policy: {{ retry_on: reset, retry_back_off: {{ \
         base_interval: 0.005s, max_interval: 1s }} }} }} }} }} }}\n"
    );
    let text = listeners(&[("a", "authz")]).replacen(ACTION, &per_route, 1);
    let checked = check_files(&[(&text, "envoy.yaml")], None);
    assert!(checked.verdict() >= Verdict::Unseen);
    assert!(checked.seen.unseen.iter().any(|one| one.starts_with("which of the services")), "{:?}", checked.seen);
}

#[test]
fn both_spellings_of_a_list_are_read() {
    let off = format!(
        "                  virtualHosts: [{{ name: off, domains: [a.test], routes: [{{ match: {{ prefix: / }}, route: {{ cluster: upstream }} }}], \
         typed_per_filter_config: {{ envoy.filters.http.ext_authz: {{ '@type': {FILTERS}.ext_authz.v3.ExtAuthzPerRoute, disabled: true }} }} }}]\n"
    );
    let text = ha(&[("                  virtual_hosts:\n", &format!("{off}                  virtual_hosts:\n"))]);
    let messages = |text: &str| -> Vec<String> {
        let checked = check_files(&[(text, "envoy.yaml")], None);
        assert_eq!(checked.verdict(), Verdict::Wrong, "{text}");
        checked.files[0].problems().map(|one| one.message().to_owned()).collect()
    };
    let both = |one: &str, other: &str| {
        format!(
            "`{one}` and `{other}` are one field in two spellings: which one Envoy takes from YAML varies from start to start"
        )
    };
    let found = messages(&text);
    assert!(found.iter().any(|message| message.starts_with("ext_authz is off here")), "{found:?}");
    assert!(found.contains(&both("virtual_hosts", "virtualHosts")), "{found:?}");
    // Which filters come first varies from start to start.
    let split = format!("                httpFilters:\n{ROUTER}");
    assert_eq!(messages(&ha(&[(ROUTER, &split)])), [both("httpFilters", "http_filters")]);
}

const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const RAW: &str = "transport_socket: { name: raw, typed_config: { '@type': \
                   type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer } }";

fn tls(common: &str) -> String {
    format!(
        "transport_socket: {{ name: tls, typed_config: {{ '@type': {TLS}, sni: p, common_tls_context: {{ {common} }} }} }}"
    )
}

/// Returns envoy/ha.yaml with Portcullis on other machines, and fields of its cluster.
fn far(fields: &str) -> String {
    let (before, after) = HA.split_once(CLUSTER).unwrap();
    format!("{before}{CLUSTER}      {fields}\n{}", after.replace("address: 127.0.0.", "address: 10.0.0."))
}

#[test]
fn tls_that_lets_strangers_in_counts_as_unverified() {
    let sds = "validation_context_sds_secret_config: { name: ca }";
    let secret = |rules: &str| {
        let secrets = format!("static_resources:\n  secrets: [{{ name: ca, validation_context: {{ {rules} }} }}]\n");
        far(&tls(sds)).replacen("static_resources:\n", &secrets, 1)
    };
    let file = "/etc/ssl/certs/ca-certificates.crt";
    for text in [
        far(&tls("validation_context: { verify_certificate_spki: [] }")),
        secret(""),
        secret("trust_chain_verification: ACCEPT_UNTRUSTED, trusted_ca: { filename: /ca.pem }"),
    ] {
        assert_open(&text, "takes any certificate: ");
    }
    for rules in ["system_root_certs: {}".to_owned(), format!("trusted_ca: {{ filename: {file} }}")] {
        let text = far(&tls(&format!("validation_context: {{ {rules} }}")));
        assert_open(&text, "takes any certificate of a public authority");
        let named = format!(
            "validation_context: {{ {rules}, match_typed_subject_alt_names: [{{ san_type: DNS, matcher: {{ exact: p }} }}] }}"
        );
        assert_good(&far(&tls(&named)));
        assert_good(&text.replacen("sni: p,", "sni: p, auto_sni_san_validation: true,", 1));
    }
    assert_good(&secret("trusted_ca: { filename: /ca.pem }"));
    let elsewhere = check_files(&[(&far(&tls(sds)), "envoy.yaml")], None);
    assert_eq!(elsewhere.verdict(), Verdict::Unseen);
    assert!(elsewhere.seen.unseen[0].contains("the rules `ca` for certificates"), "{:?}", elsewhere.seen);
}

#[test]
fn a_match_decides_which_socket_an_endpoint_has() {
    let ca = tls("validation_context: { trusted_ca: { filename: /ca.pem } }");
    for fields in [
        format!("transport_socket_matches: [{{ name: a, match: {{}}, {RAW} }}]"),
        format!("transport_socket_matches: [{{ name: a, match: {{}}, {RAW} }}]\n      {ca}"),
        format!("transport_socket_matches: [{{ name: a, match: {{ mode: tls }}, {ca} }}]"),
    ] {
        assert_open(&far(&fields), "without TLS");
    }
    assert_good(&far(&format!("transport_socket_matches: [{{ name: a, match: {{}}, {ca} }}]")));
    assert_good(&far(&format!("transport_socket_matches: [{{ name: a, match: {{ mode: raw }}, {RAW} }}]\n      {ca}")));
}

#[test]
fn local_credentials_do_not_protect_the_way_to_another_machine() {
    let google = "google_grpc: { target_uri: 'authz.example:9191', stat_prefix: portcullis, channel_credentials: { local_credentials: {} } }";
    let (before, rest) = HA.split_once("                        envoy_grpc:\n").unwrap();
    let (_, after) = rest.split_once("                        timeout:").unwrap();
    let text = format!("{before}                        {google}\n                        timeout:{after}");
    let checked = check_files(&[(&text, "envoy.yaml")], None);
    assert!(checked.files[0].problems().any(|one| one.message().contains("by `local_credentials`")), "{text}");
    assert_eq!(checked.verdict(), Verdict::Open);
}
