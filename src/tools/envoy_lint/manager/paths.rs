//! Path normalisation: Envoy's routes, the policy and the API must read the same path.

use crate::{
    config::lint::Lint,
    document::{
        suggest::quoted,
        tree::{Entry, Node},
    },
    tools::envoy_lint::{around::Around, findings::Findings, read},
};
use portcullis_engine::policy::{HostPattern, PathPattern};

pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, manager: &Node) {
    // It takes the place of all three settings.
    if read::field(manager, "typed_header_validation_config").is_some() {
        return;
    }
    let mut missing = Vec::new();
    for (name, setting) in [("normalize_path", "normalize_path: true"), ("merge_slashes", "merge_slashes: true")] {
        if read::switched_on(manager, name).is_none() {
            missing.push((name, setting));
        }
    }
    let action = read::field(manager, SLASHES);
    let data = around.config.and_then(|config| config.policy.with_encoded_slashes().next());
    if let Some((host, path)) = data {
        lint_kept_slashes(findings, manager, action, &shown(host, path));
    } else if !action.is_some_and(|entry| takes_away_escaped_slashes(&entry.node)) {
        missing.push((SLASHES, "path_with_escaped_slashes_action: REJECT_REQUEST"));
    }
    let Some((first, setting)) = missing.first() else { return };
    let written = missing.iter().find_map(|(name, _)| read::field(manager, name)).map(|entry| &entry.place);
    let start = read::field(manager, "stat_prefix").map(|entry| &entry.place);
    let place = written.or(start).unwrap_or(&manager.place);
    let message = match missing.as_slice() {
        [_, _, _] => {
            "Envoy leaves paths as clients spell them: its routes and the API may read one in two ways".to_owned()
        }
        _ => format!("Envoy leaves some paths as clients spell them: `{first}` is not {}", wanted(setting)),
    };
    let settings: Vec<String> = missing.iter().map(|(_, setting)| format!("`{setting}`")).collect();
    let unless = if around.config.is_some() {
        ""
    } else {
        " (`KEEP_UNCHANGED` if a route of Portcullis has `encoded_slashes: allow`)"
    };
    let unless = if missing.iter().any(|(name, _)| *name == SLASHES) { unless } else { "" };
    let help = format!("set {}{unless}; Portcullis refuses ambiguous paths with 400 all the same", settings.join(", "));
    findings.warn(Lint::EnvoyPaths, place, message, help);
}

/// Returns the value of a setting, in backticks.
fn wanted(setting: &str) -> String {
    format!("`{}`", setting.rsplit(' ').next().unwrap_or_default())
}

/// Warns where a route takes `%2F` as data and Envoy changes it on the way.
fn lint_kept_slashes(findings: &mut Findings, manager: &Node, action: Option<&Entry>, route: &str) {
    // By name or number; the default is Envoy's to choose, at run time.
    if action.is_some_and(|entry| read::is_enum(&entry.node, "KEEP_UNCHANGED", 1)) {
        return;
    }
    let start = read::field(manager, "stat_prefix").map_or(&manager.place, |entry| &entry.place);
    let place = action.map_or(start, |entry| &entry.place);
    let message = format!("the route {} takes `%2F` as data, and this Envoy does not leave it as it is", quoted(route));
    let help = "set `path_with_escaped_slashes_action: KEEP_UNCHANGED`: Portcullis refuses it with 400 everywhere else";
    findings.warn(Lint::EnvoyPaths, place, message, help);
}

fn shown(host: &HostPattern, path: &PathPattern) -> String {
    match host {
        HostPattern::Any => path.to_string(),
        host => format!("{host}{path}"),
    }
}

const SLASHES: &str = "path_with_escaped_slashes_action";

/// By name or number; the default keeps them.
fn takes_away_escaped_slashes(action: &Node) -> bool {
    [("REJECT_REQUEST", 2), ("UNESCAPE_AND_REDIRECT", 3), ("UNESCAPE_AND_FORWARD", 4)]
        .iter()
        .any(|(name, code)| read::is_enum(action, name, *code))
}
