//! Rings of imports: of files, and of folders that stand side by side.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Imports, Module};

/// The rings of files: each as the files that it leads through, back to the first one.
pub(crate) fn of_files(imports: &Imports) -> Vec<Vec<String>> {
    let named = |module: &Module| if module.is_empty() { "lib".to_owned() } else { module.join("/") };
    let arrows = imports.iter().map(|(from, to)| (named(from), to.iter().map(named).collect())).collect();
    rings(&arrows)
}

/// The rings of folders and files that stand side by side in one folder.
pub(crate) fn of_folders(imports: &Imports) -> Vec<Vec<String>> {
    let folders: BTreeSet<&[String]> =
        imports.keys().flat_map(|module| (0..module.len()).map(|length| &module[..length])).collect();
    let mut found = Vec::new();
    for folder in folders {
        let inside = |module: &Module| module.starts_with(folder).then(|| module.get(folder.len()).cloned()).flatten();
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in imports {
            let Some(from) = inside(from) else { continue };
            let to = to.iter().filter_map(inside).filter(|to| *to != from).collect::<Vec<_>>();
            arrows.entry(from).or_default().extend(to);
        }
        let place = folder.join("/");
        found
            .extend(rings(&arrows).into_iter().map(|ring| ring.iter().map(|name| format!("{place}/{name}")).collect()));
    }
    found
}

/// The shortest ring through each node that is in one, each ring once.
fn rings(arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let mut found: BTreeMap<BTreeSet<String>, Vec<String>> = BTreeMap::new();
    for start in arrows.keys() {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut next = vec![start.as_str()];
        while !next.is_empty() && !came_from.contains_key(start.as_str()) {
            let mut after = Vec::new();
            for node in next {
                for to in arrows.get(node).into_iter().flatten() {
                    if !came_from.contains_key(to.as_str()) {
                        came_from.insert(to, node);
                        after.push(to.as_str());
                    }
                }
            }
            next = after;
        }
        if let Some(mut node) = came_from.get(start.as_str()).copied() {
            let mut ring = vec![start.clone()];
            while node != start {
                ring.push(node.to_owned());
                node = came_from[node];
            }
            ring.push(start.clone());
            ring.reverse();
            found.entry(ring.iter().cloned().collect()).or_insert(ring);
        }
    }
    found.into_values().collect()
}
