//! Checks for what makes a shared secret easy to guess, or readable as something else: a key in its place is an error, a
//! weak secret a warning. Messages never repeat what is in it.

use crate::{
    config::{decode::bag::Bag, error::Problem, lint_catalogue::Lint},
    document::tree::Entry,
    limits,
};
use portcullis_engine::keys::key_text;

/// Says whether the bytes may be a secret at all. `shown` is where they come from.
pub(super) fn is_no_key(bag: &mut Bag, entry: &Entry, bytes: &[u8], shown: &str) -> bool {
    let Some(kind) = key_text::kind_of(bytes) else { return true };
    let message = format!("what is in {shown} is {kind}, and no shared secret");
    let help = if kind.contains("JSON") {
        "a public key is for `jwks_file` or `public_key_file`; the secret of a key with `kty: oct` is its `k`, decoded"
    } else {
        "anybody may know a public key: name it in `public_key_file`; a secret is random, `openssl rand -base64 48 > FILE`"
    };
    bag.push(Problem::error(&entry.node.place, message).help(help));
    false
}

/// Warns of a secret that can be guessed.
pub(super) fn warn(bag: &mut Bag, entry: &Entry, bytes: &[u8], shown: &str) {
    let Some(why) = weakness(bytes) else { return };
    let message = format!("the secret in {shown} can be guessed: {why}");
    let help = "whoever guesses it signs any token: make a random one, `openssl rand -base64 48 > FILE`";
    bag.push(Problem::warning(&entry.node.place, message).lint(Lint::WeakSecret).help(help));
}

fn weakness(bytes: &[u8]) -> Option<&'static str> {
    if is_one_pattern(bytes) {
        return Some("it is one pattern, repeated");
    }
    if different(bytes) < limits::SECRET_DIFFERENT_BYTES {
        return Some("it has fewer than 8 different bytes");
    }
    if is_sequence(bytes) {
        return Some("it is a sequence of characters");
    }
    is_placeholder(bytes).then_some("it is a placeholder that documents have")
}

/// Says whether the bytes are a shorter text, at least twice.
fn is_one_pattern(bytes: &[u8]) -> bool {
    let most = bytes.len() / 2;
    (1..=most).any(|period| bytes.get(period..) == bytes.get(..bytes.len().saturating_sub(period)))
}

fn different(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in bytes {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Says whether most bytes follow the one before them: `0123456789abcdef…`, or counted down.
fn is_sequence(bytes: &[u8]) -> bool {
    let steps =
        |by: u8| bytes.iter().zip(bytes.iter().skip(1)).filter(move |(one, next)| one.wrapping_add(by) == **next);
    steps(1).count().max(steps(u8::MAX).count()) > bytes.len() / 2
}

/// Says whether a text holds words that only examples have, or is a variable that was not replaced.
fn is_placeholder(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let text = text.trim();
    let is_around = |begin: &str, end: &str| text.starts_with(begin) && text.ends_with(end);
    let is_variable = is_around("${", "}") || is_around("$(", ")") || is_around("{{", "}}") || is_around("<", ">");
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    is_variable || WORDS.iter().any(|word| letters.contains(word))
}

/// Words of at least seven letters: random base64 has shorter ones by chance.
const WORDS: [&str; 23] = [
    "changeme",
    "changeit",
    "changethis",
    "replaceme",
    "replacethis",
    "replacewith",
    "placeholder",
    "yoursecret",
    "yourkey",
    "yourjwtsecret",
    "your256bit",
    "atleast256bits",
    "256bitsecret",
    "mysecret",
    "supersecret",
    "topsecret",
    "secretkey",
    "notsecret",
    "insecure",
    "password",
    "passphrase",
    "qwertyuiop",
    "example",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_guessed_is_told_by_its_kind() {
        for (text, part) in [
            ("s".repeat(64), "pattern"),
            ("abcd1234".repeat(6), "pattern"),
            (format!("{}open sesam", "open sesame".repeat(4)), "pattern"),
            ("abcdefgabdcegfagcbdfeabfgcdeagdcbfe".to_owned(), "fewer than 8"),
            ("0123456789abcdefghijklmnopqrstuvwxyz".to_owned(), "sequence"),
            ("zyxwvutsrqponmlkjihgfedcba9876543210".to_owned(), "sequence"),
            ("CHANGE-ME-please-before-production!".to_owned(), "placeholder"),
            ("your-256-bit-secret-goes-here-please".to_owned(), "placeholder"),
            ("a-string-secret-at-least-256-bits-long".to_owned(), "placeholder"),
            ("a-valid-string-that-says_My_Secret".to_owned(), "placeholder"),
            ("${PARTNER_SECRET_THAT_NOBODY_REPLACED}".to_owned(), "placeholder"),
            ("{{ vault.partner.hmac.from.the.template }}".to_owned(), "placeholder"),
            ("<paste the shared key of the partner>".to_owned(), "placeholder"),
        ] {
            assert!(weakness(text.as_bytes()).is_some_and(|why| why.contains(part)), "{text}");
        }
    }

    #[test]
    fn random_secrets_are_not_weak() {
        for _ in 0..1000 {
            let bytes: [u8; 32] = rand::random();
            assert_eq!(weakness(&bytes), None, "{bytes:?}");
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(weakness(hex.as_bytes()), None, "{hex}");
        }
        assert_eq!(different(b"abcdefgh"), 8);
        assert_eq!(
            weakness(b"hagbfcedahgfbceadhbgcfedaghbcfdeab"),
            None,
            "8 different bytes are enough to be no pattern"
        );
    }
}
