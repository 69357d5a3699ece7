//! `check --envoy`: changes of a request after the decision, by filters, clusters, routes and rules for mutations.

use std::slice::from_ref;

use portcullis::{
    config::{
        Config,
        error::Problem,
        lint::Lint::{
            self, EnvoyFilterOrder, EnvoyForgedIdentity, EnvoyMutationRules, EnvoyNothingChecked, EnvoyRouteCache,
            EnvoyTokenTaken,
        },
    },
    tools::envoy_lint::{check_files, lint},
};

use crate::{
    envoy_changes::{
        FILTER_ROWS, FORGING, FilterRow,
        Level::{Host, Route, Table, WeightedCluster},
        at_level, before, behind, filter, in_cluster, settings_for, switch, with_rules,
    },
    envoy_faults::{changed, with_filter},
    parse,
};

type Change = (String, String);

/// Asserts that exactly this is found in a changed sample: the lint and a part of the message of each, in their order.
fn assert_found_with(config: Option<&Config>, name: &str, changes: &[Change], expected: &[(Lint, &str)]) {
    let changes: Vec<(&str, &str)> = changes.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let found = lint(&changed(name, &changes), "envoy.yaml", config);
    let problems: Vec<&Problem> = found.problems().collect();
    let is_as_expected = |(problem, (kind, part)): (&&Problem, &(Lint, &str))| {
        problem.kind() == Some(*kind) && problem.message().contains(part) && problem.help_text().is_some()
    };
    let all = problems.len() == expected.len() && problems.iter().zip(expected).all(is_as_expected);
    assert!(all, "{name}: {problems:#?} in place of {expected:?}");
}

fn assert_found(name: &str, changes: &[Change], expected: &[(Lint, &str)]) {
    assert_found_with(None, name, changes, expected);
}

fn config(text: &str) -> Config {
    parse(&format!(
        "issuers: [{{ issuer: https://a.test/, audiences: [a] }}]\nroutes: [{{ path: /a, access: authenticated }}]\n{text}"
    ))
    .unwrap()
    .config
}

fn of(row: &FilterRow) -> String {
    filter("other", row.kind, row.settings)
}

/// A part of the message of a header that is set.
const FORGED: &str = "Envoy sets `x-auth-subject` after the decision";

#[test]
fn each_filter_behind_ext_authz_is_harmless_or_said_to_change_requests() {
    for row in FILTER_ROWS {
        let expected = row.expected.map(|part| (EnvoyFilterOrder, part));
        let name = format!("{} {}", row.kind, row.settings);
        assert_found(&name, &[behind(&[of(row)])], expected.as_slice());
        // Before it, Portcullis judges what they make of the request. A second authorizer there is another service's. Files are
        // an answer without a decision.
        let answers = row.kind == "file_server.v3.FileServerConfig";
        let expected = answers.then_some((EnvoyFilterOrder, "file_server stands before ext_authz"));
        assert_found(&name, &[before(&[of(row)])], expected.as_slice());
    }
}

#[test]
fn only_filters_that_change_requests_have_them_pass_as_they_were_not_judged() {
    for row in FILTER_ROWS.iter().filter(|row| row.expected.is_some()) {
        let (from, to) = behind(&[of(row)]);
        let found = lint(&changed(row.kind, &[(&from, &to)]), "envoy.yaml", None);
        let passes = found.problems().any(Problem::lets_pass);
        assert_eq!(passes, !["cors.v3.Cors", "grpc_web.v3.GrpcWeb"].contains(&row.kind), "{}", row.kind);
    }
}

#[test]
fn findings_of_routes_name_them() {
    for (level, route) in [(Table, None), (Host, Some("api")), (Route, Some("api")), (WeightedCluster, Some("api"))] {
        let (from, to) = at_level(level, "request_headers_to_add: [{ header: { key: x-auth-subject, value: a } }]");
        let found = lint(&changed("sites", &[(&from, &to)]), "envoy.yaml", None);
        let sites: Vec<_> =
            found.problems().flat_map(Problem::sites).map(|site| (site.listener(), site.route())).collect();
        assert_eq!(sites, [(Some("ingress"), route)], "{level:?}");
    }
    let (from, to) = at_level(
        Route,
        "name: private\n                          request_headers_to_add: [{ header: { key: x-auth-subject, value: a } }]",
    );
    let found = lint(&changed("sites", &[(&from, &to)]), "envoy.yaml", None);
    assert!(found.problems().flat_map(Problem::sites).all(|site| site.route() == Some("private")));
}

#[test]
fn each_filter_that_sets_an_identity_header_forges_it() {
    for row in FORGING {
        let name = format!("{} {}", row.kind, row.settings);
        assert_found(&name, &[behind(&[of(row)])], &[(EnvoyForgedIdentity, row.expected.unwrap())]);
    }
    let renamed = config("identity: { headers: { subject: x-user } }\n");
    let sets = |header: &str| {
        let mutations =
            format!("mutations: {{ request_mutations: [{{ append: {{ header: {{ key: {header}, value: a }} }} }}] }}");
        [behind(&[filter("m", "header_mutation.v3.HeaderMutation", &mutations)])]
    };
    let own = &[(EnvoyForgedIdentity, "Envoy sets `x-user` after the decision")];
    assert_found_with(Some(&renamed), "a name of the configuration", &sets("x-user"), own);
    assert_found("another name", &sets("x-user"), &[]);
}

#[test]
fn a_cache_is_harmless_while_it_can_tell_requests_with_tokens() {
    let cache = [behind(&[filter("cache", "cache.v3.CacheConfig", "")])];
    let keeps = config("");
    let removes = config("identity: { forward_authorization: false }\n");
    assert_found_with(Some(&keeps), "kept", &cache, &[]);
    let expected = &[(EnvoyFilterOrder, "a cache stands behind ext_authz, which removes `authorization`")];
    assert_found_with(Some(&removes), "removed", &cache, expected);
}

#[test]
fn filters_of_clusters_that_routes_lead_to_are_behind_as_well() {
    let forging: Vec<&FilterRow> = FORGING.iter().filter(|row| row.kind.starts_with("header_mutation")).collect();
    for row in forging {
        assert_found(row.settings, &[in_cluster(&[of(row)])], &[(EnvoyForgedIdentity, row.expected.unwrap())]);
    }
    let script = filter("script", SCRIPT.0, SCRIPT.1);
    let expected = &[(EnvoyFilterOrder, "a Lua script of the cluster `upstream` sees requests behind ext_authz")];
    assert_found("script", &[in_cluster(from_ref(&script))], expected);
    let signing = FILTER_ROWS.iter().find(|row| row.kind.starts_with("aws_request_signing")).unwrap();
    assert_found("signing", &[in_cluster(&[of(signing)])], &[]);
    // No route leads there, or one does that is not known before the request comes.
    let action = |action: &str| {
        let route = "                          route:\n                            cluster: upstream\n";
        (route.to_owned(), format!("                          {action}\n"))
    };
    let elsewhere = action("direct_response: { status: 200 }");
    assert_found("elsewhere", &[in_cluster(from_ref(&script)), elsewhere], &[]);
    for (name, chosen) in [
        ("by weight", "route: { weighted_clusters: { clusters: [{ name: upstream, weight: 1 }] } }"),
        ("by a mirror", "route: { cluster: portcullis, request_mirror_policies: [{ cluster: upstream }] }"),
    ] {
        assert_found(name, &[in_cluster(from_ref(&script)), action(chosen)], expected);
    }
    let by_header = action("route: { cluster_header: x-cluster }");
    let expected = &[(EnvoyRouteCache, "takes the cluster from `x-cluster`"), expected[0]];
    assert_found("by header", &[in_cluster(from_ref(&script)), by_header], expected);
}

/// A filter that only handles answers, and a script of it for requests.
const IDLE_SCRIPT: (&str, &str) = (
    "lua.v3.Lua",
    "source_codes: { requests: { inline_string: 'function envoy_on_request(h) end' }, answers: { inline_string: 'function envoy_on_response(h) end' } }",
);
const SCRIPT: (&str, &str) =
    ("lua.v3.Lua", "default_source_code: { inline_string: 'function envoy_on_request(h) end' }");
const SAID: (Lint, &str) = (EnvoyFilterOrder, "a Lua script sees requests behind ext_authz");

#[test]
fn a_filter_that_is_off_is_silent_until_a_route_switches_it_on() {
    let off = |kind: &str, settings: &str| filter("other", kind, settings).replacen("{ ", "{ disabled: true, ", 1);
    let script = behind(&[off(SCRIPT.0, SCRIPT.1)]);
    assert_found("off", from_ref(&script), &[]);
    assert_found("on", &[script.clone(), at_level(Route, &switch("other", false))], &[SAID]);
    assert_found("off on a route as well", &[script.clone(), at_level(Route, &switch("other", true))], &[]);
    assert_found("another one on", &[script, at_level(Route, &switch("another", false))], &[]);
    let cors = behind(&[off("cors.v3.Cors", "")]);
    assert_found("cors", &[cors], &[]);
    let jwt = before(&[off("jwt_authn.v3.JwtAuthentication", &jwt("", REQUIRED))]);
    assert_found("jwt_authn", &[jwt], &[]);
}

#[test]
fn settings_of_routes_for_filters_behind_ext_authz_are_looked_at_on_each_level() {
    let mutation = behind(&[filter("other", "header_mutation.v3.HeaderMutation", "")]);
    let sets = "mutations: { request_mutations: [{ append: { header: { key: x-auth-subject, value: a } } }] }";
    let per_route = settings_for("other", "header_mutation.v3.HeaderMutationPerRoute", sets);
    let harmless = settings_for("other", "header_mutation.v3.HeaderMutationPerRoute", &sets.replace("subject", "team"));
    for level in [Table, Host, Route, WeightedCluster] {
        let name = format!("{level:?}");
        assert_found(&name, &[mutation.clone(), at_level(level, &per_route)], &[(EnvoyForgedIdentity, FORGED)]);
        assert_found(&name, &[mutation.clone(), at_level(level, &harmless)], &[]);
        // Portcullis replaces what a filter before it has set.
        let first = before(&[filter("other", "header_mutation.v3.HeaderMutation", "")]);
        assert_found(&name, &[first, at_level(level, &per_route)], &[]);
        let added = "request_headers_to_add: [{ header: { key: x-auth-subject, value: a } }]";
        assert_found(&name, &[at_level(level, added)], &[(EnvoyForgedIdentity, FORGED)]);
    }
    let of_cluster = in_cluster(&[filter("other", "header_mutation.v3.HeaderMutation", "")]);
    let changes = [of_cluster, at_level(Route, &per_route)];
    assert_found("of a cluster", &changes, &[(EnvoyForgedIdentity, FORGED)]);
    let mirror = "route: { cluster: upstream, request_mirror_policies: [{ cluster: upstream, request_headers_mutations: [{ append: { header: { key: x-auth-subject, value: a } } }] }] }";
    let route = "                          route:\n                            cluster: upstream\n";
    let change = (route.to_owned(), format!("                          {mirror}\n"));
    assert_found("mirror", &[change], &[(EnvoyForgedIdentity, FORGED)]);
}

#[test]
fn settings_of_routes_switch_scripts_and_processors_on() {
    let script = || behind(&[filter("other", IDLE_SCRIPT.0, IDLE_SCRIPT.1)]);
    assert_found("idle", &[script()], &[]);
    for (settings, is_found) in [
        ("name: requests", true),
        ("name: answers", false),
        ("name: unknown", false),
        ("disabled: true", false),
        ("source_code: { inline_string: 'function envoy_on_request(h) end' }", true),
        ("source_code: { inline_string: 'function envoy_on_response(h) end' }", false),
        ("source_code: { filename: /etc/filter.lua }", true),
        ("source_code: { inline_string: 'load(\"function envoy_on_\" .. \"request(h) end\")()' }", true),
        ("source_code: { inline_string: 'getfenv()[name] = function(h) end' }", true),
        ("source_code: { inline_string: 'function envoy_on_response(h) h:logDebug(payload) end' }", false),
    ] {
        let route = at_level(Route, &settings_for("other", "lua.v3.LuaPerRoute", settings));
        assert_found(settings, &[script(), route], if is_found { &[SAID] } else { &[] });
    }
    let processor =
        "grpc_service: { envoy_grpc: { cluster_name: upstream } }, processing_mode: { request_header_mode: SKIP }";
    let processor = || behind(&[filter("other", "ext_proc.v3.ExternalProcessor", processor)]);
    for (settings, is_found) in [
        ("overrides: { processing_mode: { request_header_mode: SEND } }", true),
        ("overrides: { processing_mode: {} }", true),
        ("overrides: { processing_mode: { request_header_mode: SKIP } }", false),
        ("overrides: { grpc_service: { envoy_grpc: { cluster_name: upstream } } }", false),
        ("disabled: true", false),
    ] {
        let route = at_level(Route, &settings_for("other", "ext_proc.v3.ExtProcPerRoute", settings));
        let expected = [(EnvoyFilterOrder, "an external processor sees requests behind ext_authz")];
        assert_found(settings, &[processor(), route], if is_found { &expected } else { &[] });
    }
    let rules = "request_rules: [{ header: x-a, on_header_present: { key: a, type: STRING } }]";
    let route = at_level(Route, &settings_for("other", "header_to_metadata.v3.Config", rules));
    let metadata = behind(&[filter("other", "header_to_metadata.v3.Config", "")]);
    assert_found("metadata", &[metadata, route], &[(EnvoyFilterOrder, "header_to_metadata writes what clients send")]);
    let inner = format!("filter_chain: {{ filters: [{}] }}", filter("script", SCRIPT.0, SCRIPT.1));
    let route = at_level(Route, &settings_for("other", "filter_chain.v3.FilterChainConfigPerRoute", &inner));
    assert_found("chain", &[behind(&[filter("other", "filter_chain.v3.FilterChainConfig", "")]), route], &[SAID]);
}

/// Settings of `jwt_authn` with a provider, and what stands behind it.
fn jwt(provider: &str, rest: &str) -> String {
    format!(
        "providers: {{ tenant: {{ issuer: a, remote_jwks: {{ http_uri: {{ uri: 'http://idp/keys', cluster: upstream, timeout: 1s }} }}{provider} }} }}{rest}"
    )
}

const REQUIRED: &str = ", rules: [{ match: { prefix: / }, requires: { provider_name: tenant } }]";

#[test]
fn jwt_authn_before_ext_authz_takes_tokens_where_a_rule_has_it_verify_them() {
    let taken = [(EnvoyTokenTaken, "jwt_authn takes the tokens")];
    for (provider, rest, is_taken) in [
        ("", REQUIRED, true),
        (", forward: true", REQUIRED, false),
        (", from_headers: [{ name: Authorization, value_prefix: 'Bearer ' }]", REQUIRED, true),
        (", from_headers: [{ name: x-token }, { name: authorization }]", REQUIRED, true),
        (", from_headers: [{ name: AUTHORIZATION }], forward: true", REQUIRED, false),
        (", from_headers: [{ name: x-token }]", REQUIRED, false),
        (", from_headers: []", REQUIRED, true),
        (", from_params: [token]", REQUIRED, false),
        (", from_cookies: [token]", REQUIRED, false),
        ("", "", false),
        ("", ", rules: [{ match: { prefix: / } }]", false),
        ("", ", rules: [{ match: { prefix: / }, requires: { allow_missing_or_failed: {} } }]", true),
        (
            "",
            ", rules: [{ match: { prefix: / }, requires: { requires_any: { requirements: [{ provider_name: tenant }] } } }]",
            true,
        ),
        (
            "",
            ", rules: [{ match: { prefix: / }, requirement_name: r }], requirement_map: { r: { provider_name: tenant } }",
            true,
        ),
        ("", ", requirement_map: { r: { provider_name: tenant } }", false),
        ("", ", filter_state_rules: { name: s, requires: { a: { provider_name: tenant } } }", true),
    ] {
        let filter = filter("other", "jwt_authn.v3.JwtAuthentication", &jwt(provider, rest));
        let name = format!("{provider} {rest}");
        assert_found(&name, &[before(&[filter])], if is_taken { &taken } else { &[] });
    }
    let by_route = jwt("", ", requirement_map: { r: { provider_name: tenant } }");
    let route = at_level(Route, &settings_for("other", "jwt_authn.v3.PerRouteConfig", "requirement_name: r"));
    assert_found(
        "by a route",
        &[before(&[filter("other", "jwt_authn.v3.JwtAuthentication", &by_route)]), route],
        &taken,
    );
}

#[test]
fn jwt_authn_behind_ext_authz_is_silent_if_it_leaves_requests_alone() {
    let changes = [(EnvoyFilterOrder, "jwt_authn sees requests behind ext_authz")];
    for (provider, rest, is_found) in [
        ("", REQUIRED, true),
        (", forward: true", REQUIRED, false),
        (", forward: true", "", false),
        (", from_cookies: [token]", REQUIRED, false),
        (", from_params: [token]", REQUIRED, true),
        (", forward: true, claim_to_headers: [{ header_name: x-team, claim_name: team }]", REQUIRED, true),
        (", forward: true, forward_payload_header: x-payload", REQUIRED, true),
        (", forward: true, payload_in_metadata: payload, clear_route_cache: true", REQUIRED, true),
    ] {
        let filter = filter("other", "jwt_authn.v3.JwtAuthentication", &jwt(provider, rest));
        let name = format!("{provider} {rest}");
        assert_found(&name, &[behind(&[filter])], if is_found { &changes } else { &[] });
    }
}

#[test]
fn a_filter_that_has_the_route_chosen_again_is_said() {
    for kind in ["mcp.v3.Mcp", "transform.v3.TransformConfig"] {
        let clears = filter("other", kind, "clear_route_cache: true");
        let expected = [(EnvoyRouteCache, "has the route chosen again behind ext_authz")];
        assert_found(kind, &[behind(from_ref(&clears))], &expected);
        assert_found(kind, &[before(&[clears])], &[]);
    }
}

#[test]
fn filters_behind_ext_authz_are_found_in_upgrades_and_in_one_filter_with_it() {
    let script = || filter("script", SCRIPT.0, SCRIPT.1);
    let authorizer = filter(
        "envoy.filters.http.ext_authz",
        "ext_authz.v3.ExtAuthz",
        "grpc_service: { envoy_grpc: { cluster_name: portcullis }, timeout: 1s, retry_policy: { retry_on: reset, retry_back_off: { \
         base_interval: 0.005s, max_interval: 1s } } }, status_on_error: { code: 503 }, encode_raw_headers: true",
    );
    let upgrade = |filters: [String; 2]| {
        let start = "                stat_prefix: ingress\n";
        let [first, second] = filters;
        let router = filter("router", "router.v3.Router", "");
        let all = format!("upgrade_configs: [{{ upgrade_type: websocket, filters: [{first}, {second}, {router}] }}]");
        (start.to_owned(), format!("{start}                {all}\n"))
    };
    assert_found("upgrade", &[upgrade([authorizer.clone(), script()])], &[SAID]);
    assert_found("upgrade", &[upgrade([script(), authorizer.clone()])], &[]);
    for (filters, is_found) in [([authorizer.clone(), script()], true), ([script(), authorizer], false)] {
        let chain = format!("default_filter_chain: {{ filters: [{}] }}", filters.join(", "));
        let line = format!("                  - {}\n", filter("chain", "filter_chain.v3.FilterChainConfig", &chain));
        let found = lint(&with_filter(&line), "envoy.yaml", None);
        let said = found.problems().filter(|problem| problem.message().contains(SAID.1)).count();
        assert_eq!(said, usize::from(is_found), "{filters:?}: {:#?}", found.problems().collect::<Vec<_>>());
    }
}

#[test]
fn settings_that_come_by_discovery_are_not_taken_for_harmless() {
    let discovered = |kind: &str| {
        let url = format!("type.googleapis.com/envoy.extensions.filters.http.{kind}");
        let source = "config_source: { path_config_source: { path: /nowhere/filter.yaml } }";
        behind(&[format!("{{ name: other, config_discovery: {{ {source}, type_urls: [{url}] }} }}")])
    };
    assert_found("wasm", &[discovered("wasm.v3.Wasm")], &[(EnvoyFilterOrder, "a Wasm plugin sees requests")]);
    assert_found("buffer", &[discovered("buffer.v3.Buffer")], &[]);
    for kind in [
        "lua.v3.Lua",
        "ext_authz.v3.ExtAuthz",
        "header_mutation.v3.HeaderMutation",
        "basic_auth.v3.BasicAuth",
        "transform.v3.TransformConfig",
    ] {
        let expected =
            &[(EnvoyNothingChecked, "the settings of `other`, a filter behind ext_authz, come by discovery")];
        assert_found(kind, &[discovered(kind)], expected);
    }
    let composite = &[(EnvoyNothingChecked, "filters that `other` runs behind ext_authz come by discovery")];
    assert_found("composite", &[discovered("composite.v3.Composite")], composite);
    for (kind, unseen) in [
        ("lua.v3.Lua", "the settings of the filter `other` (listener `ingress`)"),
        ("composite.v3.Composite", "the filters that `other` gets by discovery (listener `ingress`)"),
    ] {
        let (from, to) = discovered(kind);
        let checked = check_files(&[(&changed(kind, &[(&from, &to)]), "envoy.yaml")], None);
        assert_eq!(checked.seen.unseen, [unseen], "{kind}");
    }
    // Help says so: the file that has the filter is added.
    let (from, to) = discovered("lua.v3.Lua");
    let text = changed("lua", &[(&from, &to)]);
    let sent = |code: &str| {
        let extension = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
        let lua = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";
        format!(
            "resources: [{{ '@type': {extension}, name: other, typed_config: {{ '@type': {lua}, default_source_code: {{ inline_string: '{code}' }} }} }}]\n"
        )
    };
    for (code, is_found) in [("function envoy_on_request(h) end", true), ("", false)] {
        let checked = check_files(&[(&text, "envoy.yaml"), (&sent(code), "ecds.yaml")], None);
        assert_eq!(checked.seen.unseen, [""; 0], "{code}");
        let said = checked.files[0].problems().any(|problem| problem.message().contains(SAID.1));
        assert_eq!(said, is_found, "{code}: {:#?}", checked.files[0].problems().collect::<Vec<_>>());
    }
}

#[test]
fn routes_without_their_filters_are_looked_at_for_identity_headers() {
    let sets = |kind: &str| {
        settings_for(
            "other",
            kind,
            "mutations: { request_mutations: [{ append: { header: { key: x-auth-subject, value: a } } }] }",
        )
    };
    let text = format!(
        "resources:\n- '@type': type.googleapis.com/envoy.config.route.v3.RouteConfiguration\n  virtual_hosts:\n  - {{ domains: ['*'], {} }}\n",
        sets("header_mutation.v3.HeaderMutationPerRoute")
    );
    let found = lint(&text, "rds.yaml", None);
    let messages: Vec<&str> = found.problems().map(|problem| problem.message()).collect();
    assert!(messages.len() == 1 && messages[0].contains(FORGED), "{messages:?}");
}

#[test]
fn rules_for_mutations_are_followed_as_envoy_applies_them() {
    let forge = "clients can forge identity headers";
    let judged = "the API may act on another request than was judged";
    let refused = "Envoy answers 500 to every request that Portcullis allows";
    for (rules, part, is_error) in [
        ("{ allow_envoy: true }", None, false),
        ("{ allow_envoy: true, disallow_system: true, allow_all_routing: true }", None, false),
        ("{ allow_envoy: true, disallow_is_error: true }", None, false),
        ("{ allow_envoy: true, allow_expression: { regex: 'x-a' } }", None, false),
        ("{ allow_envoy: true, disallow_expression: { regex: 'x-auth-sub' } }", None, false),
        ("{ allow_envoy: true, disallow_expression: { regex: 'X-Auth-Subject' } }", None, false),
        ("{ disallow_all: true, allow_expression: { regex: '.*' } }", None, false),
        // `x-envoy-original-path`.
        ("{}", Some(judged), false),
        ("{ disallow_is_error: true }", Some(refused), true),
        ("{ disallow_all: true }", Some("Envoy ignores every header"), false),
        ("{ disallow_all: true, allow_expression: { regex: 'x-auth-.*' } }", Some(forge), false),
        ("{ disallow_all: true, disallow_is_error: true }", Some(refused), true),
        ("{ allow_envoy: true, disallow_expression: { regex: 'x-auth-subject' } }", Some(forge), false),
        ("{ allow_envoy: true, disallow_expression: { regex: 'x-forwarded-.*' } }", Some(judged), false),
        ("{ allow_envoy: true, disallow_expression: { regex: 'x-[a-z-]+' } }", Some("Envoy may not apply"), false),
        (
            "{ allow_envoy: true, disallow_is_error: true, disallow_expression: { regex: 'x[_]auth_subject' } }",
            Some("they then get 500"),
            false,
        ),
        ("{ disallow_all: true, allow_expression: { regex: '[a-z.-]+' } }", Some("Envoy may not apply"), false),
    ] {
        let expected: Vec<_> = part.into_iter().map(|part| (EnvoyMutationRules, part)).collect();
        assert_found(rules, &[with_rules(rules)], &expected);
        let (from, to) = with_rules(rules);
        let found = lint(&changed(rules, &[(&from, &to)]), "envoy.yaml", None);
        assert_eq!(found.has_errors(), is_error, "{rules}");
    }
    let forwards = config("identity: { forward_overrides: true }\n");
    assert_found_with(Some(&forwards), "forwarded", &[with_rules("{}")], &[]);
    let hides = config("identity: { forward_authorization: false, forward_overrides: true }\n");
    let rules = with_rules("{ disallow_expression: { regex: authorization } }");
    let expected = &[(EnvoyMutationRules, "Envoy does not remove `authorization` as Portcullis says")];
    assert_found_with(Some(&hides), "authorization", &[rules], expected);
}
