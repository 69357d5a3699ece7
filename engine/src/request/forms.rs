//! Compatibility forms: characters that some backends take for a character of ASCII.

use super::{effort::look_at, escape::DECODED_SLASH};

/// A canonical path with ASCII in place of its compatibility forms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fitted {
    /// The path without the parameters of its segments, which begin with a form of `;`.
    pub(crate) without_parameters: Box<str>,
    /// The path with its parameters, for a backend that drops none, if that is another reading. Its forms of `;` stay as they
    /// are: no canonical path has a semicolon.
    pub(crate) with_parameters: Option<Box<str>>,
}

/// Replaces the compatibility forms of a canonical path by ASCII: those of NFKC, and the "best fit" of Windows, which makes
/// `..` of two one-dot leaders. `None` if it has none of them. `decoded` is the same path.
pub(crate) fn fitted(text: &str, decoded: &str) -> Option<Fitted> {
    let without_parameters = replaced(text, decoded, Parameters::Drop)?;
    let has_parameters = decoded.chars().any(|letter| fit(letter) == Some(";"));
    let with_parameters = if has_parameters { replaced(text, decoded, Parameters::Keep) } else { None };
    Some(Fitted { without_parameters, with_parameters })
}

/// The treatment of a form of `;` and of what follows it in its segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parameters {
    Drop,
    Keep,
}

/// Returns the path with its forms replaced, if that changes it.
fn replaced(text: &str, decoded: &str, parameters: Parameters) -> Option<Box<str>> {
    look_at(decoded.len());
    let mut fitted = String::with_capacity(text.len());
    let (mut rest, mut has_forms, mut is_parameter) = (text, false, false);
    for letter in decoded.chars() {
        let length = if rest.starts_with('%') { 3 * letter.len_utf8() } else { 1 };
        let (spelt, after) = rest.split_at_checked(length)?;
        rest = after;
        let form = if letter.is_ascii() { None } else { fit(letter) };
        // A parameter ends with its segment: at a slash in any spelling, since what replaces forms and decodes `%2F` first
        // takes the rest for more segments.
        is_parameter &= letter != '/' && letter != char::from(DECODED_SLASH) && form != Some("/");
        if is_parameter {
            continue;
        }
        match form {
            Some(";") if parameters == Parameters::Drop => (has_forms, is_parameter) = (true, true),
            None | Some(";") => fitted.push_str(spelt),
            Some(ascii) => {
                has_forms = true;
                fitted.push_str(ascii);
            }
        }
    }
    has_forms.then(|| fitted.into())
}

/// Returns the text that replaces a character in a path, if the character is a compatibility form.
pub(crate) fn fit(character: char) -> Option<&'static str> {
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
