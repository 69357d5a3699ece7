//! `check --envoy`: each lint alone, and nothing about what is right.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use portcullis::{
    config::{
        Config,
        error::{ConfigErrors, Problem, Severity},
        lint::Lint,
    },
    limits,
    tools::envoy_lint::{self, lint},
};

use crate::{
    envoy_faults,
    envoy_restarts::{RESTART_FAULTS, RESTART_HARMLESS, misplaced_retries},
    parse,
};

fn described(found: &ConfigErrors) -> Vec<String> {
    let word = |severity| if severity == Severity::Error { "error" } else { "warning" };
    found.problems().map(|problem| format!("{}: {}", word(problem.severity()), problem.message())).collect()
}

/// That exactly these are found, in any order.
fn assert_found(name: &str, found: &ConfigErrors, expected: &[&str]) {
    let found_texts = described(found);
    let is_there = |part: &&&str| found_texts.iter().any(|text| text.starts_with(**part));
    assert_eq!(expected.iter().filter(is_there).count(), expected.len(), "{name}: {found_texts:#?}");
    assert_eq!(found_texts.len(), expected.len(), "{name}: {found_texts:#?}");
    for problem in found.problems() {
        assert!(problem.help_text().is_some(), "{name}: no help for {problem}");
    }
}

/// The problems of one file.
fn check(path: &Path, config: Option<&Config>) -> ConfigErrors {
    envoy_lint::check_paths(&[path], config).files.into_iter().next().unwrap()
}

fn config(text: &str) -> Config {
    parse(text).unwrap().config
}

const ISSUER: &str =
    "issuers: [{ issuer: https://a.test/, audiences: [a] }]\nroutes: [{ path: /a, access: authenticated }]\n";

#[test]
fn the_samples_are_clean_but_for_the_one_endpoint_of_one() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy");
    let ours = config(&fs::read_to_string(dir.join("portcullis.yaml")).unwrap());
    for config in [None, Some(&ours)] {
        let found = check(&dir.join("envoy.yaml"), config);
        let one = "warning: the cluster `portcullis` has one endpoint: every request is refused while that Portcullis";
        assert_found("sample", &found, &[one]);
        let allowed = found.without(&[Lint::EnvoySingleEndpoint]);
        assert_found("allowed", &allowed, &[]);
        assert_found("two endpoints", &lint(&envoy_faults::sample(), "envoy.yaml", config), &[]);
        assert_found("two instances", &check(&dir.join("ha.yaml"), config), &[]);
        assert_found("by name", &lint(&envoy_faults::ha_by_name(), "ha.yaml", config), &BY_NAME);
    }
}

/// The finding in ha.yaml with its instances by name, on a network without TLS.
const BY_NAME: [&str; 1] = ["warning: the cluster `portcullis` reaches another machine without TLS"];

#[test]
fn each_fault_is_found_and_nothing_else() {
    for (name, changes, expected) in envoy_faults::FAULTS {
        let text = envoy_faults::changed(name, changes);
        let found = lint(&text, "envoy.yaml", None);
        assert_found(name, &found, expected);
        for problem in found.problems() {
            let at = problem.line().and_then(|line| text.lines().nth(line - 1));
            assert!(at.is_some_and(|line| !line.trim_start().starts_with('#')), "{name}: {problem} is nowhere: {at:?}");
        }
    }
}

#[test]
fn each_fault_that_costs_requests_at_a_restart_is_found_and_its_help_mends_it() {
    for fault in RESTART_FAULTS {
        let text = fault.text();
        let found = lint(&text, "envoy.yaml", None);
        assert_found(fault.name, &found, &[fault.expected]);
        let problem = found.problems().next().unwrap();
        let at = problem.line().and_then(|line| text.lines().nth(line - 1));
        assert!(at.is_some_and(|line| !line.trim_start().starts_with('#')), "{}: {problem} is at {at:?}", fault.name);
        if let Some(mended) = fault.mended(problem.help_text().unwrap()) {
            assert_found(fault.name, &lint(&mended, "envoy.yaml", None), &[]);
        }
    }
    let misplaced = "warning: Envoy ignores a `retry_policy` of `envoy_grpc` for Checks";
    assert_found("misplaced", &lint(&misplaced_retries(), "envoy.yaml", None), &[misplaced]);
}

#[test]
fn settings_that_lose_nothing_at_a_restart_are_not_mentioned() {
    for (name, block, to) in RESTART_HARMLESS {
        let text = envoy_faults::with_block(&envoy_faults::sample(), block, to);
        assert_found(name, &lint(&text, "envoy.yaml", None), &[]);
    }
}

/// The one endpoint of the sample elsewhere.
fn sample_at(address: &str) -> String {
    let text = envoy_faults::SAMPLE.replacen(
        "                      address: 127.0.0.1\n                      port_value: 9191\n",
        address,
        1,
    );
    assert_ne!(text, envoy_faults::SAMPLE);
    text
}

#[test]
fn one_endpoint_is_said_to_be_one_where_that_is_certain() {
    let one = "warning: the cluster `portcullis` has one endpoint: every request is refused";
    let socket = "                    socket_address:\n                      address: 127.0.0.1\n                      port_value: 9191\n";
    let pipe = envoy_faults::SAMPLE.replacen(socket, "                    pipe: { path: /run/portcullis.sock }\n", 1);
    assert_found("a socket", &lint(&pipe, "envoy.yaml", None), &[one]);
    let far = sample_at("                      address: 10.0.0.7\n                      port_value: 9191\n");
    let unless = "warning: the cluster `portcullis` has one endpoint: unless a load balancer is there, every request";
    let plaintext = "warning: the cluster `portcullis` reaches another machine without TLS";
    assert_found("another machine", &lint(&far, "envoy.yaml", None), &[unless, plaintext]);
    // A name that is an address has that one; any other may have several.
    let by_name = |text: &str| text.replacen("      type: STATIC\n", "      type: STRICT_DNS\n", 1);
    assert_found("an address as a name", &lint(&by_name(envoy_faults::SAMPLE), "envoy.yaml", None), &[one]);
    let named =
        by_name(&sample_at("                      address: localhost\n                      port_value: 9191\n"));
    assert_found("a name", &lint(&named, "envoy.yaml", None), &[]);
    let unchecked = envoy_faults::with_block(&named, "      health_checks:", "");
    assert_found("a name", &lint(&unchecked, "envoy.yaml", None), &["warning: Envoy does not check the health"]);
    // With one endpoint there is none to go to: health checks would change nothing.
    let unchecked = envoy_faults::with_block(envoy_faults::SAMPLE, "      health_checks:", "");
    assert_found("one", &lint(&unchecked, "envoy.yaml", None), &[one]);
}

/// A dump of Envoy's admin page with a cluster and a filter that a control plane made.
fn controlled(service: serde_json::Value, cluster: serde_json::Value) -> String {
    let bootstrap = json(envoy_faults::SAMPLE);
    let mut listener = bootstrap["static_resources"]["listeners"][0].clone();
    listener["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener".into();
    let filters = &mut listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
    let ext_authz =
        filters.as_array_mut().unwrap().iter_mut().find(|filter| filter["name"] == "envoy.filters.http.ext_authz");
    ext_authz.unwrap()["typed_config"]["grpc_service"] = service;
    let mut cluster = cluster;
    cluster["@type"] = "type.googleapis.com/envoy.config.cluster.v3.Cluster".into();
    let typed = |kind: &str, field: &str, value: serde_json::Value| serde_json::json!({ "@type": format!("type.googleapis.com/envoy.admin.v3.{kind}"), field: [value] });
    let clusters = typed("ClustersConfigDump", "dynamic_active_clusters", serde_json::json!({ "cluster": cluster }));
    let active = serde_json::json!({ "name": "ingress", "active_state": { "listener": listener } });
    let listeners = typed("ListenersConfigDump", "dynamic_listeners", active);
    serde_json::json!({ "configs": [clusters, listeners] }).to_string()
}

#[test]
fn of_clusters_that_a_control_plane_fills_only_what_is_certain_is_said() {
    let http2 = serde_json::json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { "http2_protocol_options": {} }
    } });
    // As Istio writes it: no bounds, and no way to set retries.
    let name = "outbound|9191||portcullis.default.svc.cluster.local";
    let service = |timeout: &str| {
        serde_json::json!({
            "envoy_grpc": { "cluster_name": name, "authority": "portcullis.default.svc.cluster.local" }, "timeout": timeout
        })
    };
    let most = u32::MAX;
    let cluster = serde_json::json!({
        "name": name, "type": "EDS", "typed_extension_protocol_options": http2,
        "circuit_breakers": { "thresholds": [{
            "max_connections": most, "max_pending_requests": most, "max_requests": most, "max_retries": most,
            "track_remaining": true
        }] }
    });
    let no_retries = "warning: a Check is not sent again when its connection breaks";
    assert_found("istio", &lint(&controlled(service("1s"), cluster.clone()), "dump.json", None), &[no_retries]);
    let long = "warning: Envoy waits 10m for an answer";
    assert_found("istio", &lint(&controlled(service("600s"), cluster), "dump.json", None), &[no_retries, long]);
    // As Envoy Gateway writes it.
    let name = "securitypolicy/default/portcullis/default/grpc-backend";
    let service = serde_json::json!({
        "envoyGrpc": { "clusterName": name, "authority": "portcullis.default:9191" }, "timeout": "1s",
        "retryPolicy": {
            "numRetries": 3, "retryBackOff": { "baseInterval": "0.005s", "maxInterval": "1s" },
            "retryOn": "connect-failure,reset,refused-stream"
        }
    });
    let cluster = |breakers: serde_json::Value| {
        serde_json::json!({
            "name": name, "type": "EDS", "typedExtensionProtocolOptions": http2, "circuitBreakers": { "thresholds": [breakers] }
        })
    };
    let defaults = cluster(serde_json::json!({ "maxRetries": 1024 }));
    let low = "warning: the cluster `securitypolicy/default/portcullis/default/grpc-backend` allows 1024 Checks at once, 1024";
    assert_found("gateway", &lint(&controlled(service.clone(), defaults), "dump.json", None), &[low]);
    let set = cluster(serde_json::json!({ "maxRetries": 1024, "maxRequests": 10000, "maxPendingRequests": 10000 }));
    assert_found("gateway", &lint(&controlled(service, set), "dump.json", None), &[]);
}

#[test]
fn each_lint_has_its_fault() {
    let faults = envoy_faults::FAULTS.iter().map(|(name, changes, _)| envoy_faults::changed(name, changes));
    let texts = faults.chain(RESTART_FAULTS.iter().map(|fault| fault.text()));
    let seen: BTreeSet<Lint> = texts
        .flat_map(|text| lint(&text, "envoy.yaml", None).problems().filter_map(Problem::kind).collect::<Vec<_>>())
        .collect();
    // These have tests of their own.
    let others = [
        Lint::EnvoyHosts,
        Lint::EnvoyNothingChecked,
        Lint::EnvoyRuntime,
        Lint::EnvoySingleEndpoint,
        Lint::EnvoySkipped,
        Lint::EnvoyTcpProxy,
        Lint::EnvoyTlsUnverified,
        Lint::EnvoyUnchecked,
        Lint::EnvoyUnknownPolicy,
    ];
    let all = Lint::ALL.iter().filter(|lint| lint.name().starts_with("envoy-"));
    let unseen: Vec<_> = all.filter(|lint| !seen.contains(lint) && !others.contains(lint)).collect();
    assert!(unseen.is_empty(), "no fault shows {unseen:?}");
}

#[test]
fn what_harms_nothing_is_not_mentioned() {
    for (name, changes) in envoy_faults::HARMLESS {
        assert_found(name, &lint(&envoy_faults::changed(name, changes), "envoy.yaml", None), &[]);
    }
}

#[test]
fn a_listener_without_the_filter_is_an_error_if_none_has_it() {
    let none = "error: no request that comes this way is checked";
    assert_found("none", &lint(&envoy_faults::with_filter(""), "envoy.yaml", None), &[none]);
    // Beside one that has it somebody may have a reason.
    let listener = |text: &str| {
        let (_, rest) = text.split_once("  listeners:\n").unwrap();
        rest.split_once("\n  clusters:\n").unwrap().0.replace("name: ingress", "name: second")
    };
    let both =
        |second: &str| envoy_faults::sample().replacen("\n  clusters:\n", &format!("\n{second}\n  clusters:\n"), 1);
    let second = listener(&envoy_faults::with_filter(""));
    let warned = "warning: no request that comes this way is checked";
    assert_found("one of two", &lint(&both(&second), "envoy.yaml", None), &[warned]);
    // One that only redirects needs none.
    let redirects =
        second.replace("route:\n                            cluster: upstream", "redirect: { https_redirect: true }");
    assert_ne!(redirects, second);
    assert_found("redirects", &lint(&both(&redirects), "envoy.yaml", None), &[]);
}

/// A filter whose settings come from elsewhere.
const DISCOVERED: &str = r#"
                  - name: envoy.filters.http.ext_authz
                    config_discovery:
                      config_source: { path_config_source: { path: /nowhere/filter.yaml } }
                      type_urls: [type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz]
"#;

#[test]
fn filters_that_a_matcher_skips_or_that_come_by_discovery_are_said() {
    let skipped = lint(&envoy_faults::with_filter(envoy_faults::SKIPPED), "envoy.yaml", None);
    assert_found("skipped", &skipped, &["warning: requests for which this matcher says SkipFilter"]);
    let discovered = lint(&envoy_faults::with_filter(DISCOVERED), "envoy.yaml", None);
    assert_found("discovered", &discovered, &["warning: the settings of this ext_authz filter come by discovery"]);
}

/// The configuration as JSON, as Envoy's admin page has it.
fn json(text: &str) -> serde_json::Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn json_and_dumps_are_read_as_well() {
    let name = "failure-mode";
    let text = envoy_faults::changed(name, envoy_faults::FAULTS.iter().find(|fault| fault.0 == name).unwrap().1);
    let bootstrap = json(&text);
    let expected = ["error: `failure_mode_allow` is on"];
    assert_found("json", &lint(&bootstrap.to_string(), "envoy.json", None), &expected);
    let typed = |kind: &str, mut value: serde_json::Value| {
        value["@type"] = format!("type.googleapis.com/{kind}").into();
        value
    };
    let listener = typed("envoy.config.listener.v3.Listener", bootstrap["static_resources"]["listeners"][0].clone());
    let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap().iter();
    let clusters: Vec<_> = clusters.map(|cluster| typed("envoy.config.cluster.v3.Cluster", cluster.clone())).collect();
    let resources = serde_json::json!({ "resources": [listener] });
    assert_found("resources", &lint(&resources.to_string(), "lds.json", None), &expected);
    let dump = |clusters: &[serde_json::Value]| {
        let wrapped: Vec<_> = clusters.iter().map(|cluster| serde_json::json!({ "cluster": cluster })).collect();
        serde_json::json!({ "configs": [
            typed("envoy.admin.v3.BootstrapConfigDump", serde_json::json!({ "bootstrap": bootstrap })),
            typed("envoy.admin.v3.ClustersConfigDump", serde_json::json!({ "static_clusters": wrapped })),
            typed("envoy.admin.v3.ListenersConfigDump", serde_json::json!({ "static_listeners": [{ "listener": listener }] })),
        ] })
    };
    assert_found("dump", &lint(&dump(&clusters).to_string(), "dump.json", None), &expected);
    let missing = ["error: `failure_mode_allow` is on", "error: there is no cluster `portcullis`"];
    assert_found("dump", &lint(&dump(&[]).to_string(), "dump.json", None), &missing);
}

#[test]
fn routes_that_come_by_discovery_are_read_by_themselves() {
    let settings = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
    let text = format!(
        "resources:\n- '@type': type.googleapis.com/envoy.config.route.v3.RouteConfiguration\n  virtual_hosts:\n  \
         - domains: ['*']\n    routes: [{{ match: {{ prefix: / }}, route: {{ cluster: api }} }}]\n    \
         typed_per_filter_config: {{ any: {{ '@type': {settings}, disabled: true }} }}\n"
    );
    assert_found("routes", &lint(&text, "rds.yaml", None), &["warning: ext_authz is off here"]);
}

#[test]
fn an_alias_does_not_repeat_a_problem() {
    let text = envoy_faults::changed(
        "alias",
        &[
            ("failure_mode_allow: false", "failure_mode_allow: true"),
            ("    - name: ingress\n", "    - &ingress\n      name: ingress\n"),
            ("\n  clusters:\n", "\n    - *ingress\n  clusters:\n"),
        ],
    );
    assert_found("alias", &lint(&text, "envoy.yaml", None), &["error: `failure_mode_allow` is on"]);
}

#[test]
fn named_policies_must_be_those_of_the_configuration() {
    let settings = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
    let per_filter = "                      typed_per_filter_config:\n";
    let with = |policy: &str| {
        let added = format!(
            "{per_filter}                        envoy.filters.http.ext_authz: {{ '@type': {settings}, check_settings: {{ \
             context_extensions: {{ portcullis_policy: {policy}, other: x }} }} }}\n"
        );
        envoy_faults::changed("policy", &[(per_filter, &added)])
    };
    let ours = config(&format!("{ISSUER}policies: {{ readers: {{ scopes: [read] }} }}\n"));
    assert_found("known", &lint(&with("readers"), "envoy.yaml", Some(&ours)), &[]);
    assert_found("no configuration", &lint(&with("raeders"), "envoy.yaml", None), &[]);
    let found = lint(&with("raeders"), "envoy.yaml", Some(&ours));
    assert_found("unknown", &found, &["error: there is no policy `raeders`"]);
    assert_eq!(found.problems().next().unwrap().help_text(), Some("did you mean `readers`?"));
}

/// The sample with the domains of a virtual host before the one for all others.
fn with_virtual_host(domains: &str) -> (&'static str, String) {
    let hosts = "                  virtual_hosts:\n";
    let route = "routes: [{ match: { prefix: / }, route: { cluster: upstream } }]";
    (hosts, format!("{hosts}                    - {{ name: www, domains: {domains}, {route} }}\n"))
}

const START: &str = "                stat_prefix: ingress\n";
const STRIPS_PORT: &str = "                stat_prefix: ingress\n                strip_any_host_port: true\n";
const STRIPS_BOTH: &str = "                stat_prefix: ingress\n                stripAnyHostPort: true\n                strip_trailing_host_dot: true\n";

#[test]
fn hosts_of_which_less_is_asked_are_routed_as_they_are_judged() {
    let issuer = "issuers: [{ issuer: https://a.test/, audiences: [a] }]\n";
    let routes = "routes: [{ host: www.example.com, path: '/**', access: public, shadows: true }, { path: '/**', scopes: [admin] }]\n";
    let as_sent = config(&format!("{issuer}{routes}"));
    let stripped = config(&format!("{issuer}{routes}hosts: stripped\n"));
    let more = config(&format!(
        "{issuer}routes: [{{ host: www.example.com, path: '/**', scopes: [admin] }}, {{ path: '/**', access: authenticated }}]\n"
    ));
    let suffix = config(&format!(
        "{issuer}routes: [{{ host: '*.cdn.example.com', path: '/x/{{id}}/**', methods: [POST], access: public, shadows: true }}, \
         {{ path: '/**', scopes: [admin] }}]\n"
    ));
    let all = envoy_faults::sample();
    let apart = |domains: &str, start: &str| {
        let (from, to) = with_virtual_host(domains);
        envoy_faults::changed("hosts", &[(from, &to), (START, start)])
    };
    let refused = "warning: requests for `www.example.com:8443` get 400";
    let open =
        "error: the policy says `hosts: stripped`, and this Envoy does not strip all: `www.example.com:8443` is judged";
    let dot =
        "error: the policy says `hosts: stripped`, and this Envoy does not strip all: `www.example.com.` is judged";
    let suffix_refused = "warning: requests for `portcullis-sample.cdn.example.com:8443` get 400";
    let own = apart("[www.example.com]", START);
    let with_ports = apart("[www.example.com, 'www.example.com:*']", START);
    let ignoring = with_ports.replacen(
        "                  virtual_hosts:\n",
        "                  ignore_port_in_host_matching: true\n                  virtual_hosts:\n",
        1,
    );
    let (before, rest) = all.split_once("                route_config:\n").unwrap();
    let (_, after) = rest.split_once("\n  clusters:\n").unwrap();
    let rds = "                rds: { route_config_name: api, config_source: { ads: {} } }\n";
    let discovered = format!("{before}{rds}\n  clusters:\n{after}");
    for (name, text, config, expected) in [
        ("as sent", &all, &as_sent, &[refused][..]),
        ("apart", &own, &as_sent, &[refused]),
        (
            "port alone",
            &apart("[www.example.com]", STRIPS_PORT),
            &as_sent,
            &["warning: requests for `www.example.com.` get 400"],
        ),
        ("both", &apart("[www.example.com]", STRIPS_BOTH), &as_sent, &[]),
        ("suffix", &all, &suffix, &[suffix_refused]),
        ("more", &own, &more, &[]),
        ("stripped, one virtual host", &all, &stripped, &[]),
        ("stripped, apart", &own, &stripped, &[open]),
        ("stripped, ports together", &with_ports, &stripped, &[dot]),
        ("stripped, ports ignored", &ignoring, &stripped, &[dot]),
        ("stripped by one setting", &apart("[www.example.com]", STRIPS_PORT), &stripped, &[dot]),
        ("stripped by both", &apart("[www.example.com]", STRIPS_BOTH), &stripped, &[]),
        ("stripped, ports and dots together", &apart("[www.example.com, 'www.example.com*']", START), &stripped, &[]),
        ("stripped, unknown", &discovered, &stripped, &[open]),
    ] {
        assert_found(name, &lint(text, "envoy.yaml", Some(config)), expected);
        assert_found(name, &lint(text, "envoy.yaml", None), &[]);
    }
}

#[test]
fn a_host_asks_for_less_wherever_one_of_its_rules_does() {
    let issuer = "issuers: [{ issuer: https://a.test/, audiences: [a] }]\nhosts: stripped\n";
    let www = "host: www.example.com, shadows: true";
    let (from, to) = with_virtual_host("[www.example.com]");
    let text = envoy_faults::changed("hosts", &[(from, &to)]);
    let found =
        &["error: the policy says `hosts: stripped`, and this Envoy does not strip all: `www.example.com:8443`"];
    let any = "{ path: '/**', scopes: [x] }";
    for (name, routes, is_found) in [
        (
            "below another route",
            format!(
                "{{ {www}, path: '/a/**', access: public }}, {{ path: '/a/**', access: public }}, {{ path: '/a/admin/**', scopes: [x] }}, {any}"
            ),
            true,
        ),
        (
            "by another method",
            format!(
                "{{ {www}, path: '/a', scopes: [y] }}, {{ path: '/a', methods: [GET], scopes: [y] }}, {{ path: '/a', methods: [PUT], scopes: [x] }}"
            ),
            true,
        ),
        (
            "by a second method",
            format!(
                "{{ {www}, path: '/a', methods: [GET, PUT], access: authenticated }}, {{ path: '/a', methods: [GET], access: authenticated }}, {{ path: '/a', methods: [PUT], scopes: [x] }}"
            ),
            true,
        ),
        (
            "by a parameter",
            format!(
                "{{ {www}, path: '/{{id}}', access: authenticated }}, {{ path: '/me', scopes: [x] }}, {{ path: '/{{id}}', access: authenticated }}"
            ),
            true,
        ),
        (
            "by a verb",
            format!(
                "{{ {www}, path: '/{{id}}', access: authenticated }}, {{ path: '/{{id}}:cancel', scopes: [x] }}, {{ path: '/{{id}}', access: authenticated }}"
            ),
            true,
        ),
        (
            "deeper than any route",
            format!(
                "{{ {www}, path: '/a/**', access: authenticated }}, {{ path: '/a', access: authenticated }}, {{ path: '/a/{{b}}', access: authenticated }}"
            ),
            true,
        ),
        ("where there is no route", format!("{{ {www}, path: '/a', scopes: [x] }}"), true),
        (
            "as much, by two routes",
            format!(
                "{{ {www}, path: '/a/**', scopes: [x] }}, {{ path: '/a', scopes: [x] }}, {{ path: '/a/{{b}}/**', access: authenticated }}"
            ),
            false,
        ),
        (
            "as much, below one that is decided here",
            format!(
                "{{ {www}, path: '/a/**', access: public }}, {{ {www}, path: '/a/admin/**', scopes: [x] }}, {{ path: '/a/**', access: public }}, {{ path: '/a/admin/**', scopes: [x] }}"
            ),
            false,
        ),
        (
            "as much, by each method",
            format!(
                "{{ {www}, path: '/a', methods: [GET], scopes: [x] }}, {{ path: '/a', methods: [GET], scopes: [x] }}, {{ path: '/a', methods: [PUT], scopes: [y] }}"
            ),
            false,
        ),
    ] {
        let config = config(&format!("{issuer}routes: [{routes}]\n"));
        assert_found(name, &lint(&text, "envoy.yaml", Some(&config)), if is_found { found } else { &[] });
    }
    let default = |access: &str| {
        config(&format!("{issuer}routes: [{{ {www}, path: '/**', {access} }}]\ndefault: authenticated\n"))
    };
    assert_found("less than by default", &lint(&text, "envoy.yaml", Some(&default("access: public"))), found);
    assert_found("more than by default", &lint(&text, "envoy.yaml", Some(&default("scopes: [x]"))), &[]);
}

#[test]
fn each_host_and_port_that_envoy_names_is_looked_at() {
    let issuer = "issuers: [{ issuer: https://a.test/, audiences: [a] }]\nhosts: stripped\n";
    let rest = "path: '/**', access: public, shadows: true }, { path: '/**', scopes: [admin] }]\n";
    let with = |domains: &str| {
        let (from, to) = with_virtual_host(domains);
        let strips = "                stat_prefix: ingress\n                strip_trailing_host_dot: true\n";
        envoy_faults::changed("hosts", &[(from, &to), (START, strips)])
    };
    let judged = |sent: &str| {
        format!("error: the policy says `hosts: stripped`, and this Envoy does not strip all: `{sent}` is judged")
    };
    let exact = config(&format!("{issuer}routes: [{{ host: www.example.com, {rest}"));
    let suffix = config(&format!("{issuer}routes: [{{ host: '*.example.com', {rest}"));
    for (config, domains, sent) in [
        (&exact, "['www.example.com:9000']", "www.example.com:9000"),
        (&exact, "[www.example.com, 'www.example.com:8443']", "www.example.com:8444"),
        (&suffix, "['a.b.example.com']", "a.b.example.com:8443"),
        (&suffix, "['*.example.com']", "portcullis-sample.example.com:8443"),
    ] {
        assert_found(domains, &lint(&with(domains), "envoy.yaml", Some(config)), &[&judged(sent)]);
    }
    assert_found("another host's", &lint(&with("[xexample.com, .example.com]"), "envoy.yaml", Some(&suffix)), &[]);
}

#[test]
fn escaped_slashes_stay_where_a_route_takes_them_as_data() {
    let issuer = "issuers: [{ issuer: https://a.test/, audiences: [a] }]\n";
    let data = config(&format!(
        "{issuer}routes: [{{ host: git.example.com, path: '/repos/{{name}}', scopes: [read], encoded_slashes: allow }}, \
         {{ path: '/**', access: authenticated }}]\n"
    ));
    let action = "                path_with_escaped_slashes_action: REJECT_REQUEST\n";
    let with = |value: &str| {
        envoy_faults::changed(
            "slashes",
            &[(action, &format!("                pathWithEscapedSlashesAction: {value}\n"))],
        )
    };
    let wanted = ["warning: the route `git.example.com/repos/{name}` takes `%2F` as data, and this Envoy"];
    for value in ["REJECT_REQUEST", "2", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD", "0"] {
        let found = lint(&with(value), "envoy.yaml", Some(&data));
        assert_found(value, &found, &wanted);
        let help = found.problems().next().unwrap().help_text().unwrap();
        assert!(help.contains("`path_with_escaped_slashes_action: KEEP_UNCHANGED`"), "{help}");
    }
    assert_found("unset", &lint(&envoy_faults::changed("unset", &[(action, "")]), "envoy.yaml", Some(&data)), &wanted);
    for value in ["KEEP_UNCHANGED", "1"] {
        assert_found(value, &lint(&with(value), "envoy.yaml", Some(&data)), &[]);
    }
    let other = ["warning: Envoy leaves some paths as clients spell them"];
    assert_found("no such route", &lint(&with("KEEP_UNCHANGED"), "envoy.yaml", Some(&config(ISSUER))), &other);
    // Where the routes are not known, help names both.
    for (config, names_both) in [(None, true), (Some(&config(ISSUER)), false)] {
        let found = lint(&with("KEEP_UNCHANGED"), "envoy.yaml", config);
        let help = found.problems().next().unwrap().help_text().unwrap();
        assert_eq!(help.contains("(`KEEP_UNCHANGED` if a route"), names_both, "{help}");
    }
}

#[test]
fn the_configuration_says_which_headers_carry_an_identity() {
    let hidden = envoy_faults::changed(
        "allowed",
        envoy_faults::FAULTS.iter().find(|fault| fault.0 == "allowed-headers").unwrap().1,
    );
    let always = config(&format!("{ISSUER}identity: {{ aliases: always }}\n"));
    assert_found("always", &lint(&hidden, "envoy.yaml", Some(&always)), &[]);
    let forged = envoy_faults::changed(
        "forged",
        &[(
            "                            cluster: upstream\n",
            "                            cluster: upstream\n                          request_headers_to_add: [{ header: { key: x-user, value: a } }]\n",
        )],
    );
    let named = config(&format!("{ISSUER}identity: {{ headers: {{ subject: X-User }} }}\n"));
    assert_found(
        "named",
        &lint(&forged, "envoy.yaml", Some(&named)),
        &["warning: Envoy sets `x-user` after the decision"],
    );
}

#[test]
fn what_is_no_envoy_configuration_is_said_to_be_none() {
    for text in ["", "# nothing\n", "---\n"] {
        assert_found("empty", &lint(text, "envoy.yaml", None), &["error: the file is empty"]);
    }
    for text in ["a", "[1]", "{}"] {
        assert_found(text, &lint(text, "envoy.yaml", None), &["error: this is not an Envoy configuration"]);
    }
    let only_clusters = "static_resources: { clusters: [] }";
    assert_found(
        "clusters",
        &lint(only_clusters, "envoy.yaml", None),
        &["warning: there is no http_connection_manager"],
    );
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy");
    for name in ["kubernetes.yaml", "kubernetes-monitoring.yaml"] {
        assert_found(name, &check(&dir.join(name), None), &["error: this is a Kubernetes resource"]);
    }
    let json = "{ \"apiVersion\": \"v1\",\n  \"kind\": \"List\" }";
    assert_found("json", &lint(json, "envoy.json", None), &["error: this is a Kubernetes resource"]);
}

#[test]
fn bad_input_is_one_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let of = |bytes: &[u8]| {
        let file = dir.path().join("envoy.yaml");
        fs::write(&file, bytes).unwrap();
        described(&check(&file, None))
    };
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let previous = format!("*a{}, ", n - 1).repeat(10);
        writeln!(bomb, "a{n}: &a{n} [{previous}]").unwrap();
    }
    let deep = format!("a: {}", "[".repeat(100_000));
    let large = vec![b'a'; limits::ENVOY_BYTES + 1];
    for (bytes, expected) in [
        (b"static_resources: \xFF".as_slice(), "is not UTF-8 text in line 1"),
        (b"a: [", "not valid YAML"),
        (b"a: \0", "control character"),
        (b"a: !binary aGk=", "tags (`!"),
        (b"!ignored a: 1", "tags (`!"),
        (bomb.as_bytes(), "values, aliases written out"),
        (deep.as_bytes(), "n"),
        (large.as_slice(), "has more than 32 MiB"),
        (&vec![b'a'; 10 << 20], "this is not an Envoy configuration"),
    ] {
        let found = of(bytes);
        assert!(
            found.len() == 1 && found[0].starts_with("error: ") && found[0].contains(expected),
            "{expected}: {found:?}"
        );
    }
    let missing = described(&check(&dir.path().join("none"), None));
    assert!(missing.len() == 1 && missing[0].contains("can't be read: there is no such file"), "{missing:?}");
}

#[test]
fn many_problems_stay_readable() {
    let faults = [
        ("failure_mode_allow: false", "failure_mode_allow: true"),
        ("encode_raw_headers: true", "allowed_headers: { patterns: [{ prefix: x- }] }"),
        ("cluster_name: portcullis\n", "cluster_name: portculis\n"),
        ("merge_slashes: true", "merge_slashes: false"),
        ("timeout: 1s", "timeout: 0.1s"),
        (
            "                            cluster: upstream\n",
            "                            cluster: upstream\n                          request_headers_to_add:\n                            - header: { key: x-auth-scopes, value: all }\n",
        ),
    ];
    let rendered = lint(&envoy_faults::changed("many", &faults), "envoy.yaml", None).render(false, 100);
    let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join("envoy.txt");
    fs::write(&actual, &rendered).unwrap();
    let expected = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config/envoy.txt"));
    assert!(
        Ok(&rendered) == expected.as_ref().map_err(|_| ()),
        "what is printed has changed: see {}",
        actual.display()
    );
}
