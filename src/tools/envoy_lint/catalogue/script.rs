//! `lua`: tells whether a script handles requests.

use super::settings::Settings;
use crate::{document::tree::Node, tools::envoy_lint::read};

/// The function that Envoy calls with each request, and the parts of Lua by which a script may get it from elsewhere or make its name.
const HANDLERS: [&str; 12] = [
    "envoy_on_request",
    "require",
    "dofile",
    "load",
    "loadfile",
    "loadstring",
    "_G",
    "getfenv",
    "setfenv",
    "module",
    "package",
    "debug",
];

/// Tells whether the script of a filter, or the one that a route chooses, handles requests, or can't be read.
pub(crate) fn handles_requests(settings: &Settings<'_>) -> bool {
    let config = settings.config;
    read::text(config, "inline_code").is_some_and(has_handler)
        || ["default_source_code", "source_code"]
            .iter()
            .any(|name| read::value(config, name).is_some_and(source_handles_requests))
        || (settings.is_of_route() && read::text(config, "name").is_some_and(|name| is_handler_named(settings, name)))
}

/// Tells whether the script of that name among a filter's handles requests. Envoy runs nothing where there is none.
fn is_handler_named(settings: &Settings<'_>, name: &str) -> bool {
    let Some(filter) = settings.filter else { return true };
    let scripts = read::value(filter, "source_codes").map_or(&[][..], read::entries);
    scripts.iter().any(|entry| entry.key == name && source_handles_requests(&entry.node))
}

/// Tells whether a `DataSource` holds a script that handles requests, or one that is not in the file.
fn source_handles_requests(source: &Node) -> bool {
    read::text(source, "inline_string").is_none_or(has_handler)
}

fn has_handler(code: &str) -> bool {
    code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| HANDLERS.contains(&word))
}
