//! What of a file must not be printed beside its problems: passwords in URLs, and secrets that somebody wrote where
//! they don't belong. It errs on the side of hiding: an excerpt with too many asterisks harms nobody.

use std::ops::Range;

use super::{
    schema,
    tree::{Entry, Node, Place, Span, Value},
};

/// Parts of names of fields that hold secrets. Fields that are known are none of them.
const SECRET_WORDS: [&str; 8] = ["secret", "password", "passwd", "passphrase", "token", "key", "credential", "private"];

/// Fields that hold a URL: what stands before an `@` is hidden there even without `//`.
const URL_FIELDS: [&str; 4] = ["issuer", "jwks_uri", "discovery_url", "proxy"];

/// The bytes of a text as they may be printed: of the same length, with asterisks for what is hidden. `root` is the
/// text's tree, if it has one.
pub(super) fn masked(text: &str, root: Option<&Node>) -> Vec<u8> {
    masked_by(is_secret, text, root)
}

/// The same of a file of policy tests: its `token` is a recipe, but what is `raw` may be a real one.
pub(super) fn masked_tests(text: &str, root: Option<&Node>) -> Vec<u8> {
    let is_hidden = |key: &str| key == "raw" || (!["token", "tokens"].contains(&key) && is_secret(key));
    let mut shown = masked_by(is_hidden, text, root);
    // A JWT begins with `{"` in base64url, wherever somebody put it.
    let mut hidden_to = 0;
    for (start, _) in text.match_indices("eyJ") {
        if start < hidden_to {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(rest.len());
        hidden_to = start.saturating_add(end);
        hide(&mut shown, start..hidden_to);
    }
    shown
}

/// Whether what stands under a field is hidden, by the field's name.
type IsSecret = fn(&str) -> bool;

fn masked_by(is_secret: IsSecret, text: &str, root: Option<&Node>) -> Vec<u8> {
    let mut shown = text.as_bytes().to_vec();
    for word in text.split_whitespace() {
        let unclear = || word.rfind('@').filter(|at| root.is_none() && word.find(':').is_some_and(|colon| colon < *at));
        if let Some(range) = userinfo(word).or_else(|| unclear().map(|at| 0..at)) {
            let start = offset_in(text, word);
            hide(&mut shown, start.saturating_add(range.start)..start.saturating_add(range.end));
        }
    }
    hide_lines(&mut shown, text, root.is_some());
    let mut spans = Vec::new();
    if let Some(root) = root {
        collect(is_secret, root, text, Why::Url { is_field: false }, &mut spans);
    }
    // Aliases repeat spans.
    spans.sort_unstable_by_key(|span| (span.start, span.len));
    spans.dedup();
    for span in spans {
        hide(&mut shown, span.start..span.end());
    }
    shown
}

/// Hides what follows the name of a secret field. Without a tree nothing tells what is whose value, and in comments
/// nothing ever does.
fn hide_lines(shown: &mut [u8], text: &str, has_tree: bool) {
    // The indentation of a secret field, while deeper lines go on with its value.
    let mut inside: Option<usize> = None;
    for line in text.split('\n') {
        let part = if has_tree { comment_of(line) } else { Some(line) };
        let Some(part) = part else {
            inside = None;
            continue;
        };
        // In a comment, what stands behind its `#` counts.
        let content = part.trim_start().trim_start_matches('#').trim_start();
        let indent = line.len().saturating_sub(content.len());
        let mut hide_from = |part: &str, from: usize, to: usize| {
            let start = offset_in(text, part);
            hide(shown, start.saturating_add(from)..start.saturating_add(to));
        };
        // A password in a quoted URL may have blanks, and nothing tells here what is quoted.
        if let Some(range) = userinfo(part) {
            hide_from(part, range.start, range.end);
        }
        inside = inside.filter(|field| indent > *field || content.is_empty());
        // A comment behind a secret is about it.
        let is_about_one = part.len() < line.len() && secret_in_line(line).is_some();
        let from = if inside.is_some() || is_about_one { Some(0) } else { secret_in_line(part) };
        if let Some(from) = from {
            inside = inside.or(Some(indent));
            hide_from(part, from, part.len());
        }
    }
}

/// The comment of a line, or what could be one: in quotes a `#` is none, and hiding too much harms nobody.
fn comment_of(line: &str) -> Option<&str> {
    if line.trim_start().starts_with('#') {
        return Some(line);
    }
    let at = line.match_indices('#').map(|(at, _)| at).find(|at| {
        let before = line.get(..*at).unwrap_or_default();
        before.ends_with([' ', '\t'])
    })?;
    line.get(at..)
}

/// The user name and password of a URL in a text. A password may hold whatever its author forgot to escape: so up to
/// the last `@`.
pub(super) fn userinfo(text: &str) -> Option<Range<usize>> {
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

fn collect(is_secret: IsSecret, node: &Node, text: &str, why: Why, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Section(entries) => {
            let is_credential = holds_credential(entries);
            for entry in entries {
                let why = match why {
                    Why::Secret => Why::Secret,
                    Why::Url { .. } if is_credential => Why::Secret,
                    Why::Url { .. } if is_secret(&entry.key) || is_pasted_key(entry) => Why::Secret,
                    Why::Url { .. } => Why::Url { is_field: URL_FIELDS.contains(&entry.key.as_str()) },
                };
                match &entry.node.value {
                    // Names of claims are no fields: `token_use` is one of them.
                    Value::Section(claims) if entry.key == "claims" && matches!(why, Why::Url { .. }) => {
                        claims.iter().for_each(|claim| collect(is_secret, &claim.node, text, why, spans));
                    }
                    _ => collect(is_secret, &entry.node, text, why, spans),
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(is_secret, item, text, why, spans)),
        _ => spans.extend(hidden_part(node, text, why)),
    }
}

/// The part of a scalar that is hidden.
fn hidden_part(node: &Node, text: &str, why: Why) -> Option<Span> {
    let Place::File(span) = &node.place else { return None };
    let (Why::Url { is_field }, Value::String(value)) = (why, &node.value) else {
        return matches!(why, Why::Secret).then_some(*span);
    };
    if !value.contains('@') || (userinfo(value).is_none() && !is_field) {
        return None;
    }
    let written = text.get(span.start..span.end()).unwrap_or_default();
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

/// Whether the value of a field is not to be shown. That of `secret_file` or `secret_env` may be the secret itself.
fn is_secret(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    ["secret_file", "secret_env"].contains(&key)
        || (SECRET_WORDS.iter().any(|word| lower.contains(word)) && !schema::is_field(key))
}

/// Whether these are the `key` and `value` of a header with credentials, as Envoy's configurations write headers.
fn holds_credential(entries: &[Entry]) -> bool {
    const HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];
    entries.iter().filter(|entry| entry.key == "key").any(|entry| match &entry.node.value {
        Value::String(name) => HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header)) || is_secret(name),
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
pub(super) fn is_key_material(text: &str) -> bool {
    text.contains(['\n', '\r', '{', '"']) || text.contains("-----")
}

/// Where in a line the value of a secret field starts.
fn secret_in_line(line: &str) -> Option<usize> {
    let colons = line.match_indices([':', '=']).map(|(at, _)| at);
    let is_key = |at: &usize| {
        let before = line.get(..*at).unwrap_or_default().trim_end().trim_end_matches(['"', '\'']);
        let word = before.rsplit(|c: char| !c.is_alphanumeric() && !"_-.".contains(c)).next().unwrap_or_default();
        is_secret(word) || KEY_FILES.contains(&word)
    };
    colons.take(MOST_FIELDS).find(is_key).map(|at| at.saturating_add(1))
}

/// Fields that are looked for in one line: one of flow style may have many.
const MOST_FIELDS: usize = 10_000;

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
mod tests {
    use super::*;
    use crate::config::parse::parse;

    fn shown(text: &str) -> String {
        let root = parse(text).ok();
        let shown = masked(text, root.as_ref());
        assert_eq!(shown.len(), text.len());
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn no_secret_is_shown_however_it_is_written() {
        for text in [
            "jwks_uri: https://user:hunter2@keys.example/jwks",
            "jwks_uri: https://user:x/hunter2@keys.example/jwks",
            "jwks_uri: https://user:x@hunter2/y@keys.example/jwks",
            "jwks_uri: 'https://user:x hunter2@keys.example/jwks'",
            "jwks_uri: \"https:\\/\\/user:hunter2\\u0040keys.example\"",
            "jwks_uri: https:\\\\user:hunter2@keys.example",
            "issuer: user:hunter2@keys.example",
            "issuer: https://hunter2@keys.example",
            "unknown: [https://user:hunter2@keys.example/]",
            "header: { value: Basic hunter2, key: Authorization }",
            "# https://user:hunter2@keys.example/",
            "# 'https://user:x hunter2@keys.example/'",
            "a: [\njwks_uri: 'https://user:x hunter2@keys.example/jwks'",
            "jwks_uri: 'https://user:x hunter2@keys.example/jwks'\na: \u{1b}",
            "# secret: hunter2",
            "issuer: x # secret: hunter2",
            "secret_env: API # hunter2",
            "# secret: |\n#   hunter2",
            "  # secret:\n  #   - hunter2\n  #   - hunter2",
            "jwks_file: '{\"keys\":[{\"k\":\"hunter2\"}]}'",
            "public_key_file: |\n  -----BEGIN PRIVATE KEY-----\n  hunter2",
            "jwks_file: { keys: [hunter2] }",
            "a: [\njwks_file: '{\"k\":\"hunter2\"}'",
            "a: [\nsecret: hunter2",
            "secret: hunter2",
            "clientSecret: { x: [hunter2] }",
            "a: &x hunter2\nsecret: *x",
            "db_password: |\n  x\n  hunter2\n",
            "api-key: \"\n  hunter2\"",
            "secret_file: hunter2",
            "x: [{ token: 1, a: b }, { token: hunter2 }]",
        ] {
            assert!(!shown(text).contains("hunter2"), "{}", shown(text));
        }
    }

    #[test]
    fn everything_else_is_shown() {
        for text in [
            "issuer: https://a.example/x@y",
            "max_token_age: 5s\njwks_uri: https://a.example/keys",
            "claims: { token_use: { equals: access } }",
            "# ask ops@a.example about https://a.example/",
            "path: /@me",
            "header: { value: x-team }",
        ] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("jwks_uri: https://u:p@a.example/"), "jwks_uri: https://***@a.example/");
    }
}
