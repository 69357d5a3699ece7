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
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('%') {
        folded.extend(plain.chars().map(|letter| letter.to_ascii_lowercase()));
        let (character, after) = decode(escaped);
        match character {
            Some(character) if !character.is_ascii() => fold_beyond_ascii(character, &mut folded),
            Some(character) if has_plain_spelling(character) => folded.push(character.to_ascii_lowercase()),
            // It has no other spelling. The hex digits themselves are no letters: they stay upper case.
            _ => {
                folded.push('%');
                folded.push_str(escaped.strip_suffix(after).unwrap_or_default());
            }
        }
        rest = after;
    }
    folded.extend(rest.chars().map(|letter| letter.to_ascii_lowercase()));
    folded
}

/// The character whose escapes start here, after a `%`, and what follows them. Of a broken escape, nothing is left out:
/// the next one is looked for where it ends.
pub(super) fn decode(escaped: &str) -> (Option<char>, &str) {
    let byte = |at: usize| {
        let mut digits = escaped.bytes().skip(at);
        hex_pair(digits.next(), digits.next())
    };
    let Some(first) = byte(0) else { return (None, escaped) };
    // RFC 3629 section 3: the first byte says how many there are.
    let count = if first < 0x80 { 1 } else { usize::try_from(first.leading_ones()).unwrap_or(1).clamp(1, 4) };
    let mut bytes = [first; 4];
    for (index, into) in bytes.iter_mut().enumerate().take(count).skip(1) {
        let is_escape = escaped.as_bytes().get(index * 3 - 1) == Some(&b'%');
        // NUL goes on no sequence: without its escapes, this is no character.
        *into = byte(index * 3).filter(|_| is_escape).unwrap_or_default();
    }
    let character = bytes.get(..count).and_then(|bytes| std::str::from_utf8(bytes).ok()?.chars().next());
    let length = if character.is_some() { count * 3 - 1 } else { 2 };
    (character, escaped.get(length..).unwrap_or_default())
}

/// Case by Unicode, one character at a time: `%C3%89` is `%C3%A9`, and the Kelvin sign is `k` to whoever compares in
/// lower case, the long s is `s` to whoever compares in upper case.
fn fold_beyond_ascii(character: char, folded: &mut String) {
    // Lower case first for the few, such as the capital sharp s, that have no other upper case but whose lower case has.
    let upper = character.to_lowercase().flat_map(char::to_uppercase);
    for letter in upper.flat_map(char::to_lowercase) {
        if letter.is_ascii() {
            folded.push(letter);
        } else {
            let mut bytes = [0; 4];
            folded.push_str(&percent_encode(letter.encode_utf8(&mut bytes)));
        }
    }
}

/// Text with everything escaped that can't stand in a path as it is, for help texts.
pub(super) fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

/// Whether the character may stand in a request's path as it is as well as escaped: then there are two spellings.
/// `%`, `?`, `#`, `/`, `\`, `;`, space and controls may not, and what is unreserved is never escaped by now.
fn has_plain_spelling(character: char) -> bool {
    character.is_ascii_graphic() && !"%?#/\\;".contains(character)
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
            ("/caf%C3%89/X", "/caf%C3%A9/x"),
            ("/%E2%84%AAeys", "/keys"),
            ("/u%C5%BFers", "/users"),
            ("/%F0%90%90%80", "/%F0%90%90%A8"),
            ("/%E2%82%AC%C3%89", "/%E2%82%AC%C3%A9"),
            ("/100%25", "/100%25"),
            ("/a%20b", "/a%20b"),
            ("/c%23%3F", "/c%23%3F"),
        ] {
            assert_eq!(fold(text), folded);
            assert_eq!(fold(folded), folded, "folding twice");
            assert_eq!(fold_path(text), (text != folded).then(|| folded.to_owned()));
        }
    }

    #[test]
    fn every_character_folds_to_what_both_its_cases_fold_to() {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let has_cases = |letter: &char| !letter.to_lowercase().eq([*letter]) || !letter.to_uppercase().eq([*letter]);
        for character in ('A'..='z').chain('\u{80}'..=char::MAX).filter(has_cases) {
            let folded = fold(&escape(&character.to_string()));
            assert_eq!(fold(&folded), folded, "folding twice {character:?}");
            assert!(folded.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'), "{character:?}: {folded}");
            let cases = [character.to_lowercase().to_string(), character.to_uppercase().to_string()];
            assert!(cases.iter().all(|case| fold(&escape(case)) == folded), "{character:?}: {folded}");
        }
    }

    #[test]
    fn what_is_no_character_stays_and_nothing_gets_lost() {
        for text in
            ["/%", "/%C3", "/%C3%", "/%C3x%A9", "/%C3xya9", "/%FF%FF", "/%C0%AF", "/%e9", "/%C3%C3%A9", "/%zz%C3%A9"]
        {
            assert_eq!(fold(text), text);
        }
    }
}
