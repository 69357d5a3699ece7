//! Help about resources of Istio and Envoy Gateway, followed.

use portcullis::config::lint::Lint;

use super::Case;
use crate::envoy_kubernetes::{EXT_AUTH, FILTER, MESH, POLICY, envoy_filter, gateway, patch_policy};

/// Resources in one file.
fn joined(resources: &[&str]) -> String {
    resources.join("---\n")
}

/// The patch by which Istio has headers sent as they came.
fn raw_of_istio() -> String {
    let part = "name: envoy.filters.http.ext_authz\ntyped_config:\n  \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n  encode_raw_headers: true\n";
    envoy_filter("HTTP_FILTER", "MERGE", part)
}

/// The patch by which Envoy Gateway has headers sent as they came.
fn raw_of_gateway() -> String {
    let path = "\"..http_filters[?(@.name=='envoy.filters.http.ext_authz/a')].typed_config\"";
    patch_policy(
        "listener.v3.Listener",
        &format!("{{ op: add, jsonPath: {path}, path: /encode_raw_headers, value: true }}"),
    )
}

/// A change of the mesh configuration.
fn mesh(name: &'static str, faulty: (&str, &str)) -> Case {
    changed(name, &joined(&[MESH, &raw_of_istio(), POLICY]), faulty)
}

/// A change of the policy of Envoy Gateway.
fn policy(name: &'static str, faulty: (&str, &str)) -> Case {
    changed(name, &joined(&[&gateway(EXT_AUTH), &raw_of_gateway()]), faulty)
}

/// A good text with a fault; what follows the help is the good text again.
fn changed(name: &'static str, good: &str, (from, to): (&str, &str)) -> Case {
    assert_eq!(good.matches(from).count(), 1, "{name}: {from}");
    Case::new(name, good.replacen(from, to, 1), good.to_owned())
}

pub(super) fn cases() -> Vec<Case> {
    [raw_headers(), of_istio(), of_gateway(), patches()].into_iter().flatten().collect()
}

fn raw_headers() -> Vec<Case> {
    let without = gateway(EXT_AUTH);
    vec![
        Case::new("raw headers of Istio", MESH.to_owned(), joined(&[MESH, &raw_of_istio()])),
        Case::with_allow("raw headers of Istio, allowed", MESH.to_owned(), Lint::EnvoyRawHeaders),
        Case::new("raw headers of Envoy Gateway", without.clone(), joined(&[&without, &raw_of_gateway()])),
        Case::with_allow("raw headers of Envoy Gateway, allowed", without, Lint::EnvoyRawHeaders),
    ]
}

fn of_istio() -> Vec<Case> {
    let (list, provider) = MESH.split_once("    - name: portcullis\n").unwrap();
    let added = format!("{list}    - name: portcullis\n{provider}    - name: ext-auth-gate\n{provider}");
    let names_gate = POLICY.replace("name: portcullis", "name: ext-auth-gate");
    let raw = raw_of_istio();
    vec![
        mesh("open provider", ("failOpen: false", "failOpen: true")),
        mesh("no status of a provider", ("        statusOnError: \"503\"\n", "")),
        mesh("status of a provider that blames", ("\"503\"", "\"403\"")),
        mesh("no timeout of a provider", ("        timeout: 1s\n        failOpen", "        failOpen")),
        mesh("HTTP of a provider", ("envoyExtAuthzGrpc", "envoyExtAuthzHttp")),
        mesh("no action", ("  action: CUSTOM\n", "")),
        mesh("another action", ("action: CUSTOM", "action: DENY")),
        mesh("no rule", ("rules: [{}]", "rules: []")),
        mesh("some rules", ("rules: [{}]", "rules: [{ to: [{ operation: { notPaths: [/health] } }] }]")),
        Case::new("no provider", joined(&[MESH, &raw, &names_gate]), joined(&[&added, &raw, &names_gate])),
    ]
}

fn of_gateway() -> Vec<Case> {
    vec![
        policy("open policy", ("failOpen: false", "failOpen: true")),
        policy("no status of a policy", ("    statusOnError: 503\n", "")),
        policy("no timeout of a policy", ("    timeout: 1s\n", "")),
        policy("HTTP of a policy", ("    grpc:", "    http:")),
        policy(
            "hidden headers of a policy",
            ("failOpen: false\n", "failOpen: false\n    headersToExtAuth: [authorization]\n"),
        ),
    ]
}

/// Filters that are patched in have the help of any other.
fn patches() -> Vec<Case> {
    let istio = envoy_filter("HTTP_FILTER", "INSERT_BEFORE", FILTER);
    let filter = serde_json::to_string(&serde_saphyr::from_str::<serde_json::Value>(FILTER).unwrap()).unwrap();
    let operation =
        format!("{{ op: add, path: /filter_chains/0/filters/0/typed_config/http_filters/0, value: {filter} }}");
    let gateway = patch_policy("listener.v3.Listener", &operation);
    vec![
        changed(
            "open patch of Istio",
            &istio.replace("encode_raw", "failure_mode_allow: false\n            encode_raw"),
            ("failure_mode_allow: false", "failure_mode_allow: true"),
        ),
        changed("no timeout of a patch of Istio", &istio, ("    timeout: 1s\n", "")),
        changed(
            "joined headers of a patch of Envoy Gateway",
            &gateway,
            ("\"encode_raw_headers\":true", "\"encode_raw_headers\":false"),
        ),
    ]
}
