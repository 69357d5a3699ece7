//! `request` of a test: `GET /api/messages/7`, or its parts.

use super::{context::Defaults, value};
use crate::{
    config::{
        error::Problem,
        other_document::{Bag, Fields, quoted, read},
    },
    document::tree::{Entry, Value},
    limits,
    tools::{policy_test::case::Request, simulate::request},
};

const REQUEST: [&str; 5] = ["method", "host", "path", "headers", "policy"];

/// A request. What is odd about its path, host or method is for the policy to judge, not for the reader.
pub(super) fn decode(bag: &mut Bag, entry: &Entry, defaults: &Defaults) -> Option<Request> {
    match &entry.node.value {
        Value::Section(_) => section(bag, entry, defaults),
        _ => line(bag, entry, defaults),
    }
}

/// `GET /api/messages/7` or `GET https://api.example.com/api/messages/7`.
fn line(bag: &mut Bag, entry: &Entry, defaults: &Defaults) -> Option<Request> {
    let text = read::text(bag, entry)?;
    let words: Vec<&str> = text.split(' ').collect();
    let (method, target) = match words.as_slice() {
        [method, target] | [method, target, "HTTP/1.1" | "HTTP/1.0" | "HTTP/2"] if !target.is_empty() => {
            (*method, *target)
        }
        _ => {
            let problem = Problem::error(&entry.node.place, format!("{} is not a request line", quoted(text)));
            bag.push(if text.starts_with('/') {
                problem.help(format!("begin with the method: {}", quoted(&format!("GET {text}"))))
            } else {
                problem.help("write `GET /api/messages/7`, or `{ method: GET, path: /api/messages/7 }`")
            });
            return None;
        }
    };
    let (host, path) = match target.split_once("://") {
        Some(("http" | "https", rest)) => {
            let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            (host.to_owned(), if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
        }
        _ if request::is_path(target) => (defaults.host.clone(), target.to_owned()),
        _ => {
            let message = format!("{} is neither a path nor a URL", quoted(target));
            let problem = Problem::error(&entry.node.place, message);
            bag.push(problem.help(format!("write {}", quoted(&format!("{method} /{target}")))));
            return None;
        }
    };
    Some(Request { method: method.to_owned(), host, path, headers: defaults.headers.clone(), policy: None })
}

fn section(bag: &mut Bag, entry: &Entry, defaults: &Defaults) -> Option<Request> {
    let fields = Fields::named(bag, &entry.node, "a request", &REQUEST)?;
    let path = fields.require(bag, "path", "a request", "write `path: /api/messages/7`");
    let path = path.and_then(|entry| read::text(bag, entry));
    let method = fields.get("method").map_or(Some("GET"), |entry| read::text(bag, entry));
    let host = fields.get("host").map_or(Some(defaults.host.as_str()), |entry| read::text(bag, entry));
    let policy = match fields.get("policy") {
        Some(entry) => read::text(bag, entry).map(|name| Some((name.to_owned(), entry.node.place.clone()))),
        None => Some(None),
    };
    let own = match fields.get("headers") {
        Some(entry) => headers(bag, entry, limits::POLICY_TEST_HEADER_BYTES),
        None => Some(Vec::new()),
    };
    let own = own?;
    let is_own = |name: &str| own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut headers: Vec<_> = defaults.headers.iter().filter(|(name, _)| !is_own(name)).cloned().collect();
    headers.extend(own);
    if fields.is_faulty() {
        return None;
    }
    Some(Request {
        method: method?.to_owned(),
        host: host?.to_owned(),
        path: path?.to_owned(),
        headers,
        policy: policy?,
    })
}

/// Refuses what can't be the name of a header (RFC 9110 section 5.6.2).
pub(super) fn is_header_name(bag: &mut Bag, entry: &Entry) -> Option<()> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !entry.key.is_empty() && entry.key.bytes().all(is_token) {
        return Some(());
    }
    let problem = Problem::error(&entry.place, format!("{} is not the name of a header", quoted(&entry.key)));
    bag.push(problem.help("write it as in HTTP: `x-request-id`"));
    None
}

/// Headers by name.
pub(super) fn headers(bag: &mut Bag, entry: &Entry, most: usize) -> Option<Vec<(String, String)>> {
    let entries = value::members(bag, entry, "headers: { x-request-id: a-1 }")?;
    let mut headers = Vec::with_capacity(entries.len());
    let mut bytes: usize = 0;
    for header in entries {
        if header.key.eq_ignore_ascii_case("authorization") {
            let problem = Problem::error(&header.place, "credentials don't belong into `headers`");
            bag.push(problem.help("write them as `token: { raw: \"Basic abc\" }`"));
            return None;
        }
        is_header_name(bag, header)?;
        let text = read::text(bag, header)?;
        bytes = bytes.saturating_add(header.key.len()).saturating_add(text.len());
        headers.push((header.key.to_ascii_lowercase(), text.to_owned()));
    }
    if bytes > most {
        let message = format!("`headers` has more than {most} bytes");
        bag.push(Problem::error(&entry.place, message).help("Envoy would not let more through"));
        return None;
    }
    Some(headers)
}
