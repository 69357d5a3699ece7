//! The part of all requests for which an ext_authz filter runs, and what the runtime makes of it.

use super::{Around, findings::Findings, quoted, read, scene::Runtime};
use crate::config::{
    lint::Lint,
    tree::{Node, Value},
};

/// Lints whether the filter is there for every request.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, config: &Node) {
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
pub(super) fn is_for_all(runtime: &Runtime<'_>, config: &Node) -> bool {
    let denies = || read::value(config, "deny_at_disable").is_some_and(|denies| is_on(runtime, denies));
    let is_enabled = || read::value(config, "filter_enabled").is_none_or(|enabled| is_everything(runtime, enabled));
    (read::field(config, "filter_enabled_metadata").is_none() && is_enabled()) || denies()
}

/// Returns what the runtime says of a setting with a `runtime_key`.
fn setting<'n>(runtime: &Runtime<'n>, flag: &Node) -> Option<&'n Node> {
    runtime.setting(read::text(flag, "runtime_key")?)
}

fn name_unseen_layers(findings: &mut Findings, runtime: &Runtime<'_>, flag: &Node) {
    let Some(key) = read::text(flag, "runtime_key") else { return };
    for layer in runtime.unseen() {
        findings.unseen(format!("the runtime layer {}, which may set {}", quoted(layer), quoted(key)));
    }
}

/// Tells whether a `RuntimeFeatureFlag` is on.
fn is_on(runtime: &Runtime<'_>, flag: &Node) -> bool {
    let default = || read::value(flag, "default_value").is_some_and(read::is_true);
    let Some(value) = setting(runtime, flag) else { return default() };
    match &value.value {
        Value::Bool(is_on) => *is_on,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        // Whether a number is true depends on Envoy's version.
        _ => false,
    }
}

/// Tells whether a `RuntimeFractionalPercent` is 100 %.
fn is_everything(runtime: &Runtime<'_>, fraction: &Node) -> bool {
    match setting(runtime, fraction) {
        Some(value) => read::number(value).map_or_else(|| is_whole(value), |percent| percent >= 100),
        None => read::value(fraction, "default_value").is_some_and(is_whole),
    }
}

/// Tells whether a `FractionalPercent` is 100 %.
fn is_whole(value: &Node) -> bool {
    let numerator = read::value(value, "numerator").and_then(read::number).unwrap_or(0);
    let denominator = read::value(value, "denominator");
    let is = |name, code| denominator.is_some_and(|denominator| read::is_enum(denominator, name, code));
    let whole = match () {
        () if is("TEN_THOUSAND", 1) => 10_000,
        () if is("MILLION", 2) => 1_000_000,
        () => 100,
    };
    numerator >= whole
}
