//! The managers that ask Portcullis, and the upstreams that requests reach through them.

mod address;
pub(crate) mod asked;
mod behind;
mod gate;
mod memo;
pub(crate) mod reach;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::scene::{Manager, Route, Scene, acting::Act, coverage::Case};
use crate::document::tree::Node;
use asked::{Asked, Authorizer};
pub(crate) use gate::Gate;
use memo::Memo;
use reach::Upstreams;

/// All managers of a scene, and what is behind those that ask Portcullis.
pub(crate) struct Guard<'s, 'n> {
    pub(crate) asked: Asked<'n>,
    pub(crate) managers: Vec<Gate<'s, 'n>>,
    /// The upstreams that checked requests reach. The listeners among them are those that need checks elsewhere.
    pub(crate) upstreams: Upstreams<'n>,
    /// The listeners that get requests from checked ones only, by their numbers.
    behind: BTreeMap<usize, &'n str>,
    /// Tells which routes lead to no API, by the parts that decide it: the table, the virtual host and the route.
    harmless: Memo<(Option<*const Node>, *const Node, *const Node), bool>,
}

impl<'s, 'n> Guard<'s, 'n> {
    pub(crate) fn new(scene: &'s Scene<'n>) -> Self {
        let asked = Asked::new(scene);
        let gate = |manager: &'s Manager<'n>| Gate { manager, ours: asked.ours(&manager.filters), is_behind: false };
        let mut managers: Vec<Gate<'s, 'n>> = scene.managers.iter().map(gate).collect();
        let behind = behind::find(scene, &managers);
        for gate in &mut managers {
            let is_inner = gate.manager.listener.is_some_and(|at| behind.contains_key(&at));
            gate.is_behind = is_inner && !gate.is_checked();
        }
        let mut upstreams = reached(scene, &managers);
        upstreams.listeners = relying(scene, &managers, &behind);
        Self { asked, managers, upstreams, behind, harmless: Memo::default() }
    }

    /// Tells whether requests of a route must be checked. `gate` is the manager that has it, if that is in the files.
    pub(crate) fn needs_check(&self, scene: &Scene<'n>, gate: Option<&Gate<'_, 'n>>, route: &Route<'n>) -> bool {
        let acting = gate.map_or(&[][..], |gate| &gate.manager.acting);
        let needs_check = |act: &Act<'n>| match act {
            Act::Sends(destinations) => !Upstreams::new(scene, destinations).are_judged(scene, &self.upstreams),
            Act::Files => true,
            Act::Unknown => false,
        };
        if acting.iter().any(|filter| needs_check(&filter.act) && filter.is_on_for(route)) {
            return true;
        }
        let key = (route.table.map(std::ptr::from_ref), std::ptr::from_ref(route.host), std::ptr::from_ref(route.node));
        !self.harmless.get(key, || reach::is_harmless(scene, route, &self.upstreams))
    }

    /// Tells whether the listener of that number gets requests from checked ones only.
    pub(crate) fn is_behind(&self, listener: Option<usize>) -> bool {
        listener.is_some_and(|at| self.behind.contains_key(&at))
    }

    /// Tells whether some manager asks Portcullis.
    pub(crate) fn is_somewhere(&self) -> bool {
        self.managers.iter().any(Gate::is_checked)
    }
}

/// Returns what checked requests reach, also by way of listeners of this Envoy.
fn reached<'n>(scene: &Scene<'n>, managers: &[Gate<'_, 'n>]) -> Upstreams<'n> {
    let mut all = Upstreams::default();
    let mut looked_at = HashSet::new();
    for gate in managers.iter().filter(|gate| gate.is_checked()) {
        // Others with the same tables and names lead to the same upstreams.
        let outer = gate.ours.iter().map(Authorizer::outer);
        let names: Vec<(Option<&str>, bool)> = outer.map(|filter| (filter.name, filter.disabled.is_some())).collect();
        if !looked_at.insert((tables(gate.manager), names)) {
            continue;
        }
        let is_on = |case: &Case<'n>| gate.ours.iter().any(|one| case.state(one.outer()).is_on);
        add_routes(&mut all, scene, gate, |route| Case::all(route).iter().any(is_on));
    }
    let mut done = BTreeSet::new();
    while let Some(name) = all.listeners.iter().find(|name| !done.contains(*name)).copied() {
        done.insert(name);
        let is_there =
            |at: Option<usize>| at.and_then(|at| scene.listeners.get(at)).is_some_and(|one| one.name == name);
        for gate in managers.iter().filter(|gate| !gate.is_checked() && is_there(gate.manager.listener)) {
            add_routes(&mut all, scene, gate, |_| true);
        }
        for (_, destinations) in scene.streams().filter(|(listener, _)| is_there(*listener)) {
            all.extend(&Upstreams::new(scene, &destinations));
        }
    }
    all
}

/// Returns the tables of a manager, by their places in memory.
fn tables(manager: &Manager<'_>) -> Vec<*const Node> {
    manager.tables.iter().map(|table| std::ptr::from_ref(*table)).collect()
}

/// Adds what some routes of a manager lead to.
fn add_routes<'n>(
    all: &mut Upstreams<'n>,
    scene: &Scene<'n>,
    gate: &Gate<'_, 'n>,
    is_meant: impl Fn(&Route<'n>) -> bool,
) {
    for route in gate.routes().iter().filter(|route| is_meant(route)) {
        let upstreams = Upstreams::new(scene, &route.destinations());
        if reach::is_harmless(scene, route, &Upstreams::default()) {
            all.listeners.extend(&upstreams.listeners);
        } else {
            all.extend(&upstreams);
        }
        for filter in gate.manager.acting.iter().filter(|filter| filter.is_on_for(route)) {
            if let Act::Sends(destinations) = &filter.act {
                all.extend(&Upstreams::new(scene, destinations));
            }
        }
    }
}

/// Returns those listeners behind checked ones that have a part without a check of its own.
fn relying<'n>(scene: &Scene<'n>, managers: &[Gate<'_, 'n>], behind: &BTreeMap<usize, &'n str>) -> BTreeSet<&'n str> {
    let unchecked = managers.iter().filter(|gate| !gate.is_checked()).filter_map(|gate| gate.manager.listener);
    let streams = scene.streams().filter_map(|(listener, _)| listener);
    unchecked.chain(streams).filter_map(|at| behind.get(&at).copied()).collect()
}
