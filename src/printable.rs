//! Text of strangers, made safe for terminals, logs and reports.
//!
//! SECURITY: texts of files, tokens, remote documents, names of files and arguments are other people's. None of them may act on
//! the terminal of a reader of a message, nor read as another text. So a character that is not seen as itself is shown by
//! its number: `\u{202e}`.

use std::{borrow::Cow, fmt::Write as _};

/// Says whether a character is seen as itself: it neither acts on a terminal, nor is invisible, nor turns the text beside it
/// around.
#[must_use]
pub const fn is_printable(c: char) -> bool {
    // C0, DEL and C1.
    !matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}')
        // Line ends that only some programs know, marks of annotations, and what Unicode 16.0 lists as
        // Default_Ignorable_Code_Point (DerivedCoreProperties.txt): joiners, all bidirectional controls, fillers, tags,
        // selectors of variants.
        && !matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A text for one line.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_printable, push_number)
}

/// A text of several lines, which may be indented by tabs.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t') || is_printable(c), push_number)
}

/// A line of the log with its line end, and with the colours of the log's own format: what strangers wrote in it has no
/// escape sequence any more.
pub(crate) fn log_line(line: &str) -> Cow<'_, str> {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    match escaped(text, |c| c == '\u{1b}' || is_printable(c), push_number) {
        Cow::Borrowed(_) => Cow::Borrowed(line),
        Cow::Owned(text) => Cow::Owned(text + end),
    }
}

/// Makes a JSON document printable without changing its meaning: only its strings have unprintable characters, where JSON has an
/// escape for each.
#[must_use]
pub fn json(document: &str) -> Cow<'_, str> {
    escaped(
        document,
        |c| matches!(c, '\n' | '\t' | '\r') || is_printable(c),
        |out, c| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

fn push_number(out: &mut String, c: char) {
    out.extend(c.escape_unicode());
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool, push: impl Fn(&mut String, char)) -> Cow<'_, str> {
    // Most texts are plain, which bytes tell soonest.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || text.chars().all(&is_kept) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_kept(c) {
            out.push(c);
        } else {
            push(&mut out, c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_or_reads_otherwise_is_shown_by_its_number() {
        for (text, shown) in [
            ("a\u{1b}]0;pwn\u{7}\u{1b}[31m", "a\\u{1b}]0;pwn\\u{7}\\u{1b}[31m"),
            ("a\u{9b}31mb\u{7f}", "a\\u{9b}31mb\\u{7f}"),
            ("admin\u{202e}txt\u{2066}", "admin\\u{202e}txt\\u{2066}"),
            ("a\u{200b}b\u{61c}c\u{ad}d\u{e0041}e\u{2028}", "a\\u{200b}b\\u{61c}c\\u{ad}d\\u{e0041}e\\u{2028}"),
            ("a\nb\tc\r", "a\\u{a}b\\u{9}c\\u{d}"),
            ("", ""),
        ] {
            assert_eq!(one_line(text), shown);
        }
        assert_eq!(lines("a\n\tb\r\u{1b}"), "a\n\tb\\u{d}\\u{1b}");
    }

    #[test]
    fn words_of_all_languages_stay_as_they_are() {
        for text in ["/a/b", "größe", "日本語", "שלום", "مرحبا", "emoji 😀", "a b\u{a0}c"] {
            assert!(matches!(one_line(text), Cow::Borrowed(shown) if shown == text), "{text}");
        }
    }

    #[test]
    fn a_log_line_stays_one_line_and_keeps_its_colours() {
        assert_eq!(log_line("\u{1b}[32mINFO\u{1b}[0m a\n"), "\u{1b}[32mINFO\u{1b}[0m a\n");
        assert_eq!(log_line("INFO a\nWARN b\r\u{202e}\n"), "INFO a\\u{a}WARN b\\u{d}\\u{202e}\n");
    }

    #[test]
    fn a_json_document_says_the_same() {
        let value = serde_json::json!({ "a\u{202e}": ["\u{7f}\u{9b}\u{1b}", "\u{e0041}", "é\n"] });
        for document in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let shown = json(&document);
            assert!(shown.chars().all(|c| c == '\n' || is_printable(c)), "{shown}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }
}
