//! The HTTP filters of Envoy 1.40 and Istio, each with what it does to a request behind ext_authz.
//!
//! Harmless is a filter that leaves path, method, host and headers as they were judged, or sets headers only whose names are
//! in its settings (`after::header_names`). Portcullis does not look at bodies, so a filter may change them. Envoy's own
//! routing, as by `prefix_rewrite` or `host_rewrite_literal` of a route, is not a filter's: what such a route does with a
//! judged path is written in the file, and the same for every client, except for those in `after::rewrites`.

pub(crate) mod jwt_authn;
mod processor;
mod script;
mod settings;

use super::read;
pub(crate) use settings::Settings;

/// The effect of a filter on requests that were judged.
pub(crate) enum Effect {
    Harmless(
        #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table, and for a test"))] &'static str,
    ),
    Changes(Change),
    /// The filter is on the wrong side, and requests stay as they were judged.
    Misplaced(Change),
    /// A change that depends on the settings.
    ChangesIf(fn(&Settings<'_>) -> bool, Change),
}

impl Effect {
    /// Returns the change that a filter with these settings makes.
    pub(crate) fn change(&self, settings: Option<&Settings<'_>>) -> Option<Change> {
        match self {
            Self::Harmless(_) => None,
            Self::Changes(change) | Self::Misplaced(change) => Some(*change),
            Self::ChangesIf(changes, change) => settings.is_some_and(changes).then_some(*change),
        }
    }
}

/// The change that a filter makes, in words.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub(crate) what: &'static str,
    pub(crate) how: &'static str,
    pub(crate) help: &'static str,
}

/// The remedy for most filters.
pub(crate) const BEFORE: &str = "put the filter before ext_authz, so that Portcullis judges what the API gets";
/// The way of changes that only running the filter shows.
pub(crate) const UNJUDGED: &str = "sees requests behind ext_authz: what it changes in them was not judged";
const PATHS: &str = "changes methods and paths behind ext_authz: the API gets others than those that were judged";
const METADATA: &str =
    "writes what clients send into metadata behind ext_authz: it may replace what Portcullis says there";
const CREDENTIALS: &str = "sets credentials behind ext_authz: the API gets those in place of the client's";
const TRUST: &str = "have the API trust the identity headers alone, and add `--allow envoy-filter-order`: before ext_authz, \
                     Portcullis would judge these credentials and not the client's";
const DENIALS: &str = "stands behind ext_authz: its clients can't read denials, which it does not translate";

/// The effects, by the name of the filter in its type.
pub(crate) const FILTERS: &[(&str, Effect)] = &[
    ("a2a", Effect::Harmless("writes the messages of agents into its own metadata")),
    ("adaptive_concurrency", Effect::Harmless("answers by itself, with 503")),
    ("admission_control", Effect::Harmless("answers by itself, with 503")),
    ("ai_protocol_manager", unjudged("ai_protocol_manager")),
    ("alternate_protocols_cache", Effect::Harmless("reads answers")),
    ("api_key_auth", Effect::Harmless("sets one header, which it names")),
    ("aws_eventstream_parser", Effect::Harmless("reads answers")),
    ("aws_lambda", Effect::Harmless("packs the request as it is into the body of a call of one function")),
    ("aws_request_signing", Effect::Harmless("signs requests for the upstream")),
    ("bandwidth_limit", Effect::Harmless("slows bodies down")),
    ("bandwidth_share", Effect::Harmless("slows bodies down")),
    ("basic_auth", Effect::Harmless("sets one header, which it names")),
    ("body_size_limit", Effect::Harmless("answers by itself, with 413")),
    ("buffer", Effect::Harmless("holds bodies back")),
    ("cache", Effect::ChangesIf(removes_tokens, CACHE)),
    ("cache_v2", Effect::ChangesIf(removes_tokens, CACHE)),
    ("cdn_loop", Effect::Harmless("adds to `cdn-loop`")),
    ("composite", Effect::Harmless("runs other filters, which are looked at one by one")),
    ("compressor", Effect::Harmless("changes bodies")),
    ("connect_grpc_bridge", Effect::Changes(Change { what: "connect_grpc_bridge", how: PATHS, help: BEFORE })),
    (
        "cors",
        Effect::Misplaced(Change {
            what: "the cors filter",
            how: "stands behind ext_authz: preflight requests, which have no token, are denied",
            help: "put it before ext_authz: pages can then also read why a request was denied",
        }),
    ),
    ("credential_injector", Effect::Changes(Change { what: "credential_injector", how: CREDENTIALS, help: TRUST })),
    ("csrf", Effect::Harmless("answers by itself, with 403")),
    ("custom_response", Effect::Harmless("changes answers")),
    ("decompressor", unjudged("a decompressor")),
    ("dynamic_forward_proxy", Effect::Harmless("resolves the host that was judged")),
    ("dynamic_modules", unjudged("a dynamic module")),
    ("dynamo", Effect::Harmless("counts")),
    ("ext_proc", Effect::ChangesIf(processor::sees_requests, change("an external processor"))),
    ("fault", Effect::Harmless("delays requests, or answers by itself")),
    ("file_server", Effect::Harmless("answers by itself, with files")),
    ("file_system_buffer", Effect::Harmless("holds bodies back")),
    ("filter_chain", Effect::Harmless("runs other filters, which are looked at one by one")),
    ("gcp_authn", Effect::Changes(Change { what: "gcp_authn", how: CREDENTIALS, help: TRUST })),
    ("geoip", Effect::Harmless("sets headers, which it names")),
    ("golang", unjudged("a Go plugin")),
    ("grpc_field_extraction", Effect::Harmless("writes fields of messages into its own metadata")),
    (
        "grpc_http1_bridge",
        Effect::ChangesIf(changes_for_grpc, Change { what: "grpc_http1_bridge", how: PATHS, help: BEFORE }),
    ),
    ("grpc_http1_reverse_bridge", unjudged("grpc_http1_reverse_bridge")),
    (
        "grpc_json_reverse_transcoder",
        Effect::Changes(Change { what: "grpc_json_reverse_transcoder", how: PATHS, help: BEFORE }),
    ),
    ("grpc_json_transcoder", Effect::Changes(Change { what: "grpc_json_transcoder", how: PATHS, help: BEFORE })),
    ("grpc_stats", Effect::Harmless("counts")),
    (
        "grpc_web",
        Effect::Misplaced(Change {
            what: "grpc_web",
            how: DENIALS,
            help: "put it before ext_authz: it then gives denials a `grpc-status`",
        }),
    ),
    (
        "header_mutation",
        Effect::ChangesIf(
            changes_query,
            Change {
                what: "header_mutation",
                how: "changes the query behind ext_authz: the API gets another one than was judged",
                help: BEFORE,
            },
        ),
    ),
    (
        "header_to_metadata",
        Effect::ChangesIf(has_request_rules, Change { what: "header_to_metadata", how: METADATA, help: BEFORE }),
    ),
    ("health_check", Effect::Harmless("answers by itself")),
    ("io.istio.http.peer_metadata.Config", Effect::Harmless("sets `x-envoy-peer-metadata` alone")),
    ("ip_tagging", Effect::Harmless("sets one header, which it names")),
    (
        "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
        Effect::Harmless("chooses the protocol of the upstream"),
    ),
    (
        "json_to_metadata",
        Effect::ChangesIf(has_request_rules, Change { what: "json_to_metadata", how: METADATA, help: BEFORE }),
    ),
    (
        "jwt_authn",
        Effect::ChangesIf(
            jwt_authn::changes,
            Change {
                what: "jwt_authn",
                how: UNJUDGED,
                help: "remove the filter: Portcullis verifies tokens by itself; or put it before ext_authz, with `forward: true`",
            },
        ),
    ),
    ("kill_request", Effect::Harmless("ends Envoy")),
    ("local_ratelimit", Effect::Harmless("answers by itself, and sets headers, which it names")),
    ("lua", Effect::ChangesIf(script::handles_requests, change("a Lua script"))),
    ("mcp", Effect::Harmless("writes the messages of models into its own metadata")),
    ("mcp_json_rest_bridge", Effect::Changes(Change { what: "mcp_json_rest_bridge", how: PATHS, help: BEFORE })),
    ("mcp_router", Effect::Changes(Change { what: "mcp_router", how: PATHS, help: BEFORE })),
    (
        "oauth2",
        Effect::Changes(Change {
            what: "oauth2",
            how: "stands behind ext_authz: requests of browsers have no token yet when Portcullis judges them",
            help: "put it before ext_authz, with `forward_bearer_token: true`",
        }),
    ),
    (
        "on_demand",
        Effect::Changes(Change {
            what: "on_demand",
            how: "finds routes behind ext_authz: their settings for ext_authz come too late",
            help: "put it before ext_authz",
        }),
    ),
    ("original_src", Effect::Harmless("chooses the address from which Envoy connects")),
    ("proto_api_scrubber", Effect::Harmless("removes fields of bodies")),
    ("proto_message_extraction", Effect::Harmless("writes fields of messages into its own metadata")),
    ("rate_limit_quota", Effect::Harmless("answers by itself, and sets headers, which it names")),
    (
        "ratelimit",
        Effect::Changes(Change {
            what: "ratelimit",
            how: "stands behind ext_authz: its service may set identity headers in what it answers",
            help: "put it before ext_authz; if its service sets no header of requests, leave this out with `--allow envoy-filter-order`",
        }),
    ),
    ("rbac", Effect::Harmless("answers by itself, with 403")),
    ("router", Effect::Harmless("sends the request to the cluster that its route names")),
    (
        "set_filter_state",
        Effect::Changes(Change {
            what: "set_filter_state",
            how: "sets values behind ext_authz by which Envoy may choose another upstream",
            help: BEFORE,
        }),
    ),
    ("set_metadata", Effect::Harmless("writes constants into metadata")),
    ("sse_to_metadata", Effect::Harmless("reads answers")),
    ("stateful_session", Effect::Harmless("chooses an endpoint of the cluster")),
    ("stats.PluginConfig", Effect::Harmless("counts")),
    ("tap", Effect::Harmless("copies requests")),
    (
        "thrift_to_metadata",
        Effect::ChangesIf(has_request_rules, Change { what: "thrift_to_metadata", how: METADATA, help: BEFORE }),
    ),
    ("transform", Effect::Harmless("sets headers, which it names, and changes bodies")),
    ("upstream_codec", Effect::Harmless("sends the request")),
    ("wasm", unjudged("a Wasm plugin")),
];

const CACHE: Change = Change {
    what: "a cache",
    how: "stands behind ext_authz, which removes `authorization`: it stores answers for one client as answers for all",
    help: "set `forward_authorization: true` in the configuration of Portcullis, or remove the cache",
};

const fn change(what: &'static str) -> Change {
    Change { what, how: UNJUDGED, help: BEFORE }
}

const fn unjudged(what: &'static str) -> Effect {
    Effect::Changes(change(what))
}

/// Returns the name of a filter in the type of its settings: all of the type if it is not one of Envoy's.
pub(crate) fn name_of(kind: &str) -> &str {
    let rest = kind.strip_prefix("envoy.extensions.filters.http.");
    rest.and_then(|rest| rest.split('.').next()).unwrap_or(kind)
}

/// Returns the effect of a filter by its name; none of a filter that is not known here.
pub(crate) fn effect(name: &str) -> Option<&'static Effect> {
    FILTERS.iter().find(|(known, _)| *known == name).map(|(_, effect)| effect)
}

/// Tells whether the effect of a filter of that type is known.
pub(crate) fn is_known(kind: &str) -> bool {
    effect(name_of(kind)).is_some()
}

/// Envoy's cache takes a request without `authorization` for a public one.
fn removes_tokens(settings: &Settings<'_>) -> bool {
    !settings.identity.forward_authorization
}

fn changes_for_grpc(settings: &Settings<'_>) -> bool {
    ["upgrade_protobuf_to_grpc", "ignore_query_parameters"]
        .iter()
        .any(|name| read::switched_on(settings.config, name).is_some())
}

fn changes_query(settings: &Settings<'_>) -> bool {
    let mutations = read::at(settings.config, &["mutations", "query_parameter_mutations"]);
    mutations.is_some_and(|list| !read::items(list).is_empty())
}

fn has_request_rules(settings: &Settings<'_>) -> bool {
    read::field(settings.config, "request_rules").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_is_in_the_table_once_and_in_order_with_a_reason() {
        assert!(FILTERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, effect) in FILTERS {
            let reason = match effect {
                Effect::Harmless(reason) => reason,
                Effect::Changes(change) | Effect::Misplaced(change) | Effect::ChangesIf(_, change) => change.how,
            };
            assert!(!reason.is_empty() && !reason.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn each_harmless_filter_is_in_the_documentation() {
        let page = include_str!("../../../../envoy/README.md");
        let (_, rest) = page.split_once("## Filters behind ext_authz").unwrap();
        let (section, _) = rest.split_once("\n## ").unwrap();
        for (name, effect) in FILTERS {
            // Istio's types have their names inside.
            let name = name.strip_suffix("Config").map_or(*name, |istio| {
                ["alpn", "peer_metadata", "stats"].into_iter().find(|name| istio.contains(name)).unwrap()
            });
            let is_said = section.contains(&format!("`{name}`"));
            match effect {
                Effect::Harmless(_) => assert!(is_said, "{name}"),
                Effect::Changes(_) | Effect::Misplaced(_) => assert!(!is_said, "{name}"),
                // Those in metadata are named together.
                Effect::ChangesIf(_, _) => {}
            }
        }
    }

    #[test]
    fn a_filter_is_known_by_the_type_of_any_of_its_settings() {
        for kind in ["envoy.extensions.filters.http.lua.v3.Lua", "envoy.extensions.filters.http.lua.v3.LuaPerRoute"] {
            assert_eq!(name_of(kind), "lua");
        }
        assert_eq!(name_of("stats.PluginConfig"), "stats.PluginConfig");
        assert!(effect("stats.PluginConfig").is_some() && effect("unknown").is_none());
    }
}
