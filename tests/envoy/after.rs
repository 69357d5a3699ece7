//! Changes of a request after the decision: this Envoy makes those of which `check --envoy` warns, and takes rules for
//! mutations and timeouts as the lints do.

use std::{net::TcpListener, slice::from_ref, time::Duration};

use crate::{
    Stack,
    envoy_changes::{FILTER_ROWS, FORGING, Level, at_level, behind, filter, in_cluster, settings_for, with_rules},
    envoy_faults::changed,
    lints::validate,
    support::{config, envoy::Envoy, issuer, scoped, service::TestService},
};

#[test]
fn envoy_accepts_the_filters_and_settings_of_which_the_lints_are() {
    let dir = tempfile::tempdir().unwrap();
    let rows = FILTER_ROWS.iter().chain(FORGING).filter(|row| row.is_accepted).enumerate();
    let filters: Vec<String> = rows.map(|(at, row)| filter(&format!("f{at}"), row.kind, row.settings)).collect();
    let secret = |name| format!("{{ name: {name}, generic_secret: {{ secret: {{ inline_string: a }} }} }}");
    let secrets = format!("static_resources:\n  secrets: [{}]\n", ["key", "token", "hmac"].map(secret).join(", "));
    let text = |(from, to): (String, String)| changed("filters", &[("static_resources:\n", &secrets), (&from, &to)]);
    assert_eq!(validate(dir.path(), "filters", &text(behind(&filters))), Ok(()));
    let script =
        filter("script", "lua.v3.Lua", "default_source_code: { inline_string: 'function envoy_on_request(h) end' }");
    assert_eq!(validate(dir.path(), "cluster", &text(in_cluster(&[script]))), Ok(()));
    for level in [Level::Table, Level::Host, Level::Route, Level::WeightedCluster] {
        let settings = settings_for("m", "header_mutation.v3.HeaderMutationPerRoute", SETS);
        assert_eq!(validate(dir.path(), "level", &text(at_level(level, &settings))), Ok(()), "{level:?}");
    }
}

/// Mutations that take the identity from a header of the client.
const SETS: &str = "mutations: { request_mutations: [{ append: { header: { key: x-auth-subject, value: '%REQ(x-user)%' }, append_action: OVERWRITE_IF_EXISTS_OR_ADD } }] }";

#[tokio::test]
async fn the_api_gets_what_filters_and_routes_set_after_the_decision() {
    let mutation = || filter("m", "header_mutation.v3.HeaderMutation", SETS);
    let idle = filter("m", "header_mutation.v3.HeaderMutation", "");
    let per_route = at_level(Level::Route, &settings_for("m", "header_mutation.v3.HeaderMutationPerRoute", SETS));
    for (name, changes) in [
        ("behind", vec![behind(&[mutation()])]),
        ("of the cluster", vec![in_cluster(&[mutation()])]),
        ("of the route", vec![behind(from_ref(&idle)), per_route.clone()]),
        ("of the route, for the cluster's filter", vec![in_cluster(&[idle]), per_route]),
    ] {
        let changes: Vec<(&str, &str)> = changes.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        let stack = Stack::with(&changes).await;
        let token = format!("Bearer {}", scoped(&stack.issuer, "read:messages"));
        let answer = stack.envoy.send("GET", "/api/private", &[("authorization", &token), ("x-user", "mallory")]).await;
        assert_eq!(answer.seen_upstream("x-auth-subject").as_deref(), Some("mallory"), "{name}");
    }
}

#[tokio::test]
async fn the_api_gets_a_claim_that_jwt_authn_takes_for_the_identity() {
    let issuer = issuer().await;
    let keys = issuer.jwk_set().to_string();
    let provider = format!(
        "providers: {{ tenant: {{ issuer: '{}', forward: true, local_jwks: {{ inline_string: '{keys}' }}, \
         claim_to_headers: [{{ header_name: x-auth-subject, claim_name: scope }}] }} }}, \
         rules: [{{ match: {{ prefix: / }}, requires: {{ provider_name: tenant }} }}]",
        issuer.issuer()
    );
    let (from, to) = behind(&[filter("jwt", "jwt_authn.v3.JwtAuthentication", &provider)]);
    let service = TestService::start(&config(issuer.issuer())).await;
    let stack = Stack::of(issuer, service, &[(&from, &to)]).await;
    let token = scoped(&stack.issuer, "read:messages");
    let answer = stack.envoy.get("/api/private", Some(&token)).await;
    assert_eq!(answer.seen_upstream("x-auth-subject").as_deref(), Some("read:messages"));
}

#[tokio::test]
async fn rules_for_mutations_are_those_of_this_envoy() {
    for (rules, status, is_forged) in [
        ("{ allow_envoy: true, disallow_is_error: true }", 200, false),
        // Portcullis removes `x-envoy-original-path`.
        ("{ disallow_is_error: true }", 500, false),
        ("{ disallow_all: true, allow_expression: { regex: 'x-auth-.*' } }", 200, true),
        ("{ allow_envoy: true, disallow_expression: { regex: 'x.auth.subject' } }", 200, true),
        ("{ allow_envoy: true, disallow_expression: { regex: 'x-auth' } }", 200, false),
    ] {
        let (from, to) = with_rules(rules);
        let stack = Stack::with(&[(&from, &to)]).await;
        let answer = stack.envoy.send("GET", "/api/public", &[("x.auth.subject", "admin")]).await;
        assert_eq!(answer.status, status, "{rules}");
        assert_eq!(answer.seen_upstream("x.auth.subject").is_some(), is_forged, "{rules}");
    }
}

#[tokio::test]
async fn a_timeout_below_a_millisecond_is_none() {
    // The system takes connections for it, and nothing reads them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    for (timeout, is_answered) in [("0s", false), ("{ seconds: 0 }", false), ("0.0009s", false), ("0.002s", true)] {
        let line = format!("                        timeout: {timeout}\n");
        let changes = [
            ("                        timeout: 1s\n", line.as_str()),
            ("max_interval: 1s", "max_interval: 30s"),
            ("num_retries: 3", "num_retries: 0"),
        ];
        let envoy = Envoy::start(address, address, &changes).await;
        let answer = tokio::time::timeout(Duration::from_secs(1), envoy.get("/api/public", None)).await;
        assert_eq!(answer.map(|answer| answer.status).ok(), is_answered.then_some(503), "{timeout}");
    }
}
