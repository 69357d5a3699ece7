//! Secrets beside other words of a text: in URLs, in credentials of HTTP, in PEM, in keys.

use std::ops::Range;

/// Fields that are looked for in one line: one of flow style may have many.
pub(super) const MOST_FIELDS: usize = 10_000;

/// Members of a JWK that its owner alone may see (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
pub(super) const MEMBERS_OF_KEYS: [&str; 8] = ["k", "d", "p", "q", "dp", "dq", "qi", "oth"];

/// Finds where a secret starts in a text that has one beside other words: the query of a URL or a path, the fragment of a URL,
/// the credentials of an `Authorization`, what follows `password=` or `x-api-key:`, a JWK Set, and anything in PEM.
pub(crate) fn secret_in_text(is_secret: fn(&str) -> bool, text: &str) -> Option<usize> {
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
pub(super) fn last_word(text: &str) -> &str {
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

/// Says whether a text is more like a key than like the name of a file with one.
pub(crate) fn is_key_material(text: &str) -> bool {
    text.contains(['\n', '\r', '{', '"']) || text.contains("-----")
}
