//! `portcullis check` and `portcullis schema` as CI and editors use them.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::process::portcullis;

const GOOD: &str = "issuers: [{ issuer: https://i.example/, audiences: [a] }]\nroutes: [{ path: /a, scopes: [s] }]\n";
const WARNED: &str =
    "issuers:\n  - issuer: https://tenant.eu.auth0.com\n    audiences: [a]\nroutes: [{ path: /a, scopes: [s] }]\n";
const BROKEN: &str =
    "routes:\n  - path: /users/{id}/delete\n    access: public\n  - path: /users/me/{action}\n    access: public\n";

struct Said {
    code: i32,
    out: String,
    err: String,
}

async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let output = portcullis(arguments).envs(environment.iter().copied()).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The bytes of a place.
fn underlined<'t>(text: &'t str, place: &Value) -> &'t str {
    let number = |name: &str| usize::try_from(place[name].as_u64().unwrap()).unwrap();
    text.get(number("offset")..number("offset") + number("length")).unwrap()
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn exit_codes_say_what_was_found_and_several_files_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let files = [("good.yaml", GOOD), ("warned.yaml", WARNED), ("broken.yaml", BROKEN)];
    let [good, warned, broken] = files.map(|(name, text)| write(dir.path(), name, text));
    for (arguments, code) in [
        (vec![&*good], 0),
        (vec![&*warned], 0),
        (vec!["--deny-warnings", &*good], 0),
        (vec!["--deny-warnings", &*warned], 1),
        (vec!["--deny-warnings", "--allow", "issuer-mismatch", &*warned], 0),
        (vec!["--deny-warnings", "--allow", "scope-spelling", &*warned], 1),
        (vec![&*broken], 2),
        (vec!["--allow", "crossing-patterns", &*broken], 2),
        (vec!["--deny-warnings", &*warned, &*broken], 2),
        (vec!["--allow", "isuer-mismatch", &*good], 2),
    ] {
        for format in ["text", "json"] {
            let said = run(&[&["check", "--format", format], &*arguments].concat(), &[]).await;
            assert_eq!(said.code, code, "{arguments:?} {format}: {}{}", said.out, said.err);
        }
    }
    let said = run(&["check", &good, &warned, &broken], &[]).await;
    assert!(said.out.contains("good.yaml is good: 1 issuer, 1 route, 0 warnings"), "{}", said.out);
    assert!(said.out.contains("warned.yaml is good: 1 issuer, 1 route, 1 warning"), "{}", said.out);
    for told in ["[issuer-mismatch]", "warned.yaml:2", "[crossing-patterns]", "broken.yaml: 1 error"] {
        assert!(said.err.contains(told), "{told}: {}", said.err);
    }
}

#[tokio::test]
async fn json_has_every_place_and_nothing_else_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let (warned, broken) = (write(dir.path(), "warned.yaml", WARNED), write(dir.path(), "broken.yaml", BROKEN));
    let said = run(&["check", "--format", "json", &warned, &broken], &[("PORTCULLIS_LISEN__GRPC", "x")]).await;
    assert_eq!((said.code, said.err.as_str()), (2, ""));
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["version"], 1);
    let problems = report["problems"].as_array().unwrap();
    let count = |severity: &str| problems.iter().filter(|problem| problem["severity"] == severity).count();
    assert_eq!((&report["errors"], &report["warnings"]), (&count("error").into(), &count("warning").into()));

    let of = |file: &str, code: &str| {
        let found = problems.iter().find(|problem| problem["file"] == file && problem["code"] == code);
        found.unwrap_or_else(|| panic!("no {code} in {}", said.out)).clone()
    };
    let issuer = of(&warned, "issuer-mismatch");
    assert_eq!(issuer["severity"], "warning");
    assert_eq!((&issuer["line"], &issuer["column"]), (&2.into(), &13.into()));
    assert_eq!((&issuer["end_line"], &issuer["end_column"]), (&2.into(), &40.into()));
    assert_eq!(underlined(WARNED, &issuer), "https://tenant.eu.auth0.com");
    assert!(issuer["help"].as_str().unwrap().contains("https://tenant.eu.auth0.com/"));
    assert_eq!(
        (&issuer["related"], &issuer["variable"], &issuer["more"]),
        (&Value::Array(vec![]), &Value::Null, &0.into())
    );

    let variable = problems.iter().find(|problem| problem["variable"] == "PORTCULLIS_LISEN__GRPC").unwrap();
    assert!(variable.get("line").is_none() && variable["code"].is_null(), "{variable}");

    let crossing = of(&broken, "crossing-patterns");
    assert_eq!((underlined(BROKEN, &crossing), &crossing["label"]), ("/users/me/{action}", &"this route".into()));
    let other = &crossing["related"][0];
    assert_eq!((underlined(BROKEN, other), &other["label"]), ("/users/{id}/delete", &"the other route".into()));
}

#[tokio::test]
async fn columns_count_characters_and_offsets_count_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let text = "routes: [{ id: 'é', path: /a, access: public }]\n";
    let file = write(dir.path(), "p.yaml", text);
    let said = run(&["check", "--format", "json", &file], &[]).await;
    let report: Value = serde_json::from_str(&said.out).unwrap();
    let problem = &report["problems"][0];
    assert_eq!((&problem["column"], &problem["end_column"]), (&16.into(), &19.into()), "{problem}");
    assert_eq!((&problem["offset"], &problem["length"]), (&15.into(), &4.into()), "{problem}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_in_the_json_as_well() {
    let said = run(&["check", "--format", "json", "/nowhere/p.yaml"], &[]).await;
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &report["errors"]), (2, &1.into()));
    assert!(report["problems"][0]["message"].as_str().unwrap().contains("there is no such file"), "{report}");
}

#[tokio::test]
async fn the_schema_is_printed() {
    let said = run(&["schema"], &[]).await;
    let sample = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/portcullis.schema.json")).unwrap();
    assert_eq!((said.code, said.out), (0, sample));
}

#[tokio::test]
async fn an_envoy_configuration_is_checked_with_or_without_ours() {
    let dir = tempfile::tempdir().unwrap();
    let sample = include_str!("../../envoy/ha.yaml");
    let with = |name: &str, from: &str, to: &str| {
        assert!(sample.contains(from), "the sample has no {from}");
        write(dir.path(), name, &sample.replacen(from, to, 1))
    };
    let good = write(dir.path(), "portcullis.yaml", GOOD);
    let clean = write(dir.path(), "envoy.yaml", sample);
    let one_endpoint = write(dir.path(), "one.yaml", include_str!("../../envoy/envoy.yaml"));
    let warned = with("raw.yaml", "encode_raw_headers: true", "encode_raw_headers: false");
    let broken = with("open.yaml", "failure_mode_allow: false", "failure_mode_allow: true");
    for (arguments, code) in [
        (vec!["--envoy", &*clean], 0),
        (vec!["--deny-warnings", "--envoy", &*clean, &*good], 0),
        (vec!["--envoy", &*one_endpoint, &*good], 0),
        (vec!["--deny-warnings", "--envoy", &*one_endpoint], 1),
        (vec!["--deny-warnings", "--allow", "envoy-single-endpoint", "--envoy", &*one_endpoint], 0),
        (vec!["--envoy", &*warned, &*good], 0),
        (vec!["--deny-warnings", "--envoy", &*warned], 1),
        (vec!["--deny-warnings", "--allow", "envoy-raw-headers", "--envoy", &*warned], 0),
        (vec!["--envoy", &*broken], 2),
        (vec!["--envoy", "/nowhere/envoy.yaml"], 2),
        (vec![], 2),
    ] {
        let said = run(&[&["check"], &*arguments].concat(), &[]).await;
        assert_eq!(said.code, code, "{arguments:?}: {}{}", said.out, said.err);
    }
    let said = run(&["check", "--envoy", &warned, &good], &[]).await;
    for told in [
        "portcullis.yaml is good: 1 issuer",
        "raw.yaml is good: every request is checked before it reaches an API; 1 warning",
    ] {
        assert!(said.out.contains(told), "{told}: {}", said.out);
    }
    assert!(said.err.contains("[envoy-raw-headers]"), "{}", said.err);
    let said = run(&["check", "--format", "json", "--envoy", &broken], &[]).await;
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["problems"][0]["code"], &report["errors"]), (&"envoy-fail-open".into(), &1.into()));
}

#[tokio::test]
async fn files_of_one_envoy_are_checked_together_and_from_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let rds = "resources:\n  - \"@type\": type.googleapis.com/envoy.config.route.v3.RouteConfiguration\n    virtual_hosts: []\n";
    let rds = write(dir.path(), "rds.yaml", rds);
    let pod = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "v1", "kind": "Service", "metadata": { "name": "api" } },
        { "apiVersion": "v1", "kind": "ConfigMap", "data": { "envoy.yaml": include_str!("../../envoy/ha.yaml") } },
    ] });
    let command = format!("exec \"$0\" check --envoy - --envoy \"$@\" <<'END'\n{pod}\nEND\n");
    let said_by = |more: &'static [&'static str]| {
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-c", &command, env!("CARGO_BIN_EXE_portcullis"), &rds]).args(more);
        async move { shell.output().await.unwrap() }
    };
    let said = said_by(&[]).await;
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert_eq!(said.status.code(), Some(0), "{out}{err}");
    assert!(out.contains("standard input, "), "{out}{err}");
    for told in ["rds.yaml are good as far as they were seen; 0 warnings", "not looked at:\n  the Service `api`"] {
        assert!(out.contains(told), "{told}: {out}{err}");
    }
    let said = said_by(&["--format", "json"]).await;
    let report: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(report["not_checked"], serde_json::json!(["the Service `api`"]), "{report}");
}

#[tokio::test]
async fn the_verdict_on_an_envoy_configuration_is_said_and_warnings_are_left_out_by_place() {
    let dir = tempfile::tempdir().unwrap();
    let sample = include_str!("../../envoy/ha.yaml");
    let listeners = sample.split_once("  listeners:\n").unwrap().1.split_once("\n  clusters:\n").unwrap().0;
    let (before, rest) = listeners.split_once("                  - name: envoy.filters.http.ext_authz\n").unwrap();
    let (_, after) = rest.split_once("                  - name: envoy.filters.http.router\n").unwrap();
    let open = format!("{before}                  - name: envoy.filters.http.router\n{after}")
        .replace("name: ingress", "name: metrics");
    let text = sample.replacen("\n  clusters:\n", &format!("\n{open}\n  clusters:\n"), 1);
    let file = write(dir.path(), "envoy.yaml", &text);
    let looked = "looked at 2 listeners, 2 filter chains, 2 HTTP connection managers, 2 routes, 2 clusters\n";
    let said = run(&["check", "--envoy", &file], &[]).await;
    let open = "envoy.yaml is not good: requests can pass unchecked, or changed after the decision (envoy-unchecked); 1 warning\n";
    assert!(said.out.ends_with(&format!("{open}{looked}")), "{}", said.out);
    let said = run(&["check", "--envoy", &file, "--deny-warnings", "--allow", "envoy-unchecked=metrics"], &[]).await;
    let allowed = "envoy.yaml is good but for what is allowed (envoy-unchecked): every other request is checked before it reaches an API; \
                   0 warnings\n";
    assert!(said.code == 0 && said.out.ends_with(&format!("{allowed}{looked}")), "{}{}", said.out, said.err);
    for (place, told) in [("metric", "did you mean `metrics`?"), ("api", "the places are `metrics`")] {
        let said = run(&["check", "--envoy", &file, "--allow", &format!("envoy-unchecked={place}")], &[]).await;
        assert!(said.code == 2 && said.err.contains(told), "{}", said.err);
    }
    let said = run(&["check", "--allow", "envoy-paths=metrics", "--envoy", &file], &[]).await;
    let unused = "note: `--allow envoy-paths=metrics` leaves nothing out: no warning of that name is in a place\n";
    assert!(said.code == 0 && said.err.starts_with(unused), "{}{}", said.code, said.err);
    let shut =
        write(dir.path(), "open.yaml", &sample.replacen("failure_mode_allow: false", "failure_mode_allow: true", 1));
    let said = run(&["check", "--allow", "envoy-fail-open", "--envoy", &shut], &[]).await;
    let error = "note: `--allow envoy-fail-open` leaves no error out\n";
    assert!(said.code == 2 && said.err.ends_with(error), "{}{}", said.code, said.err);
    let good = write(dir.path(), "portcullis.yaml", GOOD);
    let said = run(&["check", "--allow", "open-wildcard=a", &good], &[]).await;
    assert!(said.code == 2 && said.err.contains("name one with `--envoy`"), "{}", said.err);
    let said = run(&["check", "--format", "json", "--envoy", &file], &[]).await;
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["verdict"], &report["seen"]["managers"]), (&"open".into(), &2.into()), "{report}");
    assert_eq!(
        (&report["problems"][0]["listener"], &report["not_checked"]),
        (&"metrics".into(), &json!([])),
        "{report}"
    );
}

#[tokio::test]
async fn errors_of_our_configuration_leave_no_verdict_on_envoys() {
    let dir = tempfile::tempdir().unwrap();
    let broken = write(dir.path(), "portcullis.yaml", BROKEN);
    let good = write(dir.path(), "good.yaml", GOOD);
    let envoy = write(dir.path(), "envoy.yaml", include_str!("../../envoy/ha.yaml"));
    for ours in [&*broken, "/nowhere/p.yaml"] {
        let said = run(&["check", "--envoy", &envoy, ours], &[]).await;
        assert!(said.code == 2 && !said.out.contains("is good"), "{}", said.out);
        assert!(said.out.contains("envoy.yaml: the configuration of Portcullis has errors\n"), "{}", said.out);
        let said = run(&["check", "--format", "json", "--envoy", &envoy, ours], &[]).await;
        let report: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(report["verdict"], "wrong", "{report}");
    }
    let said = run(&["check", "--envoy", &envoy, &good], &[]).await;
    assert!(said.code == 0 && said.out.contains("envoy.yaml is good: every request"), "{}", said.out);
}

#[tokio::test]
async fn an_envoy_configuration_is_given_once() {
    let dir = tempfile::tempdir().unwrap();
    let envoy = write(dir.path(), "envoy.yaml", include_str!("../../envoy/ha.yaml"));
    let same = dir.path().join(".").join("envoy.yaml").to_str().unwrap().to_owned();
    for again in [&envoy, &same] {
        let said = run(&["check", "--envoy", &envoy, "--envoy", again], &[]).await;
        assert!(said.code == 2 && said.err.contains("is there twice: leave one out"), "{}", said.err);
    }
    let said = run(&["check", "--envoy", "-", "--envoy", "-"], &[]).await;
    assert!(said.code == 2 && said.err.contains("`--envoy -` is there twice"), "{}", said.err);
}

#[tokio::test]
async fn json_says_what_was_allowed_and_which_resource_a_problem_is_in() {
    let dir = tempfile::tempdir().unwrap();
    let sample = include_str!("../../envoy/kubernetes-envoy.yaml");
    let envoy = write(dir.path(), "envoy.yaml", sample);
    let report = |more: &'static [&'static str], file: &str| {
        let file = file.to_owned();
        async move {
            let said = run(&[&["check", "--format", "json", "--envoy", &file], more].concat(), &[]).await;
            serde_json::from_str::<Value>(&said.out).unwrap()
        }
    };
    let clean = report(&[], &envoy).await;
    assert_eq!((&clean["verdict"], &clean["allowed"]), (&"open".into(), &json!([])), "{clean}");
    let allowed = report(&["--allow", "envoy-plaintext"], &envoy).await;
    assert_eq!((&allowed["verdict"], &allowed["allowed"]), (&"good".into(), &json!(["envoy-plaintext"])), "{allowed}");
    let policy = write(dir.path(), "policy.yaml", include_str!("../../envoy/envoy-gateway.yaml"));
    let found = report(&[], &policy).await;
    let problem = &found["problems"][0];
    assert_eq!((&problem["resource_kind"], &problem["resource"]), (&"SecurityPolicy".into(), &"portcullis".into()));
    assert!(!problem["message"].as_str().unwrap().contains("SecurityPolicy"), "{problem}");
    let left = report(&["--allow", "envoy-raw-headers=portcullis"], &policy).await;
    assert_eq!(left["problems"], json!([]), "{left}");
    assert!(found["allowed"].is_array() && report(&[], &envoy).await["problems"][0]["resource"].is_null());
}

#[tokio::test]
async fn offline_says_of_its_own_files_only_that_nothing_was_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let good = write(dir.path(), "good.yaml", GOOD);
    let lds = write(dir.path(), "cds.yaml", "resources: []\n");
    let said = run(&["check", "--offline", "--envoy", &lds, &good], &[]).await;
    assert!(said.out.ends_with("--offline has left nothing out: the configuration names no file and no variable\n"));
    let said = run(&["check", "--offline", "--envoy", &lds], &[]).await;
    assert!(!said.out.contains("--offline"), "{}", said.out);
}

#[tokio::test]
async fn the_tests_that_a_file_names_are_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "p.yaml", &format!("{GOOD}tests: [t.yaml]\n"));
    for (tests, code, said) in [
        (None, 2, "no such file"),
        (Some("tests: [{ name: open, request: GET /a, expect: allow }]"), 2, "open (policy_test"),
        (Some("tests: [{ request: GET /a, expect: no_credentials }]"), 0, ""),
    ] {
        if let Some(tests) = tests {
            write(dir.path(), "t.yaml", tests);
        }
        let text = run(&["check", &file], &[]).await;
        assert_eq!(text.code, code, "{}", text.err);
        let said = said.replace("policy_test", &dir.path().join("t.yaml").display().to_string());
        let joined: String = text.err.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
        assert!(code == 0 || joined.contains("the policy's own tests fail"), "{}", text.err);
        assert!(joined.replace(' ', "").contains(&said.replace(' ', "")), "{said}: {}", text.err);
        let json: Value = serde_json::from_str(&run(&["check", "--format", "json", &file], &[]).await.out).unwrap();
        assert_eq!(json["errors"], i32::from(code != 0), "{json}");
    }
}
