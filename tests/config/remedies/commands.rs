//! Help about command lines, followed: a command that is wrong is run again as it says, and then taken.

use std::{fs, path::Path, process::Command};

use super::sources::{is_done, literals, sources_of, unfollowed};
use crate::envoy_faults::SAMPLE;

const POLICY: &str = "listen: { admin: '127.0.0.1:0' }\nissuers: [{ issuer: https://i.example/, audiences: [a] }]\n\
    routes: [{ path: /a, scopes: [s] }, { path: /open, access: public }]\n";
const CAPTURED: &str =
    r#"{ "attributes": { "request": { "http": { "method": "GET", "path": "/a", "host": "a.test" } } } }"#;

/// A command line whose help is followed, and the one that follows it. Words are separated by spaces; in the variables `;`
/// stands for one.
struct Case {
    before: &'static str,
    after: &'static str,
    variables: &'static [(&'static str, &'static str)],
}

const fn case(before: &'static str, after: &'static str) -> Case {
    Case { before, after, variables: &[] }
}

const CASES: [Case; 31] = [
    case("check", "check p.yaml"),
    case("check --envoy p.yaml", "check p.yaml"),
    case("check --envoy envoy.yaml --envoy envoy.yaml", "check --envoy envoy.yaml"),
    case("check --allow envoy-unchecked=calls p.yaml", "check --allow envoy-unchecked=calls --envoy envoy.yaml p.yaml"),
    case("check --allow envoy-unchecked=calls p.yaml", "check --allow envoy-unchecked p.yaml"),
    case("explain p.yaml", "explain p.yaml GET https://api.example.com/path"),
    case("explain p.yaml", "explain p.yaml --check-request captured.json"),
    case("explain p.yaml no-path", "explain p.yaml GET /path"),
    case("explain p.yaml no-path", "explain p.yaml GET https://host/path"),
    case("explain GET /a p.yaml", "explain p.yaml GET /a"),
    case("explain GET /a p.yaml", "explain GET /a --config p.yaml"),
    Case { before: "explain DIR/cfg", after: "explain GET DIR/cfg", variables: &[("PORTCULLIS_CONFIG", "p.yaml")] },
    case("explain p.yaml /a --config p.yaml", "explain /a --config p.yaml"),
    case("explain p.yaml /a --check-request captured.json", "explain p.yaml --check-request captured.json"),
    case("explain p.yaml /a --header name", "explain p.yaml /a --header name:;value"),
    case("explain p.yaml /a --at soon", "explain p.yaml /a --at now-5m"),
    case("explain p.yaml /a --at soon", "explain p.yaml /a --at 2026-01-31T12:00:00Z"),
    case("explain p.yaml /a --token @response.json", "explain p.yaml /a --token @tokens/access_token"),
    case("explain p.yaml /a --token @quoted", "explain p.yaml /a --token @tokens/access_token"),
    case("explain p.yaml /a --token tokens/access_token", "explain p.yaml /a --token @tokens/access_token"),
    case("explain p.yaml /a --claims scope=x", "explain p.yaml /a --claims {\"scope\":;\"read:messages\"}"),
    case(
        "explain p.yaml /a --header authorization:x --token @tokens/access_token",
        "explain p.yaml /a --token @tokens/access_token",
    ),
    case("explain two.yaml /a --claims {}", "explain two.yaml /a --claims {\"iss\":;\"https://j.example/\"}"),
    case("explain public.yaml /a --claims {}", "explain public.yaml /a"),
    case("test p.yaml --config p.yaml t.yaml", "test --config p.yaml t.yaml"),
    case("test p.yaml two.yaml t.yaml", "test p.yaml t.yaml"),
    case("test t.yaml", "test with_config.yaml"),
    case("test p.yaml", "test p.yaml t.yaml"),
    case("test p.yaml", "test own.yaml"),
    Case {
        before: "test",
        after: "test from_environment.yaml",
        variables: &[("PORTCULLIS_ISSUER", "https://i.example/"), ("PORTCULLIS_AUDIENCE", "a")],
    },
    case("health p.yaml", "health with_port.yaml"),
];

/// Runs a command in a directory. Returns its exit code and what it says on standard error.
fn run(dir: &Path, line: &str, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let there = dir.display().to_string();
    let words = line.split(' ').map(|word| word.replace("DIR", &there).replace(';', " "));
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(words).current_dir(dir).env_clear().envs(variables.iter().copied());
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Gives the sample for Envoy with a listener `calls` that has no ext_authz filter.
fn envoy() -> String {
    let calls = "  listeners:
    - name: calls
      address: { socket_address: { address: 127.0.0.1, port_value: 9001 } }
      filter_chains:
        - filters:
            - name: http
              typed_config:
                \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: calls
                http_filters: [{ name: r, typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
                route_config: { virtual_hosts: [{ name: all, domains: ['*'], routes: [{ match: { prefix: / }, route: { cluster: upstream } }] }] }
";
    SAMPLE.replacen("  listeners:\n", calls, 1)
}

fn directory() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("tokens")).unwrap();
    let second = POLICY.replace("issuers: [", "issuers: [{ issuer: https://j.example/, audiences: [a] }, ");
    for (name, text) in [
        ("p.yaml", POLICY),
        ("cfg", POLICY),
        ("two.yaml", &second),
        ("own.yaml", &format!("{POLICY}tests: [policy_test.yaml]\n")),
        ("with_port.yaml", &POLICY.replace(":0'", ":9'")),
        ("public.yaml", "routes: [{ path: /a, access: public }]\n"),
        ("t.yaml", "tests: [{ request: GET /a, expect: no_credentials }]\n"),
        ("policy_test.yaml", "tests: [{ request: GET /a, expect: no_credentials }]\n"),
        ("from_environment.yaml", "tests: [{ request: GET /a, expect: no_credentials }]\n"),
        ("envoy.yaml", &envoy()),
        ("portcullis.yaml", POLICY),
        ("with_config.yaml", "config: portcullis.yaml\ntests: [{ request: GET /a, expect: no_credentials }]\n"),
        ("captured.json", CAPTURED),
        ("response.json", "{\"access_token\": \"a.b.c\"}"),
        ("quoted", "\"a.b.c\""),
        ("tokens/access_token", "a.b.c"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// A command line with the texts of the files that it names.
fn whole(dir: &Path, line: &str) -> String {
    let texts = line.split(' ').filter_map(|word| fs::read_to_string(dir.join(word)).ok());
    [line.replace(';', " ")].into_iter().chain(texts).collect::<Vec<_>>().join("\n")
}

/// The exit code of a command line or a file that is wrong.
const USAGE: Option<i32> = Some(2);

#[test]
fn a_command_is_taken_once_its_help_is_followed() {
    let dir = directory();
    let failed: Vec<String> = CASES.iter().filter_map(|case| failure(dir.path(), case)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n---\n"));
}

/// Describes the failure of a case, if it has one.
fn failure(dir: &Path, Case { before, after, variables }: &Case) -> Option<String> {
    let (code, told) = run(dir, before, variables);
    if code != USAGE {
        return Some(format!("{before}: exit code {code:?}: {told}"));
    }
    // Names in help stand for those at hand, and what is in brackets may be there.
    let told = told.replace("portcullis check portcullis.yaml", "check p.yaml").replace("[METHOD]", "GET");
    // The field is where to write, and not what.
    let told = told.replace("`listen.admin`", "listen.admin");
    // Of two things that it offers, one may have no words of its own.
    let mut ways = CASES.iter().filter(|case| case.before == *before);
    let leaves_out = |case: &Case| case.after.split(' ').all(|word| before.split(' ').any(|old| old == word));
    let is_as_told = ways.any(|case| is_done(&told, &whole(dir, before), &whole(dir, case.after)) || leaves_out(case));
    if !is_as_told {
        return Some(format!("not as the help says: {after}: {told}"));
    }
    let (code, told) = run(dir, after, variables);
    (code != Some(0) && code != Some(1)).then(|| format!("{after}: {told}"))
}

/// Help asks for a field only where there is a file, and for a claim only where there is an issuer.
#[test]
fn no_help_asks_for_what_there_is_no_place_for() {
    let dir = directory();
    let zero = [("PORTCULLIS_ISSUER", "https://i.example/"), ("PORTCULLIS_AUDIENCE", "a")];
    let (_, told) = run(dir.path(), "test", &zero);
    assert!(told.contains("name a file of tests") && !told.contains("write"), "{told}");
    let (_, told) = run(dir.path(), "test", &[]);
    assert!(told.contains("there is no file of tests") && !told.contains("PORTCULLIS_"), "{told}");
    let (_, told) = run(dir.path(), "explain public.yaml /a --claims {}", &[]);
    assert!(told.contains("no issuers") && !told.contains("add `iss`"), "{told}");
}

/// Words of a text that asks for something.
const ASKS: [&str; 13] = [
    "write ",
    "set `",
    "run `",
    "send ",
    "name one",
    "name a file",
    "leave one out",
    "leave them out",
    "leave out",
    "add `",
    "give the text",
    "goes before",
    "test one after",
];

/// Texts that take more than one command.
const ELSEWHERE: [&str; 1] = [
    // Followed by the tests of files that are being written, at_rest.rs and reload_files.rs.
    "write a new file and move it",
];

#[test]
fn every_help_about_commands_is_followed() {
    let dir = directory();
    let told: Vec<String> = CASES.iter().map(|case| run(dir.path(), case.before, case.variables).1).collect();
    let dirs = ["cli", "cli/check", "cli/explain", "cli/test", "cli/health"].into_iter();
    let is_there = |dir: &&str| Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(dir).is_dir();
    let sources: Vec<String> =
        dirs.filter(is_there).flat_map(sources_of).chain(["tools/simulate/timestamp.rs".to_owned()]).collect();
    let mut literals: Vec<String> = sources.iter().flat_map(|source| literals(source, &ASKS)).collect();
    literals.retain(|literal| !literal.contains("Examples:") && !ELSEWHERE.iter().any(|other| literal.contains(other)));
    let count = literals.len();
    let missing = unfollowed("cli", literals, told.iter().map(String::as_str).collect());
    assert!(missing.is_empty(), "nobody follows these:\n{}", missing.join("\n"));
    assert!(count > 12, "{count}");
}
