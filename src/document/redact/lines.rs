//! Text line by line: comments, and the values of secret fields where no tree tells what is whose value.

use super::{
    hide::{hide, offset_in},
    secret_text::{MEMBERS_OF_KEYS, MOST_FIELDS, last_word, secret_in_text, userinfo},
    vocabulary::Vocabulary,
};

/// Hides comments and, where no tree tells what is whose value, what follows the name of a secret field, and queries.
pub(super) fn hide_lines(shown: &mut [u8], vocabulary: &Vocabulary, text: &str, has_tree: bool) {
    let mut values = SecretValues::default();
    for line in text.split('\n') {
        let at = offset_in(text, line);
        let mut hide_from = |from: usize, to: usize| hide(shown, at.saturating_add(from)..at.saturating_add(to));
        if let Some(comment) = comment_in(line) {
            hide_from(comment, line.trim_end().len());
        }
        if has_tree {
            continue;
        }
        // A password in a quoted URL may have blanks, and nothing tells here what is quoted.
        if let Some(range) = userinfo(line) {
            hide_from(range.start, range.end);
        }
        if let Some(secret) = secret_in_text(vocabulary.is_secret, line) {
            hide_from(secret, line.len());
        }
        if let Some(from) = values.start_in(vocabulary, line) {
            hide_from(from, line.len());
        }
    }
}

/// Finder of the values of secret fields in lines of which nothing else is known.
#[derive(Default)]
struct SecretValues {
    /// The indentation of a secret field, while deeper lines go on with its value.
    indent: Option<usize>,
    /// Says whether the value of a secret field is still to come: its line ends with the colon.
    is_due: bool,
    /// Says whether a line ends with the name of a secret field: the next one may begin with its colon.
    is_named: bool,
    /// Brackets of the value that are still open.
    open: usize,
}

impl SecretValues {
    /// Finds where the value of a secret field starts in the next line, if it has a part of one.
    fn start_in(&mut self, vocabulary: &Vocabulary, line: &str) -> Option<usize> {
        let code = line.get(..comment_in(line).unwrap_or(line.len())).unwrap_or(line);
        let code = code.trim_end_matches(['#', ' ', '\t', '\r']);
        let content = code.trim_start();
        let indent = code.len().saturating_sub(content.len());
        self.indent = self.indent.filter(|field| indent > *field || content.is_empty());
        if content.is_empty() {
            return self.indent.map(|_| 0);
        }
        let is_value = self.is_due || self.open > 0 || (self.is_named && content.starts_with(':'));
        let from = if is_value || self.indent.is_some() { Some(0) } else { secret_in_line(vocabulary, line) };
        self.is_named = (vocabulary.is_secret)(last_word(code));
        self.is_due = false;
        let from = from?;
        let value = code.get(from..).unwrap_or_default();
        self.indent = self.indent.or(Some(indent));
        self.is_due = value.trim().is_empty();
        let count = |brackets: [char; 2]| value.matches(brackets).count();
        self.open = self.open.saturating_add(count(['[', '{'])).saturating_sub(count([']', '}']));
        Some(from)
    }
}

/// Finds where the words of the comment of a line start, or of what could be one: in quotes a `#` is none.
fn comment_in(line: &str) -> Option<usize> {
    let mut signs = line.match_indices('#').map(|(at, _)| at);
    let begins = |at: &usize| *at == 0 || line.get(..*at).unwrap_or_default().ends_with([' ', '\t']);
    let comment = line.get(signs.find(begins)?..)?;
    Some(line.len().saturating_sub(comment.trim_start_matches(['#', ' ', '\t']).len()))
}

/// Finds where in a line the value of a secret field starts.
fn secret_in_line(vocabulary: &Vocabulary, line: &str) -> Option<usize> {
    let colons = line.match_indices([':', '=']).map(|(at, _)| at);
    let is_key = |at: &usize| {
        let word = last_word(line.get(..*at).unwrap_or_default());
        (vocabulary.is_secret)(word) || vocabulary.key_files.contains(&word) || MEMBERS_OF_KEYS.contains(&word)
    };
    colons.take(MOST_FIELDS).find(is_key).map(|at| at.saturating_add(1))
}
