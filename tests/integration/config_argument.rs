//! One convention for all commands, a configuration is an argument or `--config`, and checks without what it names.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::process::portcullis;

const POLICY: &str = "listen: { grpc: 'unix:/nonexistent/s', admin: off }\n\
    issuers: [{ issuer: https://i.example/, audiences: [a] }]\nroutes: [{ path: /a, scopes: [s] }]\n";
const TESTS: &str = "tests: [{ request: GET /a, expect: no_credentials }]\n";
const ENVOY: &str = "static_resources: { listeners: [] }\n";

async fn run(dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = portcullis(arguments);
    let output = command.current_dir(dir).envs(environment.iter().copied()).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn directory() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("p.yaml", POLICY.to_owned()),
        ("own.yaml", format!("{POLICY}tests: [t.yaml]\n")),
        ("t.yaml", TESTS.to_owned()),
        ("envoy.yaml", ENVOY.to_owned()),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

#[tokio::test]
async fn a_configuration_is_an_argument_or_an_option_everywhere() {
    let dir = directory();
    // The socket's directory is not there: a start gets as far as to say so.
    for (command, rest, code, told) in [
        (&["serve"][..], &[][..], 2, "/nonexistent/s"),
        (&["check"], &[], 0, "own.yaml is good"),
        (&["test"], &[], 0, "1 of 1 test passed"),
        (&["explain"], &["GET", "/a"], 1, "no_credentials"),
        (&["explain"], &["/a"], 1, "no_credentials"),
        (&["health"], &["--timeout", "1s"], 1, "unix:/nonexistent/s"),
    ] {
        for given in [&["own.yaml"][..], &["--config", "own.yaml"]] {
            let arguments = [command, given, rest].concat();
            let (got, out, err) = run(dir.path(), &arguments, &[]).await;
            assert!(got == code && format!("{out}{err}").contains(told), "{arguments:?}: {got} {out}{err}");
        }
        let arguments = [command, rest].concat();
        let (got, out, err) = run(dir.path(), &arguments, &[("PORTCULLIS_CONFIG", "own.yaml")]).await;
        assert!(got == code && format!("{out}{err}").contains(told), "{arguments:?}: {got} {out}{err}");
        // What is given counts, not the variable.
        let arguments = [command, &["own.yaml"], rest].concat();
        let (got, out, err) = run(dir.path(), &arguments, &[("PORTCULLIS_CONFIG", "none.yaml")]).await;
        assert!(got == code && format!("{out}{err}").contains(told), "{arguments:?}: {got} {out}{err}");
        let arguments = [command, &["p.yaml", "--config", "own.yaml"], rest].concat();
        let (got, out, err) = run(dir.path(), &arguments, &[]).await;
        let is_told = err.contains("cannot be used with") || err.contains("is given twice");
        assert!(got == 2 && is_told, "{arguments:?}: {got} {out}{err}");
    }
    let (code, out, err) = run(dir.path(), &["test", "p.yaml", "t.yaml"], &[]).await;
    assert!(code == 0 && out.contains("p.yaml: 1 of 1 test passed"), "{out}{err}");
    let (code, _, err) = run(dir.path(), &["test", "p.yaml", "own.yaml"], &[]).await;
    assert!(code == 2 && err.contains("are both configurations"), "{err}");
}

#[tokio::test]
async fn the_usage_of_each_command_has_both_ways() {
    let dir = directory();
    for command in ["serve", "health", "check", "test", "explain"] {
        let (code, out, err) = run(dir.path(), &[command, "--help"], &[]).await;
        let lines: Vec<&str> =
            out.lines().skip_while(|line| !line.starts_with("Usage: ")).take(2).map(str::trim).collect();
        let [argument, option] = lines.as_slice() else { panic!("{command}: {code} {out}{err}") };
        assert!(argument.starts_with(&format!("Usage: portcullis {command} [OPTIONS] [FILE]")), "{argument}");
        assert!(option.starts_with(&format!("portcullis {command} [OPTIONS] --config <FILE>")), "{option}");
    }
}

/// The commands that help names are those that there are.
#[tokio::test]
async fn our_own_configuration_given_as_envoys_is_told_where_it_belongs() {
    let dir = directory();
    let (code, _, err) = run(dir.path(), &["check", "--envoy", "p.yaml"], &[]).await;
    assert!(code == 2 && err.contains("this is a configuration of Portcullis, not of Envoy"), "{err}");
    for arguments in [&["check", "p.yaml"][..], &["check", "--envoy", "envoy.yaml", "p.yaml"]] {
        let named = arguments.join(" ").replace("envoy.yaml", "ENVOY_FILE").replace("p.yaml", "portcullis.yaml");
        assert!(err.contains(&format!("portcullis {named}`")), "{named}: {err}");
        let (code, out, err) = run(dir.path(), arguments, &[]).await;
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    }
}

#[tokio::test]
async fn what_begins_with_a_slash_is_a_request_unless_one_follows() {
    let dir = directory();
    let absolute = dir.path().join("p.yaml").display().to_string();
    let (code, out, err) = run(dir.path(), &["explain", &absolute, "GET", "/a"], &[]).await;
    assert!(code == 1 && out.contains("no_credentials"), "{out}{err}");
    let (code, out, err) = run(dir.path(), &["explain", "--config", "p.yaml", "/p.yaml"], &[]).await;
    assert!(code == 1 && out.contains("no_route"), "{out}{err}");
    let (code, out, err) = run(dir.path(), &["explain", "p.yaml"], &[]).await;
    assert!(code == 2 && err.contains("there is no request"), "{out}{err}");
    // A file needs no special name before a request, and is none of its parts elsewhere.
    fs::copy(dir.path().join("p.yaml"), dir.path().join("cfg")).unwrap();
    let named = dir.path().join("cfg").display().to_string();
    for words in [
        &["cfg", "GET", "/a"][..],
        &[&named, "GET", "/a"],
        &[&named, "/a"],
        &["cfg", "/a"],
        &["cfg", "GET /a HTTP/1.1"],
    ] {
        let (code, out, err) = run(dir.path(), &[&["explain"], words].concat(), &[]).await;
        assert!(code == 1 && out.contains("no_credentials"), "{words:?} {out}{err}");
    }
    let (code, out, err) = run(dir.path(), &["explain", &named], &[("PORTCULLIS_CONFIG", "p.yaml")]).await;
    assert!(code == 2 && err.contains("there is no request behind it"), "{out}{err}");
    for words in [&["GET", "/a", "p.yaml"][..], &["/a", "p.yaml"]] {
        let (code, out, err) = run(dir.path(), &[&["explain"], words].concat(), &[]).await;
        assert!(code == 2 && err.contains("the configuration goes before the request"), "{words:?} {out}{err}");
    }
    // What may be a token is not repeated.
    let (code, out, err) = run(dir.path(), &["explain", "sesame", "GET", "/a"], &[]).await;
    assert!(code == 2 && !format!("{out}{err}").contains("sesame"), "{out}{err}");
}

#[tokio::test]
async fn a_file_of_another_kind_is_told_where_it_belongs() {
    let dir = directory();
    fs::write(dir.path().join("k.yaml"), "apiVersion: v1\nkind: ConfigMap\ndata: { a: b }\n").unwrap();
    for (file, told) in [("envoy.yaml", "check --envoy"), ("k.yaml", "an object of Kubernetes")] {
        let (code, out, err) = run(dir.path(), &["test", "--config", "p.yaml", file], &[]).await;
        assert!(code == 2 && err.contains(told) && err.contains(": 1 error"), "{file}: {out}{err}");
    }
    let (code, _, err) = run(dir.path(), &["check", "--config", "p.yaml", "p.yaml"], &[]).await;
    assert!(code == 2 && err.contains("Usage: portcullis check [OPTIONS] [FILE]..."), "{err}");
    for command in ["check", "serve", "explain"] {
        for (file, told) in
            [("envoy.yaml", "check --envoy"), ("t.yaml", "portcullis test FILE"), ("k.yaml", "an object of Kubernetes")]
        {
            let rest: &[&str] = if command == "explain" { &["GET", "/a"] } else { &[] };
            let (code, out, err) = run(dir.path(), &[&[command, file], rest].concat(), &[]).await;
            assert!(code == 2 && err.contains(told) && err.contains(": 1 error"), "{command} {file}: {out}{err}");
        }
    }
    // What is told is what there is.
    let (code, out, err) = run(dir.path(), &["check", "--envoy", "envoy.yaml", "p.yaml"], &[]).await;
    assert!(code == 0 && err.contains("envoy-nothing-checked"), "{out}{err}");
    let (code, out, err) = run(dir.path(), &["test", "--config", "p.yaml", "t.yaml"], &[]).await;
    assert_eq!(code, 0, "{out}{err}");
    let (code, _, err) = run(dir.path(), &["check"], &[]).await;
    assert!(code == 2 && err.contains("portcullis check portcullis.yaml"), "{err}");
}

#[tokio::test]
async fn an_offline_check_reads_nothing_that_is_named_and_says_so() {
    let dir = directory();
    let named = "issuers:\n\
        - { issuer: https://a.example/, audiences: [a], secret_env: PARTNER_SECRET }\n\
        - { issuer: https://b.example/, audiences: [a], secret_file: /run/secrets/hunter2 }\n\
        - { issuer: https://c.example/, audiences: [a], jwks_file: keys.json }\n\
        - { issuer: https://d.example/, audiences: [a], ca_file: /var/run/ca.crt }\n\
        - { issuer: https://e.example/, audiences: [a], public_key_file: key.pem }\n\
        keys_dir: /var/lib/keys\n\
        tests: [t.yaml, none.yaml]\n\
        routes: [{ path: /a, scopes: [s] }]\n";
    fs::write(dir.path().join("named.yaml"), named).unwrap();
    let (code, _, err) = run(dir.path(), &["check", "named.yaml"], &[]).await;
    assert!(code == 2 && err.contains("PARTNER_SECRET"), "what is not there is an error otherwise: {err}");
    let (code, out, err) = run(dir.path(), &["check", "--offline", "--deny-warnings", "named.yaml"], &[]).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let expected = "named.yaml is good: 5 issuers, 1 route, 0 warnings\n\
        not checked, as it was offline:\n  \
        named.yaml: `secret_env` `PARTNER_SECRET` of the issuer `https://a.example/` (named.yaml:2)\n  \
        named.yaml: `secret_file` of the issuer `https://b.example/` (named.yaml:3)\n  \
        named.yaml: `jwks_file` `keys.json` of the issuer `https://c.example/` (named.yaml:4)\n  \
        named.yaml: `ca_file` `/var/run/ca.crt` of the issuer `https://d.example/` (named.yaml:5)\n  \
        named.yaml: `public_key_file` `key.pem` of the issuer `https://e.example/` (named.yaml:6)\n  \
        named.yaml: `keys_dir` `/var/lib/keys` (named.yaml:7)\n  \
        named.yaml: `tests` `none.yaml`: there is no such file\n";
    assert_eq!(out, expected);
    let (_, out, _) = run(dir.path(), &["check", "--offline", "--format", "json", "named.yaml"], &[]).await;
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["errors"], report["not_checked"].as_array().map(Vec::len)), (&0.into(), Some(7)), "{out}");
    let (_, out, _) = run(dir.path(), &["check", "--offline", "p.yaml"], &[]).await;
    assert!(
        out.ends_with("--offline has left nothing out: the configuration names no file and no variable\n"),
        "{out}"
    );
    let (_, out, _) = run(dir.path(), &["check", "--format", "json", "p.yaml"], &[]).await;
    assert!(!out.contains("not_checked"), "{out}");
}

#[tokio::test]
async fn an_offline_check_finds_what_is_wrong_with_the_file_itself() {
    let dir = directory();
    let policy = |issuer: &str, route: &str| {
        format!(
            "issuers: [{{ issuer: https://i.example/, audiences: [a], {issuer} }}]\nroutes: [{{ path: /a, {route} }}]\n"
        )
    };
    for (text, code, told) in [
        (policy("secret_env: ABSENT, algorithms: [RS256]", "scopes: [s]"), 2, "doesn't fit"),
        (policy("secret_env: ABSENT", "scopes: ['a,b']"), 1, "scope-syntax"),
        (policy("secret_env: ABSENT", "claims: { iss: { equals: x } }"), 1, "never-met"),
        (policy("secret_env: ABSENT, clients: [$CLIENT]", "scopes: [s]"), 1, "placeholder"),
        (format!("{}tests: [bad.yaml]\n", policy("secret_env: ABSENT", "access: public")), 2, "own tests fail"),
    ] {
        fs::write(dir.path().join("x.yaml"), text).unwrap();
        fs::write(dir.path().join("bad.yaml"), TESTS).unwrap();
        let (got, out, err) = run(dir.path(), &["check", "--offline", "--deny-warnings", "x.yaml"], &[]).await;
        assert!(got == code && err.contains(told), "{told}: {out}{err}");
    }
}
