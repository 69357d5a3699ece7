//! The sample Envoy configuration with one fault each: what `check --envoy` must say of it. A real Envoy accepts every
//! one of them, so that the lints are about configurations that there can be.

/// The sample as it is: with one endpoint.
pub(crate) const SAMPLE: &str = include_str!("../../envoy/envoy.yaml");
/// The line before the sample's second endpoint, which is a comment.
const SECOND: &str =
    "              # A second instance, so that a restart of one is no outage. envoy/ha.yaml has more about this.\n";

/// The sample with its second endpoint.
pub(crate) fn sample() -> String {
    let (before, after) = SAMPLE.split_once(SECOND).unwrap();
    let (commented, rest) = after.split_once("\n\n").unwrap();
    let second: Vec<String> = commented.lines().map(|line| line.replacen("# ", "", 1)).collect();
    format!("{before}{}\n\n{rest}", second.join("\n"))
}

/// The example with two instances.
pub(crate) const HA: &str = include_str!("../../envoy/ha.yaml");

/// Builds envoy/ha.yaml with the endpoints by name, a comment in it, uncommented, and without those by address.
pub(crate) fn ha_by_name() -> String {
    let (before, rest) = HA.split_once("      # By address: each instance is listed.\n").unwrap();
    let (_, rest) = rest.split_once("\n\n").unwrap();
    let (commented, after) = rest.split_once("      #\n").unwrap().1.split_once("\n\n").unwrap();
    let lines: Vec<String> = commented.lines().map(|line| line.replacen("# ", "", 1)).collect();
    format!("{before}{}\n\n{after}", lines.join("\n"))
}

/// A text with the block that begins with that line, up to the next line that is not indented further, replaced.
pub(crate) fn with_block(text: &str, begin: &str, to: &str) -> String {
    let indent = begin.len() - begin.trim_start().len();
    let belongs = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > indent;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = lines.iter().position(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("there is no {begin}"));
    let rest = &lines[at + 1..];
    let length = rest.iter().take_while(|line| belongs(line)).count();
    [&lines[..at], &[to][..], &rest[length..]].concat().concat()
}

/// A name, what is changed in the sample, and what is found: `error` or `warning`, and a part of the message.
pub(crate) type Fault = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// The sample with those changes, each of which must have a place in it.
pub(crate) fn changed(name: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(sample(), |text, (from, to)| {
        assert!(text.contains(from), "{name}: the sample has no {from}");
        text.replacen(from, to, 1)
    })
}

/// The sample with these lines in place of its ext_authz filter.
pub(crate) fn with_filter(lines: &str) -> String {
    let sample = sample();
    let (before, rest) = sample.split_once("                  - name: envoy.filters.http.ext_authz\n").unwrap();
    let (_, after) = rest.split_once(ROUTER).unwrap();
    format!("{before}{lines}{ROUTER}{after}")
}

/// A filter that a matcher lets requests pass by.
pub(crate) const SKIPPED: &str = r#"
                  - name: envoy.filters.http.ext_authz
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher
                      xds_matcher:
                        matcher_list:
                          matchers:
                            - predicate:
                                single_predicate:
                                  input:
                                    name: header
                                    typed_config:
                                      "@type": type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput
                                      header_name: x-skip
                                  value_match: { exact: please }
                              on_match:
                                action:
                                  name: skip
                                  typed_config:
                                    "@type": type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter
                      extension_config:
                        name: inner
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                          transport_api_version: V3
                          grpc_service:
                            envoy_grpc: { cluster_name: portcullis }
                            timeout: 1s
                            retry_policy: { retry_on: reset, retry_back_off: { base_interval: 0.005s, max_interval: 1s } }
                          status_on_error: { code: 503 }
                          encode_raw_headers: true
"#;

const ALLOW: &str = "failure_mode_allow: false";
const API_VERSION: &str = "                      transport_api_version: V3\n";
const STATUS: &str = "                      status_on_error:\n                        code: ServiceUnavailable # 503\n";
const RAW: &str = "                      encode_raw_headers: true\n";
const ROUTER: &str = "                  - name: envoy.filters.http.router\n";
const FILTER: &str = "                  - name: envoy.filters.http.ext_authz\n                    typed_config:";
const CORS: &str = "                  - name: envoy.filters.http.cors
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors\n";
const PER_FILTER: &str = "                      typed_per_filter_config:\n";
const ROUTE: &str = "                          route:\n                            cluster: upstream\n";
/// A route that switches the check on.
const ROUTE_ON: &str = "                          route:
                            cluster: upstream
                          typed_per_filter_config:
                            envoy.filters.http.ext_authz: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, disabled: false }\n";
const HTTP2: &str = "            http2_protocol_options:
              # A peer that vanished without a goodbye is noticed here, not by every request's timeout.
              connection_keepalive:
                interval: 30s
                timeout: 5s\n";
const OPTIONS: &str = "      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config:\n";
/// Envoy refuses a health check by gRPC of a cluster without HTTP/2.
const GRPC_HEALTH: &str = "          grpc_health_check:
            # Else the name of the cluster, as above.
            authority: portcullis\n";
const HTTP_HEALTH: &str = "          http_health_check: { path: /healthz }\n";
const SERVICE: &str = "                      grpc_service:
                        envoy_grpc:
                          cluster_name: portcullis
                          # Any name that a host can have. Left out, it is the name of the cluster, and one with `|`, `/` or
                          # a second colon in it, as control planes make them, is refused by every server of HTTP/2.
                          authority: portcullis\n";
/// The `authority` of Checks.
const AUTHORITY: &str = "                          authority: portcullis\n";
/// Checks by gRPC's C core in place of Envoy's own client.
const GOOGLE: &str = "                      grpc_service:
                        google_grpc: { target_uri: 'unix:/run/portcullis.sock', stat_prefix: portcullis }\n";
const GOOGLE_WITH_AUTHORITY: &str = "                      grpc_service:
                        google_grpc:
                          target_uri: unix:/run/portcullis.sock
                          stat_prefix: portcullis
                          channel_args: { args: { grpc.default_authority: { string_value: portcullis } } }\n";
const TIMEOUT: &str = "                        timeout: 1s\n";
const ADDRESS: &str = "                      address: 127.0.0.1\n                      port_value: 9191\n";

pub(crate) const FAULTS: &[Fault] = &[
    // What happens without an answer.
    ("failure-mode", &[(ALLOW, "failure_mode_allow: true")], &["error: `failure_mode_allow` is on"]),
    ("failure-mode-yes", &[(ALLOW, "failure_mode_allow: yes")], &["error: `failure_mode_allow` is on"]),
    ("failure-mode-quoted", &[(ALLOW, "failure_mode_allow: \"true\"")], &["error: `failure_mode_allow` is on"]),
    ("failure-mode-camel", &[(ALLOW, "failureModeAllow: true")], &["error: `failure_mode_allow` is on"]),
    (
        "failure-mode-twice",
        &[(API_VERSION, "                      failure_mode_allow: true\n")],
        &["error: `failure_mode_allow` is on", "error: `failure_mode_allow` is there twice"],
    ),
    (
        "failure-mode-header",
        &[(ALLOW, "failure_mode_allow_header_add: true")],
        &["warning: `failure_mode_allow_header_add` does nothing"],
    ),
    ("shadow-mode", &[(ALLOW, "shadow_mode: true")], &["error: `shadow_mode` is on"]),
    ("no-status", &[(STATUS, "")], &["warning: when Portcullis can't be asked, clients get 403"]),
    (
        "status-blames",
        &[("code: ServiceUnavailable", "code: Unauthorized")],
        &["warning: when Portcullis can't be asked, clients get a status that blames them"],
    ),
    ("status-number", &[("code: ServiceUnavailable", "code: 403")], &["warning: when Portcullis can't be asked"]),
    // What Portcullis sees.
    ("raw-headers", &[(RAW, "")], &["warning: `encode_raw_headers` is off"]),
    (
        "raw-headers-off",
        &[("encode_raw_headers: true", "encode_raw_headers: off")],
        &["warning: `encode_raw_headers` is off"],
    ),
    (
        "allowed-headers",
        &[(
            RAW,
            concat!(
                "                      encode_raw_headers: true\n",
                "                      allowed_headers: { patterns: [{ exact: authorization }, { exact: content-type }, { prefix: x- }] }\n"
            ),
        )],
        &["warning: `allowed_headers` hides `x.auth-client-id`"],
    ),
    (
        "allowed-nothing-needed",
        &[(
            RAW,
            concat!(
                "                      encode_raw_headers: true\n",
                "                      allowedHeaders: { patterns: [{ exact: cookie }] }\n"
            ),
        )],
        &[
            "error: `allowedHeaders` hides `authorization`",
            "warning: `allowedHeaders` hides `x-request-id`",
            "warning: `allowedHeaders` hides `content-type`",
            "warning: `allowedHeaders` hides `x.auth-client-id`",
        ],
    ),
    (
        "disallowed-headers",
        &[(
            RAW,
            concat!(
                "                      encode_raw_headers: true\n",
                "                      disallowed_headers: { patterns: [{ exact: Authorization, ignore_case: true }, { prefix: x. }] }\n"
            ),
        )],
        &["error: `disallowed_headers` hides `authorization`", "warning: `disallowed_headers` hides `x.auth"],
    ),
    (
        "request-body",
        &[(
            RAW,
            concat!(
                "                      encode_raw_headers: true\n",
                "                      with_request_body: { max_request_bytes: 1024 }\n"
            ),
        )],
        &["warning: `with_request_body` makes Envoy hold and send bodies"],
    ),
    (
        "mutation-rules",
        &[(
            RAW,
            concat!(
                "                      encode_raw_headers: true\n",
                "                      decoder_header_mutation_rules: { disallow_all: true }\n"
            ),
        )],
        &["warning: Envoy ignores every header that Portcullis sets or removes"],
    ),
    // Whether the filter is there.
    (
        "partly-enabled",
        &[(ALLOW, "filter_enabled: { default_value: { numerator: 50 } }")],
        &["warning: `filter_enabled` lets a part of all requests pass"],
    ),
    (
        "partly-enabled-by-default",
        &[(ALLOW, "filter_enabled: { default_value: { numerator: 100, denominator: MILLION }, runtime_key: a }")],
        &["warning: `filter_enabled` lets a part of all requests pass"],
    ),
    (
        "partly-enabled-by-number",
        &[(ALLOW, "filter_enabled: { default_value: { numerator: 100, denominator: 1 } }")],
        &["warning: `filter_enabled` lets a part of all requests pass"],
    ),
    (
        "enabled-by-metadata",
        &[(ALLOW, "filter_enabled_metadata: { filter: a, path: [{ key: b }], value: { present_match: true } }")],
        &["warning: requests whose metadata `filter_enabled_metadata` does not match"],
    ),
    (
        "filter-off",
        &[(
            FILTER,
            "                  - name: envoy.filters.http.ext_authz\n                    disabled: true\n                    typed_config:",
        )],
        &["error: this filter is off, and no route switches it on"],
    ),
    (
        "filter-off-but-for-some",
        &[
            (
                FILTER,
                "                  - name: envoy.filters.http.ext_authz\n                    disabled: true\n                    typed_config:",
            ),
            (
                "                        - match:\n",
                concat!(
                    "                        - match: { prefix: /open }\n",
                    "                          route: { cluster: upstream }\n",
                    "                        - match:\n"
                ),
            ),
            (ROUTE, ROUTE_ON),
        ],
        &["warning: this filter is off unless a route switches it on"],
    ),
    (
        "upgrade",
        &[(
            "                stat_prefix: ingress\n",
            concat!(
                "                stat_prefix: ingress\n",
                "                upgrade_configs: [{ upgrade_type: websocket, filters: [{ name: r, typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }] }]\n"
            ),
        )],
        &["warning: upgrades to `websocket` pass filters of their own"],
    ),
    // Routes.
    (
        "host-off",
        &[(
            PER_FILTER,
            concat!(
                "                      typed_per_filter_config:\n",
                "                        envoy.filters.http.ext_authz: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, disabled: true }\n"
            ),
        )],
        &["warning: ext_authz is off here"],
    ),
    (
        "route-off",
        &[(
            ROUTE,
            concat!(
                "                          route:\n                            cluster: upstream\n",
                "                          typedPerFilterConfig:\n",
                "                            envoy.filters.http.ext_authz: { \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true }\n"
            ),
        )],
        &["warning: ext_authz is off here"],
    ),
    (
        "weighted-cluster-off",
        &[(
            ROUTE,
            concat!(
                "                          route:\n                            weighted_clusters:\n",
                "                              clusters:\n                                - name: upstream\n                                  weight: 1\n",
                "                                  typed_per_filter_config:\n",
                "                                    envoy.filters.http.ext_authz: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, disabled: true }\n"
            ),
        )],
        &["warning: ext_authz is off here"],
    ),
    (
        "route-asks-another",
        &[(
            ROUTE,
            concat!(
                "                          route:\n                            cluster: upstream\n",
                "                          typed_per_filter_config:\n                            envoy.filters.http.ext_authz:\n",
                "                              \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute\n",
                "                              check_settings: { http_service: { server_uri: { uri: 'http://a', cluster: upstream, timeout: 1s } } }\n"
            ),
        )],
        &["warning: another service is asked here"],
    ),
    (
        "forged-identity",
        &[(
            ROUTE,
            concat!(
                "                          route:\n                            cluster: upstream\n",
                "                          request_headers_to_add: [{ header: { key: X_Auth_Subject, value: admin } }]\n"
            ),
        )],
        &["warning: Envoy sets `X_Auth_Subject` after the decision"],
    ),
    // The order of filters.
    (
        "cors-behind",
        &[
            (CORS, ""),
            (
                ROUTER,
                concat!(
                    "                  - name: envoy.filters.http.cors\n                    typed_config:\n",
                    "                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors\n",
                    "                  - name: envoy.filters.http.router\n"
                ),
            ),
        ],
        &["warning: the cors filter stands behind ext_authz"],
    ),
    (
        "lua-behind",
        &[(
            ROUTER,
            concat!(
                "                  - name: script\n                    typed_config:\n",
                "                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua\n",
                "                      default_source_code: { inline_string: 'function envoy_on_request(h) end' }\n",
                "                  - name: envoy.filters.http.router\n"
            ),
        )],
        &["warning: a Lua script sees requests behind ext_authz"],
    ),
    (
        "processor-behind",
        &[(
            ROUTER,
            concat!(
                "                  - name: processor\n                    typed_config:\n",
                "                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor\n",
                "                      grpc_service: { envoy_grpc: { cluster_name: upstream } }\n",
                "                  - name: envoy.filters.http.router\n"
            ),
        )],
        &["warning: an external processor sees requests behind ext_authz"],
    ),
    (
        "mutation-behind",
        &[(
            ROUTER,
            concat!(
                "                  - name: mutation\n                    typed_config:\n",
                "                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation\n",
                "                      mutations: { request_mutations: [{ append: { header: { key: x-auth-scopes, value: all } } }] }\n",
                "                  - name: envoy.filters.http.router\n"
            ),
        )],
        &["warning: Envoy sets `x-auth-scopes` after the decision"],
    ),
    (
        "token-taken",
        &[(
            FILTER,
            concat!(
                "                  - name: jwt\n                    typed_config:\n",
                "                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication\n",
                "                      providers: { tenant: { issuer: a, remote_jwks: { http_uri: { uri: 'http://a', cluster: upstream, timeout: 1s } } } }\n",
                "                      rules: [{ match: { prefix: / }, requires: { provider_name: tenant } }]\n",
                "                  - name: envoy.filters.http.ext_authz\n                    typed_config:"
            ),
        )],
        &["warning: jwt_authn takes the tokens"],
    ),
    (
        "route-cache",
        &[(ALLOW, "clear_route_cache: true")],
        &["warning: `clear_route_cache` has the route chosen again"],
    ),
    // Paths.
    ("normalize-path", &[("normalize_path: true", "normalize_path: false")], &["warning: Envoy leaves some paths"]),
    ("merge-slashes", &[("                merge_slashes: true\n", "")], &["warning: Envoy leaves some paths"]),
    ("escaped-slashes", &[("REJECT_REQUEST\n", "KEEP_UNCHANGED\n")], &["warning: Envoy leaves some paths"]),
    (
        "paths",
        &[
            ("                normalize_path: true\n", ""),
            ("                merge_slashes: true\n", ""),
            ("                path_with_escaped_slashes_action: REJECT_REQUEST\n", ""),
        ],
        &["warning: Envoy leaves paths as clients spell them"],
    ),
    // Headers of clients.
    (
        "underscores",
        &[("                  headers_with_underscores_action: REJECT_REQUEST\n", "")],
        &["warning: header names with `_` pass"],
    ),
    (
        "underscores-allowed",
        &[("headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: ALLOW")],
        &["warning: header names with `_` pass"],
    ),
    (
        "underscores-allowed-and-hidden",
        &[
            ("headers_with_underscores_action: REJECT_REQUEST", "headersWithUnderscoresAction: 0"),
            (
                RAW,
                concat!(
                    "                      encode_raw_headers: true\n",
                    "                      disallowed_headers: { patterns: [{ prefix: x_ }] }\n"
                ),
            ),
        ],
        &["warning: header names with `_` pass", "warning: `disallowed_headers` hides `x_auth"],
    ),
    (
        "header-count",
        &[("                  max_headers_count: 128\n", "")],
        &["warning: `max_headers_count` is not set"],
    ),
    // Whom it asks.
    (
        "http-service",
        &[
            (
                SERVICE,
                "                      http_service:\n                        server_uri: { uri: 'http://portcullis', cluster: portcullis, timeout: 1s }\n",
            ),
            (TIMEOUT, ""),
        ],
        &["error: this filter asks by HTTP"],
    ),
    (
        "missing-cluster",
        &[("cluster_name: portcullis\n", "cluster_name: portculis\n")],
        &["error: there is no cluster `portculis`"],
    ),
    (
        "http1-cluster",
        &[(HTTP2, "            http_protocol_options: {}\n"), (GRPC_HEALTH, HTTP_HEALTH)],
        &["error: the cluster `portcullis` does not speak HTTP/2"],
    ),
    (
        "no-protocol",
        &[(OPTIONS, ""), (HTTP2, ""), (GRPC_HEALTH, HTTP_HEALTH)],
        &["error: the cluster `portcullis` does not speak HTTP/2"],
    ),
    (
        "odd-authority",
        &[
            ("cluster_name: portcullis\n", "cluster_name: outbound|9191||portcullis.shop.svc.cluster.local\n"),
            ("    - name: portcullis\n", "    - name: outbound|9191||portcullis.shop.svc.cluster.local\n"),
            (AUTHORITY, ""),
        ],
        &[
            "error: Checks have `outbound|9191||portcullis.shop.svc.cluster.local`, the name of the cluster, as `:authority`",
        ],
    ),
    (
        "odd-authority-set",
        &[(AUTHORITY, "                          authority: shop/portcullis\n")],
        &["error: Checks have `shop/portcullis` as `:authority`, which can't be one"],
    ),
    (
        "odd-authority-of-health-checks",
        &[
            ("cluster_name: portcullis\n", "cluster_name: portcullis_grpc::9191\n"),
            ("    - name: portcullis\n", "    - name: portcullis_grpc::9191\n"),
            (GRPC_HEALTH, "          grpc_health_check: { authority: '' }\n"),
        ],
        &[
            "error: health checks have `portcullis_grpc::9191`, the name of the cluster, as `:authority`, which can't be one",
        ],
    ),
    (
        "odd-authority-set-for-health-checks",
        &[(GRPC_HEALTH, "          grpc_health_check: { authority: ext authz }\n")],
        &["error: health checks have `ext authz` as `:authority`, which can't be one"],
    ),
    (
        "odd-authority-of-an-endpoint",
        &[(
            "              - endpoint:\n",
            "              - endpoint:\n                  health_check_config: { hostname: shop/portcullis }\n",
        )],
        &["error: health checks have `shop/portcullis` as `:authority`, which can't be one"],
    ),
    (
        "socket-as-authority",
        &[(SERVICE, GOOGLE)],
        &["error: Checks have `run%2Fportcullis.sock`, made of `target_uri`, as `:authority`, which can't be one"],
    ),
    ("no-timeout", &[(TIMEOUT, "")], &["warning: Envoy waits 200ms for an answer unless told otherwise"]),
    (
        "short-timeout",
        &[(TIMEOUT, "                        timeout: 0.25s\n")],
        &["warning: Envoy waits 250ms for an answer"],
    ),
    (
        "endless-timeout",
        &[(TIMEOUT, "                        timeout: 0s\n")],
        &["warning: Envoy waits without end for an answer"],
    ),
    (
        "endless-timeout-with-a-fraction",
        &[(TIMEOUT, "                        timeout: 0.0s\n")],
        &["warning: Envoy waits without end for an answer"],
    ),
    (
        "endless-timeout-by-rounding",
        &[(TIMEOUT, "                        timeout: 0.0009s\n")],
        &["warning: Envoy waits without end for an answer"],
    ),
    (
        "endless-timeout-in-parts",
        &[(TIMEOUT, "                        timeout: { seconds: 0 }\n")],
        &["warning: Envoy waits without end for an answer"],
    ),
    (
        "endless-timeout-of-a-route",
        &[(
            ROUTE,
            concat!(
                "                          route:\n                            cluster: upstream\n",
                "                          typed_per_filter_config:\n                            envoy.filters.http.ext_authz:\n",
                "                              \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute\n",
                "                              check_settings: { grpc_service: { envoy_grpc: { cluster_name: portcullis, authority: portcullis }, ",
                "timeout: 0s, retry_policy: { retry_on: 'connect-failure,reset,refused-stream', num_retries: 3, ",
                "retry_back_off: { base_interval: 0.005s, max_interval: 1s } } } }\n"
            ),
        )],
        &["warning: Envoy waits without end for an answer"],
    ),
    (
        "plaintext",
        &[(ADDRESS, "                      address: 10.0.0.7\n                      port_value: 9191\n")],
        &["warning: the cluster `portcullis` reaches another machine without TLS"],
    ),
];

/// Changes that harm nothing, and of which nothing must be said.
pub(crate) const HARMLESS: &[(&str, &[(&str, &str)])] = &[
    ("nothing", &[]),
    ("peer-certificate", &[(ALLOW, "include_peer_certificate: true")]),
    ("validated-mutations", &[(ALLOW, "validate_mutations: true")]),
    ("api-version", &[(API_VERSION, "")]),
    (
        "all-of-them",
        &[(ALLOW, "filter_enabled: { default_value: { numerator: 1000000, denominator: MILLION }, runtime_key: a }")],
    ),
    (
        "denied-while-off",
        &[(
            ALLOW,
            "filter_enabled: { default_value: { numerator: 1 } }\n                      deny_at_disable: { default_value: true, runtime_key: a }",
        )],
    ),
    ("another-name", &[(FILTER, "                  - name: gate\n                    typed_config:")]),
    ("status-number", &[("code: ServiceUnavailable", "code: 503")]),
    (
        "odd-name-with-authority",
        &[
            ("cluster_name: portcullis\n", "cluster_name: authz/portcullis\n"),
            ("    - name: portcullis\n", "    - name: authz/portcullis\n"),
        ],
    ),
    (
        "underscores-dropped",
        &[("headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: 2")],
    ),
    (
        "underscores-rejected-and-hidden",
        &[(
            RAW,
            concat!(
                "                      encode_raw_headers: true\n",
                "                      disallowed_headers: { patterns: [{ prefix: x_ }] }\n"
            ),
        )],
    ),
    ("own-authority", &[(AUTHORITY, ""), (GRPC_HEALTH, "          grpc_health_check: {}\n")]),
    ("socket-with-authority", &[(SERVICE, GOOGLE_WITH_AUTHORITY)]),
    ("address", &[(SERVICE, GOOGLE), ("unix:/run/portcullis.sock", "127.0.0.1:9191")]),
    ("redirected-slashes", &[("REJECT_REQUEST\n", "UNESCAPE_AND_REDIRECT\n")]),
    ("allowed-by-expression", &[(ALLOW, "allowed_headers: { patterns: [{ safe_regex: { regex: '.*' } }] }")]),
    (
        "script-for-answers",
        &[(
            ROUTER,
            concat!(
                "                  - name: script\n                    typed_config:\n",
                "                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua\n",
                "                      default_source_code: { inline_string: 'function envoy_on_response(h) end' }\n",
                "                  - name: envoy.filters.http.router\n"
            ),
        )],
    ),
    (
        "health-page",
        &[(
            "                        - match:\n",
            concat!(
                "                        - match: { path: /healthz }\n",
                "                          direct_response: { status: 200 }\n",
                "                          typed_per_filter_config:\n",
                "                            envoy.filters.http.ext_authz: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, disabled: true }\n",
                "                        - match:\n"
            ),
        )],
    ),
    (
        "somebody-elses-filter",
        &[
            (
                FILTER,
                concat!(
                    "                  - name: waf\n                    typed_config:\n",
                    "                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n",
                    "                      failure_mode_allow: true\n",
                    "                      http_service: { server_uri: { uri: 'http://waf', cluster: upstream, timeout: 1s } }\n",
                    "                  - name: envoy.filters.http.ext_authz\n                    typed_config:"
                ),
            ),
            (
                PER_FILTER,
                concat!(
                    "                      typed_per_filter_config:\n",
                    "                        waf: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, disabled: true }\n"
                ),
            ),
        ],
    ),
    (
        "other-headers",
        &[(
            ROUTE,
            concat!(
                "                          route:\n                            cluster: upstream\n",
                "                          request_headers_to_add: [{ header: { key: x-team, value: a } }]\n"
            ),
        )],
    ),
    (
        "filter-off-and-on-again",
        &[
            (
                FILTER,
                "                  - name: envoy.filters.http.ext_authz\n                    disabled: true\n                    typed_config:",
            ),
            (ROUTE, ROUTE_ON),
        ],
    ),
    (
        "ignored-block",
        &[(
            "static_resources:\n",
            concat!(
                "!ignore blocks: { unchecked: { \"@type\": type.googleapis.com/envoy.extensions.filters.network.",
                "http_connection_manager.v3.HttpConnectionManager, http_filters: [] } }\nstatic_resources:\n"
            ),
        )],
    ),
    (
        // Nothing tells which is ours: one that is right suffices.
        "two-filters",
        &[
            ("cluster_name: portcullis\n", "cluster_name: authz\n"),
            ("    - name: portcullis\n", "    - name: authz\n"),
            (
                FILTER,
                concat!(
                    "                  - name: waf\n                    typed_config:\n",
                    "                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n",
                    "                      failure_mode_allow: true\n",
                    "                      grpc_service: { envoy_grpc: { cluster_name: upstream }, timeout: 1s }\n",
                    "                  - name: envoy.filters.http.ext_authz\n                    typed_config:"
                ),
            ),
        ],
    ),
    (
        "unix-socket",
        &[(
            "                    socket_address:\n                      address: 127.0.0.1\n                      port_value: 9191\n",
            "                    pipe: { path: /run/portcullis.sock }\n",
        )],
    ),
];
