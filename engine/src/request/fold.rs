//! Folding: what a path is to a backend that ignores case and decodes more than we do.
//!
//! Express and others route `/API/Private` to `/api/private`, and Go's and many others' routers match `/a%3Ab` as
//! `/a:b`. Two spellings with the same fold must not be decided by two patterns. This only folds; who compares is
//! the policy itself.

use super::{
    case_folds::CASE_FOLDS,
    effort::look_at,
    escape::{DECODED_SLASH, ENCODED_SLASH, escape, hex_pair},
};

/// The folded form of a canonical path, out of its decoded one.
pub(crate) fn fold_decoded(decoded: &str) -> Box<str> {
    look_at(decoded.len());
    let mut folded = Vec::with_capacity(decoded.len());
    for letter in decoded.chars() {
        match u8::try_from(letter) {
            Ok(DECODED_SLASH) => folded.extend_from_slice(ENCODED_SLASH.as_bytes()),
            Ok(byte) if is_escaped(byte) => folded.extend_from_slice(&escape(byte)),
            Ok(byte) if byte.is_ascii() => folded.push(byte.to_ascii_lowercase()),
            _ => fold_beyond_ascii(letter, &mut folded),
        }
    }
    // All of it is ASCII.
    String::from_utf8(folded).unwrap_or_default().into()
}

/// Says whether an ASCII byte is always escaped in a canonical path. Slashes and other separators never are.
const fn is_escaped(ascii: u8) -> bool {
    matches!(ascii, b' ' | b'%' | b'?' | b'#')
}

/// The folded form of canonical text.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = split_at_escape(rest) {
        folded.extend(plain.bytes().map(|byte| byte.to_ascii_lowercase()));
        let (character, after) = decode(escaped);
        match character {
            Some(character) if has_plain_spelling(character) => {
                folded.extend(u8::try_from(character).map(|byte| byte.to_ascii_lowercase()));
            }
            Some(character) if !character.is_ascii() => fold_beyond_ascii(character, &mut folded),
            // It has no other spelling. The hex digits themselves are no letters: they stay upper case.
            _ => {
                folded.push(b'%');
                folded.extend(escaped.bytes().take(escaped.len() - after.len()));
            }
        }
        rest = after;
    }
    folded.extend(rest.bytes().map(|byte| byte.to_ascii_lowercase()));
    // What it is made of is text, and ends where characters end.
    String::from_utf8(folded).unwrap_or_else(|_| text.to_ascii_lowercase())
}

/// Returns the text before the first percent sign and the text after it. Where a path has many escapes, they are close to
/// each other: looking at each byte takes less time than starting a search.
fn split_at_escape(text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == b'%')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The character whose escapes start here, after a `%`, and what follows them. Of a broken escape, nothing is left out:
/// the next one is looked for where it ends.
pub(crate) fn decode(escaped: &str) -> (Option<char>, &str) {
    let byte = |at: usize| hex_pair(*escaped.as_bytes().get(at..)?.first_chunk()?);
    let Some(first) = byte(0) else { return (None, escaped) };
    if first.is_ascii() {
        return (Some(char::from(first)), escaped.get(2..).unwrap_or_default());
    }
    // RFC 3629 section 3: the first byte says how many there are.
    let count = usize::try_from(first.leading_ones()).unwrap_or(1).clamp(1, 4);
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
fn fold_beyond_ascii(character: char, folded: &mut Vec<u8>) {
    CASE_FOLDS.fold(character, |letter| push_letter(*letter, folded));
}

/// Appends a folded letter.
fn push_letter(letter: char, folded: &mut Vec<u8>) {
    match u8::try_from(letter) {
        Ok(ascii) if ascii.is_ascii() => folded.push(ascii),
        _ => push_escaped(letter, folded),
    }
}

/// Appends the escapes of a character.
fn push_escaped(character: char, folded: &mut Vec<u8>) {
    let mut bytes = [0; 4];
    for &byte in character.encode_utf8(&mut bytes).as_bytes() {
        folded.extend_from_slice(&escape(byte));
    }
}

/// Text with everything escaped that can't stand in a path as it is, for help texts.
pub(crate) fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

/// Whether the character may stand in a request's path as it is as well as escaped: then there are two spellings.
/// `%`, `?`, `#`, `/`, `\`, `;`, space and controls may not, and what is unreserved is never escaped by now.
fn has_plain_spelling(character: char) -> bool {
    character.is_ascii_graphic() && !matches!(character, '%' | '?' | '#' | '/' | '\\' | ';')
}

#[cfg(test)]
mod tests {
    use super::{super::path::CanonicalPath, *};

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
            let path = CanonicalPath::parse(text).unwrap();
            assert_eq!((path.as_str(), path.folded()), (text, folded));
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
