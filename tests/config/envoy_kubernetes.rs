//! `check --envoy` with resources of Istio and Envoy Gateway.

use std::{fs, path::Path};

use portcullis::{
    config::{error::ConfigErrors, lint::Lint},
    tools::envoy_lint::{Allowed, Checked, check_files, lint},
};

use crate::{
    envoy_input::{assert_problems, described},
    parse,
};

fn check(text: &str) -> Checked {
    check_files(&[(text, "k.yaml")], None)
}

fn sample(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy").join(name)).unwrap()
}

/// The mesh configuration that the sample for Istio describes in its comment.
pub(crate) const MESH: &str = r#"meshConfig:
  extensionProviders:
    - name: portcullis
      envoyExtAuthzGrpc:
        service: portcullis.default.svc.cluster.local
        port: 9191
        timeout: 1s
        failOpen: false
        statusOnError: "503"
"#;
pub(crate) const POLICY: &str = "apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: all }
spec:
  action: CUSTOM
  provider: { name: portcullis }
  rules: [{}]
";
const RAW: &str = "4 warning: Istio can't set `encode_raw_headers`: Envoy joins repeated headers";

pub(crate) fn gateway(ext_auth: &str) -> String {
    format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {{ name: portcullis }}\nspec:\n  extAuth:\n{ext_auth}"
    )
}

pub(crate) const EXT_AUTH: &str = "    grpc: { backendRefs: [{ name: portcullis, port: 9191 }] }
    timeout: 1s
    failOpen: false
    statusOnError: 503
";
const RAW_OF_GATEWAY: &str = "5 warning: Envoy Gateway can't set `encode_raw_headers`: Envoy joins repeated headers";

/// Each text with one change to it, by what is then found beside the usual finding.
fn assert_each(name: &str, text: &str, usual: &str, changes: &[(&str, &str, &str)]) {
    for (from, to, expected) in changes {
        assert!(text.contains(from), "{name}: {from}");
        let changed = text.replacen(from, to, 1);
        let found = lint(&changed, "k.yaml", None);
        let (position, said) = expected.split_once(' ').unwrap();
        let texts: Vec<String> = described(&found).into_iter().filter(|text| !text.starts_with(usual)).collect();
        assert_eq!(texts.len(), 1, "{name} {to}: {texts:#?}");
        assert!(texts[0].starts_with(&format!("{position} {said}")), "{name} {to}: {texts:#?}");
        assert!(found.problems().all(|problem| problem.help_text().is_some()), "{name} {to}");
    }
}

#[test]
fn the_samples_have_what_their_comments_say() {
    let found = check(&sample("istio.yaml"));
    assert_problems("istio", &found.files[0], &[]);
    assert!(
        found.seen.unseen.iter().any(|one| one.starts_with("the extension providers of Istio's mesh")),
        "{found:?}"
    );
    let text = sample("envoy-gateway.yaml");
    let line = text.lines().position(|line| line == "  extAuth:").unwrap() + 1;
    let found = check(&text);
    let raw = RAW_OF_GATEWAY.replacen('5', &line.to_string(), 1);
    assert_problems("gateway", &found.files[0], &[&raw]);
    assert!(found.seen.unseen.contains(&"the ClientTrafficPolicy `portcullis-paths`".to_owned()), "{found:?}");
    // The provider in the comment of the sample, with the policy under it.
    let commented: Vec<String> = sample("istio.yaml")
        .lines()
        .skip_while(|line| *line != "#   meshConfig:")
        .take_while(|line| *line != "#")
        .map(|line| line.trim_start_matches("#").replacen("   ", "", 1))
        .collect();
    let found = check_files(&[(&commented.join("\n"), "mesh.yaml"), (&sample("istio.yaml"), "istio.yaml")], None);
    assert_problems("mesh", &found.files[0], &["6 warning: Istio can't set `encode_raw_headers`"]);
    assert_problems("policy", &found.files[1], &[]);
}

#[test]
fn extension_providers_of_istio_are_linted() {
    assert_problems("good", &lint(MESH, "mesh.yaml", None), &[RAW]);
    assert_each(
        "provider",
        MESH,
        RAW,
        &[
            ("failOpen: false", "failOpen: true", "8 error: `failOpen` is on"),
            ("        timeout: 1s\n", "", "4 warning: Istio waits 10m for an answer unless told otherwise"),
            ("timeout: 1s", "timeout: 20s", "7 warning: Envoy waits 20s for an answer: a Portcullis that hangs"),
            ("timeout: 1s", "timeout: 0.1s", "7 warning: Envoy waits 100ms for an answer, less than 500ms"),
            ("timeout: 1s", "timeout: 0s", "7 warning: Envoy waits without end for an answer"),
            ("        statusOnError: \"503\"\n", "", "4 warning: when Portcullis can't be asked, clients get 403"),
            ("\"503\"", "\"403\"", "9 warning: when Portcullis can't be asked, clients get a status that blames them"),
            (
                "failOpen: false",
                "includeRequestBodyInCheck: {}",
                "8 warning: `includeRequestBodyInCheck` makes Envoy hold",
            ),
            ("failOpen: false", "clearRouteCache: true", "8 warning: `clearRouteCache` has the route chosen again"),
        ],
    );
    let http = MESH.replace("Grpc", "Http");
    assert_problems("http", &lint(&http, "mesh.yaml", None), &["4 error: `envoyExtAuthzHttp` asks by HTTP"]);
    assert_problems(
        "zero",
        &lint(&MESH.replace("1s", "600s"), "mesh.yaml", None),
        &[RAW, "7 warning: Envoy waits 10m"],
    );
}

#[test]
fn the_mesh_configuration_is_found_wherever_it_is_kept() {
    let open = MESH.replace("failOpen: false", "failOpen: true");
    let inner = open.strip_prefix("meshConfig:\n").unwrap().replace("\n  ", "\n").trim_start().to_owned();
    let nested = |before: &str, by: usize| {
        format!("{before}{}", open.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect::<String>())
    };
    let in_map = inner.lines().map(|line| format!("    {line}\n")).collect::<String>();
    for (name, text) in [
        ("alone", inner),
        ("operator", nested("apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n", 2)),
        ("sail", nested("apiVersion: sailoperator.io/v1\nkind: Istio\nspec:\n  values:\n", 4)),
        ("map", format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: istio }}\ndata:\n  mesh: |\n{in_map}")),
    ] {
        let found = described(&lint(&text, "mesh.yaml", None));
        let line = text.lines().position(|line| line.contains("failOpen")).unwrap() + 1;
        let expected = format!("{line} error: `failOpen` is on");
        assert!(found.len() == 2 && found.iter().any(|text| text.starts_with(&expected)), "{name}: {found:#?}");
    }
}

#[test]
fn of_several_providers_those_that_may_be_portcullis_are_linted() {
    let other = MESH.replace("portcullis", "opa").replace("failOpen: false", "failOpen: true");
    let both = format!("{MESH}{}", other.split_once("extensionProviders:\n").unwrap().1);
    let found = check(&both);
    assert_problems("by name", &found.files[0], &[RAW]);
    assert!(
        found.seen.unseen.contains(&"the extension provider `opa`, which is not Portcullis".to_owned()),
        "{found:?}"
    );
    // None has the name: the one that a policy names is ours, and without a policy all that speak gRPC.
    let renamed = both.replace("portcullis", "authz");
    let policy = POLICY.replace("portcullis", "authz");
    let found = check_files(&[(&renamed, "mesh.yaml"), (&policy, "policy.yaml")], None);
    assert_problems("by policy", &found.files[0], &[RAW]);
    assert_eq!(described(&lint(&renamed, "mesh.yaml", None)).len(), 3);
}

#[test]
fn policies_of_istio_are_linted() {
    let with_mesh = |policy: &str| check_files(&[(MESH, "mesh.yaml"), (policy, "policy.yaml")], None);
    assert_problems("good", &with_mesh(POLICY).files[1], &[]);
    assert_problems("good alone", &lint(POLICY, "policy.yaml", None), &[]);
    for (from, to, expected) in [
        ("rules: [{}]", "rules: []", "7 error: no rule matches a request: none is checked"),
        ("  rules: [{}]\n", "", "1 error: no rule matches a request: none is checked"),
        (
            "[{}]",
            "[{ to: [{ operation: { notPaths: [/health] } }] }]",
            "7 warning: requests that none of these rules matches",
        ),
        (
            "name: portcullis",
            "name: portculis",
            "6 error: there is no extension provider `portculis`: every request is denied",
        ),
    ] {
        let found = with_mesh(&POLICY.replacen(from, to, 1)).files;
        assert_problems(to, &found[1], &[expected]);
    }
    let found = with_mesh(&POLICY.replacen("[{}]", "[{ to: [] }, {}]", 1));
    assert_problems("one rule for all", &found.files[1], &[]);
    let found = with_mesh(&POLICY.replacen("  action", "  selector: { matchLabels: { app: a } }\n  action", 1));
    assert!(found.seen.unseen.iter().any(|one| one.contains("does not select")), "{found:?}");
    let other = POLICY.replace("CUSTOM", "DENY").replace("  provider: { name: portcullis }\n", "");
    assert_problems("deny", &lint(&other, "policy.yaml", None), &["1 error: this is a Kubernetes resource"]);
}

#[test]
fn a_policy_with_a_provider_and_another_action_is_called_by_its_name() {
    let forgotten = POLICY.replace("  action: CUSTOM\n", "");
    let expected = "5 error: this policy has a `provider`, but no `action: CUSTOM`: no request is checked";
    let found = check_files(&[(MESH, "mesh.yaml"), (&forgotten, "policy.yaml")], None);
    assert_problems("beside the mesh", &found.files[1], &[expected]);
    assert!(!found.seen.unseen.iter().any(|one| one.contains("that names the extension")), "{:?}", found.seen.unseen);
    assert_problems("alone", &lint(&forgotten, "policy.yaml", None), &[expected]);
    let deny = POLICY.replace("CUSTOM", "DENY");
    let expected = "5 error: this policy has a `provider`, but `DENY` as its `action`: no request is checked";
    assert_problems("deny", &lint(&deny, "policy.yaml", None), &[expected]);
    let others = forgotten.replace("portcullis", "opa");
    let mesh = format!("{MESH}{}", MESH.replace("portcullis", "opa").split_once("extensionProviders:\n").unwrap().1);
    let found = check_files(&[(&mesh, "mesh.yaml"), (&others, "policy.yaml")], None);
    assert_problems("another provider's", &found.files[1], &[]);
}

#[test]
fn a_patch_for_something_else_leaves_the_warning() {
    let part = "name: a\ntyped_config:\n  \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n  encode_raw_headers: true\n";
    let patch = |namespace: &str, context: &str| {
        let at = format!("metadata: {{ name: authz, namespace: {namespace} }}");
        let matched = format!("HTTP_FILTER\n      match: {{ context: {context} }}");
        envoy_filter("HTTP_FILTER", "MERGE", part)
            .replace("metadata: { name: authz }", &at)
            .replace("HTTP_FILTER", &matched)
    };
    let policy = |namespace: &str, label: &str| {
        POLICY
            .replace("name: all", &format!("name: all, namespace: {namespace}"))
            .replace("  action", &format!("  selector: {{ matchLabels: {{ {label} }} }}\n  action"))
    };
    let gateways = ("gw", "istio: ingressgateway");
    for (filter, (namespace, label), warns) in [
        (("gw", "GATEWAY"), gateways, false),
        (("other", "GATEWAY"), gateways, true),
        (("istio-system", "GATEWAY"), gateways, false),
        (("other", "ANY"), ("istio-system", "app: a"), false),
        (("gw", "SIDECAR_INBOUND"), gateways, true),
        (("gw", "SIDECAR_INBOUND"), ("gw", "app: a"), false),
        (("gw", "SIDECAR_OUTBOUND"), ("gw", "app: a"), true),
    ] {
        let (patch, policy) = (patch(filter.0, filter.1), policy(namespace, label));
        let found = check_files(&[(MESH, "mesh.yaml"), (&patch, "filter.yaml"), (&policy, "policy.yaml")], None);
        let expected = [RAW];
        assert_problems(&format!("{filter:?} {label}"), &found.files[0], &expected[usize::from(!warns)..]);
    }
    let patch = |gateway: &str| {
        let at = "\"/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/encode_raw_headers\"";
        patch_policy("listener.v3.Listener", &format!("{{ op: add, path: {at}, value: true }}"))
            .replace("spec:\n", &format!("spec:\n  targetRef: {{ kind: Gateway, name: {gateway} }}\n"))
    };
    let policy = |kind: &str| format!("{}  targetRefs: [{{ kind: {kind}, name: eg }}]\n", gateway(EXT_AUTH));
    for (patched, kind, warns) in [("eg", "Gateway", false), ("other", "Gateway", true), ("other", "HTTPRoute", false)]
    {
        let found = check_files(&[(&policy(kind), "policy.yaml"), (&patch(patched), "patch.yaml")], None);
        let expected = [RAW_OF_GATEWAY];
        assert_problems(&format!("{patched} {kind}"), &found.files[0], &expected[usize::from(!warns)..]);
    }
    // A Gateway of another namespace is another one.
    let of = |text: String, name: &str, namespace: &str| {
        let changed = text.replace(&format!("name: {name} }}"), &format!("name: {name}, namespace: {namespace} }}"));
        assert_ne!(changed, text);
        changed
    };
    for (namespace, warns) in [("shop", false), ("other", true)] {
        let policy = of(policy("Gateway"), "portcullis", "shop");
        let found =
            check_files(&[(&policy, "policy.yaml"), (&of(patch("eg"), "patch", namespace), "patch.yaml")], None);
        let expected = [RAW_OF_GATEWAY];
        assert_problems(namespace, &found.files[0], &expected[usize::from(!warns)..]);
    }
}

#[test]
fn problems_of_resources_have_them_as_their_place() {
    let sites = |file: &ConfigErrors| -> Vec<String> {
        file.problems().flat_map(|problem| problem.sites().iter().map(ToString::to_string)).collect()
    };
    let found = check(&gateway(EXT_AUTH));
    assert_eq!(sites(&found.files[0]), ["SecurityPolicy `portcullis`"]);
    assert_eq!(
        found.files[0].problems().next().unwrap().to_string(),
        "Envoy Gateway can't set `encode_raw_headers`: Envoy joins repeated headers before Portcullis sees them \
         (SecurityPolicy `portcullis`) [envoy-raw-headers]"
    );
    let allowed = |place: &str| Allowed { lint: Lint::EnvoyRawHeaders, place: Some(place.to_owned()) };
    assert!(!check(&gateway(EXT_AUTH)).without(&[allowed("other")]).files[0].is_empty());
    assert!(found.without(&[allowed("portcullis")]).files[0].is_empty());
    assert_eq!(sites(&lint(MESH, "mesh.yaml", None)), ["extension provider `portcullis`"]);
    assert_eq!(sites(&lint(&POLICY.replace("[{}]", "[]"), "p.yaml", None)), ["AuthorizationPolicy `all`"]);
    let slow = envoy_filter("HTTP_FILTER", "ADD", &FILTER.replace("timeout: 1s", "timeout: 0.1s"));
    let second = slow.replace("name: authz", "name: second");
    let found = lint(&format!("{slow}---\n{second}"), "k.yaml", None);
    assert_eq!(sites(&found), ["EnvoyFilter `authz`", "EnvoyFilter `second`"]);
}

#[test]
fn excerpts_of_a_security_policy_hide_nothing_but_secrets() {
    let ext_auth = format!("{EXT_AUTH}    headersToExtAuth: [cookie, x-tenant]\n    clientSecret: hunter2\n");
    let text = gateway(&ext_auth.replace("failOpen: false", "failOpen: true"));
    let shown = lint(&text, "k.yaml", None).render(false, 100);
    for word in ["failOpen: true", "extAuth:", "headersToExtAuth: [cookie, x-tenant]", "clientSecret: *******"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let misplaced = "kind: SecurityPolicy\napiVersion: gateway.envoyproxy.io/v1\nspec:\n  extAuth: hunter2\n";
    assert!(!lint(misplaced, "k.yaml", None).render(false, 100).contains("hunter2"));
}

#[test]
fn security_policies_of_envoy_gateway_are_linted() {
    let text = gateway(EXT_AUTH);
    assert_problems("good", &lint(&text, "k.yaml", None), &[RAW_OF_GATEWAY]);
    assert_each(
        "policy",
        &text,
        RAW_OF_GATEWAY,
        &[
            ("failOpen: false", "failOpen: true", "8 error: `failOpen` is on"),
            ("    timeout: 1s\n", "", "5 warning: Envoy Gateway waits 10s for an answer unless told otherwise"),
            ("timeout: 1s", "timeout: 1m30s", "7 warning: Envoy waits 90s for an answer"),
            ("timeout: 1s", "timeout: 250ms", "7 warning: Envoy waits 250ms for an answer, less than 500ms"),
            ("    statusOnError: 503\n", "", "5 warning: when Portcullis can't be asked, clients get 403"),
            ("failOpen: false", "bodyToExtAuth: { maxRequestBytes: 1 }", "8 warning: `bodyToExtAuth` makes Envoy hold"),
            ("failOpen: false", "recomputeRoute: true", "8 warning: `recomputeRoute` has the route chosen again"),
            (
                "failOpen: false",
                "headersToExtAuth: [Authorization]",
                "8 warning: `headersToExtAuth` hides other spellings",
            ),
        ],
    );
    let hidden = lint(&text.replace("failOpen: false", "headersToExtAuth: [cookie]"), "k.yaml", None);
    let expected = ["8 error: `headersToExtAuth` hides `authorization`", "8 warning: `headersToExtAuth` hides other"];
    assert_problems("hidden", &hidden, &[&[RAW_OF_GATEWAY][..], &expected].concat());
    let http = lint(&text.replace("grpc:", "http:"), "k.yaml", None);
    assert_problems("http", &http, &["6 error: `http` asks by HTTP"]);
}

#[test]
fn spellings_that_are_removed_unseen_may_be_hidden() {
    let always = "issuers: [{ issuer: https://a.test/, audiences: [a] }]\nroutes: [{ path: /a, access: authenticated }]\nidentity: { aliases: always }\n";
    let config = parse(always).unwrap().config;
    let text = gateway(&format!("{EXT_AUTH}    headersToExtAuth: [authorization]\n"));
    assert_problems("always", &lint(&text, "k.yaml", Some(&config)), &[RAW_OF_GATEWAY]);
}

#[test]
fn policies_that_ask_another_service_are_named_as_not_looked_at() {
    let other = gateway(EXT_AUTH).replace("portcullis", "opa").replace("failOpen: false", "failOpen: true");
    let found = check(&format!("{}---\n{other}", gateway(EXT_AUTH)));
    assert_problems("two", &found.files[0], &[RAW_OF_GATEWAY]);
    assert!(
        found.seen.unseen.contains(&"the SecurityPolicy `opa`, which asks another service".to_owned()),
        "{found:?}"
    );
    assert_eq!(described(&lint(&other, "k.yaml", None)).len(), 2, "the only one may be ours");
}

/// An `EnvoyFilter` with one patch.
pub(crate) fn envoy_filter(apply_to: &str, operation: &str, value: &str) -> String {
    let value: String = value.lines().map(|line| format!("          {line}\n")).collect();
    format!(
        "apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{ name: authz }}
spec:
  configPatches:
    - applyTo: {apply_to}
      patch:
        operation: {operation}
        value:
{value}"
    )
}

pub(crate) const FILTER: &str = r#"name: envoy.filters.http.ext_authz
typed_config:
  "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
  transport_api_version: V3
  encode_raw_headers: true
  status_on_error: { code: 503 }
  grpc_service:
    timeout: 1s
    retry_policy: { retry_on: reset, retry_back_off: { base_interval: 0.005s, max_interval: 1s } }
    envoy_grpc: { cluster_name: portcullis, authority: portcullis }
"#;

#[test]
fn filters_that_are_patched_in_are_linted_like_any_other() {
    for operation in ["INSERT_BEFORE", "INSERT_FIRST", "ADD", "REPLACE"] {
        let text = envoy_filter("HTTP_FILTER", operation, FILTER);
        assert_problems(operation, &lint(&text, "k.yaml", None), &[]);
        assert_each(
            operation,
            &text,
            "nothing",
            &[
                (
                    "encode_raw_headers: true",
                    "failure_mode_allow: true\n            encode_raw_headers: true",
                    "14 error: `failure_mode_allow` is on",
                ),
                ("            encode_raw_headers: true\n", "", "10 warning: `encode_raw_headers` is off"),
                (
                    "            status_on_error: { code: 503 }\n",
                    "",
                    "10 warning: when Portcullis can't be asked, clients get 403",
                ),
                ("timeout: 1s", "timeout: 0.1s", "17 warning: Envoy waits 100ms"),
            ],
        );
    }
    let piped = FILTER
        .replace("cluster_name: portcullis, authority: portcullis", "cluster_name: outbound|9191||portcullis.a.svc");
    let found = described(&lint(&envoy_filter("HTTP_FILTER", "ADD", &piped), "k.yaml", None));
    assert!(
        found.len() == 1 && found[0].starts_with("19 error: Checks have `outbound|9191||portcullis.a.svc`"),
        "{found:?}"
    );
}

#[test]
fn of_what_is_merged_nothing_is_said_to_be_missing() {
    let part = "name: envoy.filters.http.ext_authz\ntyped_config:\n  \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n  encode_raw_headers: true\n";
    let good = envoy_filter("HTTP_FILTER", "MERGE", part);
    assert_problems("good", &lint(&good, "k.yaml", None), &[]);
    let open = good.replace("encode_raw_headers", "failure_mode_allow");
    assert_problems("open", &lint(&open, "k.yaml", None), &["13 error: `failure_mode_allow` is on"]);
    // With the patch Istio does set it.
    let found = check_files(&[(MESH, "mesh.yaml"), (&good, "filter.yaml")], None);
    assert_problems("mesh", &found.files[0], &[]);
}

#[test]
fn clusters_and_routes_that_are_patched_in_are_linted_as_well() {
    let cluster = "name: portcullis\ntype: STRICT_DNS\nconnect_timeout: 1s\nload_assignment:\n  cluster_name: portcullis\n  endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: portcullis, port_value: 9191 } } } }] }]\n";
    let files = [envoy_filter("HTTP_FILTER", "INSERT_FIRST", FILTER), envoy_filter("CLUSTER", "ADD", cluster)];
    let found = lint(&files.join("---\n"), "k.yaml", None);
    for said in [
        "error: the cluster `portcullis` does not speak HTTP/2",
        "warning: the cluster `portcullis` reaches another machine",
    ] {
        assert!(described(&found).iter().any(|text| text.contains(said)), "{said}: {:?}", described(&found));
    }
    let off = "typed_per_filter_config:\n  envoy.filters.http.ext_authz:\n    \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute\n    disabled: true\n";
    for target in ["HTTP_ROUTE", "VIRTUAL_HOST", "ROUTE_CONFIGURATION"] {
        let found = lint(&envoy_filter(target, "MERGE", off), "k.yaml", None);
        assert_problems(target, &found, &["13 warning: ext_authz is off here"]);
    }
}

#[test]
fn a_patch_that_removes_the_filter_is_found() {
    let text = "apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: off }
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      match: { listener: { filterChain: { filter: { subFilter: { name: envoy.filters.http.ext_authz } } } } }
      patch: { operation: REMOVE }
";
    assert_problems("removed", &lint(text, "k.yaml", None), &["6 warning: this patch removes an ext_authz filter"]);
    let found = check(&text.replace("ext_authz", "lua"));
    assert_problems(
        "another",
        &found.files[0],
        &["- warning: no part of these Kubernetes resources is about ext_authz"],
    );
    assert!(
        found.seen.unseen.contains(&"a patch that removes a part of `HTTP_FILTER` in the EnvoyFilter `off`".to_owned()),
        "{found:?}"
    );
}

pub(crate) fn patch_policy(kind: &str, operation: &str) -> String {
    format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyPatchPolicy
metadata: {{ name: patch }}
spec:
  jsonPatches:
    - type: type.googleapis.com/envoy.config.{kind}
      name: default/eg/http
      operation: {operation}
"
    )
}

#[test]
fn json_patches_of_envoy_gateway_are_linted() {
    let at = "/filter_chains/0/filters/0/typed_config/http_filters/0";
    let filter = serde_json::to_string(&serde_saphyr::from_str::<serde_json::Value>(FILTER).unwrap()).unwrap();
    let listener = |operation: &str| patch_policy("listener.v3.Listener", operation);
    let add = |value: &str| listener(&format!("{{ op: add, path: {at}, value: {value} }}"));
    assert_problems("good", &lint(&add(&filter), "k.yaml", None), &[]);
    let open = filter.replace("\"encode_raw_headers\":true", "\"encode_raw_headers\":true,\"failure_mode_allow\":true");
    assert_problems("open", &lint(&add(&open), "k.yaml", None), &["8 error: `failure_mode_allow` is on"]);
    let path = "\"..http_filters[?(@.name=='envoy.filters.http.ext_authz/a')].typed_config\"";
    let set = |field: &str, value: &str| {
        listener(&format!("{{ op: add, jsonPath: {path}, path: /{field}, value: {value} }}"))
    };
    let found = check(&set("failure_mode_allow", "true"));
    assert_problems("by path", &found.files[0], &["8 error: `failure_mode_allow` is on"]);
    let whole =
        format!("{{ op: replace, path: {at}/typed_config/allowed_headers, value: {{ patterns: [{{ exact: a }}] }} }}");
    let found = described(&lint(&listener(&whole), "k.yaml", None));
    assert!(found[0].starts_with("8 error: `allowed_headers` hides `authorization`"), "{found:?}");
    let deep = check(&set("grpc_service/timeout", "0.1s"));
    assert_problems("deep", &deep.files[0], &["8 warning: Envoy waits 100ms for an answer, less than 500ms"]);
    // The same field is one of other filters, too.
    let unclear = check(&listener(&format!("{{ op: add, path: {at}/typed_config/failure_mode_allow, value: true }}")));
    assert!(
        unclear.seen.unseen.iter().any(|one| one.starts_with("a patch of `envoy.config.listener.v3.Listener`")),
        "{unclear:?}"
    );
    let off = "{ \"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true }";
    let routes = patch_policy(
        "route.v3.RouteConfiguration",
        &format!(
            "{{ op: add, path: /virtual_hosts/0/typed_per_filter_config/envoy.filters.http.ext_authz, value: {off} }}"
        ),
    );
    assert_problems("route", &lint(&routes, "k.yaml", None), &["8 warning: ext_authz is off here"]);
    let raw = set("encode_raw_headers", "true");
    let found = check_files(&[(&gateway(EXT_AUTH), "policy.yaml"), (&raw, "patch.yaml")], None);
    assert_problems("raw", &found.files[0], &[]);
}

#[test]
fn patches_of_v2_are_refused_as_that() {
    let filter = FILTER.replace("extensions.filters.http.ext_authz.v3", "config.filter.http.ext_authz.v2");
    let found = described(&lint(&envoy_filter("HTTP_FILTER", "ADD", &filter), "k.yaml", None));
    assert!(found[0].starts_with("12 error: this configuration is written for v2"), "{found:?}");
}

#[test]
fn resources_are_never_all_that_decides() {
    for text in [MESH, POLICY, &gateway(EXT_AUTH), &envoy_filter("HTTP_FILTER", "ADD", FILTER)] {
        let found = check(text);
        assert!(
            found.seen.unseen.iter().any(|one| one.starts_with("what the control plane makes of")),
            "{text}: {found:?}"
        );
    }
}
