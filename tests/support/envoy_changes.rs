//! Filters and settings by which Envoy changes a request after the decision, or leaves it as it was judged: what `check --envoy`
//! must say of each, and those that a real Envoy accepts.
#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses its part")]

/// The line of the sample before which filters behind ext_authz go.
const ROUTER: &str = "                  - name: envoy.filters.http.router\n";
/// The beginning of the types of filters.
const HTTP_FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.http.";

/// A filter behind ext_authz.
pub(crate) struct FilterRow {
    /// The type, without the part that all types have in common.
    pub(crate) kind: &'static str,
    pub(crate) settings: &'static str,
    /// Tells whether Envoy accepts it as it is here: without libraries, databases and descriptors.
    pub(crate) is_accepted: bool,
    /// A part of the message, if there is to be one.
    pub(crate) expected: Option<&'static str>,
}

/// Returns a filter as an item of a list.
pub(crate) fn filter(name: &str, kind: &str, settings: &str) -> String {
    let comma = if settings.is_empty() { "" } else { ", " };
    format!("{{ name: {name}, typed_config: {{ '@type': {HTTP_FILTERS}{kind}{comma}{settings} }} }}")
}

/// Returns the change of the sample that puts filters behind ext_authz.
pub(crate) fn behind(filters: &[String]) -> (String, String) {
    let lines = filters.iter().map(|filter| format!("                  - {filter}\n"));
    (ROUTER.to_owned(), lines.chain([ROUTER.to_owned()]).collect())
}

const fn silent(kind: &'static str, settings: &'static str) -> FilterRow {
    FilterRow { kind, settings, is_accepted: true, expected: None }
}

const fn found(kind: &'static str, settings: &'static str, part: &'static str) -> FilterRow {
    FilterRow { kind, settings, is_accepted: true, expected: Some(part) }
}

/// A row that needs more than this to be accepted.
const fn unrun(mut row: FilterRow) -> FilterRow {
    row.is_accepted = false;
    row
}

pub(crate) const FILTER_ROWS: &[FilterRow] = &[
    silent("a2a.v3.A2a", ""),
    silent(
        "adaptive_concurrency.v3.AdaptiveConcurrency",
        "gradient_controller_config: { concurrency_limit_params: { concurrency_update_interval: 1s }, min_rtt_calc_params: { interval: 60s, request_count: 50 } }, enabled: { default_value: true, runtime_key: a }",
    ),
    silent(
        "admission_control.v3.AdmissionControl",
        "success_criteria: { http_criteria: { http_success_status: [{ start: 200, end: 300 }] } }",
    ),
    found("ai_protocol_manager.v3.AiProtocolManager", "", "ai_protocol_manager sees requests behind ext_authz"),
    unrun(silent("alternate_protocols_cache.v3.FilterConfig", "")),
    silent(
        "api_key_auth.v3.ApiKeyAuth",
        "credentials: [{ key: k, client: c }], key_sources: [{ header: x-key }], forwarding: { header: x-client }",
    ),
    unrun(silent("aws_eventstream_parser.v3.AwsEventstreamParser", "")),
    silent("aws_lambda.v3.Config", "arn: 'arn:aws:lambda:eu-west-1:123456789012:function:f'"),
    silent(
        "aws_request_signing.v3.AwsRequestSigning",
        "service_name: s3, region: eu-west-1, credential_provider: { inline_credential: { access_key_id: a, secret_access_key: b } }",
    ),
    silent("bandwidth_limit.v3.BandwidthLimit", "stat_prefix: limit"),
    silent("bandwidth_share.v3.BandwidthShare", ""),
    silent(
        "basic_auth.v3.BasicAuth",
        "users: { inline_string: 'a:{SHA}tESsBmE/yNY3lb6a0L6vVQEZNqw=' }, forward_username_header: x-name",
    ),
    silent("body_size_limit.v3.BodySizeLimit", "max_request_bytes: 1024"),
    silent("buffer.v3.Buffer", "max_request_bytes: 1024"),
    silent("cache.v3.CacheConfig", "disabled: true"),
    silent("cache_v2.v3.CacheV2Config", "disabled: true"),
    silent("cdn_loop.v3.CdnLoopConfig", "cdn_id: here"),
    silent(
        "compressor.v3.Compressor",
        "compressor_library: { name: gzip, typed_config: { '@type': type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip } }",
    ),
    found("connect_grpc_bridge.v3.FilterConfig", "", "connect_grpc_bridge changes methods and paths behind ext_authz"),
    found("cors.v3.Cors", "", "the cors filter stands behind ext_authz: preflight requests"),
    found(
        "credential_injector.v3.CredentialInjector",
        "overwrite: true, credential: { name: key, typed_config: { '@type': type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic, credential: { name: key } } }",
        "credential_injector sets credentials behind ext_authz",
    ),
    silent("csrf.v3.CsrfPolicy", "filter_enabled: { default_value: { numerator: 100 } }"),
    silent("custom_response.v3.CustomResponse", ""),
    found(
        "decompressor.v3.Decompressor",
        "decompressor_library: { name: gzip, typed_config: { '@type': type.googleapis.com/envoy.extensions.compression.gzip.decompressor.v3.Gzip } }",
        "a decompressor sees requests behind ext_authz",
    ),
    silent("dynamic_forward_proxy.v3.FilterConfig", "dns_cache_config: { name: names, dns_lookup_family: V4_ONLY }"),
    unrun(found(
        "dynamic_modules.v3.DynamicModuleFilter",
        "dynamic_module_config: { name: none }",
        "a dynamic module sees requests behind ext_authz",
    )),
    unrun(silent("dynamo.v3.Dynamo", "")),
    found(
        "ext_authz.v3.ExtAuthz",
        "grpc_service: { envoy_grpc: { cluster_name: upstream } }",
        "another ext_authz filter stands behind the one of Portcullis",
    ),
    silent(
        "ext_authz.v3.ExtAuthz",
        "grpc_service: { envoy_grpc: { cluster_name: upstream } }, decoder_header_mutation_rules: { disallow_all: true }",
    ),
    silent(
        "ext_authz.v3.ExtAuthz",
        "http_service: { server_uri: { uri: 'http://other', cluster: upstream, timeout: 1s } }",
    ),
    found(
        "ext_authz.v3.ExtAuthz",
        "http_service: { server_uri: { uri: 'http://other', cluster: upstream, timeout: 1s }, authorization_response: { allowed_upstream_headers: { patterns: [{ prefix: x- }] } } }",
        "another ext_authz filter stands behind the one of Portcullis",
    ),
    found(
        "ext_proc.v3.ExternalProcessor",
        "grpc_service: { envoy_grpc: { cluster_name: upstream } }",
        "an external processor sees requests behind ext_authz",
    ),
    silent(
        "ext_proc.v3.ExternalProcessor",
        "grpc_service: { envoy_grpc: { cluster_name: upstream } }, processing_mode: { request_header_mode: SKIP }",
    ),
    found(
        "ext_proc.v3.ExternalProcessor",
        "grpc_service: { envoy_grpc: { cluster_name: upstream } }, processing_mode: { request_header_mode: SKIP, request_body_mode: BUFFERED }",
        "an external processor sees requests behind ext_authz",
    ),
    silent(
        "ext_proc.v3.ExternalProcessor",
        "grpc_service: { envoy_grpc: { cluster_name: upstream } }, observability_mode: true",
    ),
    silent("fault.v3.HTTPFault", ""),
    unrun(silent("file_server.v3.FileServerConfig", "")),
    silent("file_system_buffer.v3.FileSystemBufferFilterConfig", ""),
    silent(
        "filter_chain.v3.FilterChainConfig",
        "default_filter_chain: { filters: [{ name: limit, typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 1024 } }] }",
    ),
    found(
        "filter_chain.v3.FilterChainConfig",
        "default_filter_chain: { filters: [{ name: script, typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, default_source_code: { inline_string: 'function envoy_on_request(h) end' } } }] }",
        "a Lua script sees requests behind ext_authz",
    ),
    found(
        "gcp_authn.v3.GcpAuthnFilterConfig",
        "cluster: upstream, timeout: 1s",
        "gcp_authn sets credentials behind ext_authz",
    ),
    unrun(silent(
        "geoip.v3.Geoip",
        "provider: { name: none, typed_config: { '@type': type.googleapis.com/envoy.extensions.geoip_providers.maxmind.v3.MaxMindConfig, common_provider_config: { geo_headers_to_add: { city: x-city } } } }",
    )),
    unrun(found("golang.v3alpha.Config", "library_id: a", "a Go plugin sees requests behind ext_authz")),
    unrun(silent("grpc_field_extraction.v3.GrpcFieldExtractionConfig", "")),
    silent("grpc_http1_bridge.v3.Config", ""),
    found(
        "grpc_http1_bridge.v3.Config",
        "upgrade_protobuf_to_grpc: true",
        "grpc_http1_bridge changes methods and paths behind ext_authz",
    ),
    found(
        "grpc_http1_reverse_bridge.v3.FilterConfig",
        "content_type: application/grpc+proto, withhold_grpc_frames: true",
        "grpc_http1_reverse_bridge sees requests behind ext_authz",
    ),
    unrun(found(
        "grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder",
        "",
        "grpc_json_reverse_transcoder changes methods and paths behind ext_authz",
    )),
    found(
        "grpc_json_transcoder.v3.GrpcJsonTranscoder",
        "proto_descriptor_bin: '', services: []",
        "grpc_json_transcoder changes methods and paths behind ext_authz",
    ),
    silent("grpc_stats.v3.FilterConfig", ""),
    found("grpc_web.v3.GrpcWeb", "", "grpc_web stands behind ext_authz: its clients"),
    silent(
        "header_mutation.v3.HeaderMutation",
        "mutations: { request_mutations: [{ append: { header: { key: x-team, value: a } } }, { remove: x-auth-subject }], response_mutations: [{ append: { header: { key: x-auth-subject, value: a } } }] }",
    ),
    found(
        "header_mutation.v3.HeaderMutation",
        "mutations: { query_parameter_mutations: [{ remove: dry_run }] }",
        "header_mutation changes the query behind ext_authz",
    ),
    silent("header_to_metadata.v3.Config", ""),
    found(
        "header_to_metadata.v3.Config",
        "request_rules: [{ header: x-a, on_header_present: { key: a, type: STRING } }]",
        "header_to_metadata writes what clients send into metadata",
    ),
    silent(
        "health_check.v3.HealthCheck",
        "pass_through_mode: false, headers: [{ name: ':path', string_match: { exact: /healthz } }]",
    ),
    silent(
        "ip_tagging.v3.IPTagging",
        "request_type: BOTH, ip_tags: [{ ip_tag_name: a, ip_list: [{ address_prefix: 10.0.0.0, prefix_len: 8 }] }], ip_tag_header: { header: x-tags }",
    ),
    found(
        "json_to_metadata.v3.JsonToMetadata",
        "request_rules: { rules: [{ selectors: [{ key: a }], on_present: { metadata_namespace: body, key: a } }] }",
        "json_to_metadata writes what clients send into metadata",
    ),
    unrun(silent(
        "jwt_authn.v3.JwtAuthentication",
        "providers: { tenant: { issuer: a, remote_jwks: { http_uri: { uri: 'http://idp/keys', cluster: upstream, timeout: 1s } } } }",
    )),
    unrun(silent("kill_request.v3.KillRequest", "probability: { numerator: 0 }")),
    silent(
        "local_ratelimit.v3.LocalRateLimit",
        "stat_prefix: limit, request_headers_to_add_when_not_enforced: [{ header: { key: x-limited, value: a } }]",
    ),
    silent("lua.v3.Lua", "default_source_code: { inline_string: 'function envoy_on_response(h) end' }"),
    found(
        "lua.v3.Lua",
        "default_source_code: { inline_string: 'function envoy_on_request(h) end' }",
        "a Lua script sees requests behind ext_authz",
    ),
    unrun(found(
        "lua.v3.Lua",
        "inline_code: 'dofile(\"/etc/filter.lua\")'",
        "a Lua script sees requests behind ext_authz",
    )),
    unrun(found(
        "lua.v3.Lua",
        "inline_code: '_G[\"envoy_on_\" .. \"request\"] = function(h) end'",
        "a Lua script sees requests behind ext_authz",
    )),
    unrun(found(
        "lua.v3.Lua",
        "default_source_code: { filename: /etc/filter.lua }",
        "a Lua script sees requests behind ext_authz",
    )),
    silent("mcp.v3.Mcp", ""),
    found(
        "mcp_json_rest_bridge.v3.McpJsonRestBridge",
        "",
        "mcp_json_rest_bridge changes methods and paths behind ext_authz",
    ),
    unrun(found("mcp_router.v3.McpRouter", "", "mcp_router changes methods and paths behind ext_authz")),
    found(
        "oauth2.v3.OAuth2",
        "config: { token_endpoint: { cluster: upstream, uri: 'http://idp/token', timeout: 1s }, authorization_endpoint: 'http://idp/authorize', redirect_uri: 'http://api/callback', redirect_path_matcher: { path: { exact: /callback } }, signout_path: { path: { exact: /signout } }, forward_bearer_token: true, credentials: { client_id: c, token_secret: { name: token }, hmac_secret: { name: hmac } } }",
        "oauth2 stands behind ext_authz: requests of browsers have no token",
    ),
    found("on_demand.v3.OnDemand", "", "on_demand finds routes behind ext_authz"),
    silent("original_src.v3.OriginalSrc", ""),
    unrun(silent("proto_api_scrubber.v3.ProtoApiScrubberConfig", "")),
    unrun(silent("proto_message_extraction.v3.ProtoMessageExtractionConfig", "")),
    unrun(silent("rate_limit_quota.v3.RateLimitQuotaFilterConfig", "")),
    found(
        "ratelimit.v3.RateLimit",
        "domain: limits, rate_limit_service: { grpc_service: { envoy_grpc: { cluster_name: upstream } }, transport_api_version: V3 }",
        "ratelimit stands behind ext_authz: its service may set identity headers",
    ),
    silent("rbac.v3.RBAC", ""),
    found(
        "set_filter_state.v3.Config",
        "on_request_headers: [{ object_key: envoy.string, factory_key: envoy.string, format_string: { text_format_source: { inline_string: a } } }]",
        "set_filter_state sets values behind ext_authz",
    ),
    silent("set_metadata.v3.Config", "metadata: [{ metadata_namespace: constants, value: { a: b } }]"),
    unrun(silent("sse_to_metadata.v3.SseToMetadata", "")),
    silent("stateful_session.v3.StatefulSession", ""),
    silent("tap.v3.Tap", "common_config: { admin_config: { config_id: tap } }"),
    found(
        "thrift_to_metadata.v3.ThriftToMetadata",
        "request_rules: [{ field: PROTOCOL, on_present: { metadata_namespace: body, key: a } }]",
        "thrift_to_metadata writes what clients send into metadata",
    ),
    silent("transform.v3.TransformConfig", ""),
    unrun(silent("upstream_codec.v3.UpstreamCodec", "")),
    unrun(found("wasm.v3.Wasm", "", "a Wasm plugin sees requests behind ext_authz")),
    unrun(found(
        "brand_new.v3.BrandNew",
        "",
        "of type `envoy.extensions.filters.http.brand_new.v3.BrandNew`, which is not known here",
    )),
];

/// Each way in which a filter behind ext_authz sets `x-auth-subject`, the last one by another spelling.
pub(crate) const FORGING: &[FilterRow] = &[
    forging(
        "api_key_auth.v3.ApiKeyAuth",
        "credentials: [{ key: k, client: c }], key_sources: [{ header: x-key }], forwarding: { header: x-auth-subject }",
    ),
    forging(
        "basic_auth.v3.BasicAuth",
        "users: { inline_string: 'a:{SHA}tESsBmE/yNY3lb6a0L6vVQEZNqw=' }, forward_username_header: x-auth-subject",
    ),
    forging(
        "credential_injector.v3.CredentialInjector",
        "credential: { name: key, typed_config: { '@type': type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic, credential: { name: key }, header: x-auth-subject } }",
    ),
    forging(
        "gcp_authn.v3.GcpAuthnFilterConfig",
        "cluster: upstream, timeout: 1s, token_header: { name: x-auth-subject }",
    ),
    unrun(forging(
        "geoip.v3.Geoip",
        "provider: { name: none, typed_config: { '@type': type.googleapis.com/envoy.extensions.geoip_providers.maxmind.v3.MaxMindConfig, common_provider_config: { geo_headers_to_add: { city: x-auth-subject } } } }",
    )),
    forging(
        "header_mutation.v3.HeaderMutation",
        "mutations: { request_mutations: [{ append: { header: { key: x-auth-subject, value: '%REQ(x-user)%' } } }] }",
    ),
    forging(
        "ip_tagging.v3.IPTagging",
        "request_type: BOTH, ip_tags: [{ ip_tag_name: a, ip_list: [{ address_prefix: 10.0.0.0, prefix_len: 8 }] }], ip_tag_header: { header: x-auth-subject }",
    ),
    forging(
        "jwt_authn.v3.JwtAuthentication",
        "providers: { tenant: { issuer: a, forward: true, remote_jwks: { http_uri: { uri: 'http://idp/keys', cluster: upstream, timeout: 1s } }, claim_to_headers: [{ header_name: x-auth-subject, claim_name: nickname }] } }, rules: [{ match: { prefix: / }, requires: { provider_name: tenant } }]",
    ),
    forging(
        "jwt_authn.v3.JwtAuthentication",
        "providers: { tenant: { issuer: a, remote_jwks: { http_uri: { uri: 'http://idp/keys', cluster: upstream, timeout: 1s } }, forward_payload_header: x-auth-subject } }, rules: [{ match: { prefix: / }, requires: { provider_name: tenant } }]",
    ),
    forging(
        "jwt_authn.v3.JwtAuthentication",
        "providers: { tenant: { issuer: a, remote_jwks: { http_uri: { uri: 'http://idp/keys', cluster: upstream, timeout: 1s } } } }, rules: [{ match: { prefix: / }, requires: { extract_only_without_validation: { verification_status_header: x-auth-subject } } }]",
    ),
    forging(
        "local_ratelimit.v3.LocalRateLimit",
        "stat_prefix: limit, request_headers_to_add_when_not_enforced: [{ header: { key: x-auth-subject, value: a } }]",
    ),
    forging(
        "oauth2.v3.OAuth2",
        "config: { token_endpoint: { cluster: upstream, uri: 'http://idp/token', timeout: 1s }, authorization_endpoint: 'http://idp/authorize', redirect_uri: 'http://api/callback', redirect_path_matcher: { path: { exact: /callback } }, signout_path: { path: { exact: /signout } }, forward_id_token: { header: x-auth-subject }, credentials: { client_id: c, token_secret: { name: token }, hmac_secret: { name: hmac } } }",
    ),
    unrun(forging(
        "rate_limit_quota.v3.RateLimitQuotaFilterConfig",
        "request_headers_to_add_when_not_enforced: [{ header: { key: x-auth-subject, value: a } }]",
    )),
    forging(
        "transform.v3.TransformConfig",
        "request_transformation: { headers_mutations: [{ append: { header: { key: x-auth-subject, value: a } } }] }",
    ),
    forging(
        "header_mutation.v3.HeaderMutation",
        "mutations: { requestMutations: [{ append: { header: { key: X_Auth.Subject, value: a } } }] }",
    ),
];

const fn forging(kind: &'static str, settings: &'static str) -> FilterRow {
    found(kind, settings, "after the decision: the API takes it for what Portcullis says")
}

/// The line of the ext_authz filter in the sample.
const EXT_AUTHZ: &str = "                  - name: envoy.filters.http.ext_authz\n";

/// Returns the change of the sample that puts filters before ext_authz.
pub(crate) fn before(filters: &[String]) -> (String, String) {
    let lines = filters.iter().map(|filter| format!("                  - {filter}\n"));
    (EXT_AUTHZ.to_owned(), lines.chain([EXT_AUTHZ.to_owned()]).collect())
}

/// Returns the change of the sample that gives the cluster of the API filters of its own.
pub(crate) fn in_cluster(filters: &[String]) -> (String, String) {
    let cluster = "    - name: upstream\n      type: STATIC\n";
    let options = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let codec = filter("codec", "upstream_codec.v3.UpstreamCodec", "");
    let all: Vec<&str> = filters.iter().chain([&codec]).map(String::as_str).collect();
    let added = format!(
        "      typed_extension_protocol_options: {{ envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {{ '@type': {options}, \
         explicit_http_config: {{ http_protocol_options: {{}} }}, http_filters: [{}] }} }}\n",
        all.join(", ")
    );
    (cluster.to_owned(), format!("{cluster}{added}"))
}

/// A level of the sample's routes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Table,
    Host,
    Route,
    WeightedCluster,
}

/// Returns the change of the sample that adds a field at that level of its routes.
pub(crate) fn at_level(level: Level, field: &str) -> (String, String) {
    let route = "                          route:\n                            cluster: upstream\n";
    let (from, to) = match level {
        Level::Table => {
            ("                  name: api\n", format!("                  name: api\n                  {field}\n"))
        }
        // The sample has settings for cors there.
        Level::Host => match field.strip_prefix(SETTINGS).and_then(|field| field.strip_suffix(" }")) {
            Some(inner) => {
                let own = "                      typed_per_filter_config:\n";
                (own, format!("{own}                        {inner}\n"))
            }
            None => {
                let name = "                    - name: api\n";
                (name, format!("{name}                      {field}\n"))
            }
        },
        Level::Route => (route, format!("{route}                          {field}\n")),
        Level::WeightedCluster => (
            route,
            format!(
                "                          route: {{ weighted_clusters: {{ clusters: [{{ name: upstream, weight: 1, {field} }}] }} }}\n"
            ),
        ),
    };
    (from.to_owned(), to)
}

/// The beginning of a field with settings for one filter.
const SETTINGS: &str = "typed_per_filter_config: { ";

/// Returns the field of a route that has settings for a filter.
pub(crate) fn settings_for(name: &str, kind: &str, settings: &str) -> String {
    let comma = if settings.is_empty() { "" } else { ", " };
    format!("{SETTINGS}{name}: {{ '@type': {HTTP_FILTERS}{kind}{comma}{settings} }} }}")
}

/// Returns the field of a route that switches a filter on, or off.
pub(crate) fn switch(name: &str, is_off: bool) -> String {
    let kind = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
    format!("{SETTINGS}{name}: {{ '@type': {kind}, disabled: {is_off}, config: {{}} }} }}")
}

/// Returns the change of the sample that gives its ext_authz filter rules for the headers that Portcullis sets and removes.
pub(crate) fn with_rules(rules: &str) -> (String, String) {
    let line = "                      failure_mode_allow: false\n";
    (line.to_owned(), format!("{line}                      decoder_header_mutation_rules: {rules}\n"))
}
