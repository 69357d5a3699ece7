//! The words for parts of the input that are not looked at.

use crate::document::suggest::quoted;

/// Gives words for a part of a ConfigMap that is not looked at. `map` are those for the ConfigMap.
pub(super) fn unseen_words(key: &str, map: &str) -> String {
    format!("{} in {map}, which is no file that Envoy reads and may hold one", quoted(key))
}

/// Gives words for the documents that Envoy does not read of a file.
pub(super) fn unread_words(name: &str) -> String {
    format!("the documents of {} behind its first one: Envoy reads only the first one", quoted(name))
}
