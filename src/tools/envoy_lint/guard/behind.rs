//! The internal listeners that get requests from checked ones only. They rely on these, and need no check of their own.

use std::collections::{BTreeMap, HashMap};

use super::{gate::Gate, reach::Upstreams};
use crate::tools::envoy_lint::scene::{Destinations, Scene};

/// A part of a listener that leads on.
struct Exit<'n> {
    /// The number of the listener.
    listener: Option<usize>,
    /// Tells whether requests are checked there.
    is_checked: bool,
    upstreams: Upstreams<'n>,
}

/// Returns the listeners that get requests from checked ones only, by their numbers, with their names.
pub(crate) fn find<'n>(scene: &Scene<'n>, gates: &[Gate<'_, 'n>]) -> BTreeMap<usize, &'n str> {
    let exit = |listener, is_checked, destinations: &Destinations<'n>| Exit {
        listener,
        is_checked,
        upstreams: Upstreams::new(scene, destinations),
    };
    let managers =
        gates.iter().map(|gate| exit(gate.manager.listener, gate.is_checked(), &gate.manager.destinations()));
    let streams = scene.streams().map(|(listener, destinations)| exit(listener, false, &destinations));
    let exits: Vec<Exit<'n>> = managers.chain(streams).collect();
    let mut sources: HashMap<&'n str, Vec<&Exit<'n>>> = HashMap::new();
    for exit in &exits {
        exit.upstreams.listeners.iter().for_each(|name| sources.entry(name).or_default().push(exit));
    }
    let mut behind = BTreeMap::new();
    // An unchecked part that may lead anywhere may lead to each of them.
    if exits.iter().any(|exit| exit.upstreams.is_open && !exit.is_checked) {
        return behind;
    }
    loop {
        let is_safe = |exit: &&Exit<'n>| exit.is_checked || exit.listener.is_some_and(|at| behind.contains_key(&at));
        let internal =
            scene.listeners.iter().enumerate().filter(|(at, one)| one.is_internal && !behind.contains_key(at));
        let new: Vec<(usize, &'n str)> = internal
            .filter_map(|(at, listener)| Some((at, sources.get_key_value(listener.name.as_str())?)))
            .filter(|(_, (_, from))| from.iter().all(is_safe))
            .map(|(at, (name, _))| (at, *name))
            .collect();
        if new.is_empty() {
            return behind;
        }
        behind.extend(new);
    }
}
