//! The policies under attack, and the one question about a request that reached the upstream: could a lax backend take
//! it for something protected? That answer has nothing in common with the code that decides.

use std::collections::BTreeSet;

use super::{backend::Arrived, lax::readings};

/// The scope that everything protected asks for. No attack carries it.
pub(crate) const SCOPE: &str = "admin";

const HEAD: &str = "listen: { grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }
issuers:
  - { issuer: ISSUER, audiences: [https://api.example.com] }
routes:
  - { path: '/admin/**', scopes: [admin] }
  - { path: /api/secret, scopes: [admin] }
  - { path: '/Reports/**', scopes: [admin] }
  - { path: '/items/{id}', methods: [GET, POST], access: public }
  - { path: '/items/{id}', methods: [DELETE], scopes: [admin] }
  - { host: admin.example.com, path: '/**', scopes: [admin], shadows: true }
  - { path: '/items/{id}:purge', scopes: [admin] }
  - { host: open.example.com, path: '/**', access: public, shadows: true }
  - { path: '/files/{name}', access: public, encoded_slashes: allow }
  - { path: '/files/**', access: public }
  - { path: /files/top/secret, scopes: [admin] }
  - { path: '/data/**', access: public, encoded_slashes: allow, shadows: true }
  - { path: '/data/admin/**', scopes: [admin] }
  - { path: '/public/**', access: public }
";

/// Neighbours that tempt: whatever is not recognised as protected is open to everybody.
const OPEN: &str = "  - { path: '/**', access: public }
  - { path: '/api/**', access: public }
";

/// Each with its name: the one with little open, and the one with all open that is not protected.
pub(crate) fn policies(issuer: &str) -> [(&'static str, String); 2] {
    let shut = HEAD.replace("ISSUER", issuer);
    let open = format!("{shut}{OPEN}");
    [("shut", shut), ("open", open)]
}

/// The plain requests behind all the spellings: method, host and path.
pub(crate) const PROTECTED: [(&str, &str, &str); 8] = [
    ("GET", "api.example.com", "/admin"),
    ("GET", "api.example.com", "/admin/users"),
    ("GET", "api.example.com", "/api/secret"),
    ("GET", "api.example.com", "/Reports/2026"),
    ("DELETE", "api.example.com", "/items/7"),
    ("GET", "admin.example.com", "/anything"),
    ("POST", "api.example.com", "/items/7:purge"),
    ("GET", "api.example.com", "/data/admin/x"),
];

/// Headers by which backends take a request for one with another path, host or method.
const PATH_HEADERS: [&str; 8] = [
    "x-original-url",
    "x-rewrite-url",
    "x-original-uri",
    "x-forwarded-uri",
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-envoy-original-path",
    "destination",
];
/// Headers by which backends take the rest of a path for the whole.
const PREFIX_HEADERS: [&str; 5] =
    ["daphne-root-path", "script-name", "x-script-name", "x-forwarded-script-name", "x-forwarded-context"];
const HOST_HEADERS: [&str; 6] =
    ["host", "x-forwarded-host", "x-original-host", "x-host", "x-forwarded-server", "-wssn"];
const METHOD_HEADERS: [&str; 5] =
    ["x-http-method-override", "x-method-override", "x-http-method", "x-forwarded-method", "x-original-method"];

/// What a lax backend could take the request for, if any of that is protected.
pub(crate) fn protected_reading(arrived: &Arrived) -> Option<String> {
    let folded_header = |name: &str| name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let by_headers = |names: &[&str]| -> Vec<Vec<u8>> {
        let named = arrived.headers.iter().filter(|(name, _)| names.contains(&&*folded_header(name)));
        named.map(|(_, value)| value.clone()).collect()
    };
    let hosts: Vec<String> = by_headers(&HOST_HEADERS).iter().flat_map(|value| hosts(value)).collect();
    let mut methods = by_headers(&METHOD_HEADERS);
    methods.push(arrived.method.clone());
    methods.extend(methods_of_query(&arrived.target));
    let methods: BTreeSet<String> =
        methods.iter().map(|method| String::from_utf8_lossy(method).to_ascii_uppercase()).collect();
    let mut targets = by_headers(&PATH_HEADERS);
    targets.push(arrived.target.clone());
    let prefixes = by_headers(&PREFIX_HEADERS);
    targets.extend(prefixes.iter().filter_map(|prefix| arrived.target.strip_prefix(&**prefix)).map(<[u8]>::to_vec));
    let absolute = targets.iter().filter_map(|target| host_of_absolute(target));
    let hosts: Vec<String> = hosts.iter().cloned().chain(absolute.flat_map(|host| self::hosts(&host))).collect();
    if hosts.iter().any(|host| host == "admin.example.com") {
        return Some("host admin.example.com".into());
    }
    // All of that host is open; but only of that one, as Envoy compares hosts.
    let sent: Vec<String> =
        by_headers(&HOST_HEADERS).iter().map(|host| String::from_utf8_lossy(host).to_ascii_lowercase()).collect();
    if !sent.is_empty() && sent.iter().all(|host| host == "open.example.com") {
        return None;
    }
    let paths: BTreeSet<Vec<u8>> = targets.iter().flat_map(|target| readings(target)).collect();
    let found = paths.iter().find(|path| is_protected(path, &methods))?;
    Some(format!("{methods:?} {}", found.escape_ascii()))
}

fn is_protected(path: &[u8], methods: &BTreeSet<String>) -> bool {
    let Some(path) = path.strip_prefix(b"/") else { return false };
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let segments: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    match segments.as_slice() {
        [b"admin" | b"reports" | b"Reports", ..] | [b"api", b"secret"] => true,
        [b"data", b"admin", ..] | [b"files", b"top", b"secret"] => true,
        [b"items", id] if id.len() > b":purge".len() && id.ends_with(b":purge") => true,
        [b"items", id] if !id.is_empty() => methods.contains("DELETE"),
        _ => false,
    }
}

/// Every host that someone could see in the value, in lower case.
fn hosts(value: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let parts = text.split([',', ' ', '@', '/', '\\', '?', '#', '\0']);
    parts.map(|part| part.split(':').next().unwrap_or_default().trim_end_matches('.').to_owned()).collect()
}

/// The values of `_method` in the query: Rails, Laravel, Symfony, Express.
fn methods_of_query(target: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(target).to_ascii_lowercase();
    let text = text.replace("%5f", "_").replace("%44", "d").replace("?.", "?_");
    let pairs = text.split(['?', '&']).skip(1);
    pairs.filter_map(|pair| pair.strip_prefix("_method=")).map(|value| value.into()).collect()
}

fn host_of_absolute(target: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(target);
    let (scheme, rest) = text.split_once("//")?;
    (scheme.is_empty() || scheme.ends_with(':')).then(|| rest.split('/').next().unwrap_or_default().into())
}
