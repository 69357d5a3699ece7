//! A ConfigMap that holds files of Envoy or Istio's mesh configuration, each as a text under a key of its `data`.

use super::{
    binary_data, embedded,
    kind::{self, Kind},
    relocate, repeated, resources, spellings, template,
    unread_words::{unread_words, unseen_words},
};
use crate::{
    config::error::Problem,
    document::{
        suggest::quoted,
        tree::{Entry, Node, Value},
    },
    limits,
    tools::envoy_lint::{kubernetes::Object, read, yaml::parse_documents},
};

/// Words one of which a file of Envoy's or a mesh configuration has.
const WORDS: [&str; 7] = [
    "static_resources",
    "staticResources",
    "dynamic_resources",
    "dynamicResources",
    "resources:",
    "@type",
    "extensionProviders",
];
/// Words one of which a text has in which a file of Envoy's may be hidden, whatever else it is.
const SIGNS: [&str; 5] =
    ["static_resources", "staticResources", "dynamic_resources", "dynamicResources", "type.googleapis.com/envoy."];
/// The share of the values of a file that a text which can't be read counts as: nothing tells how many it had.
const UNREAD_SHARE: usize = 8;

/// The files of a ConfigMap that can be linted.
#[derive(Default)]
pub(super) struct Held {
    /// The files of Envoy, in their order.
    pub(super) files: Vec<HeldFile>,
    /// The trees of Istio's mesh configuration.
    pub(super) meshes: Vec<Node>,
    /// The trees of documents that Envoy does not read. They say where secrets are.
    unread: Vec<Node>,
    /// The things that are not looked at, each as a part of a sentence.
    pub(super) unseen: Vec<String>,
    /// The faults of those that can't be read.
    pub(super) problems: Vec<Problem>,
}

/// A file of Envoy's in a ConfigMap.
pub(super) struct HeldFile {
    /// The key under which it is there.
    pub(super) key: String,
    pub(super) root: Node,
}

impl Held {
    /// Gives the trees of all documents, those that are not linted among them.
    pub(super) fn trees(&self) -> impl Iterator<Item = &Node> {
        self.files.iter().map(|file| &file.root).chain(&self.meshes).chain(&self.unread)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.files.is_empty() && self.meshes.is_empty() && self.problems.is_empty()
    }
}

/// The number of values that the texts in the ConfigMaps of a file may have together, aliases written out.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) const fn new() -> Self {
        Self(limits::CONFIG_NODES)
    }

    fn spend(&mut self, values: usize) {
        self.0 = self.0.saturating_sub(values);
    }
}

/// The names of a ConfigMap.
struct Map {
    /// The name as an argument of `kubectl`.
    argument: String,
    /// The name in the words of a sentence.
    words: String,
}

/// Reads the files of a ConfigMap. `outer` is the whole text around it. A text whose tree has places of its own is taken out,
/// so that each secret in it is hidden by its field and not everything behind the first one.
pub(super) fn read(root: &mut Node, outer: &str, budget: &mut Budget) -> Held {
    let mut held = Held::default();
    let map = Map { argument: named(root), words: Object::describe(root) };
    held.unseen.extend(binary_data::unseen(root, &SIGNS, &map.words));
    let Value::Section(fields) = &mut root.value else { return held };
    let Some(data) = fields.iter_mut().find(|entry| entry.key == "data") else { return held };
    let Value::Section(entries) = &mut data.node.value else { return held };
    for entry in entries {
        match &entry.node.value {
            Value::String(text) if !WORDS.iter().any(|word| text.contains(word)) => {}
            Value::String(_) if budget.0 == 0 => {
                let message =
                    format!("the ConfigMaps have more than {} values, aliases written out", limits::CONFIG_NODES);
                let problem = Problem::error(&entry.place, message).help("leave out those that are not for this Envoy");
                held.problems.push(problem);
                break;
            }
            Value::String(text) if read_file(&mut held, (entry, &map), text, outer, budget) => {
                entry.node.value = Value::Null
            }
            _ => {}
        }
    }
    held
}

/// Returns the name of a ConfigMap as `kubectl` takes it, if a shell takes it as it is.
fn named(root: &Node) -> String {
    let field = |name| read::at(root, &["metadata", name]).and_then(read::as_text);
    let is_plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let name = field("name").filter(is_plain).unwrap_or("NAME");
    field("namespace").filter(is_plain).map_or_else(|| name.to_owned(), |space| format!("{name} -n {space}"))
}

/// Reads a text. Returns whether it was read with a place for each of its parts.
fn read_file(held: &mut Held, (entry, map): (&Entry, &Map), text: &str, outer: &str, budget: &mut Budget) -> bool {
    let places = embedded::Places::new(entry, text, outer);
    match parse_documents(text) {
        Ok(roots) => {
            let mut is_read = false;
            let mut has_unread = false;
            for mut root in roots {
                budget.spend(relocate::count(&root));
                let repeated = repeated::find(&root);
                spellings::merge(&mut root);
                let kind = kind::classify(&root);
                places.rewrite(&mut root);
                if is_read {
                    has_unread |= !kind::is_empty(&root);
                    held.unread.push(root);
                    continue;
                }
                is_read = kind::is_read_by_envoy(kind, &root);
                if kind::is_linted(kind) {
                    held.problems.extend(repeated.into_iter().map(|problem| places.moved(problem)));
                }
                let root = match kind {
                    Kind::Envoy => root,
                    Kind::Resources => resources::with_types(root).0,
                    Kind::Object => {
                        held.meshes.push(root);
                        continue;
                    }
                    Kind::Pods | Kind::ConfigMap | Kind::OtherObject | Kind::Unknown => {
                        if SIGNS.iter().any(|sign| text.contains(sign)) {
                            held.unseen.push(unseen_words(&entry.key, &map.words));
                        }
                        return false;
                    }
                };
                held.files.push(HeldFile { key: entry.key.clone(), root });
            }
            if has_unread {
                held.unseen.push(unread_words(&entry.key));
            }
            places.are_exact()
        }
        Err(problem) => {
            budget.spend(limits::CONFIG_NODES / UNREAD_SHARE);
            let problem = match template::explain(text, &problem) {
                Some(template) => places.moved(template),
                None => {
                    let key = format!("data.\"{}\"", entry.key);
                    let help = format!(
                        "mend the text under {}, or take it out to lint it by itself: `kubectl get configmap {} -o json | jq -r \
                         '.{key}'`",
                        quoted(&key),
                        map.argument
                    );
                    places.moved(*problem).help(help)
                }
            };
            held.problems.push(problem);
            false
        }
    }
}
