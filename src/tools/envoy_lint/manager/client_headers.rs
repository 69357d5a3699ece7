//! Headers of clients: how they may be spelt, and how many there may be.

use crate::{
    config::lint::Lint,
    document::tree::{Entry, Node},
    tools::envoy_lint::{findings::Findings, read},
};

const OPTIONS: &str = "common_http_protocol_options";
const UNDERSCORES: &str = "headers_with_underscores_action";

/// Lints what an `HttpConnectionManager` takes from clients.
pub(crate) fn lint(findings: &mut Findings, manager: &Node) {
    let start = read::field(manager, "stat_prefix").map_or(&manager.place, |entry| &entry.place);
    let options = read::field(manager, OPTIONS);
    let beside = options.map_or(start, |entry| &entry.place);
    // It takes the place of the setting.
    let is_elsewhere = read::field(manager, "typed_header_validation_config").is_some();
    if !is_elsewhere && !refuses_underscores(manager) {
        let at = underscores(manager).map_or(beside, |entry| &entry.place);
        let message = "header names with `_` pass: `x_a` and `x-a` are one header to backends that read CGI variables";
        let help = "set `common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }`; Portcullis removes \
                    such spellings of the headers that it knows, and of no others";
        findings.warn(Lint::EnvoyUnderscores, at, message, help);
    }
    if options.is_none_or(|options| read::field(&options.node, "max_headers_count").is_none()) {
        let message = "`max_headers_count` is not set: a request that Portcullis has allowed gets 500 where it has nearly 100 \
                       headers, as those that are added count as well";
        let help = "set `common_http_protocol_options: { max_headers_count: 128 }`";
        findings.warn(Lint::EnvoyHeaderCount, beside, message, help);
    }
}

/// Tells whether no header with `_` in its name gets past the manager.
pub(crate) fn refuses_underscores(manager: &Node) -> bool {
    underscores(manager).is_some_and(|entry| {
        // By name or number; the default lets them pass.
        [("REJECT_REQUEST", 1), ("DROP_HEADER", 2)].iter().any(|(name, code)| read::is_enum(&entry.node, name, *code))
    })
}

fn underscores(manager: &Node) -> Option<&Entry> {
    read::value(manager, OPTIONS).and_then(|options| read::field(options, UNDERSCORES))
}
