//! Pieces of Envoy configuration in Istio's `EnvoyFilter` and Envoy Gateway's `EnvoyPatchPolicy`.

use super::{
    found::Found,
    object::Object,
    patch_item::{Operation, Patch, gateway_patch, istio_patch},
    route_settings,
    scaffold::{self, section, text},
};
use crate::{
    config::{lint::Lint, site::Site},
    document::{
        suggest::quoted,
        tree::{Entry, Node, Place, Value},
    },
    tools::envoy_lint::{read, scene::coverage::SETTINGS, types::EXT_AUTHZ},
};

/// A word in the names of ext_authz filters, and in paths that lead to one.
const NAME: &str = "ext_authz";
/// Fields that only an ext_authz filter has.
const OWN_FIELDS: [&str; 10] = [
    "failure_mode_allow_header_add",
    "status_on_error",
    "encode_raw_headers",
    "allowed_headers",
    "disallowed_headers",
    "filter_enabled",
    "filter_enabled_metadata",
    "deny_at_disable",
    "clear_route_cache_headers",
    "with_request_body",
];

/// The pieces, each with what it takes to be looked at.
#[derive(Default)]
pub(super) struct Patches {
    resources: Vec<Node>,
    has_ext_authz: bool,
}

impl Patches {
    pub(super) const fn has_ext_authz(&self) -> bool {
        self.has_ext_authz
    }

    /// Makes the tree of an Envoy that has these pieces.
    pub(super) fn into_tree(self) -> Option<Node> {
        (!self.resources.is_empty()).then(|| scaffold::file(self.resources))
    }

    fn add_filters(&mut self, name: &str, filters: Vec<Node>) {
        self.has_ext_authz = true;
        self.resources.push(scaffold::listener_of_filters(&name_of(name), filters));
    }

    /// Adds settings for ext_authz filters, each those of a route.
    fn add_settings(&mut self, name: &str, settings: Vec<Node>) {
        if settings.is_empty() {
            return;
        }
        self.has_ext_authz = true;
        let routes = settings.into_iter().map(|ours| scaffold::route(vec![(SETTINGS, ours)])).collect();
        let hosts = vec![scaffold::host_of_routes(routes)];
        self.resources.push(scaffold::routes_of_hosts(hosts, Some(&name_of(name))));
    }
}

/// Gives the name that a listener or table of routes has which was added around a piece.
pub(super) fn name_of(object: &str) -> String {
    object.trim_start_matches("the ").replace('`', "")
}

/// Collects the pieces that are about ext_authz, and names the rest.
pub(super) fn collect(found: &mut Found, objects: &[Object]) -> Patches {
    let mut patches = Patches::default();
    for object in objects {
        let words = Object::describe(object.root());
        let resource = Object::resource_of(object.root());
        let of_istio = object.spec().map_or(&[][..], |spec| read::list(spec, "configPatches"));
        for item in of_istio.iter().filter(|_| object.is("EnvoyFilter")) {
            take(found, &mut patches, &istio_patch(item, &words, &resource));
        }
        let of_gateway = object.spec().map_or(&[][..], |spec| read::list(spec, "jsonPatches"));
        for item in of_gateway.iter().filter(|_| object.is("EnvoyPatchPolicy")) {
            take(found, &mut patches, &gateway_patch(item, &words, &resource));
        }
    }
    patches
}

fn take(found: &mut Found, patches: &mut Patches, patch: &Patch<'_>) {
    match patch.operation {
        Operation::Remove => return take_removal(found, patches, patch),
        Operation::Test => return,
        Operation::Add | Operation::Merge | Operation::Other => {}
    }
    let Some(value) = patch.value.filter(|_| patch.operation != Operation::Other) else {
        return name_unseen(found, patch);
    };
    if take_resource(patches, patch, &value.node) || take_settings(found, patches, patch, value) {
        return;
    }
    patches.add_settings(patch.object, route_settings::within(&value.node));
    let mut filters = Vec::new();
    filters_in(&value.node, patch.operation, &mut filters);
    if !filters.is_empty() {
        filters.into_iter().for_each(|filter| patches.add_filters(patch.object, vec![filter]));
    } else if let Some(fields) = fields_of(patch) {
        let config = section(vec![("@type", text(&format!("type.googleapis.com/{EXT_AUTHZ}")))]);
        let config = with_value_at(config, &fields, value);
        patches.add_filters(patch.object, vec![section(vec![("name", text(NAME)), ("typed_config", config)])]);
    } else {
        name_unseen(found, patch);
    }
}

fn name_unseen(found: &mut Found, patch: &Patch<'_>) {
    found.unseen.push(format!("a patch of {} in {}", quoted(patch.target), patch.object));
}

/// Reports that the filter itself is taken out, where the patch names it.
fn take_removal(found: &mut Found, patches: &mut Patches, patch: &Patch<'_>) {
    if patch.path.contains(NAME) {
        patches.has_ext_authz = true;
        let message = "this patch removes an ext_authz filter: requests pass unchecked";
        let help = "remove the patch, unless the filter is the one of another service";
        found.findings.enter(&Site::of_resource(patch.resource));
        found.findings.warn(Lint::EnvoyUnchecked, patch.place, message, help);
        found.findings.enter(&Site::default());
    } else {
        found.unseen.push(format!("a patch that removes a part of {} in {}", quoted(patch.target), patch.object));
    }
}

/// Takes whole listeners and clusters.
fn take_resource(patches: &mut Patches, patch: &Patch<'_>, value: &Node) -> bool {
    let is_whole = patch.operation == Operation::Add && patch.path.trim_matches('/').is_empty();
    let is_cluster = patch.target.ends_with("CLUSTER") || patch.target.ends_with(".Cluster");
    let is_listener = patch.target == "LISTENER" || patch.target.ends_with(".Listener");
    if !is_whole || !(is_cluster || is_listener) {
        return false;
    }
    patches.has_ext_authz |= is_listener && holds(value);
    patches.resources.push(scaffold::with_type(value.clone(), is_cluster));
    true
}

/// Takes what routes and virtual hosts say to their ext_authz filters, and names the rest.
fn take_settings(found: &mut Found, patches: &mut Patches, patch: &Patch<'_>, value: &Entry) -> bool {
    let Some(settings) = route_settings::find(patch, value) else { return false };
    if settings.has_more {
        name_unseen(found, patch);
    }
    patches.add_settings(patch.object, settings.ours);
    true
}

/// Finds the ext_authz filters in a value. What is merged with a filter need not be whole, so that nothing is said of what it
/// lacks.
fn filters_in(node: &Node, operation: Operation, filters: &mut Vec<Node>) {
    if read::value(node, "typed_config").is_some_and(holds) && read::list(node, "http_filters").is_empty() {
        let is_manager = read::at(node, &["typed_config", "http_filters"]).is_some();
        if !is_manager {
            let mut filter = node.clone();
            if operation == Operation::Merge {
                forget_place(&mut filter);
            }
            return filters.push(filter);
        }
    }
    read::entries(node).iter().for_each(|entry| filters_in(&entry.node, operation, filters));
    read::items(node).iter().for_each(|item| filters_in(item, operation, filters));
}

/// Makes a filter one of no file, but for its settings.
fn forget_place(filter: &mut Node) {
    filter.place = Place::Nowhere;
    if let Value::Section(entries) = &mut filter.value {
        for entry in entries {
            entry.place = Place::Nowhere;
            entry.node.place = Place::Nowhere;
        }
    }
}

/// Finds the fields of an ext_authz filter through which a path leads.
fn fields_of<'p>(patch: &'p Patch<'_>) -> Option<Vec<&'p str>> {
    let (before, rest) = patch.path.rsplit_once("typed_config")?;
    let fields: Vec<&str> = rest.split(['/', '.']).filter(|field| !field.is_empty()).collect();
    let first = fields.first()?;
    let is_own = OWN_FIELDS.iter().any(|own| read::is_named(first, own)) || before.contains(NAME);
    let are_fields = fields.iter().all(|field| field.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_'));
    (is_own && are_fields).then_some(fields)
}

/// Puts a value into a section, behind a path of fields.
fn with_value_at(node: Node, fields: &[&str], value: &Entry) -> Node {
    match fields.split_first() {
        Some((last, [])) => with_entry(node, last, value),
        Some((first, rest)) => {
            let inner = with_value_at(section(Vec::new()), rest, value);
            with_entry(node, first, &Entry { key: String::new(), place: Place::Nowhere, node: inner })
        }
        None => node,
    }
}

fn with_entry(mut node: Node, key: &str, value: &Entry) -> Node {
    if let Value::Section(entries) = &mut node.value {
        entries.push(Entry { key: key.to_owned(), place: value.place.clone(), node: value.node.clone() });
    }
    node
}

/// Says whether an ext_authz filter stands somewhere in there.
fn holds(node: &Node) -> bool {
    read::type_name(node) == Some(EXT_AUTHZ)
        || read::type_name_of(node, "type_url") == Some(EXT_AUTHZ)
        || read::entries(node).iter().any(|entry| holds(&entry.node))
        || read::items(node).iter().any(holds)
}
