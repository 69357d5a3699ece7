//! Loading what decides without what it takes to serve.

use std::path::Path;

use portcullis::config::{
    self,
    error::{ConfigErrors, Severity},
};

use crate::{env, problems};

const KEYS: [&str; 5] = [
    "secret_file: /nonexistent/secret",
    "secret_env: NOT_SET",
    "jwks_file: /nonexistent/keys.json",
    "public_key_file: /nonexistent/key.pem",
    "ca_file: /nonexistent/ca.pem",
];

fn with(keys: &str) -> String {
    format!(
        "issuers: [{{ issuer: 'https://a.test/', audiences: [api], {keys} }}]\nroutes: [{{ path: /a, access: authenticated }}]\n"
    )
}

#[test]
fn nothing_that_is_named_is_read() {
    for keys in KEYS {
        let offline = config::parse_offline(&with(keys), "portcullis.yaml", &env(&[])).unwrap();
        assert!(offline.warnings.is_empty(), "{keys}: {}", offline.warnings.render(false, 100));
        assert_eq!((offline.issuers.len(), offline.policy.rules().count()), (1, 1), "{keys}");
    }
}

#[test]
fn to_serve_the_same_file_what_is_named_must_be_there() {
    for keys in ["secret_file: /nonexistent/secret", "secret_env: NOT_SET", "ca_file: /nonexistent/ca.pem"] {
        assert!(config::parse(&with(keys), "portcullis.yaml", &env(&[])).is_err(), "{keys}");
    }
}

#[test]
fn what_is_wrong_with_the_file_itself_is_wrong_offline_too() {
    let bad = [
        "secret_env: 'not a name'",
        "secret_env: PORTCULLIS_SECRET",
        "secret_env: A, secret_file: b",
        "jwks_file: k, ca_file: c",
        "jwks_uri: 'http://a.test/keys'",
        "proxy: nonsense",
        "max_stale: 1s",
        "secret_env: A, max_stale: 1h",
        "secret_env: A, algorithms: [RS256]",
        "jwks_fil: k",
        "jwks_file: '-----BEGIN PRIVATE KEY-----'",
    ];
    for keys in bad {
        let offline = config::parse_offline(&with(keys), "portcullis.yaml", &env(&[])).unwrap_err();
        let online = config::parse(&with(keys), "portcullis.yaml", &env(&[("A", &"s".repeat(32))])).unwrap_err();
        // Beside its errors, a file to be served is warned of keys that are not there yet.
        let errors = |errors: &ConfigErrors| problems(errors, Severity::Error);
        assert!(offline.has_errors(), "{keys}");
        assert_eq!(errors(&offline), errors(&online), "{keys}");
    }
}

#[test]
fn the_samples_load_offline_with_the_same_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["envoy/portcullis.yaml", "envoy/tenants.yaml", "tests/fixtures/config/valid/everything.yaml"] {
        let path = root.join(file);
        let offline = config::load_offline(Some(&path), &env(&[])).unwrap();
        let loaded = config::load(Some(&path), &env(&[("PARTNER_SECRET", &"s".repeat(64))])).unwrap();
        let names = |policy: &portcullis_engine::policy::Policy| -> Vec<String> {
            policy.rules().map(|rule| format!("{} {:?} {}", rule.id, rule.access, rule.id.written_at())).collect()
        };
        assert_eq!(names(&offline.policy), names(&loaded.config.policy), "{file}");
        let rules = loaded.config.issuers.iter().map(|issuer| format!("{:?}", issuer.rules));
        assert!(offline.issuers.iter().map(|rules| format!("{rules:?}")).eq(rules), "{file}");
        assert_eq!(offline.tests, loaded.config.tests, "{file}");
    }
}

#[test]
fn without_a_file_the_two_variables_do() {
    let variables = env(&[("PORTCULLIS_ISSUER", "https://a.test/"), ("PORTCULLIS_AUDIENCE", "api")]);
    let offline = config::load_offline(None, &variables).unwrap();
    assert_eq!((&*offline.issuers[0].issuer, offline.policy.rules().count()), ("https://a.test/", 1));
    assert!(config::load_offline(None, &env(&[])).is_err());
}
