//! `ext_proc`: tells whether an external processor may change requests.

use super::settings::Settings;
use crate::{document::tree::Node, tools::envoy_lint::read};

/// Tells whether a processor gets requests before they go on. Headers are sent to it unless that is switched off.
pub(crate) fn sees_requests(settings: &Settings<'_>) -> bool {
    if settings.is_of_route() {
        let mode = read::at(settings.config, &["overrides", "processing_mode"]);
        return mode.is_some_and(sends_requests);
    }
    let observes = read::switched_on(settings.config, "observability_mode").is_some();
    !observes && read::value(settings.config, "processing_mode").is_none_or(sends_requests)
}

/// Tells whether a `ProcessingMode` sends headers, or a whole body, with whose answer headers can be set as well.
fn sends_requests(mode: &Node) -> bool {
    let is = |field: &str, name: &str, code: u64| {
        read::value(mode, field).is_some_and(|node| read::is_enum(node, name, code))
    };
    let buffers =
        [("BUFFERED", 2), ("BUFFERED_PARTIAL", 3)].iter().any(|(name, code)| is("request_body_mode", name, *code));
    !is("request_header_mode", "SKIP", 2) || buffers
}
