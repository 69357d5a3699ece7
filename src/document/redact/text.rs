//! The text of a file without its secrets.

use super::{
    hide::{hide, hide_tokens, offset_in},
    lines::hide_lines,
    secret_text::userinfo,
    tree::secrets_of,
    vocabulary::Vocabulary,
};
use crate::document::tree::Node;

/// The bytes of a text as they may be printed: of the same length, with asterisks for what is hidden. `roots` are the trees of
/// its documents, if it has any.
pub(crate) fn masked(vocabulary: &'static Vocabulary, text: &str, roots: Option<Vec<&Node>>) -> Vec<u8> {
    let mut shown = text.as_bytes().to_vec();
    for word in text.split_whitespace() {
        let unclear =
            || word.rfind('@').filter(|at| roots.is_none() && word.find(':').is_some_and(|colon| colon < *at));
        if let Some(range) = userinfo(word).or_else(|| unclear().map(|at| 0..at)) {
            let start = offset_in(text, word);
            hide(&mut shown, start.saturating_add(range.start)..start.saturating_add(range.end));
        }
    }
    hide_lines(&mut shown, vocabulary, text, roots.is_some());
    hide_tokens(&mut shown, text);
    let mut spans = roots.map(|roots| secrets_of(vocabulary, &roots, text)).unwrap_or_default();
    // Aliases repeat spans.
    spans.sort_unstable_by_key(|span| (span.start, span.len));
    spans.dedup();
    for span in spans {
        hide(&mut shown, span.start..span.end());
    }
    shown
}
