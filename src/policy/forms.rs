//! Compatibility forms: characters that some backends take for a character of ASCII.

use super::effort::look_at;

/// A canonical path with ASCII in place of its compatibility forms: those of NFKC, and the "best fit" of Windows, which makes
/// `..` of two one-dot leaders. `None` if it has none of them. `decoded` is the same path.
pub(super) fn fitted(text: &str, decoded: &str) -> Option<Box<str>> {
    look_at(decoded.len());
    let mut fitted = String::with_capacity(text.len());
    let (mut rest, mut has_forms, mut is_parameter) = (text, false, false);
    for letter in decoded.chars() {
        let length = if rest.starts_with('%') { 3 * letter.len_utf8() } else { 1 };
        let (spelt, after) = rest.split_at_checked(length)?;
        rest = after;
        is_parameter &= letter != '/';
        if is_parameter {
            continue;
        }
        let form = if letter.is_ascii() { None } else { fit(letter) };
        match form {
            None => fitted.push_str(spelt),
            // The parameter of a segment is dropped together with it.
            Some(";") => (has_forms, is_parameter) = (true, true),
            Some(ascii) => {
                has_forms = true;
                fitted.push_str(ascii);
            }
        }
    }
    has_forms.then(|| fitted.into())
}

/// Returns the text that replaces a character in a path, if the character is a compatibility form.
pub(super) fn fit(character: char) -> Option<&'static str> {
    const ASCII: &str =
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    let full_width = u32::from(character).checked_sub(0xFF01).and_then(|index| usize::try_from(index).ok());
    let full_width = full_width.and_then(|index| ASCII.get(index..=index));
    let fit = match character {
        '\u{2024}' | '\u{FE52}' => ".",
        '\u{2025}' => "..",
        '\u{2026}' => "...",
        '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{FE68}' => "/",
        '\u{FE54}' | '\u{37E}' => ";",
        '\u{FE56}' => "?",
        '\u{FE5F}' => "#",
        '\u{FE6A}' => "%",
        '\u{A0}' | '\u{3000}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' => " ",
        _ => full_width?,
    };
    Some(match fit {
        "\\" => "/",
        "?" => "%3F",
        "#" => "%23",
        "%" => "%25",
        " " => "%20",
        other => other,
    })
}
