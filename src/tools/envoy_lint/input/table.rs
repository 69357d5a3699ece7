//! Tables for people, such as `istioctl proxy-config listeners` prints without `-o json`.

use super::relocate;
use crate::{config::error::Problem, document::tree::Place};

/// Finds whether a text is a table and no configuration.
pub(super) fn find(text: &str) -> Option<Problem> {
    is_table(text).then(|| {
        Problem::error(&Place::File(relocate::start(0)), "this is a table for people, not a configuration")
            .help("add `-o json` to the command that printed it")
    })
}

/// Says whether a text starts with the heads of columns: words in capitals.
fn is_table(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let is_head = |word: &str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase() || b"_-/()".contains(&b));
    first.split_whitespace().count() > 1 && first.split_whitespace().all(is_head)
}
