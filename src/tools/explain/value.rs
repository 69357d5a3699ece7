//! Values of strangers, for people: cut, and without what would act on a terminal.

use serde_json::Value;

pub(super) use crate::client_text::without_tokens as masked;
use crate::config::quoted;

/// A text, in backticks.
pub(super) fn text(text: &str) -> String {
    quoted(&masked(text))
}

/// A path as it was sent. Its query decides nothing, and people put tokens there.
pub(super) fn path(raw: &str) -> String {
    match raw.split_once('?') {
        Some((path, _)) => format!("{}?…", masked(path)),
        None => masked(raw),
    }
}

/// A value of a claim or a header, as JSON.
pub(super) fn json(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(value)) => text(value),
        Some(value) => text(&value.to_string()),
    }
}

/// Words of the configuration: `a`, `b` or `c`, of many the first ones.
pub(super) fn either<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    list(words, "or")
}

/// Words of a token or the configuration: `a`, `b` and `c`, of many the first ones.
pub(super) fn all<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    list(words, "and")
}

const SHOWN: usize = 8;

fn list<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(text).collect();
    let more = words.len().saturating_sub(SHOWN);
    let shown: Vec<String> = words.into_iter().take(SHOWN).collect();
    match shown.split_last() {
        None => "nothing".to_owned(),
        Some(_) if more > 0 => format!("{} {last} {more} more", shown.join(", ")),
        Some((end, [])) => end.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_not_shown() {
        assert_eq!(path("/a?access_token=sesame"), "/a?…");
        assert_eq!(path("/a/eyJhbGci"), "/a/eyJ…");
    }

    #[test]
    fn lists_end() {
        assert_eq!(either([]), "nothing");
        assert_eq!(either(["a", "b"]), "`a` or `b`");
        assert_eq!(all(["a"; 10]), "`a`, `a`, `a`, `a`, `a`, `a`, `a`, `a` and 2 more");
    }
}
