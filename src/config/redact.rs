//! The secrets of configurations and of files of policy tests: by which names they are told, and texts without them.

mod names;

use self::names::is_secret;
pub(crate) use self::names::is_variable;
use super::schema;
use crate::document::{
    redact::{
        secret_text::{is_key_material, secret_in_text, userinfo},
        text,
        vocabulary::Vocabulary,
    },
    tree::{Entry, Node, Value},
};

/// The words of configurations, of Portcullis and of Envoy.
const CONFIG: Vocabulary = Vocabulary {
    is_secret,
    is_secret_field: is_secret,
    is_field: schema::is_field,
    is_open: |entry| is_named_variable(entry) || is_ext_auth(entry),
    url_fields: &["issuer", "jwks_uri", "discovery_url", "proxy"],
    key_files: &KEY_FILES,
    // `token_use` is a claim.
    sections_by_name: &["claims"],
};

/// The words of a file of policy tests: its `token` is a recipe, but what is `raw` may be a real one.
const TESTS: Vocabulary = Vocabulary {
    is_secret_field: |key| key == "raw" || (!["token", "tokens"].contains(&key) && is_secret(key)),
    ..CONFIG
};

/// Fields that name a file with keys, where a person may have pasted the keys themselves.
const KEY_FILES: [&str; 2] = ["jwks_file", "public_key_file"];

/// The bytes of a text as they may be printed: of the same length, with asterisks for what is hidden. `root` is the
/// text's tree, if it has one.
pub(crate) fn masked(text: &str, root: Option<&Node>) -> Vec<u8> {
    text::masked(&CONFIG, text, root.map(|root| vec![root]))
}

/// Gives the bytes of a text with several trees as they may be printed: of its documents, and of the files inside of them.
pub(crate) fn masked_trees(text: &str, roots: Option<Vec<&Node>>) -> Vec<u8> {
    text::masked(&CONFIG, text, roots)
}

/// Gives the bytes of a file of policy tests as they may be printed.
pub(crate) fn masked_tests(text: &str, root: Option<&Node>) -> Vec<u8> {
    text::masked(&TESTS, text, root.map(|root| vec![root]))
}

/// Says whether an excerpt hides the value of a field of a configuration, or a part of it.
pub(crate) fn is_hidden(field: &str, value: &str) -> bool {
    let is_key = KEY_FILES.contains(&field) && is_key_material(value);
    let has_secret = || userinfo(value).is_some() || secret_in_text(is_secret, value).is_some();
    is_secret(field) || is_key || has_secret() || value.contains("eyJ")
}

/// Says whether the value of `secret_env` is a name, and no secret that was written in its place.
fn is_named_variable(entry: &Entry) -> bool {
    entry.key == "secret_env" && matches!(&entry.node.value, Value::String(name) if is_variable(name))
}

/// Fields of a `SecurityPolicy` that are named after what they configure: their own fields say where a secret is.
const EXT_AUTH: [&str; 3] = ["extAuth", "headersToExtAuth", "bodyToExtAuth"];

/// Says whether it is such a field. A text in place of its fields may be a secret.
fn is_ext_auth(entry: &Entry) -> bool {
    EXT_AUTH.contains(&entry.key.as_str()) && matches!(entry.node.value, Value::Section(_) | Value::List(_))
}

#[cfg(test)]
mod tests;
