//! Routes, virtual hosts and weighted clusters that switch the check off, or send it elsewhere.

use std::collections::{BTreeSet, HashSet};

use crate::{
    config::{lint::Lint, site::Site},
    document::{
        suggest::{closest, quoted},
        tree::{Entry, Node},
    },
    tools::envoy_lint::{
        around::Around,
        ext_authz_filter::body,
        findings::Findings,
        guard::{Gate, Guard},
        read,
        scene::{
            Route,
            coverage::{Case, State},
        },
        service,
    },
};

/// The key of `context_extensions` with which a route chooses a policy.
const POLICY: &str = "portcullis_policy";

/// The ext_authz filters that are on for routes.
#[derive(Default)]
pub(crate) struct Switched {
    /// The numbers, among ours, of those that are on together for some requests.
    pub(crate) together: BTreeSet<Vec<usize>>,
    /// The routes for which none is on, and no setting of theirs is the reason.
    pub(crate) uncovered: Vec<String>,
    /// The number of cases that need a check.
    pub(crate) cases: usize,
}

/// Lints the routes of a manager that asks Portcullis.
pub(crate) fn lint<'n>(
    findings: &mut Findings,
    around: &Around<'n>,
    guard: &Guard<'_, 'n>,
    gate: &Gate<'_, 'n>,
) -> Switched {
    let mut switched = Switched::default();
    let mut done = HashSet::new();
    let needs_check = |route: &&Route<'n>| guard.needs_check(around.scene, Some(gate), route);
    for route in gate.routes().iter().filter(needs_check) {
        for case in Case::all(route) {
            findings.enter(&gate.manager.site.with_route(&case.name));
            let states: Vec<State<'_>> = gate.ours.iter().map(|one| case.state(one.outer())).collect();
            switched.cases = switched.cases.saturating_add(1);
            lint_case(findings, around, guard, &states, &mut done);
            let on: Vec<usize> = states.iter().enumerate().filter(|(_, state)| state.is_on).map(|(at, _)| at).collect();
            if !on.is_empty() {
                switched.together.insert(on);
            }
            if states.iter().all(|state| !state.is_on && state.off.is_none()) {
                switched.uncovered.push(case.name);
            }
        }
    }
    findings.enter(&gate.manager.site);
    switched
}

/// Lints routes that no manager in the files has. `names` are the names of our filters, `others` those of other services.
pub(crate) fn lint_loose<'n>(
    findings: &mut Findings,
    around: &Around<'n>,
    guard: &Guard<'_, 'n>,
    routes: &[Route<'n>],
    (names, others): (&[(&str, bool)], &[&str]),
) {
    let mut done = HashSet::new();
    let needs_check = |route: &&Route<'n>| guard.needs_check(around.scene, None, route);
    for route in routes.iter().filter(needs_check) {
        for case in Case::all(route) {
            findings.enter(&Site::default().with_route(&case.name));
            let is_new = |name: &&str| !others.contains(name) && names.iter().all(|(known, _)| known != name);
            let own = case.names().into_iter().filter(is_new).map(|name| (name, true));
            let states: Vec<State<'_>> =
                names.iter().copied().chain(own).map(|(name, on)| case.state_by_name(name, on)).collect();
            let is_switched_on = |state: &State<'_>| state.is_on && state.is_set;
            let off = states.iter().filter(|state| !state.is_on).find_map(|state| state.off);
            if let Some(off) = off.filter(|_| !states.iter().any(is_switched_on)) {
                report_off(findings, off);
            }
            let on: Vec<State<'_>> = states.into_iter().filter(|state| state.is_on).collect();
            if !on.is_empty() {
                lint_case(findings, around, guard, &on, &mut done);
            }
        }
    }
    findings.enter(&Site::default());
}

/// Lints what holds for some requests. Settings of a virtual host hold for each of its routes, and are looked at once.
fn lint_case<'n>(
    findings: &mut Findings,
    around: &Around<'_>,
    guard: &Guard<'_, '_>,
    states: &[State<'n>],
    done: &mut HashSet<*const Node>,
) {
    let on = || states.iter().filter(|state| state.is_on);
    if on().next().is_none() {
        if let Some(off) = states.iter().find_map(|state| state.off) {
            report_off(findings, off);
        }
        return;
    }
    if let Some(matcher) = on().find_map(|state| state.matcher) {
        let message = "a matcher decides here which requests are checked";
        let help = "remove it: `access: public` in the policy opens a path, and says so in one place";
        findings.warn(Lint::EnvoySkipped, &matcher.place, message, help);
    }
    for check in on().flat_map(|state| &state.checks) {
        if done.insert(std::ptr::from_ref(*check)) {
            lint_check(findings, around, guard, check);
        }
    }
}

fn report_off(findings: &mut Findings, off: &Entry) {
    let message = "ext_authz is off here: requests reach the API unchecked, with whatever identity headers they bring";
    let help = "remove it, and give the paths `access: public` in the policy: Portcullis then removes forged headers";
    findings.warn(Lint::EnvoyRouteDisabled, &off.place, message, help);
}

fn lint_check(findings: &mut Findings, around: &Around<'_>, guard: &Guard<'_, '_>, check: &Node) {
    if let Some(http) = read::field(check, "http_service") {
        let message = "another service is asked here, by HTTP: Portcullis does not judge these requests";
        let help =
            "remove it, or have Portcullis judge them by a policy: `context_extensions: { portcullis_policy: NAME }`";
        findings.warn(Lint::EnvoyHttpService, &http.place, message, help);
    } else if guard.asked.is_other(check) {
        let place = read::field(check, "grpc_service").map_or(&check.place, |entry| &entry.place);
        let message = "another service is asked here: Portcullis does not judge these requests";
        let help = "remove `grpc_service`, or have Portcullis judge them by a policy: `context_extensions: { portcullis_policy: NAME }`";
        findings.warn(Lint::EnvoyUnchecked, place, message, help);
        return;
    } else {
        service::lint(findings, around, check, &check.place);
    }
    body::lint(findings, check, "with_request_body");
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
