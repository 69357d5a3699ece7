//! Files of other kinds that were given in place of a configuration.

use crate::{
    config::{error::Problem, schema::FILE},
    document::tree::{Entry, Node, Place, Value},
};

/// Top-level names of Envoy's bootstrap (envoy.config.bootstrap.v3.Bootstrap), and of what its `/config_dump` gives.
const ENVOY: [&str; 5] = ["static_resources", "dynamic_resources", "node", "layered_runtime", "configs"];

/// The problem of a file that is no configuration of Portcullis but is known as another one.
pub(super) fn find(root: &Node) -> Option<Problem> {
    let Value::Section(entries) = &root.value else { return None };
    // `tests` is a field of both: there a list of names, here of sections.
    let has_tests = entries.iter().any(|entry| entry.key == "tests" && holds_sections(&entry.node));
    let is_ours = FILE.iter().any(|field| field.name != "tests" && has(entries, field.name));
    if is_ours {
        None
    } else if has_tests && !is_of_envoy(entries) {
        let message = "this is a file of policy tests, not a configuration";
        let help =
            "to run them write `portcullis test FILE`, with the configuration in its `config` or after `--config`";
        Some(Problem::error(first_place(entries), message).help(help))
    } else {
        of_another_program(root)
    }
}

/// The problem of a file that was written for another program.
pub(crate) fn of_another_program(root: &Node) -> Option<Problem> {
    let Value::Section(entries) = &root.value else { return None };
    let (message, help) = if is_of_envoy(entries) {
        (
            "this is a configuration of Envoy, not of Portcullis",
            "to check it write `portcullis check --envoy ENVOY_FILE portcullis.yaml`",
        )
    } else if has(entries, "apiVersion") && has(entries, "kind") {
        (
            "this is an object of Kubernetes, not a configuration of Portcullis",
            "name the file by itself: in a ConfigMap it is the text of one entry of `data`",
        )
    } else {
        return None;
    };
    Some(Problem::error(first_place(entries), message).help(help))
}

fn has(entries: &[Entry], name: &str) -> bool {
    entries.iter().any(|entry| entry.key == name)
}

fn is_of_envoy(entries: &[Entry]) -> bool {
    ENVOY.iter().any(|name| has(entries, name))
}

fn first_place(entries: &[Entry]) -> &Place {
    entries.first().map_or(&Place::Nowhere, |entry| &entry.place)
}

fn holds_sections(node: &Node) -> bool {
    matches!(&node.value, Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Section(_))))
}
