//! Kubernetes resources by which Istio and Envoy Gateway are told to ask Portcullis. Their own fields are linted here; the pieces of Envoy configuration that they patch in are linted like any other.
//!
//! What a control plane makes of them in the end is not known here.

mod deadline;
mod found;
mod gateway;
mod istio;
mod namespace;
mod object;
mod patch;
mod patch_item;
mod policy;
mod provider_settings;
mod raw_headers;
mod route_settings;
mod scaffold;

use crate::{
    config::{Config, error::Problem, lint::Lint, site::Site},
    document::tree::Place,
};
use portcullis_engine::answer::identity::IdentityHeaders;

use found::Found;
pub(super) use object::{Object, is_known, kind_of};

/// Lints all resources together: a policy names a provider that another file may have.
pub(super) fn lint(objects: &[Object], config: Option<&Config>) -> Found {
    let mut found = Found::default();
    if objects.is_empty() {
        return found;
    }
    let usual = IdentityHeaders::default();
    let patches = patch::collect(&mut found, objects);
    let of_istio = istio::lint(&mut found, objects, raw_headers::may_set_for_istio(objects));
    let identity = config.map_or(&usual, |config| &config.identity);
    let of_gateway = gateway::lint(&mut found, objects, identity, raw_headers::may_set_for_gateway(objects));
    if !(of_istio || of_gateway || patches.has_ext_authz()) {
        let message = "no part of these Kubernetes resources is about ext_authz: nothing was checked";
        let help =
            "lint what Envoy is given in the end: `curl localhost:9901/config_dump` (Istio's Envoys listen on 15000)";
        found.findings.warn(Lint::EnvoyNothingChecked, &Place::Nowhere, message, help);
    }
    found.patched = patches.into_tree();
    found.unseen.push("what the control plane makes of these Kubernetes resources: a dump of Envoy has it".to_owned());
    found
}

/// Names the resource whose patch a problem of the patched pieces is about, in place of what was added around them.
pub(super) fn with_resource(mut problem: Problem, objects: &[Object]) -> Problem {
    let start = |place: &Place| if let Place::File(span) = place { Some(span.start) } else { None };
    let Some(at) = problem.primary().map(|span| span.start) else { return problem };
    let before = objects.iter().filter(|object| start(&object.root().place).is_some_and(|start| start <= at));
    let Some(object) = before.max_by_key(|object| start(&object.root().place)) else { return problem };
    let resource = Object::resource_of(object.root());
    let added = patch::name_of(&Object::describe(object.root()));
    problem.each_site(|site| match site.listener() {
        Some(listener) if listener != added => site.within(&resource),
        _ => Site::of_resource(&resource),
    });
    problem.within_resource(&resource)
}
