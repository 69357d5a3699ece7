//! The migration table of the README: every option of `auth({…})` is in it, and what it says is written here can be.

use std::{collections::BTreeMap, fs, path::Path};

use portcullis::config;
use tempfile::TempDir;

use crate::readme;

const HEADING: &str = "## Coming from express-oauth2-jwt-bearer";

/// Every option of `auth()` and every helper of express-oauth2-jwt-bearer 1.10.0.
const OPTIONS: [&str; 26] = [
    "issuerBaseURL",
    "issuer",
    "jwksUri",
    "audience",
    "secret",
    "publicKey",
    "tokenSigningAlg",
    "authRequired",
    "clockTolerance",
    "maxTokenAge",
    "strict",
    "validators",
    "cacheMaxAge",
    "cache",
    "cooldownDuration",
    "timeoutDuration",
    "agent",
    "dpop",
    "mtls",
    "getCertificate",
    "mcd.issuers",
    "requiredScopes",
    "scopeIncludesAny",
    "claimEquals",
    "claimIncludes",
    "claimCheck",
];

/// A line of the table.
struct Row {
    /// Names of options: what stands before any `:` or `(`.
    options: Vec<&'static str>,
    /// Whether the snippets are a route's.
    is_route: bool,
    snippets: Vec<&'static str>,
}

/// The texts in backticks.
fn code(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn rows() -> Vec<Row> {
    let lines = readme::section(HEADING).lines().filter(|line| line.starts_with("| `"));
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let name = |text: &'static str| text.split([':', '(']).next().unwrap();
        Row {
            options: code(cells[0]).into_iter().map(name).collect(),
            is_route: cells[1].trim().starts_with("route:"),
            snippets: code(cells[1]),
        }
    };
    lines.map(row).collect()
}

/// The files that the snippets name.
fn files() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

const FILES: [(&str, &str); 4] = [
    ("secret.txt", "0123456789abcdef0123456789abcdef"),
    ("keys.json", r#"{"keys":[]}"#),
    ("key.pem", include_str!("../fixtures/migration/key.pem")),
    ("ca.pem", include_str!("../fixtures/migration/ca.pem")),
];

/// A configuration with that snippet in an issuer, or in a route. Fields that it has are not there twice.
fn around(snippet: &str, is_route: bool) -> String {
    let field = snippet.split(':').next().unwrap();
    let lines = |fields: &[(&str, &str)], is_here: bool| {
        let kept = fields.iter().filter(|(name, _)| !is_here || *name != field);
        let mut lines: Vec<String> = kept.map(|(name, value)| format!("{name}: {value}")).collect();
        lines.extend(is_here.then(|| snippet.to_owned()));
        lines.join("\n    ")
    };
    let uses_secret = field.starts_with("secret_");
    let algorithms = if uses_secret { "[HS256]" } else { "[RS256]" };
    let issuer = [
        ("issuer", "https://tenant.eu.auth0.com/"),
        ("audiences", "[https://api.example.com]"),
        ("algorithms", algorithms),
    ];
    // A route says who may use it: by the snippet, unless that is about claims alone.
    let says_access = is_route && field != "claims";
    let mut route = vec![("path", "/a"), ("access", "authenticated")];
    route.truncate(if says_access { 1 } else { 2 });
    format!("issuers:\n  - {}\nroutes:\n  - {}\n", lines(&issuer, !is_route), lines(&route, is_route))
}

fn load(text: &str, dir: &Path) -> Result<config::Loaded, config::error::ConfigErrors> {
    let file = dir.join("portcullis.yaml");
    let env = BTreeMap::from([("API_SECRET".to_owned(), "0123456789abcdef0123456789abcdef".to_owned())]);
    config::parse(text, file.to_str().unwrap(), &env)
}

#[test]
fn every_option_is_in_the_table() {
    let listed: Vec<&str> = rows().iter().flat_map(|row| row.options.clone()).collect();
    let missing: Vec<&&str> = OPTIONS.iter().filter(|option| !listed.contains(option)).collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

#[test]
fn what_the_table_says_can_be_written() {
    let dir = files();
    let mut written = 0;
    for row in rows() {
        for snippet in row.snippets.into_iter().filter(|snippet| snippet.contains(": ")) {
            let text = around(snippet, row.is_route);
            if let Err(problems) = load(&text, dir.path()) {
                panic!("{snippet}\n{}", problems.render(false, 100));
            }
            written += 1;
        }
    }
    assert!(written >= 20, "the table was read wrongly: {written}");
}

#[test]
fn a_field_that_is_not_there_would_be_noticed() {
    let dir = files();
    for (snippet, is_route) in [("cooldown: 5s", false), ("authRequired: false", true), ("access: optional", false)] {
        assert!(load(&around(snippet, is_route), dir.path()).is_err(), "{snippet}");
    }
}
