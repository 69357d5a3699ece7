//! One case of the corpus, as it is written in `cases/*.yaml`.
//!
//! A case is a good request with something changed: only the change is written. Times are written from `now`, and
//! pieces in angle brackets are explained in `template.rs`.

use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};

/// A case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What is tried, in words.
    pub(crate) name: String,
    /// The code of the denial, or `ok`.
    pub(crate) expect: String,
    /// The HTTP status, where the case is about it too.
    pub(crate) status: Option<u16>,

    /// Fields of the issuer's configuration, over those of `judge::issuer`.
    #[serde(default)]
    pub(crate) issuer: Map<String, Value>,
    /// A second issuer with keys of its own.
    pub(crate) other_issuer: Option<OtherIssuer>,
    /// Fields of the one route, over `{ path: /**, access: authenticated }`.
    #[serde(default)]
    pub(crate) route: Map<String, Value>,

    /// Fields of the file beside `issuers` and `routes`.
    #[serde(default)]
    pub(crate) file: Map<String, Value>,

    /// Claims, over those of `token::claims`.
    #[serde(default)]
    pub(crate) claims: Map<String, Value>,
    /// Claims that are left out.
    #[serde(default)]
    pub(crate) without_claims: Vec<String>,
    /// The claims set as text; `<members>` stands for the claims as they would have been.
    pub(crate) claims_text: Option<String>,
    /// Members of the header, over `alg` and `kid`.
    #[serde(default)]
    pub(crate) header: Map<String, Value>,
    /// Members of the header that are left out.
    #[serde(default)]
    pub(crate) without_header: Vec<String>,
    /// The header as text; `<members>` stands for the members as they would have been.
    pub(crate) header_text: Option<String>,
    /// Which key signs, and with which algorithm if not its usual one: `rsa PS256`.
    #[serde(default = "usual_key")]
    pub(crate) sign: String,
    /// What is done to the signature's bytes: see `token::changed`.
    pub(crate) signature: Option<String>,
    /// The token, from `<header>`, `<payload>` and `<signature>`, each with a change of its text after a bar.
    pub(crate) token: Option<String>,
    /// The values of the `authorization` headers, with `<token>`.
    pub(crate) authorization: Option<Vec<String>>,

    /// The published keys; otherwise the one that signs. See `published::key_set`.
    pub(crate) keys: Option<Vec<Value>>,
    /// The key set as text, in which `<keys>` stands for its members.
    pub(crate) key_set_text: Option<String>,
    /// The text of the issuer's `public_key_file`, from `<pem KEY>` and `<jwk KEY>`.
    pub(crate) public_key: Option<String>,
    /// How long ago the keys were fetched, in seconds; otherwise they came with the configuration.
    pub(crate) keys_fetched: Option<f64>,
    /// How long ago a fetch of the keys failed, in seconds.
    pub(crate) fetch_failed: Option<f64>,
    /// What the request is, if not `GET https://api.example.com/`.
    #[serde(default)]
    pub(crate) request: Request,
    /// How many seconds after `now` the request comes.
    #[serde(default)]
    pub(crate) at: f64,
}

/// Another issuer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtherIssuer {
    /// Its configuration.
    #[serde(default)]
    pub(crate) issuer: Map<String, Value>,
    /// Its published keys.
    pub(crate) keys: Vec<Value>,
}

/// A request but for its credentials.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) host: Option<String>,
    /// Envoy's `context_extensions`.
    #[serde(default)]
    pub(crate) extensions: std::collections::HashMap<String, String>,
    /// Whether the message has no HTTP request in it.
    #[serde(default)]
    pub(crate) nothing: bool,
}

fn usual_key() -> String {
    "es256".to_owned()
}

/// All cases with the names of their files, in order.
pub(crate) fn all() -> Vec<(String, Case)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/cases");
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let cases: Vec<Case> = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        all.extend(cases.into_iter().map(|case| (name.clone(), case)));
    }
    all
}
