//! `routes` and `default`: the list of rules to a [`Policy`]. Each rule by itself is `route`'s business, how rules fit
//! together is the policy's.

use std::collections::HashMap;

use super::{around::Around, bag::Bag, fields::Fields, implies, name, named, read, route, trusted::Trusted};
use crate::{
    config::{error::Problem, lint_catalogue::Lint},
    document::{
        suggest::quoted,
        tree::{Entry, Node, Place, Value},
    },
    limits,
};
use portcullis_engine::{
    jwt::issuer_rules::IssuerRules,
    policy::{
        Policy, PolicyProblem, ProblemKind,
        rule::{Access, Requirement, Rule},
    },
};

/// A policy, if there is one, and where it asks for a token first: that needs an issuer.
pub(super) struct Decoded<'n> {
    pub(super) policy: Option<Policy>,
    pub(super) token_needed_at: Option<&'n Place>,
}

/// The policy. How rules fit together is judged of those that can be read; two that cross are reported only if every
/// rule can be, because a broken one may be what settles their crossing.
pub(super) fn decode<'n>(
    bag: &mut Bag,
    fields: &Fields<'n>,
    issuers: Option<&[&IssuerRules]>,
    around: Around<'_>,
) -> Option<Decoded<'n>> {
    let implications = implies::decode(bag, fields.get("implies"));
    let trusted = Trusted { issuers, implications: &implications };
    let default_entry = fields.get("default");
    let default = default_rule(bag, default_entry, around);
    let named = named::decode(bag, fields.get("policies"), trusted, around);
    let nodes = nodes(bag, fields)?;
    let read = |node: &'n Node| route::decode(bag, node, trusted, around);
    let routes: Vec<route::Decoded<'n>> = nodes.iter().filter_map(read).collect();
    let all_read = routes.len() == nodes.len();
    let ids_differ = refuse_same_ids(bag, &routes);
    let is_whole = all_read && ids_differ && default.is_some();
    let default = default.flatten();
    let places: Vec<&Place> = routes.iter().map(|route| route.place).collect();
    let token_needed_at = routes.iter().find(|route| needs_token(&route.route.rule)).map(|route| route.place);
    let (named, by_name) = named.map_or((None, None), |(named, place)| (Some(named), place));
    let by_default = default.as_ref().and(default_entry).map(|entry| &entry.node.place);
    let routes = routes.into_iter().map(|decoded| decoded.route).collect();
    let (policy, problems) = match Policy::build(routes, default) {
        Ok((policy, problems)) => (named.map(|named| policy.with_named(named)).filter(|_| is_whole), problems),
        Err(problems) => (None, problems),
    };
    let is_certain = |problem: &&PolicyProblem| all_read || !matches!(problem.kind, ProblemKind::Crossing { .. });
    for problem in problems.iter().filter(is_certain) {
        report(bag, problem, &places);
    }
    Some(Decoded { policy, token_needed_at: token_needed_at.or(by_name).or(by_default) })
}

fn nodes<'n>(bag: &mut Bag, fields: &Fields<'n>) -> Option<&'n [Node]> {
    let Some(entry) = fields.get("routes") else {
        if !["routes", "default", "policies"].iter().any(|name| fields.mentions(name)) {
            let problem = Problem::error(fields.place(), "the file lacks `routes`, so every request would be denied");
            bag.push(problem.help("write at least one: `routes: [{ path: /**, access: authenticated }]`"));
            return None;
        }
        return (!fields.mentions("routes")).then_some(&[]);
    };
    let nodes = read::list(bag, entry)?;
    if nodes.len() > limits::RULES {
        let message = format!("there are {} routes, more than {}", nodes.len(), limits::RULES);
        bag.push(Problem::error(&entry.place, message).help("cover several with one pattern, `/api/**`"));
        return None;
    }
    Some(nodes)
}

/// What holds where no pattern does: `None` if that can't be read, nothing for `deny`.
fn default_rule(bag: &mut Bag, entry: Option<&Entry>, around: Around<'_>) -> Option<Option<Rule>> {
    let Some(entry) = entry else { return Some(None) };
    if matches!(&entry.node.value, Value::String(text) if ["public", "optional"].contains(&text.as_str())) {
        let problem = Problem::error(&entry.node.place, "what no route covers can't be open");
        bag.push(problem.help("to open everything else, write it as a route: `{ path: /**, access: public }`"));
        return None;
    }
    let authenticated = read::word(bag, entry, &[("deny", false), ("authenticated", true)])?;
    Some(authenticated.then(|| Rule {
        id: name::of_default().at(&around.locate(&entry.node.place)),
        access: Access::Token(Requirement::default()),
    }))
}

/// Whoever reads a log must know which rule it was.
fn refuse_same_ids(bag: &mut Bag, routes: &[route::Decoded<'_>]) -> bool {
    let mut seen: HashMap<&str, &route::Decoded<'_>> = HashMap::new();
    let mut different = true;
    for route in routes {
        let id = route.route.rule.id.as_str();
        // Two derived ids are the same only for the same rule twice, which the policy reports.
        if let Some(first) = seen.insert(id, route).filter(|first| route.named.is_some() || first.named.is_some()) {
            different = false;
            let (place, other) = (route.named.unwrap_or(route.place), first.named.unwrap_or(first.place));
            let problem = Problem::error(place, format!("{} is the id of two routes", quoted(id)));
            bag.push(problem.label("this one").and(other, "and this one").help("give one of them another id"));
        }
    }
    different
}

/// With `access: optional` a token is not needed but judged, which takes an issuer as well.
fn needs_token(rule: &Rule) -> bool {
    !matches!(rule.access, Access::Public)
}

fn lint_of(kind: &ProblemKind) -> Option<Lint> {
    Some(match kind {
        ProblemKind::SameRequests { .. } => Lint::SameRequests,
        ProblemKind::SameFolded { .. } => Lint::DiffersInCase,
        ProblemKind::Crossing { .. } => Lint::CrossingPatterns,
        ProblemKind::Shadowing { .. } => Lint::Shadowing,
        ProblemKind::OpenToAll { .. } => Lint::OpenToAll,
        ProblemKind::OneSpelling { .. } => Lint::OneSpelling,
        ProblemKind::SlashesNowhere { .. } | ProblemKind::OpenSlashes { .. } | ProblemKind::EncodedSlashes { .. } => {
            Lint::EncodedSlashes
        }
        ProblemKind::TooManyRules { .. } | ProblemKind::TooMuchOverlap { .. } | ProblemKind::OpenDefault => {
            return None;
        }
    })
}

fn report(bag: &mut Bag, found: &PolicyProblem, places: &[&Place]) {
    let place = places.get(found.route).copied().unwrap_or(&Place::Nowhere);
    let problem = if found.is_error() {
        Problem::error(place, found.message())
    } else {
        Problem::warning(place, found.message())
    };
    let problem = lint_of(&found.kind).into_iter().fold(problem.help(found.help()), Problem::lint);
    bag.push(match found.other.and_then(|other| places.get(other)) {
        Some(other) => problem.label("this route").and(other, "the other route"),
        None => problem,
    });
}
