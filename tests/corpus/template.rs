//! The pieces in angle brackets that recipes are written with.
//!
//! | piece | becomes |
//! |---|---|
//! | `<256 x k>` | `k` 256 times |
//! | `<hex FF FE>` | these bytes |
//! | `<fill 2048>` | as many `x` as make the whole text 2048 bytes long |
//!
//! and what a recipe has of its own, `<token>` say. A piece that means nothing is an error, so a misspelt one can't
//! pass for text.

use std::fmt::Write as _;

/// The bytes of a text with its pieces replaced; `own` knows the pieces of the recipe.
pub(crate) fn bytes(text: &str, own: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut fill = None;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let (piece, tail) = after.split_once('>').unwrap_or_else(|| panic!("`{text}` has a `<` without a `>`"));
        out.extend(before.bytes());
        if let Some(size) = piece.strip_prefix("fill ") {
            fill = Some((out.len(), number(size)));
        } else if let Some(digits) = piece.strip_prefix("hex ") {
            out.extend(digits.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        } else if let Some((times, what)) = piece.split_once(" x ") {
            out.extend(what.repeat(number(times)).bytes());
        } else {
            out.extend(own(piece).unwrap_or_else(|| panic!("`<{piece}>` in `{text}` means nothing")));
        }
        rest = tail;
    }
    out.extend(rest.bytes());
    if let Some((at, size)) = fill {
        let missing = size.checked_sub(out.len()).unwrap_or_else(|| panic!("`{text}` is longer than {size}"));
        out.splice(at..at, std::iter::repeat_n(b'x', missing));
    }
    out
}

/// The same for text that has no pieces of its own and no odd bytes.
pub(crate) fn text(text: &str) -> String {
    String::from_utf8(bytes(text, &|_| None)).unwrap()
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

/// Bytes for a message: text as it is, the rest as hex, and not all of it.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for byte in bytes.iter().take(300) {
        if byte.is_ascii_graphic() || *byte == b' ' {
            shown.push(char::from(*byte));
        } else {
            write!(shown, "<{byte:02X}>").unwrap();
        }
    }
    shown
}
