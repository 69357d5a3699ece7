//! Patches of what routes and virtual hosts say to their filters.

use super::{
    patch_item::Patch,
    scaffold::{section, text},
};
use crate::{
    document::tree::{Entry, Node, Place, Value},
    tools::envoy_lint::{
        read,
        scene::coverage::{PER_ROUTE, SETTINGS},
        types::FILTER_CONFIG,
    },
};

/// The name of ext_authz filters, with which those begin or end that control planes generate.
const NAME: &str = "envoy.filters.http.ext_authz";

/// The settings in a patch.
#[derive(Default)]
pub(super) struct RouteSettings {
    /// Settings for ext_authz filters: those of one route together.
    pub(super) ours: Vec<Node>,
    /// Tells whether there is something else in the patch.
    pub(super) has_more: bool,
}

/// Returns the settings in a patch, if it is about any.
pub(super) fn find(patch: &Patch<'_>, value: &Entry) -> Option<RouteSettings> {
    let mut found = RouteSettings::default();
    if patch.path.ends_with(SETTINGS) {
        found.add(&value.node);
        return Some(found);
    }
    if let Some((_, rest)) = patch.path.rsplit_once(&format!("{SETTINGS}/")) {
        found.add_at(rest, value);
        return Some(found);
    }
    found.add(read::value(&value.node, SETTINGS)?);
    Some(found)
}

/// Returns the settings for ext_authz filters of all routes and virtual hosts in a value.
pub(super) fn within(value: &Node) -> Vec<Node> {
    let mut found = RouteSettings::default();
    found.add_inner(value);
    found.ours
}

impl RouteSettings {
    /// Adds all settings of one route, by the names of filters.
    fn add(&mut self, settings: &Node) {
        let all = read::entries(settings);
        let ours: Vec<Entry> = all.iter().filter_map(of_ext_authz).collect();
        // Empty settings may take the place of those that switch a filter on.
        self.has_more |= all.is_empty() || ours.len() < all.len();
        if !ours.is_empty() {
            self.ours.push(Node { value: Value::Section(ours), ..settings.clone() });
        }
    }

    /// Adds a value at a path behind the settings of a route: the name of the filter, and perhaps a field.
    fn add_at(&mut self, path: &str, value: &Entry) {
        let steps: Vec<String> = path.split('/').map(decoded).collect();
        let entry = |name: &str, node: Node| Entry { key: name.to_owned(), place: value.place.clone(), node };
        let all = match steps.iter().map(String::as_str).collect::<Vec<&str>>().as_slice() {
            [name] => section_of(entry(name, value.node.clone())),
            // Of both kinds of settings, the field means the same.
            [name, "disabled"] | [name, "config", "disabled"] if name.contains(NAME) => {
                let mut settings = section(vec![("@type", text(&url(PER_ROUTE)))]);
                push(&mut settings, entry("disabled", value.node.clone()));
                section_of(entry(name, settings))
            }
            _ => return self.has_more = true,
        };
        self.add(&all);
    }

    /// Adds the settings of all routes and virtual hosts in a value.
    fn add_inner(&mut self, node: &Node) {
        for entry in read::entries(node) {
            if read::is_named(&entry.key, SETTINGS) { self.add(&entry.node) } else { self.add_inner(&entry.node) }
        }
        read::items(node).iter().for_each(|item| self.add_inner(item));
    }
}

/// Returns settings for an ext_authz filter, with their type. That of Envoy's own settings says nothing of the filter, but its
/// name does.
fn of_ext_authz(entry: &Entry) -> Option<Entry> {
    let (kind, config) = read::message(&entry.node)?;
    let inner = if kind == FILTER_CONFIG {
        read::value(config, "config").and_then(read::message)
    } else {
        Some((kind, config))
    };
    match inner {
        Some((PER_ROUTE, _)) => Some(entry.clone()),
        None if entry.key.contains(NAME) => {
            let mut config = config.clone();
            let inner = section(vec![("@type", text(&url(PER_ROUTE)))]);
            push(&mut config, Entry { key: "config".to_owned(), place: Place::Nowhere, node: inner });
            Some(Entry { node: with_type(config), ..entry.clone() })
        }
        _ => None,
    }
}

/// Gives settings of Envoy's own their type, which those in a `TypedStruct` have elsewhere.
fn with_type(mut config: Node) -> Node {
    if read::type_name(&config).is_none() {
        push(&mut config, Entry { key: "@type".to_owned(), place: Place::Nowhere, node: text(&url(FILTER_CONFIG)) });
    }
    config
}

fn url(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}

fn push(node: &mut Node, entry: Entry) {
    if let Value::Section(entries) = &mut node.value {
        entries.push(entry);
    }
}

fn section_of(entry: Entry) -> Node {
    let mut node = section(Vec::new());
    push(&mut node, entry);
    node
}

/// Decodes a step of a JSON pointer (RFC 6901 section 4).
fn decoded(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_decoded_in_the_right_order() {
        assert_eq!(decoded("a~1b~0c~01"), "a/b~c~1");
    }
}
