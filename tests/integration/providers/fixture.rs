//! The fixtures in `tests/fixtures/providers`: metadata, key set and tokens of each provider, and what becomes of them.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use portcullis::keystore::{
    fetch::{Fetch, FetchError, Fetched, Fetchers, Fetching, InvalidTransport},
    source::Transport,
    url_guard::Loopback,
};
use serde_json::Value;
use url::Url;

use super::keys::{filled, signed};

/// One provider.
pub(crate) struct Fixture {
    /// Sorted by name.
    pub(crate) tokens: Vec<Token>,
    pages: HashMap<String, Vec<u8>>,
}

/// One of its tokens.
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) expected: Expected,
}

/// What becomes of a token.
#[derive(Debug, PartialEq)]
pub(crate) enum Expected {
    /// The request passes, with these identity headers.
    Allowed { client_id: Option<String>, scopes: Option<String>, subject: Option<String> },
    /// 401, with this reason code.
    Refused(String),
}

/// The pages of a provider, under their addresses. Others are answered with 404.
#[derive(Clone)]
pub(crate) struct Pages(HashMap<String, Vec<u8>>);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/providers")
}

/// The names of all fixtures, sorted.
pub(crate) fn names() -> Vec<String> {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap());
    let dirs = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = dirs.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(value["_source"].is_string(), "{}: where is its shape from?", path.display());
    value
}

/// A document as it is served: without our own members.
fn page(document: &Value) -> Vec<u8> {
    let mut document = filled(document);
    document.as_object_mut().unwrap().retain(|name, _| !name.starts_with('_'));
    document.to_string().into_bytes()
}

impl Fixture {
    pub(crate) fn read(name: &str) -> Self {
        let dir = root().join(name);
        let (metadata, key_set) = (read(&dir.join("metadata.json")), read(&dir.join("jwks.json")));
        let url = |value: &Value| value.as_str().unwrap().to_owned();
        let pages =
            HashMap::from([(url(&metadata["_url"]), page(&metadata)), (url(&metadata["jwks_uri"]), page(&key_set))]);
        let files = fs::read_dir(dir.join("tokens")).unwrap().map(|entry| entry.unwrap().path());
        let mut tokens: Vec<Token> = files.map(|file| Token::read(&file, &key_set)).collect();
        tokens.sort_by(|a, b| a.name.cmp(&b.name));
        Self { tokens, pages }
    }

    pub(crate) fn token(&self, name: &str) -> &Token {
        self.tokens.iter().find(|token| token.name == name).unwrap_or_else(|| panic!("no token {name}"))
    }

    /// The provider, as far as a key store sees it.
    pub(crate) fn pages(&self) -> Arc<Pages> {
        Arc::new(Pages(self.pages.clone()))
    }

    /// The same with one more page.
    pub(crate) fn pages_and(&self, url: &str, page: &Value) -> Arc<Pages> {
        let mut pages = self.pages.clone();
        pages.insert(url.to_owned(), page.to_string().into_bytes());
        Arc::new(Pages(pages))
    }
}

impl Token {
    fn read(path: &Path, key_set: &Value) -> Self {
        let value = read(path);
        let text = match value["text"].as_str() {
            Some(text) => text.to_owned(),
            None => signed(&value["header"], &filled(&value["claims"]), key_set),
        };
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        Self { expected: Expected::read(&value["expect"]), name, text }
    }
}

impl Expected {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        match text("refused") {
            Some(code) => Self::Refused(code),
            None => Self::Allowed { client_id: text("client_id"), scopes: text("scopes"), subject: text("subject") },
        }
    }
}

impl Fetch for Pages {
    fn fetch<'a>(&'a self, url: &'a Url, _: Loopback) -> Fetching<'a> {
        let page = self.0.get(url.as_str()).map(|body| Fetched {
            body: body.clone(),
            lifetime: None,
            dated: None,
            is_local: false,
        });
        let answer = page.ok_or_else(|| FetchError::Status { url: url.clone(), status: 404 });
        Box::pin(std::future::ready(answer))
    }
}

impl Fetchers for Pages {
    fn fetcher(&self, _: &Transport) -> Result<Arc<dyn Fetch>, InvalidTransport> {
        Ok(Arc::new(self.clone()))
    }
}
