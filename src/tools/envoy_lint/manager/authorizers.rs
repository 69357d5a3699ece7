//! Several ext_authz filters in one chain: which of them answer for the requests, and what is wrong with these.

use std::collections::BTreeSet;

use super::{client_headers, switches::Switched};
use crate::tools::envoy_lint::{
    after,
    around::Around,
    ext_authz_filter::{self, enabled, route_cache},
    findings::Findings,
    guard::{Gate, asked::Authorizer},
    scene::chain::Filter,
};

/// Lints the ext_authz filters of a gate that ask Portcullis. `filters` are all filters of their chain.
pub(crate) fn lint<'n>(
    findings: &mut Findings,
    around: &Around<'n>,
    gate: &Gate<'_, 'n>,
    filters: &[Filter<'n>],
    switched: &Switched,
) {
    let without_underscores = client_headers::refuses_underscores(gate.manager.node);
    let lint_one = |one: &Authorizer<'_, 'n>| {
        let mut found = Findings::of_site(&gate.manager.site);
        ext_authz_filter::lint(&mut found, around, one, without_underscores);
        after::lint(&mut found, around, gate.manager, filters, Some(one.outer()));
        found
    };
    let mut found: Vec<Option<Findings>> = gate.ours.iter().map(|one| Some(lint_one(one))).collect();
    let weight = |at: usize| found.get(at).and_then(Option::as_ref).map(Findings::weight);
    let covers = |at: usize| gate.ours.get(at).is_some_and(|one| covers_all(around, one));
    let (mut chosen, mut on) = (BTreeSet::new(), BTreeSet::new());
    for together in with_unseen(gate, switched) {
        on.extend(together.iter().copied());
        // Of several that run for each of these requests nothing tells which is ours: one that is right suffices.
        match together.iter().copied().filter(|at| covers(*at)).min_by_key(|at| weight(*at)) {
            Some(best) => _ = chosen.insert(best),
            None => chosen.extend(together),
        }
    }
    // Whichever of them is ours: another one that has the route chosen again does so behind its decision.
    let others = on.difference(&chosen).filter_map(|at| gate.ours.get(*at));
    others.filter_map(|one| one.filter.config).for_each(|config| route_cache::lint(findings, config));
    for at in chosen {
        findings.extend(found.get_mut(at).and_then(Option::take).unwrap_or_default());
    }
}

/// Tells whether a filter, where it is on, is there for every request.
fn covers_all(around: &Around<'_>, one: &Authorizer<'_, '_>) -> bool {
    let is_for_all = |config| enabled::is_for_all(&around.scene.runtime, config);
    !one.is_conditional() && one.filter.config.is_some_and(is_for_all)
}

/// Returns the filters that are on together: for routes in the files, and for those that may come from elsewhere.
fn with_unseen(gate: &Gate<'_, '_>, switched: &Switched) -> BTreeSet<Vec<usize>> {
    let all = 0..gate.ours.len();
    let mut together = switched.together.clone();
    let has_unseen = !gate.manager.unseen_routes.is_empty();
    if has_unseen || switched.cases == 0 {
        let is_on = |at: &usize| gate.ours.get(*at).is_some_and(|one| one.outer().disabled.is_none());
        let on: Vec<usize> = all.clone().filter(is_on).collect();
        // Without one that is on, routes from elsewhere may switch on any.
        if on.is_empty() {
            together.extend(all.clone().map(|at| vec![at]));
        } else {
            together.insert(on);
        }
    }
    if together.is_empty() { all.map(|at| vec![at]).collect() } else { together }
}
