//! Sorts trees by the Envoy that reads them.

use std::collections::{HashMap, HashSet};

use super::kind;
use crate::{config::site::Resource, document::tree::Node};

/// A tree and the Envoy that it belongs to.
pub(super) struct Part {
    pub(super) owner: Owner,
    pub(super) root: Node,
}

/// The Envoy that reads a tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// The Envoy of all files that name none.
    Common,
    /// The Envoy of a pod, by namespace and name.
    Pod(String),
    /// The Envoy of a file, a ConfigMap or a file of one, by its number among these.
    Numbered(usize),
}

/// The trees that one Envoy reads.
pub(crate) struct EnvoyTrees {
    pub(crate) roots: Vec<Node>,
    /// The pod, the ConfigMap or the file that they are from, where there are several Envoys.
    pub(crate) origin: Option<Resource>,
}

/// The trees so far.
#[derive(Default)]
pub(super) struct Parts {
    parts: Vec<Part>,
    /// Files and ConfigMaps with the configuration of a whole Envoy, by their number.
    whole: HashSet<usize>,
    /// All files and ConfigMaps, and files of those with several.
    numbered: Vec<Resource>,
}

impl Parts {
    pub(super) fn push(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Gives the next file or ConfigMap, or a file of one, which has these trees, its number.
    pub(super) fn number<'n>(&mut self, resource: Resource, mut roots: impl Iterator<Item = &'n Node>) -> usize {
        let number = self.numbered.len();
        self.numbered.push(resource);
        if roots.any(kind::is_whole) {
            self.whole.insert(number);
        }
        number
    }

    /// Gives the trees of each Envoy.
    pub(super) fn into_scenes(self) -> Vec<EnvoyTrees> {
        let Self { parts, whole, numbered } = self;
        // One file or ConfigMap with a bootstrap and others with resources are most likely for one Envoy.
        let are_apart = whole.len() > 1;
        let owner_of = |part: &Part| match &part.owner {
            Owner::Numbered(number) if !(are_apart && whole.contains(number)) => Owner::Common,
            owner => owner.clone(),
        };
        let origin_of = |owner: &Owner| match owner {
            Owner::Common => None,
            Owner::Pod(name) => Some(Resource::new("pod", Some(name))),
            Owner::Numbered(number) => numbered.get(*number).cloned(),
        };
        let mut scenes: Vec<EnvoyTrees> = Vec::new();
        let mut numbers: HashMap<Owner, usize> = HashMap::new();
        for part in parts {
            let (next, owner) = (scenes.len(), owner_of(&part));
            let origin = origin_of(&owner);
            let number = *numbers.entry(owner).or_insert(next);
            match scenes.get_mut(number) {
                Some(scene) => scene.roots.push(part.root),
                None => scenes.push(EnvoyTrees { roots: vec![part.root], origin }),
            }
        }
        if let [only] = scenes.as_mut_slice() {
            only.origin = None;
        }
        scenes
    }
}
