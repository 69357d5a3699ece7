//! Istio's extension providers: the `envoyExtAuthzGrpc` and `envoyExtAuthzHttp` of a mesh configuration.

use std::{collections::HashSet, time::Duration};

use super::{
    deadline,
    found::Found,
    namespace,
    object::Object,
    policy::{self, Names},
    provider_settings::{lint_fail_open, lint_raw_headers, lint_route_cache, lint_status},
};
use crate::{
    config::{
        lint::Lint,
        site::{Resource, Site},
    },
    document::{
        suggest::quoted,
        tree::{Entry, Node, Place},
    },
    tools::envoy_lint::{ext_authz_filter::body, findings::Findings, guard::asked::has_our_name, read},
};

/// Istio waits ten minutes where its user sets no time.
const DEFAULT: deadline::Default = deadline::Default { who: "Istio", waits: Duration::from_secs(600) };
const GRPC: &str = "envoyExtAuthzGrpc";
const HTTP: &str = "envoyExtAuthzHttp";

/// An extension provider that decides about requests.
struct Provider<'n> {
    name: &'n str,
    settings: &'n Entry,
    is_grpc: bool,
}

/// Lints providers, and the policies that name them. Returns whether there is any of both.
pub(super) fn lint(found: &mut Found, objects: &[Object], sets_raw_headers: bool) -> bool {
    let meshes: Vec<&[Node]> = objects.iter().filter_map(Object::providers).collect();
    let providers: Vec<Provider<'_>> = meshes.iter().flat_map(|items| items.iter()).filter_map(provider).collect();
    let policies: Vec<&Object> = objects.iter().filter(|object| object.is("AuthorizationPolicy")).collect();
    let ours = ours(&providers, &policies);
    let mut names = Names::new();
    for (provider, is_ours) in providers.iter().zip(&ours) {
        *names.entry(provider.name).or_default() |= is_ours;
        if *is_ours {
            let resource = Resource::new("extension provider", Some(provider.name));
            found.findings.enter(&Site::of_resource(&resource));
            lint_provider(&mut found.findings, provider, sets_raw_headers);
            found.findings.enter(&Site::default());
        } else {
            found.unseen.push(format!("the extension provider {}, which is not Portcullis", quoted(provider.name)));
        }
    }
    let has_mesh = !meshes.is_empty();
    for policy in &policies {
        found.findings.enter(&Site::of_resource(&Object::resource_of(policy.root())));
        policy::lint(found, policy, has_mesh.then_some(&names), namespace::root(objects));
        found.findings.enter(&Site::default());
    }
    if !policies.is_empty() && !has_mesh {
        found
            .unseen
            .push("the extension providers of Istio's mesh configuration, which these resources lack".to_owned());
    }
    let has_ours = ours.contains(&true);
    if has_ours && policies.is_empty() {
        found.unseen.push("the AuthorizationPolicy that names the extension provider".to_owned());
    }
    has_ours || !policies.is_empty()
}

fn provider(node: &Node) -> Option<Provider<'_>> {
    let name = read::text(node, "name")?;
    let grpc = read::field(node, GRPC);
    let settings = grpc.or_else(|| read::field(node, HTTP))?;
    Some(Provider { name, settings, is_grpc: grpc.is_some() })
}

/// Finds the providers that may be Portcullis: by their name or service, else those that policies name, else those that speak
/// gRPC.
fn ours(providers: &[Provider<'_>], policies: &[&Object]) -> Vec<bool> {
    let is_named = |provider: &Provider<'_>| {
        has_our_name(provider.name) || read::text(&provider.settings.node, "service").is_some_and(has_our_name)
    };
    let named: HashSet<&str> = policies.iter().filter_map(|policy| policy::provider_name(policy)).collect();
    let by_name: Vec<bool> = providers.iter().map(is_named).collect();
    let by_policy: Vec<bool> = providers.iter().map(|provider| named.contains(provider.name)).collect();
    let by_protocol = || providers.iter().map(|provider| provider.is_grpc).collect();
    [by_name, by_policy].into_iter().find(|found| found.contains(&true)).unwrap_or_else(by_protocol)
}

fn lint_provider(findings: &mut Findings, provider: &Provider<'_>, sets_raw_headers: bool) {
    let (settings, place): (&Node, &Place) = (&provider.settings.node, &provider.settings.place);
    if !provider.is_grpc {
        let message =
            format!("`{HTTP}` asks by HTTP, and takes whatever Portcullis answers, which is gRPC, for an allow");
        findings.error(Lint::EnvoyHttpService, place, message, format!("set `{GRPC}` in place of it"));
        return;
    }
    lint_fail_open(findings, settings);
    deadline::lint(findings, settings, place, &DEFAULT);
    lint_status(findings, settings, place);
    body::lint(findings, settings, "includeRequestBodyInCheck");
    lint_route_cache(findings, settings, "clearRouteCache");
    if !sets_raw_headers {
        lint_raw_headers(findings, place, "Istio", "an EnvoyFilter");
    }
}
