//! Names behind which secrets stand: of fields, of headers, of parameters.

use super::super::{foreign, schema};
use crate::document::suggest::closest;

/// Parts of names of fields that hold secrets. Fields that are known are none of them.
const SECRET_WORDS: [&str; 8] = ["secret", "password", "passwd", "passphrase", "token", "key", "credential", "private"];

/// Whole words of such names.
const SECRET_PARTS: [&str; 16] = [
    "hmac",
    "shared",
    "signing",
    "pwd",
    "psk",
    "bearer",
    "cookie",
    "authorization",
    "authentication",
    "otp",
    "totp",
    "cert",
    "webhook",
    "webhooks",
    "dsn",
    "userpass",
];

/// Whole names: as words of longer ones they mean something else.
const SECRET_NAMES: [&str; 9] = ["pass", "pin", "pem", "jwt", "jwk", "session", "salt", "seed", "stringdata"];

/// Words that name secrets at the beginning or the end of a name: `basic_auth`, but not `x-auth-scopes`.
const SECRET_ENDS: [&str; 2] = ["auth", "basic"];

/// Fields with secrets, or with files in which there are keys. A misspelt one may have a secret as its value.
const SECRET_FIELDS: [&str; 4] = ["secret_file", "secret_env", "jwks_file", "public_key_file"];

/// Says whether the value of a field is not to be shown. That of `secret_file` or `secret_env` may be the secret itself.
pub(crate) fn is_secret(name: &str) -> bool {
    if ["secret_file", "secret_env"].contains(&name) {
        return true;
    }
    if schema::is_field(name) {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    let words = words(name);
    let is_end = |word: Option<&String>| word.is_some_and(|word| SECRET_ENDS.contains(&word.as_str()));
    SECRET_WORDS.iter().any(|word| lower.contains(word))
        || SECRET_NAMES.contains(&lower.as_str())
        || is_end(words.first())
        || is_end(words.last())
        || words.iter().any(|word| SECRET_PARTS.contains(&word.as_str()) || is_misspelt(word))
        || closest(name, SECRET_FIELDS).is_some()
        || foreign::meant(name, &SECRET_FIELDS).is_some()
}

/// Says whether a word is a typing error away from one that names secrets. Short words are near to too many others.
fn is_misspelt(word: &str) -> bool {
    let errors = |meant: &str| match meant.len() {
        ..5 => 0,
        5..8 => 1,
        8.. => 2,
    };
    // The work grows with the length.
    word.len() <= 16 && SECRET_WORDS.iter().any(|meant| strsim::osa_distance(word, meant) <= errors(meant))
}

/// The words of a name in lower case: `apiKey`, `api-key` and `API_KEY` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let is_hump = before.is_lowercase() && c.is_uppercase();
        if !c.is_alphanumeric() || is_hump {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

/// Says whether a text is the name of a variable and can't be a secret: words in capitals, short enough that no key of any
/// encoding looks like it.
pub(crate) fn is_variable(text: &str) -> bool {
    let is_word = |word: &str| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
        word.len() <= 12 && digits.len() <= 2 && digits.bytes().all(|b| b.is_ascii_digit())
    };
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_uppercase()) && text.split('_').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_any_spelling() {
        for name in [
            "secret_env",
            "sercet",
            "secert_env",
            "sekret",
            "hmac",
            "shared",
            "hmacSecret",
            "pasword",
            "pwd",
            "db_pwd",
            "pass",
            "Authorization",
            "proxy-authorization",
            "Cookie",
            "x-api-key",
            "publicKey",
            "local_jwks",
            "jwks-file",
            "tokne",
            "signing_value",
            "client-credentails",
            "basic_auth",
            "httpAuth",
            "otp",
            "tls-cert",
            "webhook",
            "stringData",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "x-auth-scopes",
            "issuer",
            "issuers",
            "max_token_age",
            "rout",
            "path",
            "scopes",
            "cluster",
            "pass_through_matcher",
            "stat",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_variable_is_told_from_a_secret() {
        for name in ["A", "API_SECRET", "PARTNER_SECRET", "KEY_2", "TENANT42_HMAC", "_"] {
            assert_eq!(is_variable(name), name != "_", "{name}");
        }
        for secret in
            ["hunter2", "HUNTER2HUNTER2HUNTER2", "JBSWY3DPEHPK3PXPJBSWY3DP", "DEADBEEF00112233", "0A1B", "a_b", ""]
        {
            assert!(!is_variable(secret), "{secret}");
        }
    }
}
