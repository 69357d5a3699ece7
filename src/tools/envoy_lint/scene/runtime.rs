//! The layers of Envoy's runtime: values by which settings with a `runtime_key` are replaced.

use crate::{
    document::tree::{Entry, Node},
    tools::envoy_lint::read,
};

/// The layers of the runtime, in the order in which they apply: the last one that has a key decides.
#[derive(Debug, Default)]
pub(crate) struct Runtime<'n> {
    layers: Vec<Layer<'n>>,
}

#[derive(Debug)]
struct Layer<'n> {
    name: &'n str,
    kind: Kind<'n>,
}

#[derive(Debug)]
enum Kind<'n> {
    /// The file has the values.
    Static(&'n Node),
    /// The admin page sets them.
    Admin(&'n Entry),
    /// A directory or a control plane has the values.
    Elsewhere,
}

impl<'n> Runtime<'n> {
    /// Adds the layers of a bootstrap file.
    pub(super) fn add(&mut self, bootstrap: &'n Node) {
        let Some(runtime) = read::field(bootstrap, "layered_runtime") else { return };
        let layers = read::list(&runtime.node, "layers");
        if layers.is_empty() {
            // Envoy adds one of its own to a runtime without layers, and to none that has any.
            self.layers.push(Layer { name: "", kind: Kind::Admin(runtime) });
        }
        for layer in layers {
            let kind = if let Some(values) = read::value(layer, "static_layer") {
                Kind::Static(values)
            } else if let Some(entry) = admin_layer(layer) {
                Kind::Admin(entry)
            } else {
                Kind::Elsewhere
            };
            self.layers.push(Layer { name: read::text(layer, "name").unwrap_or_default(), kind });
        }
    }

    /// Puts the values of a layer that a control plane sends into the place of that layer.
    pub(super) fn fill(&mut self, runtime: &'n Node) {
        let (Some(name), Some(values)) = (read::text(runtime, "name"), read::value(runtime, "layer")) else { return };
        let is_meant = |layer: &&mut Layer<'_>| layer.name == name && matches!(layer.kind, Kind::Elsewhere);
        if let Some(layer) = self.layers.iter_mut().find(is_meant) {
            layer.kind = Kind::Static(values);
        }
    }

    /// Returns what the layers in the files say of a key.
    pub(crate) fn setting(&self, key: &str) -> Option<&'n Node> {
        let values = self.layers.iter().rev().filter_map(|layer| match layer.kind {
            Kind::Static(values) => Some(values),
            Kind::Admin(_) | Kind::Elsewhere => None,
        });
        values.filter_map(|values| value(values, key)).next()
    }

    /// Returns the names of layers whose values are not in the files.
    pub(crate) fn unseen(&self) -> impl Iterator<Item = &'n str> {
        self.layers.iter().filter(|layer| matches!(layer.kind, Kind::Elsewhere)).map(|layer| layer.name)
    }

    /// Returns what lets the admin page set values: its layer, or a runtime without layers.
    pub(crate) fn admin_layer(&self) -> Option<&'n Entry> {
        self.layers.iter().find_map(|layer| match layer.kind {
            Kind::Admin(entry) => Some(entry),
            Kind::Static(_) | Kind::Elsewhere => None,
        })
    }
}

/// Returns the `admin_layer` of a layer, which may be empty.
fn admin_layer(layer: &Node) -> Option<&Entry> {
    read::entries(layer).iter().find(|entry| read::is_named(&entry.key, "admin_layer"))
}

/// Returns the value of a key, whose parts between dots may be sections.
fn value<'n>(values: &'n Node, key: &str) -> Option<&'n Node> {
    let all = read::entries(values);
    if let Some(entry) = all.iter().rfind(|entry| entry.key == key) {
        return Some(&entry.node);
    }
    all.iter().rev().find_map(|entry| {
        let rest = key.strip_prefix(entry.key.as_str())?.strip_prefix('.')?;
        value(&entry.node, rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::parse;

    #[test]
    fn the_last_layer_that_has_a_key_decides() {
        let text = "{ layered_runtime: { layers: [{ name: a, static_layer: { x.y: 1, b: { c: { d: 2 } } } },
            { name: r, rtds_layer: { name: r } }, { name: z, static_layer: { x: { y: 3 } } }, { name: m, admin_layer: {} }] } }";
        let root = parse(text).unwrap();
        let mut runtime = Runtime::default();
        runtime.add(&root);
        let number = |runtime: &Runtime<'_>, key| runtime.setting(key).and_then(read::number);
        assert_eq!(["x.y", "b.c.d", "b.c", "x"].map(|key| number(&runtime, key)), [Some(3), Some(2), None, None]);
        assert_eq!(runtime.unseen().collect::<Vec<_>>(), ["r"]);
        assert_eq!(runtime.admin_layer().map(|entry| entry.key.as_str()), Some("admin_layer"));
        let sent = parse("{ name: r, layer: { b: { c: { d: 4 } } } }").unwrap();
        runtime.fill(&sent);
        assert_eq!((number(&runtime, "b.c.d"), runtime.unseen().count()), (Some(4), 0));
    }

    #[test]
    fn a_runtime_without_layers_is_set_by_the_admin_page() {
        for (text, is_set) in [
            ("{}", false),
            ("{ layered_runtime: ~ }", false),
            ("{ layered_runtime: {} }", true),
            ("{ layered_runtime: { layers: [] } }", true),
            ("{ layered_runtime: { layers: [{ name: a, static_layer: {} }] } }", false),
        ] {
            let root = parse(text).unwrap();
            let mut runtime = Runtime::default();
            runtime.add(&root);
            assert_eq!(runtime.admin_layer().is_some(), is_set, "{text}");
        }
    }
}
