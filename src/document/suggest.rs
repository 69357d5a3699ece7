//! What somebody may have meant, and how their words are shown.

use std::borrow::Cow;

use super::redact::secret_text::{key_set_in, userinfo};
use crate::{client_text::without_tokens, printable};

/// Characters of a name beyond which nobody can tell what was meant.
const COMPARED: usize = 64;
/// Characters of a value that a message repeats.
const SHOWN: usize = 80;

/// The candidate that is closest to `text`, if one is close: a typo, another case, `-` for `_`, a missing plural.
pub(crate) fn closest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The work grows with the length.
    if text.chars().nth(COMPARED).is_some() {
        return None;
    }
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', ' '], "_");
    let wanted = plain(text);
    let allowed = (wanted.chars().count() / 3).max(1);
    // Whoever leaves out the end means it nearly: `rout`, `audience`.
    let is_begun = |candidate: &str| wanted.len() > 2 && plain(candidate).starts_with(&wanted);
    let near = |candidate: &&'a str| match strsim::osa_distance(&wanted, &plain(candidate)) {
        far if far > allowed && is_begun(candidate) => allowed,
        distance => distance,
    };
    let close = candidates.into_iter().filter(|candidate| near(candidate) <= allowed);
    close.min_by_key(near)
}

/// Quotes other people's words in backticks: whole if short, without what would act on a terminal, without a JWK, without the
/// password, the query and the fragment of a URL, and without what looks like a JWT.
pub(crate) fn quoted(text: &str) -> String {
    let key_set = key_set_in(text).and_then(|at| text.get(..at));
    if let Some(before) = key_set {
        return format!("`{}{{…`", printable::one_line(before));
    }
    if let Some(range) = userinfo(text) {
        let (before, after) = (text.get(..range.start), text.get(range.end..));
        let text = format!("{}…{}", before.unwrap_or_default(), after.unwrap_or_default());
        return in_backticks(&without_query(&without_tokens(&text)));
    }
    in_backticks(&without_query(&without_tokens(text)))
}

/// A URL without its query and its fragment, where keys of APIs stand.
fn without_query(text: &str) -> Cow<'_, str> {
    let hidden = text.find(['?', '#']).map(|at| text.split_at(at.saturating_add(1)));
    match hidden {
        Some((before, rest)) if before.contains("://") && !rest.is_empty() => format!("{before}…").into(),
        _ => text.into(),
    }
}

fn in_backticks(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).collect();
    let shown = printable::one_line(&shown);
    let more = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    format!("`{shown}{more}`")
}

/// Words for a sentence: `a`, `b` or `c`.
pub(crate) fn listed(words: &[&str], last: &str) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((end, [])) => end.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_their_word_and_strangers_do_not() {
        let words = ["audiences", "issuer", "jwks_uri", "clock_tolerance"];
        for (typo, meant) in [
            ("audience", "audiences"),
            ("isuer", "issuer"),
            ("jwks-uri", "jwks_uri"),
            ("jwksUri", "jwks_uri"),
            ("jwks_url", "jwks_uri"),
            ("clockTolerance", "clock_tolerance"),
        ] {
            assert_eq!(closest(typo, words), Some(meant), "{typo}");
        }
        assert_eq!(closest("banana", words), None);
        assert_eq!(closest("", words), None);
    }

    #[test]
    fn what_is_shown_is_short_and_visible() {
        assert_eq!(quoted("a\u{1b}[31mb\u{202e}"), "`a\\u{1b}[31mb\\u{202e}`");
        assert_eq!(quoted("https://u:p@a.test/?k=v"), "`https://…@a.test/?…`");
        assert_eq!(quoted("https://u:p@a.test/eyJhbGci"), "`https://…@a.test/eyJ…`");
        assert_eq!(quoted("/a/eyJhbGci"), "`/a/eyJ…`");
        assert_eq!(quoted(&"é".repeat(100)), format!("`{}…`", "é".repeat(80)));
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(listed(&["a"], "or"), "`a`");
        assert_eq!(listed(&["a", "b", "c"], "and"), "`a`, `b` and `c`");
    }
}
