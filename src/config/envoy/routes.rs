//! Routes, virtual hosts and weighted clusters that switch the check off, send it elsewhere, or forge its result.

use super::{Around, body, findings::Findings, headers_set, quoted, read, service};
use crate::config::{
    builder::IGNORED,
    lint::Lint,
    suggest::closest,
    tree::{Entry, Node},
};

const PER_ROUTE: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
const FILTER_CONFIG: &str = "envoy.config.route.v3.FilterConfig";
const USUAL_NAME: &str = "envoy.filters.http.ext_authz";
/// The key of `context_extensions` with which a route chooses a policy.
const POLICY: &str = "portcullis_policy";

/// The names of ext_authz filters: of the one that asks Portcullis, and of others.
#[derive(Default)]
pub(super) struct Names<'n> {
    ours: Vec<&'n str>,
    others: Vec<&'n str>,
}

impl<'n> Names<'n> {
    pub(super) fn add(&mut self, name: Option<&'n str>, is_ours: bool) {
        if is_ours {
            self.ours.extend(name);
        } else {
            self.others.extend(name);
        }
    }

    /// Whether settings under that name may be for our filter, by what they are or by what it is called.
    fn may_mean(&self, name: &str, is_for_ext_authz: bool) -> bool {
        let is_ours = self.ours.contains(&name);
        let is_other = self.others.contains(&name) && !is_ours;
        !is_other && (is_for_ext_authz || is_ours || name == USUAL_NAME)
    }
}

/// A `RouteConfiguration`.
pub(super) fn lint(findings: &mut Findings, around: &Around<'_>, configuration: &Node, names: &Names<'_>) {
    // What answers by itself, a redirect or a health page, sends nothing to an API.
    let answers = ["redirect", "direct_response"].iter().any(|name| read::field(configuration, name).is_some());
    for entry in read::entries(configuration) {
        if entry.key == IGNORED {
            continue;
        }
        if read::is_named(&entry.key, "typed_per_filter_config") {
            if !answers {
                lint_settings(findings, around, &entry.node, names);
            }
            continue;
        }
        if read::is_named(&entry.key, "request_headers_to_add") {
            read::items(&entry.node).iter().for_each(|option| headers_set::lint(findings, around, option));
        }
        lint(findings, around, &entry.node, names);
    }
    read::items(configuration).iter().for_each(|item| lint(findings, around, item, names));
}

/// Whether some route has settings for the ext_authz filter of that name.
pub(super) fn mentions_ext_authz(node: &Node, name: Option<&str>) -> bool {
    read::entries(node).iter().any(|entry| {
        if read::is_named(&entry.key, "typed_per_filter_config") {
            return read::entries(&entry.node).iter().any(|entry| Some(entry.key.as_str()) == name);
        }
        mentions_ext_authz(&entry.node, name)
    }) || read::items(node).iter().any(|item| mentions_ext_authz(item, name))
}

fn lint_settings(findings: &mut Findings, around: &Around<'_>, settings: &Node, names: &Names<'_>) {
    for entry in read::entries(settings) {
        let Some((kind, config)) = read::message(&entry.node) else { continue };
        let inner = if kind == FILTER_CONFIG {
            read::value(config, "config").and_then(read::message)
        } else {
            Some((kind, config))
        };
        let per_route = inner.filter(|(kind, _)| *kind == PER_ROUTE).map(|(_, config)| config);
        if !names.may_mean(&entry.key, per_route.is_some()) {
            continue;
        }
        let off = if kind == FILTER_CONFIG { read::switched_on(config, "disabled") } else { None };
        if let Some(off) = off.or_else(|| per_route.and_then(|config| read::switched_on(config, "disabled"))) {
            report_off(findings, off);
        } else if let Some(check) = per_route.and_then(|config| read::value(config, "check_settings")) {
            lint_check(findings, around, check);
        }
    }
}

fn report_off(findings: &mut Findings, off: &Entry) {
    let message = "ext_authz is off here: requests reach the API unchecked, with whatever identity headers they bring";
    let help = "remove it, and give the paths `access: public` in the policy: Portcullis then removes forged headers";
    findings.warn(Lint::EnvoyRouteDisabled, &off.place, message, help);
}

fn lint_check(findings: &mut Findings, around: &Around<'_>, check: &Node) {
    body::lint(findings, check);
    if let Some(http) = read::field(check, "http_service") {
        let message = "another service is asked here, by HTTP: Portcullis does not judge these requests";
        let help =
            "remove it, or have Portcullis judge them by a policy: `context_extensions: { portcullis_policy: NAME }`";
        findings.warn(Lint::EnvoyHttpService, &http.place, message, help);
    } else {
        service::lint(findings, around, check, &check.place);
    }
    let extensions = read::value(check, "context_extensions").map_or(&[][..], read::entries);
    for extension in extensions.iter().filter(|extension| extension.key == POLICY) {
        if let Some(name) = read::as_text(&extension.node) {
            lint_policy(findings, around, extension, name);
        }
    }
}

fn lint_policy(findings: &mut Findings, around: &Around<'_>, extension: &Entry, name: &str) {
    let Some(config) = around.config else { return };
    let names = || config.policy.named().map(|(name, _)| name);
    if names().any(|known| known == name) {
        return;
    }
    let message = format!("there is no policy {}: every request of this route is denied", quoted(name));
    let help = closest(name, names()).map_or_else(
        || "add it to `policies` in the configuration of Portcullis".to_owned(),
        |meant| format!("did you mean {}?", quoted(meant)),
    );
    findings.error(Lint::EnvoyUnknownPolicy, &extension.node.place, message, help);
}
