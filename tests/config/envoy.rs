//! `check --envoy`: each lint alone, and nothing about what is right.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use portcullis::{
    config::{
        Config,
        envoy::{self, lint},
        error::{ConfigErrors, Problem, Severity},
        lint::Lint,
    },
    limits,
};

use crate::{envoy_faults, parse};

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

fn config(text: &str) -> Config {
    parse(text).unwrap().config
}

const ISSUER: &str =
    "issuers: [{ issuer: https://a.test/, audiences: [a] }]\nroutes: [{ path: /a, access: authenticated }]\n";

#[test]
fn the_sample_is_clean() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy");
    assert_found("sample", &envoy::check(&dir.join("envoy.yaml"), None), &[]);
    let ours = fs::read_to_string(dir.join("portcullis.yaml")).unwrap();
    assert_found("sample", &envoy::check(&dir.join("envoy.yaml"), Some(&config(&ours))), &[]);
}

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
fn each_lint_has_its_fault() {
    let texts = envoy_faults::FAULTS.iter().map(|(name, changes, _)| envoy_faults::changed(name, changes));
    let seen: BTreeSet<Lint> = texts
        .flat_map(|text| lint(&text, "envoy.yaml", None).problems().filter_map(Problem::kind).collect::<Vec<_>>())
        .collect();
    // These have tests of their own.
    let others = [Lint::EnvoyNothingChecked, Lint::EnvoyUnchecked, Lint::EnvoyUnknownPolicy, Lint::EnvoySkipped];
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
        |second: &str| envoy_faults::SAMPLE.replacen("\n  clusters:\n", &format!("\n{second}\n  clusters:\n"), 1);
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
         - domains: ['*']\n    typed_per_filter_config: {{ any: {{ '@type': {settings}, disabled: true }} }}\n"
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
    for text in ["a", "[1]", "{}", ISSUER] {
        assert_found(text, &lint(text, "envoy.yaml", None), &["error: this is not an Envoy configuration"]);
    }
    let only_clusters = "static_resources: { clusters: [] }";
    assert_found(
        "clusters",
        &lint(only_clusters, "envoy.yaml", None),
        &["warning: there is no http_connection_manager"],
    );
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy");
    for name in ["istio.yaml", "envoy-gateway.yaml", "kubernetes.yaml"] {
        assert_found(name, &envoy::check(&dir.join(name), None), &["error: this is a Kubernetes resource"]);
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
        described(&envoy::check(&file, None))
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
        (b"static_resources: {}\n---\nstatic_resources: {}\n", "a second document"),
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
    let missing = described(&envoy::check(&dir.path().join("none"), None));
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
