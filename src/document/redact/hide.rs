//! Parts of a text as asterisks.

use std::ops::Range;

/// Hides JWTs, which begin with `{"` in base64url, in every place.
pub(super) fn hide_tokens(shown: &mut [u8], text: &str) {
    let mut hidden_to = 0;
    for (start, _) in text.match_indices("eyJ") {
        if start < hidden_to {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(rest.len());
        hidden_to = start.saturating_add(end);
        hide(shown, start..hidden_to);
    }
}

/// The offset of a part of a text.
pub(super) fn offset_in(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

/// Hides a range, but not its line ends.
pub(super) fn hide(shown: &mut [u8], range: Range<usize>) {
    let end = range.end.min(shown.len());
    for byte in shown.get_mut(range.start..end).into_iter().flatten() {
        if !matches!(byte, b'\n' | b'\r') {
            *byte = b'*';
        }
    }
}
