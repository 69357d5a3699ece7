//! Patches that have Envoy send headers as they come, and whether they may be for an Envoy that asks Portcullis.

use super::{namespace, object::Object};
use crate::{document::tree::Node, tools::envoy_lint::read};

/// Says whether an `EnvoyFilter` may set `encode_raw_headers` where a policy of Istio has Envoy ask.
pub(super) fn may_set_for_istio(objects: &[Object]) -> bool {
    let policies: Vec<&Object> = objects.iter().filter(|object| object.is("AuthorizationPolicy")).collect();
    let root = namespace::root(objects);
    let filters = objects.iter().filter(|object| object.is("EnvoyFilter"));
    let mut patches = filters.flat_map(|filter| {
        let items = filter.spec().map_or(&[][..], |spec| read::list(spec, "configPatches"));
        items.iter().map(move |item| (filter, item))
    });
    patches.any(|(filter, item)| {
        let context = read::at(item, &["match", "context"]).and_then(read::as_text);
        let may_meet = |policy: &&Object| {
            let is_elsewhere = context == Some("SIDECAR_INBOUND") && guards_gateway(policy);
            !is_elsewhere && shares_namespace(filter, policy, root)
        };
        sets_raw_headers(item)
            && context != Some("SIDECAR_OUTBOUND")
            && (policies.is_empty() || policies.iter().any(may_meet))
    })
}

/// Says whether an `EnvoyPatchPolicy` may set `encode_raw_headers` where a `SecurityPolicy` has Envoy ask.
pub(super) fn may_set_for_gateway(objects: &[Object]) -> bool {
    let policies: Vec<&Object> = objects.iter().filter(|object| object.is("SecurityPolicy")).collect();
    let mut patches = objects.iter().filter(|object| object.is("EnvoyPatchPolicy"));
    patches.any(|patch| {
        let may_meet = |policy: &&Object| may_share_gateway(patch, policy);
        sets_raw_headers(patch.root()) && (policies.is_empty() || policies.iter().any(may_meet))
    })
}

/// Says whether both may be about the same Gateway: one of a policy for a route is not known here.
fn may_share_gateway(patch: &Object, policy: &Object) -> bool {
    let (of_patch, of_policy) = (gateways(patch), gateways(policy));
    let (Some(of_patch), Some(of_policy)) = (of_patch, of_policy) else { return true };
    let are_apart = matches!((namespace::of(patch), namespace::of(policy)), (Some(one), Some(other)) if one != other);
    !are_apart && of_patch.iter().any(|name| of_policy.contains(name))
}

/// Gives the names of the Gateways that a resource is for, if it is for nothing else.
fn gateways(object: &Object) -> Option<Vec<&str>> {
    let spec = object.spec()?;
    let targets: Vec<&Node> = read::list(spec, "targetRefs").iter().chain(read::value(spec, "targetRef")).collect();
    let are_gateways = targets.iter().all(|target| read::text(target, "kind") == Some("Gateway"));
    let names = targets.into_iter().map(|target| read::text(target, "name").filter(|_| are_gateways));
    let names: Option<Vec<&str>> = names.collect();
    names.filter(|names| !names.is_empty())
}

/// Says whether a filter may be for workloads that a policy is for. A resource without a namespace may be in any.
fn shares_namespace(filter: &Object, policy: &Object, root: &str) -> bool {
    match (namespace::of(filter), namespace::of(policy)) {
        (Some(one), Some(other)) => one == other || [one, other].contains(&root),
        _ => true,
    }
}

/// Says whether a policy plainly guards a gateway and no sidecar.
fn guards_gateway(policy: &Object) -> bool {
    let label = read::at(policy.root(), &["spec", "selector", "matchLabels", "istio"]).and_then(read::as_text);
    label.is_some_and(|label| label.ends_with("gateway")) || gateways(policy).is_some()
}

/// Says whether a patch has Envoy send headers as they come.
fn sets_raw_headers(node: &Node) -> bool {
    let is_path = read::text(node, "path").is_some_and(|path| path.ends_with("encode_raw_headers"));
    read::switched_on(node, "encode_raw_headers").is_some()
        || (is_path && read::switched_on(node, "value").is_some())
        || read::entries(node).iter().any(|entry| sets_raw_headers(&entry.node))
        || read::items(node).iter().any(sets_raw_headers)
}
