//! The tables of routes of a manager: its own, and those that it names.

use std::collections::HashMap;

use crate::{
    config::quoted,
    document::tree::{Entry, Node},
    tools::envoy_lint::read,
};

/// Tables outside of managers by their names.
pub(super) type Named<'n> = HashMap<&'n str, Vec<&'n Node>>;

/// Returns tables by their names.
pub(super) fn by_name<'n>(tables: &[&'n Node]) -> Named<'n> {
    let mut named = Named::new();
    for table in tables {
        if let Some(name) = read::text(table, "name") {
            named.entry(name).or_default().push(*table);
        }
    }
    named
}

/// The tables of routes of a manager, as far as the files have them.
#[derive(Debug, Default)]
pub(super) struct Tables<'n> {
    pub(super) found: Vec<&'n Node>,
    /// The routes that come from elsewhere, in words.
    pub(super) unseen: Vec<String>,
}

impl<'n> Tables<'n> {
    /// Finds the tables of a manager. `loose` are those outside of managers, `sent` the scopes that come by discovery.
    pub(super) fn new(manager: &'n Node, loose: &Named<'n>, sent: &[&'n Node]) -> Self {
        let mut tables = Self::default();
        tables.found.extend(read::value(manager, "route_config"));
        if let Some(rds) = read::value(manager, "rds") {
            tables.add_named(read::text(rds, "route_config_name"), loose);
        }
        if let Some(scoped) = read::value(manager, "scoped_routes") {
            tables.add_scoped(scoped, loose, sent);
        }
        for table in &tables.found {
            if read::field(table, "vhds").is_some() {
                let name = quoted(read::text(table, "name").unwrap_or_default());
                tables.unseen.push(format!("the virtual hosts of the routes {name}, which come by discovery (`vhds`)"));
            }
            tables.unseen.extend(unseen_choice(table));
        }
        tables
    }

    fn add_named(&mut self, name: Option<&str>, loose: &Named<'n>) {
        let named = name.and_then(|name| loose.get(name));
        if let Some(tables) = named {
            self.found.extend(tables);
        } else {
            let name = quoted(name.unwrap_or_default());
            self.unseen.push(format!("the routes {name}, which come by discovery (`rds`)"));
        }
    }

    fn add_scoped(&mut self, scoped: &'n Node, loose: &Named<'n>, sent: &[&'n Node]) {
        let listed = read::at(scoped, &["scoped_route_configurations_list", "scoped_route_configurations"]);
        let scopes: Vec<&Node> = listed.map_or_else(|| sent.to_vec(), |listed| read::items(listed).iter().collect());
        if scopes.is_empty() {
            self.unseen.push("the scoped routes, which come by discovery (`scoped_rds`)".to_owned());
        }
        for scope in scopes {
            match read::value(scope, "route_configuration") {
                Some(table) => self.found.push(table),
                None => self.add_named(read::text(scope, "route_configuration_name"), loose),
            }
        }
    }
}

/// Names the routes of a table, or of a virtual host, that an extension makes or chooses.
pub(crate) fn unseen_choice(table: &Node) -> Option<String> {
    let name = || quoted(read::text(table, "name").unwrap_or_default());
    has_specifiers(table)
        .then(|| format!("the routes of {} that an extension makes or chooses (`route_specifiers`)", name()))
}

/// Tells whether an extension chooses routes somewhere in there.
fn has_specifiers(node: &Node) -> bool {
    let is_chosen = |entry: &Entry| {
        read::is_named(&entry.key, "route_specifiers") && !read::items(&entry.node).is_empty()
            || has_specifiers(&entry.node)
    };
    read::entries(node).iter().any(is_chosen) || read::items(node).iter().any(has_specifiers)
}
