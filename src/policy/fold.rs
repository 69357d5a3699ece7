//! Folding: what a path is to a backend that ignores case and decodes more than we do.
//!
//! Express and others route `/API/Private` to `/api/private`, and Go's and many others' routers match `/a%3Ab` as
//! `/a:b`. Two spellings with the same fold must not be decided by two patterns. This only folds; who compares is
//! the policy itself.

use super::path::hex_pair;

/// The folded form of a canonical path, or `None` if it is the same.
pub(super) fn fold_path(path: &str) -> Option<String> {
    let has_upper = path.bytes().any(|byte| byte.is_ascii_uppercase());
    (has_upper || path.contains('%')).then(|| fold(path)).filter(|folded| folded != path)
}

/// The folded form of canonical text.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        if next != '%' {
            folded.push(next.to_ascii_lowercase());
            continue;
        }
        // The hex digits themselves are no letters: they stay upper case.
        let mut ahead = rest.clone();
        let digits = [ahead.next(), ahead.next()];
        let [high, low] = digits.map(|digit| digit.and_then(|digit| u8::try_from(digit).ok()));
        match hex_pair(high, low).filter(|&byte| has_plain_spelling(byte)) {
            Some(byte) => folded.push(char::from(byte)),
            None => folded.extend([Some(next)].into_iter().chain(digits).flatten()),
        }
        rest = ahead;
    }
    folded
}

/// Text with everything escaped that can't stand in a path as it is, for help texts.
pub(super) fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

/// Whether the character may stand in a request's path as it is as well as escaped: then there are two spellings.
/// `%`, `?`, `#`, `/`, `\`, `;`, space and controls may not, and what is unreserved is never escaped by now.
fn has_plain_spelling(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"%?#/\\;".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_needless_escapes_fold_away_and_nothing_else() {
        for (text, folded) in [
            ("/API/x", "/api/x"),
            ("/a%3Ab", "/a:b"),
            ("/a%40%7B", "/a@{"),
            ("/caf%C3%A9/X", "/caf%C3%A9/x"),
            ("/100%25", "/100%25"),
            ("/a%20b", "/a%20b"),
            ("/c%23%3F", "/c%23%3F"),
        ] {
            assert_eq!(fold(text), folded);
            assert_eq!(fold(folded), folded, "folding twice");
            assert_eq!(fold_path(text), (text != folded).then(|| folded.to_owned()));
        }
    }
}
