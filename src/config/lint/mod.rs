//! Lints: what is right by itself and yet seldom meant. Each is a warning with a name; precision counts more than
//! number, because a false alarm teaches people to look away.
//!
//! Most look at the tree, so that they speak beside errors, too. Those that need to know what rules mean look at the
//! whole configuration, if there is one. None compares everything with everything: 20,000 routes are checked in no time.

mod audience;
mod claims;
mod gate;
mod issuer;
pub(crate) mod merge;
mod placeholder;
mod provider;
mod query;
pub(crate) mod rules;
mod scope;
mod typos;
mod unsatisfiable;
mod wildcard;

pub use super::lint_catalogue::Lint;

use std::collections::HashSet;

use rules::Rules;

use crate::{
    config::error::Problem,
    document::tree::{Node, Span},
};

/// Everything that lints find.
pub(crate) fn check(root: &Node, config: Option<&Rules<'_>>) -> Vec<Problem> {
    let mut problems = Vec::new();
    issuer::check(root, &mut problems);
    audience::check(root, &mut problems);
    claims::check(root, &mut problems);
    gate::check(root, &mut problems);
    scope::check(root, &mut problems);
    wildcard::check(root, &mut problems);
    if let Some(config) = config {
        unsatisfiable::check(root, config, &mut problems);
    }
    // What another lint says of the same value knows more of it.
    let said: HashSet<Span> = problems.iter().filter_map(Problem::primary).collect();
    let mut placeholders = Vec::new();
    placeholder::check(root, &mut placeholders);
    problems.extend(placeholders.into_iter().filter(|one| one.primary().is_none_or(|place| !said.contains(&place))));
    problems
}
