//! `portcullis test`, the real binary: the samples, what goes wrong, what is printed and written.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{readme, support::process::portcullis};

const SAMPLE: &str = include_str!("../../envoy/policy_test.yaml");
const POLICY: &str = include_str!("../../envoy/portcullis.yaml");

/// Exit code, standard output and standard error.
async fn run(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = portcullis(&[&["test"], arguments].concat()).current_dir(dir).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(!format!("{out}{err}").contains('\u{1b}'), "no colours and no progress into a pipe: {out}{err}");
    (output.status.code().unwrap(), out, err)
}

/// A directory with a policy and its tests.
fn dir(policy: &str, tests: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("portcullis.yaml"), policy).unwrap();
    fs::write(dir.path().join("policy_test.yaml"), tests).unwrap();
    dir
}

/// Where the sample's rule for a path stands.
fn place(path: &str) -> String {
    let line = POLICY.lines().position(|line| line.ends_with(&format!("path: {path}"))).unwrap() + 1;
    format!("(portcullis.yaml:{line})")
}

/// The sample without the lines that have some text.
fn without(part: &str) -> String {
    let left: Vec<&str> = SAMPLE.lines().filter(|line| !line.contains(part)).collect();
    assert!(left.len() < SAMPLE.lines().count(), "{part}");
    left.join("\n")
}

#[tokio::test]
async fn the_samples_cover_their_policies_and_notice_every_mutant() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for sample in ["envoy/policy_test.yaml", "envoy/tenants_test.yaml"] {
        let minimum = ["--min-coverage", "100", "--min-mutation", "100", sample];
        let (code, out, err) = run(root, &minimum).await;
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        for told in ["coverage 100 %", "mutation 100 %"] {
            assert!(out.contains(told), "{told} not in {out}");
        }
    }
}

#[tokio::test]
async fn the_quickstart_of_the_readme_passes_the_sample_tests_as_well() {
    let quickstart = readme::yaml("## Five minutes to Envoy");
    let (code, out, err) = run(dir(quickstart, SAMPLE).path(), &["policy_test.yaml"]).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
}

#[tokio::test]
async fn the_readmes_tests_pass() {
    let (config, tests) = (readme::yaml("## Five minutes to Envoy"), readme::yaml("### Testing a policy"));
    let minimum = ["--min-coverage", "100", "--min-mutation", "100", "policy_test.yaml"];
    let (code, out, err) = run(dir(config, tests).path(), &minimum).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
}

#[tokio::test]
async fn a_weakened_policy_is_red() {
    for (strong, weak, failed) in [
        ("access: authenticated", "access: public", "private paths take any good token"),
        ("scopes: [read:messages]", "access: authenticated", "messages need read:messages / too little scope"),
        ("scopes: [read:messages]", "scopes: [openid]", "messages need read:messages"),
        ("access: public", "access: optional", "everybody may read what is public / #2"),
        ("path: /api/private\n", "path: /api/private/**\n", "what no route covers is denied"),
        ("routes:", "routes:\n  - { path: /**, access: public }", "what no route covers is denied"),
    ] {
        assert!(POLICY.contains(strong), "{strong}");
        let (code, out, _) = run(dir(&POLICY.replacen(strong, weak, 1), SAMPLE).path(), &["policy_test.yaml"]).await;
        assert_eq!(code, 1, "{weak}: {out}");
        assert!(out.contains("FAIL policy_test.yaml:") && out.contains(failed), "{failed} not in {out}");
    }
}

#[tokio::test]
async fn a_failure_reads_well() {
    let tests = "config: portcullis.yaml
tests:
  - name: too much is asked for
    request: GET /api/private-scoped
    token: { subject: alice }
    expect: allow
";
    let (code, out, _) = run(dir(POLICY, tests).path(), &["policy_test.yaml"]).await;
    assert_eq!(code, 1);
    let [public, private, scoped] = ["/api/public", "/api/private", "/api/private-scoped"].map(place);
    let expected = format!(
        "FAIL policy_test.yaml:3 too much is asked for
  decision
    expected: allow
    found:    deny (403 insufficient_scope)
  rule: `* /api/private-scoped` {scoped}
  why:  portcullis explain --config portcullis.yaml --claims '{{\"aud\":\"https://api.example.com\",\"exp\":1767225900,\"iat\":1767225600,\"iss\":\"http://127.0.0.1:9400/\",\"sub\":\"alice\"}}' --method GET --host localhost --at 2026-01-01T00:00:00Z /api/private-scoped

portcullis.yaml: 0 of 1 test passed
coverage 0 %: 0 of 6 goals
  `* /api/public` {public}: no passing test
  `* /api/private` {private}: no passing test
  `* /api/private-scoped` {scoped}: no passing test
"
    );
    assert_eq!(out, expected);
}

#[tokio::test]
async fn of_many_failures_the_first_fifty_are_shown_and_the_others_counted() {
    let case = |number| format!("  - {{ name: test {number}, request: GET /api/public, expect: deny }}\n");
    let tests = format!("config: portcullis.yaml\ntests:\n{}", (1..=53).map(case).collect::<String>());
    let (code, out, _) = run(dir(POLICY, &tests).path(), &["policy_test.yaml"]).await;
    assert_eq!((code, out.matches("FAIL ").count()), (1, 50), "{out}");
    assert!(out.contains("\nand 3 more that failed\n\nportcullis.yaml: 0 of 53 tests passed\n"), "{out}");
}

#[tokio::test]
async fn the_command_that_shows_why_runs_as_it_is_printed() {
    let tests = "tests:
  - { request: GET /api/private-scoped, token: { subject: it's me }, expect: allow }
  - { request: { path: '/api/private?a=b c', headers: { x-a: '$HOME' } }, token: expired, expect: allow }
  - { request: POST https://h.example/api//private, expect: allow }
";
    let dir = dir(POLICY, tests);
    let (_, out, _) = run(dir.path(), &["--config", "portcullis.yaml", "policy_test.yaml"]).await;
    let commands: Vec<&str> = out.lines().filter_map(|line| line.trim().strip_prefix("why:")).collect();
    assert_eq!(commands.len(), 3, "{out}");
    let bin = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    for (command, reason) in commands.iter().zip(["insufficient_scope", "token_expired", "request_empty_segment"]) {
        let mut shell = tokio::process::Command::new("/bin/sh");
        shell.env("PATH", bin).current_dir(dir.path()).args(["-c", command.trim()]);
        let output = shell.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(&format!("denied: {reason}")), "{said}");
    }
}

#[tokio::test]
async fn a_gap_is_listed_and_fails_only_below_a_minimum() {
    let (before, rest) = SAMPLE.split_once("      - name: too little scope\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let dir = dir(POLICY, &format!("{before}\n{after}"));
    let (code, out, _) = run(dir.path(), &["--mutate", "policy_test.yaml"]).await;
    assert_eq!(code, 0, "{out}");
    let scoped = place("/api/private-scoped");
    let told = format!("no test notices: `* /api/private-scoped` {scoped} without scope read:messages");
    assert!(out.contains(&told) && out.contains("no token is turned away for it"), "{out}");
    for minimum in ["--min-mutation", "--min-coverage"] {
        let (code, out, _) = run(dir.path(), &[minimum, "100", "policy_test.yaml"]).await;
        assert!(code == 1 && out.contains("less than 100 %"), "{out}");
        assert_eq!(run(dir.path(), &[minimum, "50", "policy_test.yaml"]).await.0, 0);
    }
}

#[tokio::test]
async fn results_are_written_for_programs() {
    let dir = dir(&POLICY.replace("access: authenticated", "access: public"), SAMPLE);
    let arguments = ["--format", "json", "--junit", "out.xml", "policy_test.yaml"];
    let (code, out, _) = run(dir.path(), &arguments).await;
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["passed"]), (1, &Value::Bool(false)));
    let report = &json["configurations"][0];
    let failed: Vec<&Value> =
        report["tests"].as_array().unwrap().iter().filter(|test| test["passed"] == false).collect();
    assert_eq!(format!("({})", failed[0]["rule_written_at"].as_str().unwrap()), place("/api/private"));
    assert_eq!(failed[0]["file"], "policy_test.yaml");
    assert!(report["coverage"]["percent"].is_u64() && failed[0]["mismatches"][0]["expected"].is_string());
    let xml = fs::read_to_string(dir.path().join("out.xml")).unwrap();
    assert_eq!(xml.matches("<failure ").count(), failed.len());
    assert_eq!(xml.matches("<testcase ").count(), report["tests"].as_array().unwrap().len());
    let (code, out, _) =
        run(Path::new(env!("CARGO_MANIFEST_DIR")), &["--mutate", "--format", "json", "envoy/policy_test.yaml"]).await;
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &json["passed"], &json["configurations"][0]["mutation"]["percent"]),
        (0, &true.into(), &100.into())
    );
}

#[tokio::test]
async fn what_can_not_fail_is_an_error() {
    let dir = dir(POLICY, SAMPLE);
    for (arguments, told) in [
        (&["--filter", "no such name", "policy_test.yaml"][..], "no test has `no such name`"),
        (&["--config", "portcullis.yaml"], "tests: [policy_test.yaml]"),
        (&["--filter", "x", "--min-coverage", "1", "policy_test.yaml"], "--filter"),
        (&["--min-coverage", "101", "policy_test.yaml"], "101"),
        (&["missing.yaml"], "no such file"),
        (&["--config", "missing.yaml", "policy_test.yaml"], "no such file"),
        (&["--junit", "no/such/dir.xml", "policy_test.yaml"], "can't be written"),
        (&[], "there is no file of tests"),
    ] {
        let (code, _, err) = run(dir.path(), arguments).await;
        assert!(code == 2 && err.contains(told), "{arguments:?}: {code} {err}");
    }
    let (code, out, _) = run(dir.path(), &["--filter", "messages need", "policy_test.yaml"]).await;
    assert!(code == 0 && out.contains("3 of 3 tests passed, 15 left out"), "{out}");
}

#[tokio::test]
async fn the_configuration_can_name_its_tests_and_needs_no_secret() {
    let policy = POLICY
        .replace("routes:", "tests: [policy_test.yaml]\nroutes:")
        .replace("audiences:", "secret_file: not-on-this-machine\n    audiences:");
    let dir = dir(&policy, &without("config: portcullis.yaml"));
    let (code, out, err) = run(dir.path(), &["--config", "portcullis.yaml"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("18 of 18"), "{out}");
}

#[tokio::test]
async fn files_that_make_no_sense_are_exit_2_and_told() {
    let test = |token: &str| format!("tests: [{{ request: GET /, token: {token}, expect: deny }}]");
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let rows = |what: &str| vec![what; 200].join(", ");
    let bomb = format!("a: &a [{0}]\nb: &b [{1}]\nc: &c [{2}]\ntests: *c", rows("x"), rows("*a"), rows("*b"));
    for (text, told) in [
        (b"".to_vec(), "the file is empty"),
        (b"\xFF\xFE".to_vec(), "not UTF-8"),
        (b"tests: [".to_vec(), "not valid YAML"),
        (b"tests: []\ntests: []".to_vec(), "there twice"),
        (vec![b' '; 10 << 20], "more than 8 MiB"),
        (test(&deep).into_bytes(), "flatten it"),
        (bomb.into_bytes(), "aliases written out"),
        (test("{ claims: { a: 1, a: 2 } }").into_bytes(), "there twice"),
        (test("!x valid").into_bytes(), "tags"),
    ] {
        let dir = dir(POLICY, "");
        fs::write(dir.path().join("policy_test.yaml"), &text).unwrap();
        let (code, out, err) = run(dir.path(), &["--config", "portcullis.yaml", "policy_test.yaml"]).await;
        assert_eq!((code, out.as_str()), (2, ""), "{told}: {err}");
        assert!(err.contains(told), "{told} not in {err}");
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_said_at_the_line_that_names_it() {
    let dir = dir(POLICY, "tests: [{ request: GET /, expect: deny }]\nconfig: portcullis.yml\n");
    let (code, _, err) = run(dir.path(), &["policy_test.yaml"]).await;
    assert_eq!(code, 2);
    for told in ["the configuration `portcullis.yml` can't be read: there is no such file", "policy_test.yaml:2:9"] {
        assert!(err.contains(told), "{told} not in {err}");
    }
    let (code, _, err) = run(dir.path(), &["--config", "portcullis.yaml", "policy_test.yaml"]).await;
    assert_eq!(code, 0, "{err}");
}

#[tokio::test]
async fn programs_read_the_problems_of_a_file_as_json() {
    let dir = dir(POLICY, "tests: [{ request: GET /, expect: forbidden }]\n");
    let (code, out, err) =
        run(dir.path(), &["--format", "json", "--config", "portcullis.yaml", "policy_test.yaml"]).await;
    assert_eq!((code, err.as_str()), (2, ""), "{out}");
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["passed"], false);
    let problem = &json["problems"]["problems"][0];
    assert_eq!((&problem["file"], &problem["line"]), (&"policy_test.yaml".into(), &1.into()), "{json}");
    assert_eq!(problem["help"], "write the status: `403`");
}

#[tokio::test]
async fn what_the_api_gets_is_what_is_judged_as_upstream() {
    let request = "request: { path: /api/private, headers: { x-admin: '1', x-auth-subject: forged } }, token: valid";
    let test = |header: &str, value: &str| {
        format!("tests: [{{ {request}, expect: {{ decision: allow, upstream: {{ {header}: {value} }} }} }}]\n")
    };
    let keeps_token = "identity: { forward_authorization: false }\n";
    for (more, header, value, passes) in [
        ("", "authorization", "~", false),
        (keeps_token, "authorization", "~", true),
        ("", "authorization", "{ contains: Bearer }", true),
        ("", "x-admin", "~", false),
        ("", "x-admin", "'1'", true),
        ("", "x-auth-subject", "forged", false),
        ("", "x-auth-client-id", "~", true),
        ("", "x-nowhere", "~", true),
    ] {
        let dir = dir(&format!("{POLICY}{more}"), &test(header, value));
        let (code, out, err) = run(dir.path(), &["--config", "portcullis.yaml", "policy_test.yaml"]).await;
        assert_eq!(code, i32::from(!passes), "{more}{header}: {value}\n{out}{err}");
    }
}

#[tokio::test]
async fn nothing_of_a_test_acts_on_a_terminal_or_tells_a_query() {
    let path = r#""/priv?access_token=QSECRET\e[31m\e]0;title\a\nFORGED LINE""#;
    let dir =
        dir(POLICY, &format!("config: portcullis.yaml\ntests: [{{ request: {{ path: {path} }}, expect: allow }}]\n"));
    for arguments in [&["policy_test.yaml"][..], &["--format", "json", "policy_test.yaml"]] {
        let (code, out, err) = run(dir.path(), arguments).await;
        assert_eq!(code, 1, "{out}{err}");
        assert!(!format!("{out}{err}").contains("QSECRET"), "{out}{err}");
        assert!(!format!("{out}{err}").lines().any(|line| line.starts_with("FORGED")), "{out}{err}");
    }
    let names = dir.path().join("names.yaml");
    fs::write(
        names,
        "config: portcullis.yaml\ntests: [{ request: GET /, expect: { status: 403, headers: { \"a\\e[31m\": x } } }]\n",
    )
    .unwrap();
    let (code, out, err) = run(dir.path(), &["names.yaml"]).await;
    assert!(code == 2 && format!("{out}{err}").contains("is not the name of a header"), "{out}{err}");
}
