//! `check --envoy` on Kubernetes resources that undo the check.

use portcullis::config::envoy::{Checked, check_files};

use crate::{
    envoy_input::{assert_problems, described},
    envoy_kubernetes::{EXT_AUTH, MESH, POLICY, envoy_filter, gateway, patch_policy},
};

fn resources(texts: &[&str]) -> Checked {
    check_files(&[(&texts.join("---\n"), "k.yaml")], None)
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
