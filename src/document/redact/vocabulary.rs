//! The names by which a kind of documents marks its secrets.

use crate::document::tree::Entry;

/// The words of a kind of documents by which secrets are told.
pub(crate) struct Vocabulary {
    /// Says whether a name in a text is that of a secret.
    pub(crate) is_secret: fn(&str) -> bool,
    /// Says whether the value of a field of that name is hidden.
    pub(crate) is_secret_field: fn(&str) -> bool,
    /// Says whether a name is that of a field of these documents.
    pub(crate) is_field: fn(&str) -> bool,
    /// Says whether the value of a field is no secret, although its name is that of one.
    pub(crate) is_open: fn(&Entry) -> bool,
    /// Fields that hold a URL: what stands before an `@` is hidden there even without `//`.
    pub(crate) url_fields: &'static [&'static str],
    /// Fields that name a file with keys, where a person may have pasted the keys themselves.
    pub(crate) key_files: &'static [&'static str],
    /// Fields whose section has names of the operator's own in place of fields.
    pub(crate) sections_by_name: &'static [&'static str],
}
