//! `check --envoy` on the way to Portcullis: connections that are in the clear or take any server although something beside them is
//! verified, and Kubernetes resources that undo the check.

use portcullis::tools::envoy_lint::{Checked, Verdict, check_files};

use crate::{
    envoy_input::{assert_problems, described},
    envoy_kubernetes::{EXT_AUTH, FILTER, MESH, POLICY, envoy_filter, gateway, patch_policy},
    envoy_scene::{ALL, bootstrap, check, cluster, listener, manager, ours},
};

const SOCKETS: &str = "type.googleapis.com/envoy.extensions.transport_sockets";
const OPTIONS: &str = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const NAMED: &str =
    "trusted_ca: { filename: /etc/ca.pem }, match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: p } }]";
const PLAINTEXT: &[&str] = &["envoy-plaintext in"];
const UNVERIFIED: &[&str] = &["envoy-tls-unverified in"];

/// The cluster of Portcullis with more fields, and nothing to find in the others.
fn asked(more: &str) -> String {
    format!(
        "    - {{ name: portcullis, typed_extension_protocol_options: {{ o: {{ '@type': {OPTIONS}, explicit_http_config: {{ \
         http2_protocol_options: {{}} }} }} }}, circuit_breakers: {{ thresholds: [{{ max_requests: 10000, max_pending_requests: 10000, \
         max_retries: 1000 }}] }}, health_checks: [{{ timeout: 1s, interval: 1s, no_traffic_interval: 1s, unhealthy_threshold: 1, \
         healthy_threshold: 1, grpc_health_check: {{ authority: a }} }}], {more} }}\n"
    )
}

/// A transport socket of a kind with fields.
fn socket(kind: &str, fields: &str) -> String {
    format!("{{ name: s, typed_config: {{ '@type': {SOCKETS}.{kind}{fields} }} }}")
}

/// TLS with these rules for certificates, and more fields of the context.
fn tls(rules: &str, more: &str) -> String {
    socket("tls.v3.UpstreamTlsContext", &format!(", common_tls_context: {{ validation_context: {{ {rules} }} }}{more}"))
}

fn raw() -> String {
    socket("raw_buffer.v3.RawBuffer", "")
}

/// The two endpoints of a far Portcullis, with fields of each and of their group.
fn far(of_endpoint: &str, of_group: &str) -> String {
    let endpoint = |port: u16| {
        format!(
            "{{ endpoint: {{ address: {{ socket_address: {{ address: 10.0.0.5, port_value: {port} }} }} }}{of_endpoint} }}"
        )
    };
    let all = format!("{}, {}", endpoint(9191), endpoint(9193));
    format!("load_assignment: {{ cluster_name: portcullis, endpoints: [{{ lb_endpoints: [{all}]{of_group} }}] }}")
}

/// The endpoints with metadata that chooses a socket.
fn far_with(of_endpoint: &str, of_group: &str) -> String {
    let metadata = |fields: &str| {
        if fields.is_empty() {
            String::new()
        } else {
            format!(", metadata: {{ filter_metadata: {{ envoy.transport_socket_match: {{ {fields} }} }} }}")
        }
    };
    far(&metadata(of_endpoint), &metadata(of_group))
}

/// An Envoy that asks a cluster, among listeners and clusters of its own.
fn envoy(cluster: String, listeners: Vec<String>, clusters: Vec<String>) -> String {
    let ingress = listener("in", "", &[&manager(&[&ours("z", "")], ALL)]);
    let listeners: Vec<String> = std::iter::once(ingress).chain(listeners).collect();
    let clusters: Vec<String> = std::iter::once(cluster).chain(clusters).collect();
    bootstrap(&listeners, &clusters, "")
}

fn alone(more: &str) -> String {
    envoy(asked(more), Vec::new(), Vec::new())
}

#[test]
fn metadata_of_any_kind_chooses_the_socket_of_an_endpoint() {
    let sockets = format!("transport_socket: {}", tls(NAMED, ""));
    for (endpoint, group, wanted, expected) in [
        ("", "x: y", "x: y", PLAINTEXT),
        ("x: z", "x: y", "x: y", PLAINTEXT),
        ("x: y", "x: z", "x: y", PLAINTEXT),
        ("x: 1", "", "x: 1", PLAINTEXT),
        ("x: 1", "", "x: 1.0", PLAINTEXT),
        ("x: true", "", "x: true", PLAINTEXT),
        ("x: yes", "", "x: true", PLAINTEXT),
        ("x: { a: b, c: 1 }", "", "x: { c: 1, a: b }", PLAINTEXT),
        ("x: [1, a]", "", "x: [1, a]", PLAINTEXT),
        ("x: ~", "", "x: ~", PLAINTEXT),
        ("x: y, v: 1", "", "x: y", PLAINTEXT),
        ("x: 2", "", "x: 1", &[]),
        ("x: 'y'", "x: [y]", "x: { y: y }", &[]),
        ("x: { a: b, c: d }", "", "x: { a: b }", &[]),
        ("x: [1]", "", "x: [1, 2]", &[]),
        ("x: y", "v: 1", "x: y, v: 1", &[]),
        ("", "", "x: y", &[]),
    ] {
        let raw =
            format!("transport_socket_matches: [{{ name: a, match: {{ {wanted} }}, transport_socket: {} }}]", raw());
        let text = alone(&format!("{}, {raw}, {sockets}", far_with(endpoint, group)));
        let verdict = if expected.is_empty() { Verdict::Good } else { Verdict::Open };
        check(&format!("{endpoint} / {group} / {wanted}"), &text, expected, verdict);
    }
    // What an endpoint says counts before what its group says.
    let matches = format!(
        "transport_socket_matches: [{{ name: a, match: {{ z: 1 }}, transport_socket: {} }}, {{ name: b, match: {{ x: y }}, transport_socket: \
         {} }}]",
        raw(),
        tls(NAMED, "")
    );
    check("endpoint first", &alone(&format!("{}, {matches}", far_with("x: y", "z: 1"))), &[], Verdict::Good);
}

#[test]
fn every_socket_is_possible_where_a_matcher_chooses() {
    let action = "{ action: { name: x, typed_config: { '@type': type.googleapis.com/envoy.extensions.matching.common_inputs.\
                  transport_socket.v3.TransportSocketNameAction, name: a } } }";
    let text = |one: &str, default: &str| {
        alone(&format!(
            "{}, transport_socket_matches: [{{ name: a, match: {{ x: y }}, transport_socket: {one} }}], transport_socket_matcher: {{ \
             on_no_match: {action} }}{default}",
            far_with("", "")
        ))
    };
    let verified = tls(NAMED, "");
    let default = |socket: &str| format!(", transport_socket: {socket}");
    check("raw by name", &text(&raw(), &default(&verified)), PLAINTEXT, Verdict::Open);
    check("raw by default", &text(&verified, &default(&raw())), PLAINTEXT, Verdict::Open);
    check("both verified", &text(&verified, &default(&verified)), &[], Verdict::Good);
    check("no default", &text(&verified, ""), &[], Verdict::Good);
    let missing = text(&verified, "").replace("NameAction, name: a", "NameAction, name: b");
    check("no socket of that name", &missing, PLAINTEXT, Verdict::Open);
    let may_miss = text(&verified, "").replace("on_no_match: {", "matcher_list: { matchers: [] }, ignored: {");
    check("no match", &may_miss, PLAINTEXT, Verdict::Open);
}

#[test]
fn a_socket_that_is_not_known_is_named_and_one_that_starts_in_the_clear_is_clear() {
    let text = |socket: &str| alone(&format!("{}, transport_socket: {socket}", far("", "")));
    let tap = |inner: &str| socket("tap.v3.Tap", &format!(", transport_socket: {inner}"));
    check("wrapped", &text(&tap(&tls(NAMED, ""))), &[], Verdict::Good);
    check("wrapped, raw", &text(&tap(&raw())), PLAINTEXT, Verdict::Open);
    check("alts", &text(&socket("alts.v3.Alts", ", handshaker_service: a")), &[], Verdict::Good);
    let starts = socket("starttls.v3.UpstreamStartTlsConfig", ", tls_socket_config: {}");
    check("starttls", &text(&starts), PLAINTEXT, Verdict::Open);
    let proxy = "http_11_proxy.v3.Http11ProxyUpstreamTransport";
    check("by a proxy", &text(&socket(proxy, "")), PLAINTEXT, Verdict::Open);
    let other = check("unknown", &text(&socket("other.v3.Other", "")), &[], Verdict::Unseen);
    let unseen = "the transport socket `envoy.extensions.transport_sockets.other.v3.Other` of the cluster `portcullis`, which is not \
                  known here (listener `in`)";
    assert_eq!(other.seen.unseen, [unseen]);
}

/// The cluster of Portcullis as one of that type.
fn of_type(name: &str, fields: &str) -> String {
    asked(&format!(
        "lb_policy: CLUSTER_PROVIDED, transport_socket: {}, cluster_type: {{ name: t, typed_config: {{ '@type': \
         type.googleapis.com/envoy.extensions.clusters.{name}{fields} }} }}",
        tls(NAMED, "")
    ))
}

#[test]
fn the_members_of_an_aggregate_decide_how_portcullis_is_reached() {
    let member = |name: &str, host: &str, socket: &str| {
        let more = if socket.is_empty() { String::new() } else { format!(", transport_socket: {socket}") };
        cluster(name, host, 9191).replacen(" }\n", &format!("{more} }}\n"), 1)
    };
    let aggregate = |clusters: Vec<String>| {
        envoy(of_type("aggregate.v3.ClusterConfig", ", clusters: [pa, pb]"), Vec::new(), clusters)
    };
    let verified = tls(NAMED, "");
    let near = member("pa", "127.0.0.1", "");
    check("plain", &aggregate(vec![near.clone(), member("pb", "10.0.0.6", "")]), PLAINTEXT, Verdict::Open);
    check("verified", &aggregate(vec![near.clone(), member("pb", "10.0.0.6", &verified)]), &[], Verdict::Good);
    check("near", &aggregate(vec![near.clone(), member("pb", "127.0.0.1", "")]), &[], Verdict::Good);
    check("any", &aggregate(vec![near.clone(), member("pb", "10.0.0.6", &tls("", ""))]), UNVERIFIED, Verdict::Open);
    let nested = "    - { name: pb, cluster_type: { name: t, typed_config: { '@type': type.googleapis.com/envoy.extensions.clusters.\
                  aggregate.v3.ClusterConfig, clusters: [pc, portcullis] } } }\n";
    let text = aggregate(vec![near.clone(), nested.to_owned(), member("pc", "10.0.0.6", "")]);
    check("nested", &text, PLAINTEXT, Verdict::Open);
    let composite = envoy(
        of_type("composite.v3.ClusterConfig", ", clusters: [{ name: pa }, { name: pb }]"),
        Vec::new(),
        vec![near, member("pb", "10.0.0.6", "")],
    );
    check("composite", &composite, PLAINTEXT, Verdict::Open);
    let dns = of_type("dns.v3.DnsCluster", "");
    check("dns", &envoy(dns, Vec::new(), Vec::new()), &[], Verdict::Good);
    let other = envoy(of_type("redis.v3.RedisClusterConfig", ""), Vec::new(), Vec::new());
    let other = check("another type", &other, &[], Verdict::Unseen);
    assert_eq!(
        other.seen.unseen,
        ["the servers of the cluster `portcullis`, whose `cluster_type` is not known here (listener `in`)"]
    );
}

/// A TCP proxy to a cluster.
fn proxy(cluster: &str) -> String {
    format!(
        "{{ name: t, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: \
         t, cluster: {cluster} }} }}"
    )
}

#[test]
fn the_way_to_portcullis_goes_on_behind_a_listener_of_this_envoy() {
    let inner = |id: u8| {
        format!(
            "{{ endpoint: {{ address: {{ envoy_internal_address: {{ server_listener_name: tun, endpoint_id: '{id}' }} }} }} }}"
        )
    };
    let assignment = format!(
        "load_assignment: {{ cluster_name: portcullis, endpoints: [{{ lb_endpoints: [{}, {}] }}] }}",
        inner(0),
        inner(1)
    );
    let through = |more: &str, chain: &str, host: &str| {
        let tunnel = listener("tun", "internal_listener: {}, ", &[chain]);
        envoy(asked(&format!("{assignment}{more}")), vec![tunnel], vec![cluster("remote", host, 9191)])
    };
    check("far", &through("", &proxy("remote"), "10.0.0.6"), PLAINTEXT, Verdict::Open);
    check("near", &through("", &proxy("remote"), "127.0.0.1"), &[], Verdict::Good);
    let over = |socket: &str| format!(", transport_socket: {socket}");
    check("end to end", &through(&over(&tls(NAMED, "")), &proxy("remote"), "10.0.0.6"), &[], Verdict::Good);
    let any = over(&tls("", ""));
    check("any, far", &through(&any, &proxy("remote"), "10.0.0.6"), UNVERIFIED, Verdict::Open);
    check("any, near", &through(&any, &proxy("remote"), "127.0.0.1"), &[], Verdict::Good);
    let upstream = "internal_upstream.v3.InternalUpstreamTransport";
    let wrapped = over(&socket(upstream, &format!(", transport_socket: {}", raw())));
    check("wrapped", &through(&wrapped, &proxy("remote"), "10.0.0.6"), PLAINTEXT, Verdict::Open);
    let ended = through(&over(&tls(NAMED, "")), &proxy("remote"), "10.0.0.6").replace(
        "filter_chains: [{ filters: [{ name: t,",
        "filter_chains: [{ transport_socket: { name: d }, filters: [{ name: t,",
    );
    check("TLS that ends there", &ended, PLAINTEXT, Verdict::Open);
    let elsewhere = envoy(asked(&assignment), Vec::new(), Vec::new());
    let elsewhere = check("not in the files", &elsewhere, &[], Verdict::Unseen);
    assert_eq!(elsewhere.seen.unseen, ["the internal listener `tun`, behind which Portcullis is (listener `in`)"]);
    // A listener at an address leads on as well.
    let at = |host: &str, port: u16| {
        format!(
            "    - {{ name: tun, address: {{ socket_address: {{ address: {host}, port_value: {port} }} }}, filter_chains: [{{ filters: [{}] \
             }}] }}\n",
            proxy("remote")
        )
    };
    let local = asked(&far("", "").replace("10.0.0.5", "127.0.0.1"));
    for (host, port, expected) in
        [("127.0.0.1", 9191, PLAINTEXT), ("0.0.0.0", 9193, PLAINTEXT), ("127.0.0.1", 9999, &[])]
    {
        let text = envoy(local.clone(), vec![at(host, port)], vec![cluster("remote", "10.0.0.6", 9191)]);
        let verdict = if expected.is_empty() { Verdict::Good } else { Verdict::Open };
        check(&format!("{host}:{port}"), &text, expected, verdict);
    }
}

#[test]
fn a_certificate_is_checked_for_the_name_that_envoy_asks_for_only_where_it_asks_for_one() {
    let public = "trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt }";
    let text = |more: &str, endpoints: &str| {
        alone(&format!(
            "{endpoints}, transport_socket: {}",
            tls(public, &format!(", auto_sni_san_validation: true{more}"))
        ))
    };
    let addresses = far("", "");
    let named = addresses.replace("endpoint: { address", "endpoint: { hostname: p.example, address");
    let by_dns = format!("type: STRICT_DNS, {}", addresses.replace("10.0.0.5", "p.example"));
    let by_host = ", auto_host_sni: true";
    for (more, endpoints, verdict) in [
        ("", &addresses, Verdict::Open),
        (", sni: ''", &addresses, Verdict::Open),
        (", sni: p.example", &addresses, Verdict::Good),
        (by_host, &addresses, Verdict::Open),
        (", auto_host_sni: true, sni: p.example", &addresses, Verdict::Good),
        (by_host, &named, Verdict::Good),
        (by_host, &named.replacen("hostname: p.example, ", "", 1), Verdict::Open),
        (by_host, &named.replace("p.example", "10.0.0.5"), Verdict::Open),
        (by_host, &by_dns, Verdict::Good),
        (by_host, &by_dns.replacen("p.example", "10.0.0.5", 1), Verdict::Open),
        (by_host, &"type: EDS".to_owned(), Verdict::Unseen),
    ] {
        let expected = if verdict == Verdict::Open { UNVERIFIED } else { &[] };
        check(&format!("{more} {endpoints}"), &text(more, endpoints), expected, verdict);
    }
    let by_authority = text("", &addresses).replace(
        "explicit_http_config: {",
        "upstream_http_protocol_options: { auto_sni: true }, explicit_http_config: {",
    );
    check("by the authority", &by_authority, &[], Verdict::Good);
}

#[test]
fn the_public_authorities_are_known_wherever_systems_keep_them() {
    for (file, expected) in [
        ("/etc/pki/tls/cert.pem", UNVERIFIED),
        ("/etc/pki/tls/certs/ca-bundle.crt", UNVERIFIED),
        ("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", UNVERIFIED),
        ("/etc/ssl/ca-bundle.pem", UNVERIFIED),
        ("/usr/local/share/certs/ca-root-nss.crt", UNVERIFIED),
        ("/etc/ssl/cert.pem", UNVERIFIED),
        ("/usr/local/etc/ssl/cert.pem", UNVERIFIED),
        ("/etc//ssl/./certs/../certs/ca-certificates.crt", UNVERIFIED),
        ("/etc/portcullis/ca-certificates.crt", &[]),
    ] {
        let ca = tls(&format!("trusted_ca: {{ filename: '{file}' }}"), "");
        let verdict = if expected.is_empty() { Verdict::Good } else { Verdict::Open };
        check(file, &alone(&format!("{}, transport_socket: {ca}", far("", ""))), expected, verdict);
    }
}

#[test]
fn credentials_of_grpc_s_core_that_are_null_are_none() {
    let with = |credentials: &str| {
        let core = format!(
            "google_grpc: {{ stat_prefix: portcullis, target_uri: 'p.example:9191', channel_args: {{ args: {{ grpc.default_authority: {{ \
             string_value: a }} }} }}, channel_credentials: {{ {credentials} }} }}"
        );
        bootstrap(&[listener("in", "", &[&manager(&[&ours("z", "")], ALL)])], &[], "")
            .replace("envoy_grpc: { cluster_name: portcullis, authority: a }", &core)
    };
    for (credentials, expected) in [
        ("", PLAINTEXT),
        ("ssl_credentials: ~", PLAINTEXT),
        ("ssl_credentials: ~, google_default: ~", PLAINTEXT),
        ("ssl_credentials: {}", &[]),
        ("google_default: {}", &[]),
    ] {
        let verdict = if expected.is_empty() { Verdict::Good } else { Verdict::Open };
        check(credentials, &with(credentials), expected, verdict);
    }
}

fn resources(texts: &[&str]) -> Checked {
    check_files(&[(&texts.join("---\n"), "k.yaml")], None)
}

#[test]
fn a_matcher_of_every_name_is_no_name() {
    let with = |matchers: &str| {
        let rules =
            format!("trusted_ca: {{ filename: /etc/ssl/cert.pem }}, match_typed_subject_alt_names: [{matchers}]");
        alone(&format!("{}, transport_socket: {}", far("", ""), tls(&rules, "")))
    };
    let (any, p) =
        ("{ san_type: DNS, matcher: { safe_regex: { regex: .* } } }", "{ san_type: DNS, matcher: { exact: p } }");
    check("one name", &with(p), &[], Verdict::Good);
    check("every name", &with(any), UNVERIFIED, Verdict::Open);
    check("one or every name", &with(&format!("{p}, {any}")), UNVERIFIED, Verdict::Open);
}

/// Asserts that something of these resources is named as not looked at.
fn assert_named(text: &str, part: &str) {
    let checked = resources(&[text]);
    assert!(checked.seen.unseen.iter().any(|one| one == part), "{text}\n{:#?}", checked.seen.unseen);
    let off: Vec<String> = described(&checked.files[0]).into_iter().filter(|one| one.contains("is off here")).collect();
    assert!(off.is_empty(), "{text}\n{off:#?}");
}

#[test]
fn patches_that_move_or_empty_something_are_named() {
    let at = "/filter_chains/0/filters/0/typed_config/http_filters/0";
    let words = "a patch of `envoy.config.listener.v3.Listener` in the EnvoyPatchPolicy `patch`";
    for operation in [
        format!("{{ op: move, from: {at}, path: {at}1 }}"),
        format!("{{ op: copy, from: /a, path: {at} }}"),
        format!("{{ op: replace, path: {at}, value: ~ }}"),
        format!("{{ op: replace, path: {at} }}"),
        format!("{{ path: {at} }}"),
    ] {
        assert_named(&patch_policy("listener.v3.Listener", &operation), words);
    }
    let test = patch_policy("listener.v3.Listener", &format!("{{ op: test, path: {at}, value: a }}"));
    assert!(!resources(&[&test]).seen.unseen.iter().any(|one| one.starts_with("a patch")), "a test changes nothing");
    let without = envoy_filter("HTTP_FILTER", "REPLACE", "a: b\n").split_once("        value:").unwrap().0.to_owned();
    assert_named(&without, "a patch of `HTTP_FILTER` in the EnvoyFilter `authz`");
    let routes = |path: &str, value: &str| {
        patch_policy("route.v3.RouteConfiguration", &format!("{{ op: replace, path: {path}, value: {value} }}"))
    };
    let words = "a patch of `envoy.config.route.v3.RouteConfiguration` in the EnvoyPatchPolicy `patch`";
    let settings = "/virtual_hosts/0/routes/0/typed_per_filter_config";
    let cors = "{ envoy.filters.http.cors: { '@type': type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }";
    assert_named(&routes(settings, "{}"), words);
    assert_named(&routes(settings, cors), words);
    assert_named(&routes(&format!("{settings}/portcullis/disabled"), "true"), words);
    let other = "typedPerFilterConfig:\n  portcullis:\n    \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig\n    disabled: true\n";
    assert_named(&envoy_filter("VIRTUAL_HOST", "MERGE", other), "a patch of `VIRTUAL_HOST` in the EnvoyFilter `authz`");
}

#[test]
fn a_patch_that_switches_a_generated_filter_off_is_found() {
    let name = "envoy.filters.http.ext_authz~1securitypolicy~1default~1portcullis";
    let settings = "/virtual_hosts/0/routes/0/typed_per_filter_config";
    let off = "{ '@type': type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true }";
    let routes = |path: &str, value: &str| {
        patch_policy("route.v3.RouteConfiguration", &format!("{{ op: add, path: '{path}', value: {value} }}"))
    };
    let plain = name.replace("~1", "/");
    for text in [
        routes(&format!("{settings}/{name}"), off),
        routes(&format!("{settings}/{name}/disabled"), "true"),
        routes(&format!("{settings}/{name}/config/disabled"), "true"),
        routes(&format!("{settings}/envoy.filters.http.ext_authz/disabled"), "true"),
        routes(settings, &format!("{{ {plain}: {off} }}")),
        routes("/virtual_hosts/0/routes/0", &format!("{{ typed_per_filter_config: {{ {plain}: {off} }} }}")),
        routes("/virtual_hosts/0", &format!("{{ routes: [{{ typed_per_filter_config: {{ {plain}: {off} }} }}] }}")),
    ] {
        assert_problems(&text, &resources(&[&text]).files[0], &["8 warning: ext_authz is off here"]);
    }
    // A filter that is known by its name to ask another service may be off.
    let other = FILTER.replace("ext_authz\n", "ext_authz/opa\n").replace("portcullis", "opa");
    let patches = [envoy_filter("HTTP_FILTER", "ADD", FILTER), envoy_filter("HTTP_FILTER", "ADD", &other)];
    let of_other = routes(&format!("{settings}/envoy.filters.http.ext_authz~1opa"), off);
    let asks_other = "30 warning: no request that comes this way is judged by Portcullis";
    assert_problems("opa", &resources(&[&patches[0], &patches[1], &of_other]).files[0], &[asks_other]);
    let on = routes(&format!("{settings}/{name}/disabled"), "false");
    assert_problems("on", &resources(&[&on, &gateway(EXT_AUTH)]).files[0], &["14 warning: Envoy Gateway can't set"]);
}

#[test]
fn a_policy_that_is_only_tried_is_named() {
    let tried = |value: &str| {
        POLICY.replace(
            "name: all",
            &format!("name: all, namespace: istio-system, annotations: {{ istio.io/dry-run: '{value}' }}"),
        )
    };
    let words = "whether Istio asks by the AuthorizationPolicy `all`, which `istio.io/dry-run` has it only try";
    for value in ["true", "1", "T"] {
        assert_named(&tried(value), words);
    }
    let meant = resources(&[&tried("false")]);
    assert!(!meant.seen.unseen.iter().any(|one| one.contains("dry-run")), "{:?}", meant.seen.unseen);
}

#[test]
fn a_policy_of_one_namespace_leaves_the_others_unseen() {
    let within = |namespace: &str| POLICY.replace("name: all", &format!("name: all{namespace}"));
    let unseen = |mesh: &str, namespace: &str| -> Vec<String> {
        let checked = check_files(&[(mesh, "mesh.yaml"), (&within(namespace), "policy.yaml")], None);
        checked.seen.unseen.into_iter().filter(|one| one.contains("namespace")).collect()
    };
    let of_shop =
        ["the workloads outside of the namespace `shop`, to which the AuthorizationPolicy `all` does not apply"];
    assert_eq!(unseen(MESH, ", namespace: shop"), of_shop);
    assert_eq!(unseen(MESH, ", namespace: istio-system"), [""; 0]);
    let root = MESH.replace("meshConfig:\n", "meshConfig:\n  rootNamespace: shop\n");
    assert_eq!(unseen(&root, ", namespace: shop"), [""; 0]);
    let unknown = [
        "the workloads outside of the namespace of the AuthorizationPolicy `all`, unless it is the root namespace of Istio",
    ];
    assert_eq!(unseen(MESH, ""), unknown);
}
