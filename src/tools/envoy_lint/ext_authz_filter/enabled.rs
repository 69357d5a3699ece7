//! The part of all requests for which an ext_authz filter runs.

use super::runtime_flag::{is_everything, is_on, setting};
use crate::{
    config::lint::Lint,
    document::{suggest::quoted, tree::Node},
    tools::envoy_lint::{around::Around, findings::Findings, read, scene::Runtime},
};

/// Lints whether the filter is there for every request.
pub(crate) fn lint(findings: &mut Findings, around: &Around<'_>, config: &Node) {
    let runtime = &around.scene.runtime;
    let enabled = read::field(config, "filter_enabled");
    let denies = read::field(config, "deny_at_disable");
    for flag in [enabled, denies].into_iter().flatten() {
        name_unseen_layers(findings, runtime, &flag.node);
    }
    if denies.is_some_and(|denies| is_on(runtime, &denies.node)) {
        return;
    }
    if let Some(enabled) = enabled
        && !is_everything(runtime, &enabled.node)
    {
        let by = setting(runtime, &enabled.node).map_or_else(String::new, |_| {
            let key = read::text(&enabled.node, "runtime_key").unwrap_or_default();
            format!(": the runtime sets {}", quoted(key))
        });
        let message = format!("`filter_enabled` lets a part of all requests pass unchecked{by}");
        let help = "remove `filter_enabled`, and give paths that need no check `access: public` in Portcullis";
        findings.warn(Lint::EnvoyPartlyEnabled, &enabled.place, message, help);
    }
    if let Some(enabled) = read::field(config, "filter_enabled_metadata") {
        let message = "requests whose metadata `filter_enabled_metadata` does not match pass unchecked";
        let help = "remove `filter_enabled_metadata`";
        findings.warn(Lint::EnvoyPartlyEnabled, &enabled.place, message, help);
    }
}

/// Tells whether the filter is there for every request, or denies those for which it is not.
pub(crate) fn is_for_all(runtime: &Runtime<'_>, config: &Node) -> bool {
    let denies = || read::value(config, "deny_at_disable").is_some_and(|denies| is_on(runtime, denies));
    let is_enabled = || read::value(config, "filter_enabled").is_none_or(|enabled| is_everything(runtime, enabled));
    (read::field(config, "filter_enabled_metadata").is_none() && is_enabled()) || denies()
}

fn name_unseen_layers(findings: &mut Findings, runtime: &Runtime<'_>, flag: &Node) {
    let Some(key) = read::text(flag, "runtime_key") else { return };
    for layer in runtime.unseen() {
        findings.unseen(format!("the runtime layer {}, which may set {}", quoted(layer), quoted(key)));
    }
}
