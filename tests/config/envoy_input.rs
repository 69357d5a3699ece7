//! `check --envoy`: each kind of file is read, or refused by its name with what to do.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use portcullis::{
    config::{
        error::{ConfigErrors, Problem, Severity},
        lint::Lint,
    },
    tools::envoy_lint::{Allowed, Checked, Verdict, check_files, check_paths, lint},
};

use crate::envoy_faults;

/// The problems of a file as `line error: message`, and `- error: message` where there is no place.
pub(crate) fn described(found: &ConfigErrors) -> Vec<String> {
    let word = |severity| if severity == Severity::Error { "error" } else { "warning" };
    let line = |problem: &Problem| problem.line().map_or_else(|| "-".to_owned(), |line| line.to_string());
    let text = |problem: &Problem| format!("{} {}: {}", line(problem), word(problem.severity()), problem.message());
    found.problems().map(text).collect()
}

/// Asserts that a file has exactly these problems, each by the start of its text and in the order of the file, with help.
pub(crate) fn assert_problems(name: &str, found: &ConfigErrors, expected: &[&str]) {
    let texts = described(found);
    let are_there =
        texts.len() == expected.len() && texts.iter().zip(expected).all(|(text, start)| text.starts_with(start));
    assert!(are_there, "{name}: {texts:#?} are not {expected:#?}");
    for problem in found.problems() {
        assert!(problem.help_text().is_some(), "{name}: no help for {problem}");
    }
}

/// The help of the only problem of a file.
fn help(found: &ConfigErrors) -> String {
    let help: Vec<_> = found.problems().filter_map(|problem| problem.help_text()).collect();
    assert_eq!(help.len(), 1, "{found}");
    help[0].to_owned()
}

fn check(text: &str) -> Checked {
    check_files(&[(text, "envoy.yaml")], None)
}

/// The line of a text in which a word stands first, from 1.
fn line_of(text: &str, word: &str) -> usize {
    text.lines().position(|line| line.contains(word)).unwrap() + 1
}

/// The sample with one fault, and the start of what is said of it behind its line.
const FAULT: (&str, &str) = ("failure_mode_allow: false", "failure_mode_allow: true");
const SAID: &str = "error: `failure_mode_allow` is on";

fn faulty() -> String {
    envoy_faults::changed("faulty", &[FAULT])
}

fn as_json(text: &str) -> serde_json::Value {
    serde_saphyr::from_str(text).unwrap()
}

fn indented(text: &str, by: usize) -> String {
    let blanks = " ".repeat(by);
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{blanks}{line}\n") }).collect()
}

/// A listener with ext_authz that asks the cluster `portcullis`.
const LISTENER: &str = r#"
"@type": type.googleapis.com/envoy.config.listener.v3.Listener
name: front
filter_chains:
  - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          normalize_path: true
          merge_slashes: true
          path_with_escaped_slashes_action: REJECT_REQUEST
          strip_any_host_port: true
          strip_trailing_host_dot: true
          common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST, max_headers_count: 128 }
          route_config:
            name: all
            virtual_hosts:
              - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: api } }] }
          http_filters:
            - name: envoy.filters.http.ext_authz
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                transport_api_version: V3
                encode_raw_headers: true
                status_on_error: { code: 503 }
                grpc_service:
                  timeout: 1s
                  retry_policy: { retry_on: reset, retry_back_off: { base_interval: 0.005s, max_interval: 1s } }
                  envoy_grpc: { cluster_name: portcullis, authority: portcullis }
            - name: envoy.filters.http.router
              typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
"#;

/// A cluster `portcullis` that speaks HTTP/1, so that no Check arrives.
const CLUSTER: &str = r#"
"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
name: portcullis
type: STRICT_DNS
connect_timeout: 1s
load_assignment:
  cluster_name: portcullis
  endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: /run/portcullis.sock } } } }] }]
"#;
const HTTP1: &str = "error: the cluster `portcullis` does not speak HTTP/2";

/// A file of resources.
fn resources(items: &[&str]) -> String {
    let item = |text: &&str| format!("  -\n{}", indented(text.trim_start(), 4));
    format!("resources:\n{}", items.iter().map(item).collect::<String>())
}

/// The descriptions of those problems whose message starts in this way.
fn only(found: &ConfigErrors, start: &str) -> Vec<String> {
    described(found).into_iter().filter(|text| text.split_once(' ').unwrap().1.starts_with(start)).collect()
}

#[test]
fn a_rule_behind_the_last_document_changes_nothing() {
    for end in ["---\n", "...\n", "---\n# nothing\n", "--- ~\n---\n"] {
        let text = format!("{}{end}", envoy_faults::sample());
        assert_problems(end, &lint(&text, "envoy.yaml", None), &[]);
        let text = format!("{}{end}", faulty());
        assert_problems(end, &lint(&text, "envoy.yaml", None), &[&format!("{} {SAID}", line_of(&text, FAULT.1))]);
    }
    let text = format!("---\n{}", faulty());
    assert_problems("first", &lint(&text, "envoy.yaml", None), &[&format!("{} {SAID}", line_of(&text, FAULT.1))]);
}

#[test]
fn envoy_reads_only_the_first_document_of_a_file() {
    let without_cluster = envoy_faults::with_block(&envoy_faults::sample(), "    - name: portcullis", "");
    let missing = "error: there is no cluster `portcullis`";
    let unread = |name: &str| format!("the documents of `{name}` behind its first one: Envoy reads only the first one");
    let text = format!("{without_cluster}\n---\n{}---\n", faulty());
    let found = check(&text);
    assert_eq!(only(&found.files[0], missing).len(), 1, "{:?}", described(&found.files[0]));
    assert_eq!(only(&found.files[0], SAID), [""; 0]);
    assert_eq!(found.seen.unseen, [unread("envoy.yaml")]);
    let in_map = check(&config_map("proxy", "envoy.yaml", &text));
    assert_eq!((only(&in_map.files[0], missing).len(), only(&in_map.files[0], SAID).len()), (1, 0), "{in_map:?}");
    assert_eq!(in_map.seen.unseen, [unread("envoy.yaml")]);
    let hidden = "x: { client_secret: hunter2 }\n";
    let beside = format!("static_resources: {{ clusters: [] }}\nadmin: {{ address: 1 }}\n---\n{hidden}");
    for text in [beside.clone(), config_map("proxy", "envoy.yaml", &beside)] {
        assert!(!lint(&text, "k.yaml", None).render(false, 100).contains("hunter2"));
    }
    // Dumps are no files of Envoy's.
    let dump = dump(LISTENER, CLUSTER);
    let parts = format!("{}\n---\n{}", dump["configs"][0], dump["configs"][1]);
    assert_eq!(only(&lint(&parts, "dumps.yaml", None), HTTP1).len(), 1);
    let anchors = "resources: &a []\n---\nresources: *a\n";
    assert_problems(
        "anchor of another document",
        &lint(anchors, "envoy.yaml", None),
        &["3 error: an alias has no anchor"],
    );
}

#[test]
fn files_of_one_envoy_are_one_configuration() {
    let (lds, cds) = (resources(&[LISTENER]), resources(&[CLUSTER]));
    let alone = check_files(&[(&lds, "lds.yaml")], None);
    assert_eq!(only(&alone.files[0], HTTP1), [""; 0]);
    for (files, at) in
        [([(lds.as_str(), "lds.yaml"), (cds.as_str(), "cds.yaml")], 1), ([(&cds, "cds.yaml"), (&lds, "lds.yaml")], 0)]
    {
        let found = check_files(&files, None).files;
        assert_eq!([found[0].name(), found[1].name()], [files[0].1, files[1].1]);
        let expected = format!("{} {HTTP1}", line_of(&cds, "name: portcullis"));
        let said = only(&found[at], HTTP1);
        assert!(said.len() == 1 && said[0].starts_with(&expected), "{said:?}");
        assert_eq!(only(&found[1 - at], HTTP1), [""; 0], "said of its own file");
    }
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_place_among_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (lds, none, cds) = (dir.path().join("lds.yaml"), dir.path().join("none.yaml"), dir.path().join("cds.yaml"));
    fs::write(&lds, resources(&[LISTENER])).unwrap();
    fs::write(&cds, resources(&[CLUSTER])).unwrap();
    let found = check_paths(&[&lds, &none, &cds], None).files;
    assert_eq!(only(&found[0], HTTP1), [""; 0]);
    assert!(described(&found[1])[0].contains("there is no such file"), "{:?}", described(&found[1]));
    assert_eq!(only(&found[2], HTTP1).len(), 1);
    let faults = [("a: [", "not valid YAML"), ("a: 1", "not an Envoy configuration"), ("", "the file is empty")];
    for (text, said) in faults {
        let files = check_files(&[(&resources(&[CLUSTER]), "cds.yaml"), (text, "bad.yaml")], None).files;
        let bad = described(&files[1]);
        assert!(bad.len() == 1 && bad[0].starts_with("1 error: ") && bad[0].contains(said), "{text}: {bad:?}");
    }
    let nothing = &check_files(&[("", "standard input")], None).files[0];
    assert!(described(nothing)[0].contains("nothing came from the standard input"), "{:?}", described(nothing));
}

/// A bootstrap file of v2 with its types, or with `config` in place of them.
const V2: [&str; 4] = [
    r#"static_resources:
  listeners:
    - filter_chains:
        - filters:
            - name: envoy.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.config.filter.network.http_connection_manager.v2.HttpConnectionManager
                http_filters: [{ name: envoy.router }]
"#,
    "static_resources:
  listeners:
    - filter_chains:
        - filters:
            - name: envoy.http_connection_manager
              config: { stat_prefix: a, http_filters: [{ name: envoy.ext_authz, config: {} }] }
",
    "resources:
  - { \"@type\": type.googleapis.com/envoy.api.v2.Listener, name: a, address: { socket_address: { address: 0.0.0.0 } } }
",
    "{ \"@type\": type.googleapis.com/envoy.api.v2.Listener, name: a }",
];

#[test]
fn configurations_of_v2_are_refused_as_that() {
    for (text, line) in V2.iter().zip([7, 6, 2, 1]) {
        let found = lint(text, "envoy.yaml", None);
        assert_problems(text, &found, &[&format!("{line} error: this configuration is written for v2 of Envoy's API")]);
        assert!(help(&found).contains("types of v3"), "{}", help(&found));
    }
    let mixed = LISTENER
        .replace("filters.http.ext_authz.v3", "config.filter.http.ext_authz.v2")
        .replace("extensions.config", "config");
    let found = lint(&resources(&[&mixed]), "envoy.yaml", None);
    assert_eq!(described(&found).len(), 1, "{:?}", described(&found));
    assert!(described(&found)[0].ends_with("do not read: `envoy.config.filter.http.ext_authz.v2.ExtAuthz`"));
    // What Envoy refused is in its dump as well, and is not what it runs with.
    let refused =
        "configs: [{ \"@type\": type.googleapis.com/envoy.admin.v3.ListenersConfigDump, dynamic_listeners: [{ name: a,
        error_state: { failed_configuration: { \"@type\": type.googleapis.com/envoy.api.v2.Listener } } }] }]";
    assert!(!described(&lint(refused, "dump.json", None)).iter().any(|text| text.contains("v2 of Envoy")));
}

#[test]
fn tables_and_open_brackets_get_help_of_their_own() {
    let table = "ADDRESSES PORT  MATCH     DESTINATION\n0.0.0.0   80    Trans: raw_buffer; ALL Route: 80\n";
    let found = lint(table, "listeners.txt", None);
    assert_problems("table", &found, &["1 error: this is a table for people, not a configuration"]);
    assert!(help(&found).contains("`-o json`"), "{}", help(&found));
    let found = lint("static_resources: { listeners: [", "envoy.yaml", None);
    assert_problems("open", &found, &["1 error: the file is not valid YAML"]);
    assert!(help(&found).contains("close each bracket") && !help(&found).contains("/a/{id}"), "{}", help(&found));
}

#[test]
fn templates_are_refused_as_that() {
    let with = |from: &str, to: &str| envoy_faults::changed("template", &[(from, to)]);
    let texts = [
        with("merge_slashes: true", "merge_slashes: {{ .Values.merge }}"),
        with("cluster_name: portcullis\n", "cluster_name: \"{{ cluster }}\"\n"),
        with("cluster_name: portcullis\n", "cluster_name: ${CLUSTER}\n"),
        with("cluster_name: portcullis\n", "cluster_name: ${CLUSTER:-portcullis}\n"),
        with(
            "merge_slashes: true\n",
            "merge_slashes: true\n{% if shadow %}\n                shadow: true\n{% endif %}\n",
        ),
        with(
            "merge_slashes: true\n",
            "merge_slashes: true\n                {{- if .Values.x }}\n                x: 1\n",
        ),
    ];
    let shown = [
        "`{{ .Values.merge }}`",
        "`{{ cluster }}`",
        "`${CLUSTER}`",
        "`${CLUSTER:-portcullis}`",
        "`{% if shadow %}`",
        "`{{- if .Values.x }}`",
    ];
    for (text, shown) in texts.iter().zip(shown) {
        let found = lint(text, "envoy.yaml", None);
        let line = line_of(text, shown.trim_matches('`'));
        let said = format!("{line} error: this is a template, not an Envoy configuration: {shown}");
        assert_problems(shown, &found, &[&said]);
        assert!(help(&found).contains("what it renders to"), "{}", help(&found));
    }
    let json =
        "{ \"static_resources\": { \"clusters\": [ {{ range .Clusters }} { \"name\": \"{{ .Name }}\" } {{ end }} ] } }";
    assert_problems("json", &lint(json, "t.json", None), &["1 error: this is a template"]);
}

#[test]
fn braces_of_other_languages_are_no_template() {
    let lua = "                  - name: lua
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
                      default_source_code: { inline_string: \"local t = {{1, 2}, {3}} -- ${X} {% x %}\" }\n";
    let ext_authz = "                  - name: envoy.filters.http.ext_authz\n";
    let text = envoy_faults::changed("lua", &[(ext_authz, &format!("{lua}{ext_authz}"))]);
    assert!(!described(&lint(&text, "envoy.yaml", None)).iter().any(|said| said.contains("template")));
    // Neither does a fault somewhere behind them make it one.
    let text = format!("{text}a: [\n");
    let found = described(&lint(&text, "envoy.yaml", None));
    assert!(found.len() == 1 && found[0].contains("not valid YAML"), "{found:?}");
}

/// A ConfigMap with a text under a key of its `data`, in a block.
fn config_map(name: &str, key: &str, text: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  {key}: |\n{}", indented(text, 4))
}

#[test]
fn the_files_of_a_config_map_are_read_at_their_places() {
    let text = config_map("proxy", "envoy.yaml", &faulty());
    let expected = format!("{} {SAID}", line_of(&text, FAULT.1));
    assert_problems("block", &lint(&text, "k.yaml", None), &[&expected]);
    assert_problems("good", &lint(&config_map("proxy", "envoy.yaml", &envoy_faults::sample()), "k.yaml", None), &[]);
    let kept = config_map("proxy", "envoy.yaml", &faulty()).replace("envoy.yaml: |", "\"envoy.yaml\": |+");
    assert_problems("kept line ends", &lint(&kept, "k.yaml", None), &[&expected]);
    // As `kubectl get configmap -o json` prints it: all of it on one line.
    let json =
        serde_json::json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "b: 1", "envoy.yaml": faulty() } });
    let json = json.to_string();
    let found = lint(&json, "k.json", None);
    assert_problems("json", &found, &[&format!("1 {SAID}")]);
    let place = found.problems().next().unwrap().places()[0].offset;
    assert!(json.get(place..).unwrap().starts_with("failure_mode_allow: true"), "{place}");
    // A folded text is written in another way than it is read: the key is the place.
    let json = serde_json::json!({ "static_resources": { "listeners": [as_json(LISTENER)] } }).to_string();
    let json =
        json.replace("\"transport_api_version\":", "\"failure_mode_allow\":true,\n    \"transport_api_version\":");
    let folded = format!("apiVersion: v1\nkind: ConfigMap\ndata:\n  envoy.json: >\n    {json}\n");
    let found = lint(&folded, "k.yaml", None);
    assert!(only(&found, SAID)[0].starts_with(&format!("4 {SAID}")), "{:?}", described(&found));
}

#[test]
fn what_is_said_of_no_place_is_said_once_and_too_much_to_read_is_said() {
    let empty = config_map("a", "envoy.yaml", "static_resources: {}\n");
    let twice = format!("{empty}---\n{empty}");
    assert_problems("twice", &lint(&twice, "k.yaml", None), &["- warning: there is no http_connection_manager"]);
    let texts: String = (0..12).map(|n| format!("  a{n}: \"static_resources: [\"\n")).collect();
    let found = described(&lint(&format!("apiVersion: v1\nkind: ConfigMap\ndata:\n{texts}"), "k.yaml", None));
    assert_eq!(found.len(), 9, "{found:#?}");
    assert!(found[8].starts_with("12 error: the ConfigMaps have more than 2000000 values"), "{found:#?}");
}

#[test]
fn secrets_in_a_file_of_a_config_map_are_hidden() {
    let beside = "failure_mode_allow: true\n                      x: { client_secret: hunter2 }";
    let text = envoy_faults::changed("secret", &[("failure_mode_allow: false", beside)]);
    for text in [config_map("proxy", "envoy.yaml", &text), text] {
        let text = text.replacen("encode_raw_headers: true", "encode_raw_headers: false", 1);
        let shown = lint(&text, "k.yaml", None).render(false, 100);
        assert!(shown.contains("client_secret") && !shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("encode_raw_headers: false"), "what stands behind it is shown: {shown}");
    }
}

#[test]
fn a_config_map_of_other_things_is_a_kubernetes_resource() {
    let policy = "routes: [{ path: /a, access: public }]\n";
    for (key, text) in [("portcullis.yaml", policy), ("a.txt", "some: {{ text"), ("b", "word")] {
        let found = lint(&config_map("other", key, text), "k.yaml", None);
        assert_problems(key, &found, &["1 error: this is a Kubernetes resource, not an Envoy configuration"]);
        assert!(help(&found).contains("config_dump"), "{}", help(&found));
    }
    let broken = config_map("proxy", "envoy.yaml", "static_resources:\n  listeners: [\n");
    let found = lint(&broken, "k.yaml", None);
    assert_eq!(described(&found).len(), 1);
    assert!(described(&found)[0].contains("not valid YAML"), "{:?}", described(&found));
    assert!(help(&found).contains("`data.\"envoy.yaml\"`") && help(&found).contains("take it out"), "{}", help(&found));
    let template = config_map("proxy", "envoy.yaml", "static_resources:\n  listeners: {{ x }}\n");
    let found = described(&lint(&template, "k.yaml", None));
    assert!(found.len() == 1 && found[0].starts_with("8 error: this is a template"), "{found:?}");
}

#[test]
fn config_maps_beside_other_resources_are_found() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: { name: proxy }\n";
    let text = format!("{service}---\n{}---\n", config_map("proxy", "envoy.yaml", &faulty()));
    let found = check(&text);
    assert_problems("documents", &found.files[0], &[&format!("{} {SAID}", line_of(&text, FAULT.1))]);
    assert_eq!(found.seen.unseen, ["the Service `proxy`"]);
    let item = as_json(&config_map("proxy", "envoy.yaml", &faulty()));
    let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": [item, as_json(service)] });
    let found = check(&list.to_string());
    assert_problems("list", &found.files[0], &[&format!("1 {SAID}")]);
    assert_eq!(found.seen.unseen, ["the Service `proxy`"]);
}

#[test]
fn two_bootstrap_files_in_config_maps_are_two_envoys() {
    let with = |text: &str, cluster: &str| envoy_faults::with_block(text, "    - name: portcullis", cluster);
    let one = envoy_faults::sample();
    let without_cluster = with(&one, "");
    assert_ne!(one, without_cluster);
    let text =
        format!("{}---\n{}", config_map("a", "envoy.yaml", &one), config_map("b", "envoy.yaml", &without_cluster));
    let found = lint(&text, "k.yaml", None);
    let missing = "error: there is no cluster `portcullis`";
    assert_eq!(only(&found, missing).len(), 1, "the cluster of `a` is none of `b`: {:?}", described(&found));
    // One with its resources in another ConfigMap is one Envoy.
    let text = format!(
        "{}---\n{}",
        config_map("a", "lds.yaml", &resources(&[LISTENER])),
        config_map("b", "cds.yaml", &resources(&[CLUSTER]))
    );
    assert_eq!(only(&lint(&text, "k.yaml", None), HTTP1).len(), 1);
}

#[test]
fn two_bootstrap_files_in_one_config_map_are_two_envoys() {
    let sample = envoy_faults::sample();
    let without_cluster = envoy_faults::with_block(&sample, "    - name: portcullis", "");
    let map = |files: &[(&str, &str)]| {
        let file = |(key, text): &(&str, &str)| format!("  {key}: |\n{}", indented(text, 4));
        let files: String = files.iter().map(file).collect();
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n{files}")
    };
    for files in [
        [("a.yaml", sample.as_str()), ("b.yaml", without_cluster.as_str())],
        [("b.yaml", without_cluster.as_str()), ("a.yaml", sample.as_str())],
    ] {
        let found = check(&map(&files));
        let [problem] = &found.files[0].problems().collect::<Vec<_>>()[..] else { panic!("{found:?}") };
        assert!(problem.to_string().contains("(ConfigMap `shop/b.yaml`, listener `ingress`)"), "{problem}");
        assert_eq!(found.seen.listeners, 2);
    }
    // A part of a bootstrap file and files of resources are for the one that is there.
    let (lds, cds) = (resources(&[LISTENER]), resources(&[CLUSTER]));
    let one =
        [("a.yaml", "dynamic_resources: {}\n"), ("b.yaml", "admin: {}\n# @type\n"), ("l.yaml", &lds), ("c.yaml", &cds)];
    assert_eq!(only(&check(&map(&one)).files[0], HTTP1).len(), 1);
}

#[test]
fn what_may_hide_a_bootstrap_file_in_a_config_map_is_named() {
    let sample = envoy_faults::sample();
    let beside = |more: &str| check(&format!("{}{more}", config_map("shop", "envoy.yaml", &sample)));
    let named = |key: &str| {
        vec![format!("`{key}` in the ConfigMap `shop`, which is no file that Envoy reads and may hold one")]
    };
    let text = |key: &str, text: &str| format!("  {key}: |\n{}", indented(text, 4));
    let inner = config_map("inner", "envoy.yaml", &faulty());
    let pods = serde_json::json!({ "n": { "p": dump(LISTENER, CLUSTER) } }).to_string();
    let other = format!("apiVersion: v1\nkind: Secret\nstringData:\n{}", text("envoy.yaml", &faulty()));
    let unknown = format!("bootstrap:\n{}", indented(&faulty(), 2));
    for hidden in [&inner, &pods, &other, &unknown] {
        let found = beside(&text("x.yaml", hidden));
        assert_eq!((found.seen.unseen.clone(), found.verdict()), (named("x.yaml"), Verdict::Unseen), "{hidden}");
    }
    let harmless = "apiVersion: apps/v1\nkind: Deployment\nspec: { resources: { limits: 1 } }\n";
    assert_eq!(beside(&text("x.yaml", harmless)).verdict(), Verdict::Good);
    let base64 = |text: &str| BASE64_STANDARD.encode(text);
    let binary = |encoded: &str| format!("binaryData:\n  b.yaml: |\n    {encoded}\n");
    let encoded = base64(&faulty());
    let (start, end) = encoded.split_at(77);
    for hidden in [encoded.clone(), format!("{start}\n    {end}")] {
        let found = beside(&binary(&hidden));
        assert_eq!((found.seen.unseen.clone(), found.verdict()), (named("b.yaml"), Verdict::Unseen));
    }
    for harmless in [base64("a key store"), "%".to_owned()] {
        assert_eq!(beside(&binary(&harmless)).verdict(), Verdict::Good, "{harmless}");
    }
}

#[test]
fn the_help_of_a_fault_in_a_config_map_fits_it() {
    let map = |text: &str| config_map("shop-envoy\n  namespace: shop", "envoy.yaml", text);
    let template = lint(&map("static_resources:\n  listeners: {{ x }}\n"), "k.yaml", None);
    assert!(help(&template).starts_with("lint what it renders to"), "{}", help(&template));
    let broken = lint(&map("static_resources:\n  listeners: [\n"), "k.yaml", None);
    let command = "`kubectl get configmap shop-envoy -n shop -o json | jq -r '.data.\"envoy.yaml\"'`";
    assert!(help(&broken).ends_with(command), "{}", help(&broken));
}

#[test]
fn two_bootstrap_files_are_two_envoys() {
    let sample = envoy_faults::sample();
    let without_cluster = envoy_faults::with_block(&sample, "    - name: portcullis", "");
    let missing = "error: there is no cluster `portcullis`";
    for (files, at) in [
        ([(without_cluster.as_str(), "a.yaml"), (sample.as_str(), "b.yaml")], 0),
        ([(&sample, "b.yaml"), (&without_cluster, "a.yaml")], 1),
    ] {
        let found = check_files(&files, None);
        assert_eq!(only(&found.files[at], missing).len(), 1, "{found:?}");
        assert_problems("the other one", &found.files[1 - at], &[]);
        assert_eq!(found.seen.listeners, 2);
    }
    // A bootstrap file and files of resources are one.
    let (lds, cds) = (resources(&[LISTENER]), resources(&[CLUSTER]));
    let bootstrap = "admin: {}\n";
    let found = check_files(&[(bootstrap, "envoy.yaml"), (&lds, "lds.yaml"), (&cds, "cds.yaml")], None);
    assert_eq!(only(&found.files[2], HTTP1).len(), 1, "{found:?}");
    // What has no place in a file says which Envoy it is about.
    let found = check_files(&[(&sample, "b.yaml"), ("static_resources: {}\n", "none.yaml")], None);
    let said: Vec<String> = found.files[0].problems().map(ToString::to_string).collect();
    assert!(said.len() == 1 && said[0].contains("(file `none.yaml`)"), "{said:?}");
}

#[test]
fn of_several_envoys_each_problem_names_the_pod_or_the_config_map() {
    let pods = serde_json::json!({ "gateways": { "eg-1": dump(LISTENER, CLUSTER), "eg-2": dump(LISTENER, CLUSTER) } });
    let sites = |found: &Checked| -> Vec<String> {
        let problems = found.files[0].problems().filter(|problem| problem.message().contains("does not speak HTTP/2"));
        problems.flat_map(|problem| problem.sites().iter().map(ToString::to_string)).collect()
    };
    let found = check(&serde_json::to_string_pretty(&pods).unwrap());
    let expected = |pod: &str| format!("pod `gateways/{pod}`, listener `front`");
    assert_eq!(sites(&found), [expected("eg-1"), expected("eg-2")]);
    let bootstrap =
        serde_json::json!({ "static_resources": { "listeners": [as_json(LISTENER)], "clusters": [as_json(CLUSTER)] } });
    let map = |name: &str| config_map(name, "envoy.yaml", &bootstrap.to_string());
    let found = check(&format!("{}---\n{}", map("a"), map("b")));
    assert_eq!(sites(&found), ["ConfigMap `a`, listener `front`", "ConfigMap `b`, listener `front`"]);
    assert_eq!(sites(&check(&map("a"))), ["listener `front`"], "there is one only");
    let one = found.without(&[Allowed { lint: Lint::EnvoyPlaintext, place: Some("a".to_owned()) }]);
    assert_eq!(sites(&one).len(), 2, "errors stay");
    let empty = serde_json::json!({ "n": { "a": { "configs": [] }, "b": { "configs": [] } } });
    let found = check(&empty.to_string());
    assert_eq!(found.files[0].problems().count(), 2, "{found:?}");
    assert!(found.seen.unseen.iter().any(|one| one.ends_with(", in the pod `n/b`")), "{:?}", found.seen.unseen);
}

#[test]
fn where_nothing_was_looked_at_the_list_says_so() {
    let none = "the listeners with an http_connection_manager, of which the files have none";
    for text in [resources(&[CLUSTER]), "{ \"configs\": [] }".to_owned()] {
        let found = check(&text);
        assert_eq!((found.verdict(), &*found.seen.unseen), (Verdict::Unseen, &[none.to_owned()][..]), "{text}");
    }
    let listeners = |state: &str| {
        let listener = as_json(LISTENER).to_string();
        format!(
            "{{ configs: [{{ \"@type\": type.googleapis.com/envoy.admin.v3.ListenersConfigDump, dynamic_listeners: [
             {{ name: a, {state} error_state: {{ failed_configuration: {listener}, details: no }} }}] }}] }}"
        )
    };
    let found = check(&listeners(""));
    assert_eq!(found.seen.unseen, ["the listener `a`, which Envoy has refused (`error_state`)"]);
    let served = format!("active_state: {{ listener: {} }},", as_json(LISTENER));
    let found = check(&listeners(&served));
    assert!(!found.seen.unseen.iter().any(|one| one.contains("refused")), "{:?}", found.seen.unseen);
}

#[test]
fn other_kinds_are_named_as_not_looked_at_by_file_and_by_stream() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: { name: proxy }\n";
    let map = config_map("proxy", "envoy.yaml", &faulty());
    let stream = check(&format!("{map}---\n{service}"));
    for files in [[(map.as_str(), "a.yaml"), (service, "b.yaml")], [(service, "b.yaml"), (&map, "a.yaml")]] {
        let found = check_files(&files, None);
        assert_eq!((&found.seen, found.verdict()), (&stream.seen, stream.verdict()));
        assert_eq!(found.files.iter().map(|file| described(file).len()).sum::<usize>(), 1, "{found:?}");
    }
    let alone = check_files(&[(service, "a.yaml"), (service, "b.yaml")], None);
    for file in &alone.files {
        assert_problems("alone", file, &["1 error: this is a Kubernetes resource, not an Envoy configuration"]);
    }
}

/// A dump of one resource of each kind, as an admin page gives it.
fn dump(listener: &str, cluster: &str) -> serde_json::Value {
    serde_json::json!({ "configs": [
        { "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", "dynamic_listeners":
            [{ "name": "front", "active_state": { "listener": as_json(listener) } }] },
        { "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump", "dynamic_active_clusters":
            [{ "cluster": as_json(cluster) }] },
    ] })
}

#[test]
fn dumps_by_namespace_and_pod_are_one_envoy_each() {
    let http2 = format!("{CLUSTER}http2_protocol_options: {{}}\n");
    let pods = serde_json::json!({ "gateways": { "eg-1": dump(LISTENER, CLUSTER), "eg-2": dump(LISTENER, &http2) } });
    let found = lint(&serde_json::to_string_pretty(&pods).unwrap(), "egctl.json", None);
    assert_eq!(only(&found, HTTP1).len(), 1, "{:?}", described(&found));
    let parts = serde_json::json!({ "gateways": { "eg-1": dump(LISTENER, CLUSTER)["configs"][0] } });
    let others = serde_json::json!({ "gateways": { "eg-1": dump(LISTENER, CLUSTER)["configs"][1] } });
    let (listeners, clusters) = (parts.to_string(), others.to_string());
    let found = check_files(&[(&listeners, "listener.json"), (&clusters, "cluster.json")], None).files;
    assert_eq!((only(&found[0], HTTP1).len(), only(&found[1], HTTP1).len()), (0, 1), "{found:?}");
}

#[test]
fn lists_of_resources_without_types_are_read() {
    let mut listener = as_json(LISTENER);
    listener.as_object_mut().unwrap().remove("@type");
    let mut cluster = as_json(CLUSTER);
    cluster.as_object_mut().unwrap().remove("@type");
    let list = serde_json::json!([listener, cluster]).to_string();
    assert_eq!(
        only(&lint(&list, "list.json", None), HTTP1).len(),
        1,
        "{:?}",
        described(&lint(&list, "list.json", None))
    );
    let found =
        check_files(&[(&serde_json::json!([listener]).to_string(), "l.json"), (&cluster.to_string(), "c.json")], None);
    assert_eq!(only(&found.files[1], HTTP1).len(), 1);
    let routes = serde_json::json!([{ "name": "all", "virtualHosts": [{ "name": "all", "domains": ["*"], "routes": [{
        "match": { "prefix": "/" }, "route": { "cluster": "api" }, "typedPerFilterConfig": { "envoy.filters.http.ext_authz": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", "disabled": true
        } } }] }] }, { "name": "odd" }]);
    let found = check(&routes.to_string());
    assert_problems("routes", &found.files[0], &["1 warning: ext_authz is off here"]);
    let listeners = "the listeners that take the requests of these routes, and with them who is asked";
    assert_eq!(found.seen.unseen, ["1 entries of a list that are no listener, route or cluster", listeners]);
}

#[test]
fn what_is_nothing_that_is_known_is_told_what_can_be_given() {
    for text in ["[{ a: 1 }]", "a: { b: { c: 1 } }", "a: {}", "[]"] {
        let found = lint(text, "envoy.yaml", None);
        assert_problems(text, &found, &["1 error: this is not an Envoy configuration"]);
        for tool in ["config_dump", "istioctl proxy-config all", "egctl config envoy-proxy all"] {
            assert!(help(&found).contains(tool), "{}", help(&found));
        }
    }
}
