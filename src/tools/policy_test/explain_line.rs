//! The command line that shows why a test came out as it did.

use super::{case::Token, run::Prepared};
use crate::{
    limits, printable,
    tools::simulate::{request, timestamp},
};
use portcullis_engine::time::UnixTime;

/// `portcullis explain …` for a test; `None` if that command can't be told all of it.
pub(crate) fn explain_line(config: &str, prepared: &Prepared) -> Option<String> {
    let case = &prepared.case;
    let mut words: Vec<String> = ["portcullis", "explain", "--config", config].map(quoted).to_vec();
    let mut option = |name: &str, value: &str| words.extend([name.to_owned(), quoted(value)]);
    match (&*case.token, &prepared.claims) {
        (Token::None, _) => {}
        (Token::Made(..), Some(claims)) => option("--claims", &printable::json(claims)),
        (Token::Raw(_) | Token::Made(..), _) => return None,
    }
    let request = &case.request;
    // `explain` takes no other word for a path.
    if !request::is_path(&request.path) {
        return None;
    }
    // A query or a header may hold a token; this line ends up in the logs of a CI.
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    if is_secret(query) || request.headers.iter().any(|(name, value)| is_secret(name) || is_secret(value)) {
        return None;
    }
    option("--method", &request.method);
    option("--host", &request.host);
    for (name, value) in &request.headers {
        option("-H", &format!("{name}: {value}"));
    }
    if let Some((policy, _)) = &request.policy {
        option("--policy", policy);
    }
    if case.time != UnixTime::from_secs(limits::POLICY_TEST_TIME) || prepared.claims.is_some() {
        option("--at", &timestamp::show(case.time));
    }
    words.push(quoted(&request.path));
    printed(&words)
}

/// The line, if it is printed as it is: reports show characters that act on a terminal by their numbers, which a shell does
/// not read back.
fn printed(words: &[String]) -> Option<String> {
    let is_printable = words.iter().all(|word| word.chars().all(printable::is_printable));
    is_printable.then(|| words.join(" "))
}

/// Whether a text looks as if it were secret, or named what is.
fn is_secret(text: &str) -> bool {
    const SIGNS: [&str; 9] = ["cookie", "token", "secret", "passw", "key", "auth", "session", "sig", "eyj"];
    let text = text.to_ascii_lowercase();
    SIGNS.iter().any(|sign| text.contains(sign))
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&b);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_printed_as_it_is_or_not_at_all() {
        assert_eq!(printed(&["a".to_owned(), "'é ü'".to_owned()]).as_deref(), Some("a 'é ü'"));
        assert_eq!(printed(&["a".to_owned(), "'s\u{202e}'".to_owned()]), None);
    }

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        for (word, shown) in [
            ("/a/b", "/a/b"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
            ("/a?x=1", "'/a?x=1'"),
        ] {
            assert_eq!(quoted(word), shown);
        }
    }
}
