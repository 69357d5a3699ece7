//! Flow lists of YAML, `[a, b]`, for help that says what to write.

use std::borrow::Cow;

use super::{
    scalar::{is_disputed, resolve},
    tree::Value,
};

/// Characters that start an alias, an anchor, a tag or another construct of YAML where a plain scalar begins.
const INDICATORS: [char; 12] = ['*', '&', '!', '|', '>', '%', '@', '`', '"', '\'', '#', '?'];

/// Writes a list of texts: `[read:messages, "*"]`.
pub(crate) fn list(items: &[&str]) -> String {
    let items: Vec<Cow<'_, str>> = items.iter().map(|item| scalar(item)).collect();
    format!("[{}]", items.join(", "))
}

/// Writes a text as an item of a flow list: in quotes where YAML would read it as something else.
pub(crate) fn scalar(text: &str) -> Cow<'_, str> {
    let is_plain = !text.starts_with(INDICATORS)
        && !text.contains(['[', ']', '{', '}', ','])
        && ![": ", " #"].iter().any(|part| text.contains(part))
        && !text.ends_with(':')
        && text.trim() == text
        && !matches!(text, "-" | "---")
        && !text.starts_with("- ")
        && matches!(resolve(text), Value::String(_))
        && !is_disputed(text);
    match is_plain {
        true => text.into(),
        // Between single quotes nothing is an escape but the quote itself.
        false if text.contains(['"', '\\']) => format!("'{}'", text.replace('\'', "''")).into(),
        false => format!("\"{text}\"").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{parse, tree::Node};

    #[test]
    fn what_is_written_reads_as_the_text_that_it_was() {
        for text in [
            "read:messages",
            "https://a.test/",
            "*",
            "a*",
            "&a",
            "!a",
            "true",
            "7",
            "yes",
            "a: b",
            "a #b",
            "a:",
            "-",
            "- a",
            "-a",
            "{a}",
            "[a]",
            "a,b",
            "\"",
            "\\",
            "'",
            "@a",
            "%a",
            "|",
            ">",
            "~",
            "#a",
            "?",
            "a'b\"c",
            " a",
        ] {
            let root = parse::parse(&list(&[text, "b"])).unwrap();
            let Value::List(items) = &root.value else { panic!("{text}") };
            let is = |item: &Node, text: &str| matches!(&item.value, Value::String(read) if read == text);
            assert!(matches!(items.as_slice(), [one, other] if is(one, text) && is(other, "b")), "{text}");
        }
    }

    #[test]
    fn words_that_need_no_quotes_get_none() {
        assert_eq!(list(&["read:messages", "*", "messages:*"]), "[read:messages, \"*\", messages:*]");
    }
}
