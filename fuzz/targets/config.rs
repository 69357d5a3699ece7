//! A configuration file: a text as it is, its first lines being variables if they look like ours, or a byte 255 and
//! choices of what stands around a secret.
#![no_main]

use std::collections::BTreeMap;

use portcullis::{
    config::{self, Config, Loaded, error::ConfigErrors},
    keystore::{source::KeySource, url_guard},
    limits,
    tools::{envoy_lint, policy_test::TestFile},
};
use portcullis_engine::{
    request::{host::RequestHost, method::Method, path::CanonicalPath, target::RequestTarget},
    time::UnixTime,
};
use portcullis_fuzz::json_writer::CHOICES;

/// Stands where a secret was written, and must not be printed.
const CANARY: &str = "hunter2canary";

/// A secret in every place that is known to hold one by mistake.
const SECRETS: &[&str] = &[
    "jwks_uri: https://user:hunter2canary@keys.example/jwks",
    "jwks_uri: 'https://user:x hunter2canary@keys.example/jwks'",
    "discovery_url: https://hunter2canary@keys.example/",
    "issuers: [{ issuer: 'https://user:hunter2canary@a.example/', audiences: [a] }]",
    "issuers:\n  - issuer: https://a.example/\n    audiences: [a]\n    client_secret: hunter2canary",
    "issuers:\n  - issuer: https://a.example/\n    audiences: [a]\n    secret_file: hunter2canary",
    "issuers:\n  - issuer: x\n    audiences: [a]\n    jwks_uri: http://u:hunter2canary@10.0.0.1/",
    "issuers: [{ issuer: x, audiences: [a], secret_env: hunter2canary }]",
    "issuers: [{ issuer: 'https://a.example/', audiences: [a], proxy: 'http://u:hunter2canary@p.example' }]",
    "secret: hunter2canary",
    "db_password: |\n  x\n  hunter2canary",
    "api-key: \"\n  hunter2canary\"",
    "# secret: hunter2canary",
    "# https://user:hunter2canary@keys.example/",
];

/// What may stand around it.
const OTHERS: &[&str] = &[
    "routes:\n  - path: /**\n    access: authenticated",
    "routes: [{ path: /a, scopes: [a] }, { path: /a, scopes: [b] }]",
    "routes: [{ path: '/users/{id}/x', access: public }, { path: '/users/me/{y}', scopes: [a] }]",
    "routes: [{ path: '/t/{o}/**', claims: { /a/b: { matches: '{o}' } }, audiences: [a], issuers: [https://i.example/] }]",
    "routes: [{ host: '*.x.y', path: /a, claims: { c: { matches: subdomain, includes: [7] } } }]",
    "policies: { p: { scopes: { any: [a] } }, q: { claims: { h: { matches: host } } } }",
    "implies: { admin: ['m:*', a], a: [b], b: [admin] }",
    "tests: [policy_test.yaml]",
    "default: authenticated",
    "default: public",
    "listen: { grpc: 0.0.0.0:9191, admin: off }",
    "identity: { headers: { subject: host } }",
    "unknown: 7",
    "a: &x [1, 2]\nb: *x",
    "a: *y",
    "a: [",
    "}",
    "\t",
    "'",
    "\"",
    "---",
    "? [a]\n: b",
    "- a",
    "é: \u{202e}\u{1b}[31m",
    "",
];

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((&CHOICES, choices)) => {
            for secret in SECRETS {
                let text = around(secret, choices);
                let (Err(errors) | Ok(Loaded { warnings: errors, .. })) = load(&text, &BTreeMap::new());
                no_secret_is_printed(&text, &errors);
            }
        }
        _ => {
            let (text, env) = with_environment(&String::from_utf8_lossy(input));
            let loaded = load(&text, &env);
            match &loaded {
                Ok(Loaded { config, warnings, .. }) => {
                    assert!(!warnings.has_errors());
                    it_is_shut_unless_opened(config);
                    keys_come_from_allowed_places(config);
                    printing_problems_never_fails(warnings);
                }
                Err(errors) => {
                    assert!(errors.has_errors());
                    printing_problems_never_fails(errors);
                    places_are_in_the_file(&text, errors);
                }
            }
            a_comment_changes_nothing(&text, &env, loaded.is_ok());
            // What can be served can be tried offline.
            assert!(loaded.is_err() || config::parse_offline(&text, "portcullis.yaml", &env).is_ok());
            // Whatever it is, other readers of YAML don't fall over it.
            printing_problems_never_fails(&envoy_lint::lint(&text, "envoy.yaml", None));
            if let Err(errors) = TestFile::parse(&text, "policy_test.yaml", UnixTime::from_secs(1_800_000_000)) {
                printing_problems_never_fails(&errors);
            }
        }
    }
});

fn load(text: &str, env: &BTreeMap<String, String>) -> Result<Loaded, ConfigErrors> {
    config::parse(text, "portcullis.yaml", env)
}

/// Each choice is a block, before the secret or behind it.
fn around(secret: &str, choices: &[u8]) -> String {
    let (mut before, mut behind) = (String::new(), String::new());
    for choice in choices.iter().take(8) {
        let part = if choice % 2 == 0 { &mut before } else { &mut behind };
        part.push_str(OTHERS[usize::from(choice / 2) % OTHERS.len()]);
        part.push('\n');
    }
    format!("{before}{secret}\n{behind}")
}

fn no_secret_is_printed(text: &str, errors: &ConfigErrors) {
    let shown = errors.render(text.len() % 2 == 0, 80);
    assert!(!shown.contains(CANARY), "{text}\nis shown as\n{shown}");
    let all: Vec<String> = errors.problems().map(|problem| format!("{problem} {:?}", problem.help_text())).collect();
    assert!(!all.concat().contains(CANARY), "{all:?}");
}

fn with_environment(text: &str) -> (String, BTreeMap<String, String>) {
    let mut env = BTreeMap::new();
    let mut rest = text;
    while rest.starts_with("PORTCULLIS_") {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        env.insert(name.to_owned(), value.to_owned());
        rest = after;
    }
    (rest.to_owned(), env)
}

fn printing_problems_never_fails(errors: &ConfigErrors) {
    for width in [0, 1, 40, 200] {
        let shown = errors.render(width > 80, width);
        assert_eq!(shown.is_empty(), errors.is_empty());
    }
}

fn places_are_in_the_file(text: &str, errors: &ConfigErrors) {
    let lines = text.split('\n').count();
    for problem in errors.problems() {
        assert!(!problem.message().is_empty());
        if let Some((line, column)) = problem.position() {
            assert!((1..=lines).contains(&line) && column >= 1, "{problem} in line {line} of {lines}");
        }
    }
}

/// Design, section 2.
fn it_is_shut_unless_opened(config: &Config) {
    let policy = &config.policy;
    assert!(policy.default_rule().is_none_or(|rule| !rule.ignores_credentials()), "the default is open");
    assert!(policy.rules().count() <= limits::RULES && config.issuers.len() <= limits::ISSUERS);
    for (path, host, method) in [("/", None, "GET"), ("/a/b", Some("a.example"), "DELETE"), ("/a", None, "CONNECT")] {
        let target = RequestTarget {
            host: host.map(|host| RequestHost::parse(host).expect("a host")),
            path: CanonicalPath::parse(path).expect("a path"),
            method: Method::parse(method).expect("a method"),
        };
        let Ok(rule) = policy.select(&target) else { continue };
        let is_written = policy.rules().chain(policy.default_rule()).any(|written| std::ptr::eq(written, rule));
        assert!(is_written, "a rule that nobody wrote");
        // Nobody trusted, nothing allowed but what is open.
        assert!(!config.issuers.is_empty() || rule.admit_anonymous().is_ok());
    }
}

fn keys_come_from_allowed_places(config: &Config) {
    for issuer in &config.issuers {
        let algorithms = issuer.rules.algorithms.as_slice();
        let has_secret = matches!(issuer.source, KeySource::Secret(_));
        assert!(algorithms.iter().all(|algorithm| algorithm.is_hmac() == has_secret), "{algorithms:?}");
        assert!(
            !issuer.rules.audiences.as_slice().is_empty()
                && issuer.rules.clock_tolerance <= limits::CLOCK_TOLERANCE_MAX
        );
        let (urls, allow_http) = match &issuer.source {
            KeySource::Discovery { documents, allow_http } => (documents.as_slice(), *allow_http),
            KeySource::JwksUri { url, allow_http } => (std::slice::from_ref(url), *allow_http),
            _ => continue,
        };
        assert!(!urls.is_empty() && urls.iter().all(|url| url_guard::check_configured(url, allow_http).is_ok()));
    }
}

fn a_comment_changes_nothing(text: &str, env: &BTreeMap<String, String>, is_good: bool) {
    if is_good {
        assert!(load(&format!("# a comment\n{text}"), env).is_ok(), "a comment breaks it");
    }
}
