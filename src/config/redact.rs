//! What of a file must not be printed beside its problems: passwords in URLs, and secrets that somebody wrote where
//! they don't belong. It errs on the side of hiding: an excerpt with too many asterisks does no harm. So comments, of which
//! nothing tells what is in them, are hidden as well.

mod lines;
mod name_cache;
mod names;

use std::ops::Range;

pub(crate) use self::names::is_variable;
use self::{
    lines::{MOST_FIELDS, hide_lines},
    name_cache::NameCache,
    names::is_secret,
};
use super::schema;
use crate::document::tree::{Entry, Node, Place, Span, Value};

/// Fields that hold a URL: what stands before an `@` is hidden there even without `//`.
const URL_FIELDS: [&str; 4] = ["issuer", "jwks_uri", "discovery_url", "proxy"];

/// The bytes of a text as they may be printed: of the same length, with asterisks for what is hidden. `root` is the
/// text's tree, if it has one.
pub(crate) fn masked(text: &str, root: Option<&Node>) -> Vec<u8> {
    masked_by(is_secret, text, root.map(|root| vec![root]))
}

/// Gives the bytes of a text with several trees as they may be printed: of its documents, and of the files inside of them.
pub(crate) fn masked_trees(text: &str, roots: Option<Vec<&Node>>) -> Vec<u8> {
    masked_by(is_secret, text, roots)
}

/// Says whether an excerpt hides the value of a field of a configuration, or a part of it.
pub(crate) fn is_hidden(field: &str, value: &str) -> bool {
    let is_key = KEY_FILES.contains(&field) && is_key_material(value);
    is_secret(field) || is_key || userinfo(value).is_some() || secret_in_text(value).is_some() || value.contains("eyJ")
}

/// The same of a file of policy tests: its `token` is a recipe, but what is `raw` may be a real one.
pub(crate) fn masked_tests(text: &str, root: Option<&Node>) -> Vec<u8> {
    let is_hidden = |key: &str| key == "raw" || (!["token", "tokens"].contains(&key) && is_secret(key));
    masked_by(is_hidden, text, root.map(|root| vec![root]))
}

/// Hides JWTs, which begin with `{"` in base64url, in every place.
fn hide_tokens(shown: &mut [u8], text: &str) {
    let mut hidden_to = 0;
    for (start, _) in text.match_indices("eyJ") {
        if start < hidden_to {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(rest.len());
        hidden_to = start.saturating_add(end);
        hide(shown, start..hidden_to);
    }
}

fn masked_by(is_secret: fn(&str) -> bool, text: &str, roots: Option<Vec<&Node>>) -> Vec<u8> {
    let mut shown = text.as_bytes().to_vec();
    for word in text.split_whitespace() {
        let unclear =
            || word.rfind('@').filter(|at| roots.is_none() && word.find(':').is_some_and(|colon| colon < *at));
        if let Some(range) = userinfo(word).or_else(|| unclear().map(|at| 0..at)) {
            let start = offset_in(text, word);
            hide(&mut shown, start.saturating_add(range.start)..start.saturating_add(range.end));
        }
    }
    hide_lines(&mut shown, text, roots.is_some());
    hide_tokens(&mut shown, text);
    let mut names = NameCache::new(is_secret);
    let mut spans = Vec::new();
    for root in roots.into_iter().flatten() {
        collect(&mut names, root, text, Why::Url { is_field: false }, &mut spans);
    }
    // Aliases repeat spans.
    spans.sort_unstable_by_key(|span| (span.start, span.len));
    spans.dedup();
    for span in spans {
        hide(&mut shown, span.start..span.end());
    }
    shown
}

/// Finds where a secret starts in a text that has one beside other words: the query of a URL or a path, the fragment of a URL,
/// the credentials of an `Authorization`, what follows `password=` or `x-api-key:`, a JWK Set, and anything in PEM.
fn secret_in_text(text: &str) -> Option<usize> {
    let query = text.find('?').filter(|at| {
        let is_url = text.get(..*at).is_some_and(|before| before.contains("://"));
        is_url || text.get(*at..).is_some_and(|query| query.contains('='))
    });
    let query = query.map(|at| at.saturating_add(1));
    let fragment = text.find('#').filter(|at| text.get(..*at).is_some_and(|before| before.contains("://")));
    let fragment = fragment.map(|at| at.saturating_add(1));
    let lower = text.to_ascii_lowercase();
    let after = |scheme: &str| lower.find(scheme).map(|at| at.saturating_add(scheme.len()));
    let pair = text.match_indices(['=', ':']).map(|(at, _)| at).take(MOST_FIELDS).find(|at| {
        let (name, value) = text.split_at_checked(*at).unwrap_or_default();
        let is_pair = value.starts_with('=') || value.starts_with(": ");
        is_pair && is_secret(last_word(name))
    });
    let pair = pair.map(|at| at.saturating_add(1));
    let found = [query, fragment, key_set_in(text), after("bearer "), after("basic "), pair, text.find("-----BEGIN")];
    found.into_iter().flatten().min()
}

/// Finds where a JWK or a set of them starts in a text.
pub(crate) fn key_set_in(text: &str) -> Option<usize> {
    text.find('{').filter(|_| ["\"kty\"", "\"keys\""].iter().any(|member| text.contains(member)))
}

/// The name at the end of a text.
fn last_word(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    text.rsplit(|c: char| !c.is_alphanumeric() && !"_-.".contains(c)).next().unwrap_or_default()
}

/// The user name and password of a URL in a text. A password may hold whatever its author forgot to escape: so up to
/// the last `@`.
pub(crate) fn userinfo(text: &str) -> Option<Range<usize>> {
    let at = text.rfind('@')?;
    let start = text.find("//").or_else(|| text.find("\\\\"))?.saturating_add(2);
    let before = text.get(start..at)?;
    let authority = before.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    (authority.len() == before.len() || authority.contains([':', '@'])).then_some(start..at)
}

/// Why a scalar may have to be hidden.
#[derive(Clone, Copy)]
enum Why {
    /// It stands where a secret was written.
    Secret,
    /// It may be a URL, or is meant as one.
    Url { is_field: bool },
}

fn collect<'t>(names: &mut NameCache<'t>, node: &'t Node, text: &str, why: Why, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Section(entries) => {
            let is_credential = holds_credential(names, entries);
            for entry in entries {
                // In a section that was written where a secret belongs, a name may be the secret.
                if let (Why::Secret, Place::File(span)) = (why, &entry.place) {
                    spans.push(*span);
                }
                let why = match why {
                    Why::Secret => Why::Secret,
                    Why::Url { .. } if is_credential => Why::Secret,
                    Why::Url { .. } if is_named_variable(entry) => Why::Url { is_field: false },
                    Why::Url { .. } if is_ext_auth(entry) => Why::Url { is_field: false },
                    Why::Url { .. } if is_flag(entry) => Why::Url { is_field: false },
                    Why::Url { .. } if names.is_secret(&entry.key) || is_pasted_key(entry) => Why::Secret,
                    Why::Url { .. } if is_member_of_key(entry) => Why::Secret,
                    Why::Url { .. } => Why::Url { is_field: URL_FIELDS.contains(&entry.key.as_str()) },
                };
                collect_value(names, entry, text, why, spans);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(names, item, text, why, spans)),
        _ => spans.extend(hidden_part(node, text, why)),
    }
}

fn collect_value<'t>(names: &mut NameCache<'t>, entry: &'t Entry, text: &str, why: Why, spans: &mut Vec<Span>) {
    match &entry.node.value {
        // Names of claims are no fields: `token_use` is one of them.
        Value::Section(claims) if entry.key == "claims" && matches!(why, Why::Url { .. }) => {
            claims.iter().for_each(|claim| collect(names, &claim.node, text, why, spans));
        }
        Value::Section(headers) if is_headers(&entry.key) && matches!(why, Why::Url { .. }) => {
            for header in headers {
                let is_text = matches!(header.node.value, Value::String(_)) && !schema::is_field(&header.key);
                let why = if is_text || names.is_secret(&header.key) { Why::Secret } else { why };
                collect(names, &header.node, text, why, spans);
            }
        }
        Value::List(pairs) if is_headers(&entry.key) || is_environment(&entry.key) => {
            for pair in pairs {
                collect(names, pair, text, why, spans);
                spans.extend(values_of_pair(names, pair, text));
            }
        }
        _ => collect(names, &entry.node, text, why, spans),
    }
}

/// Finds what to hide of an item of a list of headers or variables: `x-team: a`, `TEAM=a`, or the `value` of a section.
fn values_of_pair<'t>(names: &mut NameCache<'t>, pair: &'t Node, text: &str) -> Vec<Span> {
    match (&pair.value, &pair.place) {
        (Value::Section(fields), _) => {
            let values = fields.iter().filter(|field| field.key.to_ascii_lowercase().ends_with("value"));
            let mut spans = Vec::new();
            values.for_each(|value| collect(names, &value.node, text, Why::Secret, &mut spans));
            spans
        }
        (Value::String(_), Place::File(span)) => {
            let written = text.get(span.start..span.end()).unwrap_or_default();
            // A name may begin with a colon, `:method`.
            let name = written.find(|c: char| !"\"':".contains(c));
            let sign = |from: usize| written.get(from..)?.find([':', '=']).map(|at| at.saturating_add(from));
            let after = name.and_then(sign).map(|at| at.saturating_add(1));
            let hidden =
                |from: usize| Span { start: span.start.saturating_add(from), len: span.len.saturating_sub(from) };
            after.map(hidden).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The part of a scalar that is hidden.
fn hidden_part(node: &Node, text: &str, why: Why) -> Option<Span> {
    let Place::File(span) = &node.place else { return None };
    let (Why::Url { is_field }, Value::String(value)) = (why, &node.value) else {
        return matches!(why, Why::Secret).then_some(*span);
    };
    let written = text.get(span.start..span.end()).unwrap_or_default();
    if secret_in_text(value).is_some() {
        // Nothing is shown of what is escaped, nor of a URL that has a password as well.
        let from = secret_in_text(written).filter(|_| userinfo(value).is_none()).unwrap_or(0);
        return Some(Span { start: span.start.saturating_add(from), len: span.len.saturating_sub(from) });
    }
    if !value.contains('@') || (userinfo(value).is_none() && !is_field) {
        return None;
    }
    match (userinfo(written), written.rfind('@')) {
        (Some(range), _) => Some(Span { start: span.start.saturating_add(range.start), len: range.len() }),
        (None, Some(at)) if userinfo(value).is_none() && !value.contains("//") => {
            Some(Span { start: span.start, len: at })
        }
        (None, Some(_)) if userinfo(value).is_none() => None,
        // Escaped somehow.
        _ => Some(*span),
    }
}

/// Says whether the value of `secret_env` is a name, and no secret that was written in its place.
fn is_named_variable(entry: &Entry) -> bool {
    entry.key == "secret_env" && matches!(&entry.node.value, Value::String(name) if is_variable(name))
}

/// Says whether a field holds headers by their names.
fn is_headers(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("headers")
}

/// Says whether a field holds variables of an environment, as Kubernetes and Compose write them.
fn is_environment(name: &str) -> bool {
    ["env", "environment"].contains(&name.to_ascii_lowercase().as_str())
}

/// Says whether the value says no more than yes or no.
fn is_flag(entry: &Entry) -> bool {
    matches!(entry.node.value, Value::Bool(_))
}

/// Fields of a `SecurityPolicy` that are named after what they configure: their own fields say where a secret is.
const EXT_AUTH: [&str; 3] = ["extAuth", "headersToExtAuth", "bodyToExtAuth"];

/// Says whether it is such a field. A text in place of its fields may be a secret.
fn is_ext_auth(entry: &Entry) -> bool {
    EXT_AUTH.contains(&entry.key.as_str()) && matches!(entry.node.value, Value::Section(_) | Value::List(_))
}

/// Members of a JWK that its owner alone may see (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const MEMBERS_OF_KEYS: [&str; 8] = ["k", "d", "p", "q", "dp", "dq", "qi", "oth"];

/// Says whether it is such a member. Sections are none: policies may have such names.
fn is_member_of_key(entry: &Entry) -> bool {
    MEMBERS_OF_KEYS.contains(&entry.key.as_str()) && !matches!(entry.node.value, Value::Section(_))
}

/// Says whether these are the name and the value of a header or a variable with credentials, as the configurations of Envoy and
/// Kubernetes write them.
fn holds_credential<'t>(names: &mut NameCache<'t>, entries: &'t [Entry]) -> bool {
    const HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];
    if !entries.iter().any(|entry| entry.key.to_ascii_lowercase().ends_with("value")) {
        return false;
    }
    entries.iter().filter(|entry| ["key", "name"].contains(&entry.key.as_str())).any(|entry| match &entry.node.value {
        Value::String(name) => HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header)) || names.is_secret(name),
        _ => false,
    })
}

/// Fields that name a file with keys, where somebody may have pasted the keys themselves.
const KEY_FILES: [&str; 2] = ["jwks_file", "public_key_file"];

fn is_pasted_key(entry: &Entry) -> bool {
    let is_key = |value: &Value| matches!(value, Value::String(text) if is_key_material(text));
    KEY_FILES.contains(&entry.key.as_str())
        && (is_key(&entry.node.value) || !matches!(entry.node.value, Value::String(_)))
}

/// Whether a text is more like a key than like the name of a file with one.
pub(crate) fn is_key_material(text: &str) -> bool {
    text.contains(['\n', '\r', '{', '"']) || text.contains("-----")
}

fn offset_in(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

fn hide(shown: &mut [u8], range: Range<usize>) {
    let end = range.end.min(shown.len());
    for byte in shown.get_mut(range.start..end).into_iter().flatten() {
        if !matches!(byte, b'\n' | b'\r') {
            *byte = b'*';
        }
    }
}

#[cfg(test)]
mod tests;
