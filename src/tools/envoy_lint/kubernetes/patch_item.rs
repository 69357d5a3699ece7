//! One patch of an `EnvoyFilter` or an `EnvoyPatchPolicy`: what is changed, how, and where.

use std::borrow::Cow;

use crate::{
    config::site::Resource,
    document::tree::{Entry, Node, Place},
    tools::envoy_lint::read,
};

/// One patch of either kind of resource.
pub(super) struct Patch<'n> {
    /// Words for its resource.
    pub(super) object: &'n str,
    pub(super) resource: &'n Resource,
    /// The kind of thing that it changes.
    pub(super) target: &'n str,
    pub(super) operation: Operation,
    /// The path to the place in the thing, or the name of the filter there.
    pub(super) path: Cow<'n, str>,
    pub(super) value: Option<&'n Entry>,
    pub(super) place: &'n Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// The value is a whole thing.
    Add,
    /// The value is a part of one.
    Merge,
    Remove,
    /// The thing is compared, and stays as it is.
    Test,
    /// The value comes from elsewhere, or the operation is not known here.
    Other,
}

/// Reads an item of `configPatches`.
pub(super) fn istio_patch<'n>(item: &'n Node, object: &'n str, resource: &'n Resource) -> Patch<'n> {
    let patch = read::value(item, "patch");
    let operation = match patch.and_then(|patch| read::text(patch, "operation")) {
        Some("REMOVE") => Operation::Remove,
        Some("MERGE") => Operation::Merge,
        _ => Operation::Add,
    };
    let filter = ["match", "listener", "filterChain", "filter", "subFilter", "name"];
    let value = patch.and_then(|patch| read::field(patch, "value"));
    let path = read::at(item, &filter).and_then(read::as_text).unwrap_or_default();
    let target = read::text(item, "applyTo").unwrap_or_default();
    Patch { object, resource, target, operation, path: path.into(), value, place: &item.place }
}

/// Reads an item of `jsonPatches`.
pub(super) fn gateway_patch<'n>(item: &'n Node, object: &'n str, resource: &'n Resource) -> Patch<'n> {
    let change = read::value(item, "operation");
    let text_of = |name: &str| change.and_then(|change| read::text(change, name));
    // With both, `path` goes on where `jsonPath` ends.
    let path = ["jsonPath", "path"].iter().filter_map(|name| text_of(name)).collect::<String>();
    let operation = match text_of("op") {
        Some("add" | "replace") => Operation::Add,
        Some("remove") => Operation::Remove,
        Some("test") => Operation::Test,
        _ => Operation::Other,
    };
    let value = change.and_then(|change| read::field(change, "value"));
    let target = read::type_name_of(item, "type").unwrap_or_default();
    Patch { object, resource, target, operation, path: path.into(), value, place: &item.place }
}
