//! Lints: what is right by itself and yet seldom meant. Each is a warning with a name; precision counts more than
//! number, because a false alarm teaches people to look away.
//!
//! Most look at the tree, so that they speak beside errors, too. Those that need to know what rules mean look at the
//! whole configuration, if there is one. None compares everything with everything: 20,000 routes are checked in no time.

mod audience;
mod catalogue;
mod claims;
mod gate;
mod issuer;
mod nearby;
mod never;
mod provider;
mod scope;
mod view;
mod wildcard;

pub use catalogue::Lint;

use super::{Config, problem::Problem, tree::Node};

/// Everything that lints find.
pub(super) fn check(root: &Node, config: Option<&Config>) -> Vec<Problem> {
    let mut problems = Vec::new();
    issuer::check(root, &mut problems);
    audience::check(root, &mut problems);
    claims::check(root, &mut problems);
    gate::check(root, &mut problems);
    scope::check(root, &mut problems);
    wildcard::check(root, &mut problems);
    if let Some(config) = config {
        never::check(root, config, &mut problems);
    }
    problems
}
