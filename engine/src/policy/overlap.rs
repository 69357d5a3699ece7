//! Pairs of patterns that match a common path, found by walking two trees together.
//!
//! Comparing all pairs of 10,000 patterns takes seconds; walking meets only prefixes that fit each other. Where nearly all
//! do, that is as slow, so each pair is a step.

use std::ops::ControlFlow;

use super::{
    budget::Steps,
    trie::{Node, PatternId},
};

/// Calls `visit` with each pattern of one table and each of another that match a common path, while there are steps.
pub(super) fn overlapping(
    left: &Node,
    right: &Node,
    steps: &Steps,
    mut visit: impl FnMut(PatternId, PatternId) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let start = Pair { left: At::Prefix(left), right: At::Prefix(right), right_ahead: false };
    walk(start, false, steps, |one, two, _| visit(one, two))
}

/// Calls `visit` with each two patterns of one table that lie across each other: both match a common path, and
/// neither contains the other, while there are steps.
pub(super) fn crossing(
    table: &Node,
    steps: &Steps,
    mut visit: impl FnMut(PatternId, PatternId) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut same = vec![table];
    while let Some(node) = same.pop() {
        same.extend(node.children());
        // Two patterns part where one goes on with a literal and the other with a verb or a parameter, or one with a verb
        // and the other with a parameter. There the first is the more specific one; they cross if somewhere below the other
        // is.
        let verbs = node.verbs.iter().flat_map(|verbs| verbs.values());
        let in_params = node
            .param
            .iter()
            .flat_map(|param| node.literals.values().chain(verbs.clone()).map(move |special| (special, &**param)));
        let in_verbs = node
            .verbs
            .iter()
            .flat_map(|_| node.literals.iter().filter_map(|(text, child)| Some((child, node.after_verb(text)?))));
        for (special, general) in in_params.chain(in_verbs) {
            let start = Pair { left: At::Prefix(special), right: At::Prefix(general), right_ahead: false };
            walk(
                start,
                true,
                steps,
                |one, two, crosses| {
                    if crosses { visit(one, two) } else { ControlFlow::Continue(()) }
                },
            )?;
        }
    }
    ControlFlow::Continue(())
}

/// Where a walk is in one of the trees.
#[derive(Clone, Copy)]
enum At<'t> {
    /// At a prefix.
    Prefix(&'t Node),
    /// Below the `/**` of this pattern, where every path fits.
    Tail(PatternId),
}

/// Two places that the same path can lead to.
#[derive(Clone, Copy)]
struct Pair<'t> {
    left: At<'t>,
    right: At<'t>,
    /// Whether somewhere on the way the right one was the more specific one.
    right_ahead: bool,
}

fn walk(
    start: Pair<'_>,
    only_crossing: bool,
    steps: &Steps,
    mut visit: impl FnMut(PatternId, PatternId, bool) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut open = vec![start];
    while let Some(pair) = open.pop() {
        steps.take(1 + pair.lookups())?;
        for (left, left_exact) in pair.left.ends() {
            for (right, right_exact) in pair.right.ends() {
                let right_ahead = pair.right_ahead || right_exact && !left_exact;
                visit(left, right, right_ahead)?;
            }
        }
        pair.follow(only_crossing, &mut open);
    }
    ControlFlow::Continue(())
}

impl<'t> At<'t> {
    /// The patterns that match the path which ends here, and whether they end here themselves.
    fn ends(self) -> impl Iterator<Item = (PatternId, bool)> {
        let (exact, tail) = match self {
            Self::Prefix(node) => (node.exact, node.tail),
            Self::Tail(pattern) => (None, Some(pattern)),
        };
        exact.map(|id| (id, true)).into_iter().chain(tail.map(|id| (id, false)))
    }
}

impl<'t> Pair<'t> {
    /// How many literals are looked up to go on from here.
    fn lookups(self) -> usize {
        match (self.left, self.right) {
            (At::Prefix(left), At::Prefix(right)) => {
                let by_verb = |verbs: &Node, literals: &Node| match &verbs.verbs {
                    Some(verbs) => verbs.len().saturating_add(literals.literals.len()),
                    None => 0,
                };
                let literals = left.literals.len().min(right.literals.len());
                literals.saturating_add(by_verb(left, right)).saturating_add(by_verb(right, left))
            }
            (At::Tail(_), _) | (_, At::Tail(_)) => 0,
        }
    }

    /// The pairs that one more segment leads to. Looking for crossings, those are left out where the right one has its
    /// tail and so can't get ahead any more.
    fn follow(self, only_crossing: bool, open: &mut Vec<Self>) {
        if let (At::Prefix(left), At::Prefix(right)) = (self.left, self.right) {
            self.follow_both(left, right, open);
        }
        if let (Some(tail), At::Prefix(node)) = (self.left.tail(), self.right) {
            let below = Self { left: At::Tail(tail), right_ahead: true, ..self };
            open.extend(node.children().map(|child| Self { right: At::Prefix(child), ..below }));
        }
        if let (At::Prefix(node), Some(tail)) = (self.left, self.right.tail())
            && (self.right_ahead || !only_crossing)
        {
            let below = Self { right: At::Tail(tail), ..self };
            open.extend(node.children().map(|child| Self { left: At::Prefix(child), ..below }));
        }
    }

    fn follow_both(self, left: &'t Node, right: &'t Node, open: &mut Vec<Self>) {
        let to = |left, right| Self { left: At::Prefix(left), right: At::Prefix(right), ..self };
        // The smaller set is walked, the larger one asked.
        if left.literals.len() <= right.literals.len() {
            let both = left.literals.iter().filter_map(|(text, child)| Some((child, right.literals.get(text)?)));
            open.extend(both.map(|(left, right)| to(left, right)));
        } else {
            let both = right.literals.iter().filter_map(|(text, child)| Some((left.literals.get(text)?, child)));
            open.extend(both.map(|(left, right)| to(left, right)));
        }
        if right.verbs.is_some() {
            let in_verbs = left.literals.iter().filter_map(|(text, child)| Some((child, right.after_verb(text)?)));
            open.extend(in_verbs.map(|(child, verb)| to(child, verb)));
        }
        if let Some(verbs) = left.verbs.as_deref() {
            let in_verbs = right.literals.iter().filter_map(|(text, child)| Some((left.after_verb(text)?, child)));
            open.extend(in_verbs.map(|(verb, child)| Self { right_ahead: true, ..to(verb, child) }));
            let both = verbs.iter().filter_map(|(verb, child)| Some((child, right.verbs.as_ref()?.get(verb)?)));
            open.extend(both.map(|(left, right)| to(left, right)));
        }
        let verbs = |node: &'t Node| node.verbs.iter().flat_map(|verbs| verbs.values());
        if let Some(param) = right.param.as_deref() {
            open.extend(left.literals.values().chain(verbs(left)).map(|child| to(child, param)));
        }
        if let Some(param) = left.param.as_deref() {
            let special = right.literals.values().chain(verbs(right));
            open.extend(special.map(|child| Self { right_ahead: true, ..to(param, child) }));
        }
        if let (Some(left), Some(right)) = (left.param.as_deref(), right.param.as_deref()) {
            open.push(to(left, right));
        }
    }
}

impl At<'_> {
    fn tail(self) -> Option<PatternId> {
        match self {
            Self::Prefix(node) => node.tail,
            Self::Tail(pattern) => Some(pattern),
        }
    }
}
