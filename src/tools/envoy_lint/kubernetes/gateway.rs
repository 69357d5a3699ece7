//! Envoy Gateway's `SecurityPolicy`: its `extAuth`.

use std::time::Duration;

use super::{
    deadline,
    found::Found,
    object::Object,
    provider_settings::{lint_fail_open, lint_raw_headers, lint_route_cache, lint_status},
};
use crate::{
    config::{lint::Lint, site::Site},
    document::tree::{Entry, Node},
    tools::envoy_lint::{ext_authz_filter::body, findings::Findings, guard::asked::has_our_name, read},
};
use portcullis_engine::answer::identity::{Aliases, IdentityHeaders};

/// Envoy Gateway waits ten seconds where its user sets no time.
const DEFAULT: deadline::Default = deadline::Default { who: "Envoy Gateway", waits: Duration::from_secs(10) };
/// Lists by which a service is named: `backendRef` is the older one.
const BACKENDS: [&str; 2] = ["backendRefs", "backendRef"];

/// Lints all policies. Returns whether there is one with `extAuth`.
pub(super) fn lint(found: &mut Found, objects: &[Object], identity: &IdentityHeaders, sets_raw_headers: bool) -> bool {
    let policies = objects.iter().filter(|object| object.is("SecurityPolicy"));
    let all: Vec<(&Object, &Entry)> = policies
        .filter_map(|object| Some((object, object.spec().and_then(|spec| read::field(spec, "extAuth"))?)))
        .collect();
    let ours = ours(&all);
    for ((object, ext_auth), is_ours) in all.iter().zip(&ours) {
        let words = Object::describe(object.root());
        if *is_ours {
            found.findings.enter(&Site::of_resource(&Object::resource_of(object.root())));
            lint_policy(&mut found.findings, ext_auth, identity, sets_raw_headers);
            found.findings.enter(&Site::default());
            found.unseen.push(format!("the routes that {words} is not attached to"));
        } else {
            found.unseen.push(format!("{words}, which asks another service"));
        }
    }
    ours.contains(&true)
}

/// Finds the settings that may ask Portcullis: by the name of the policy or the service, else those that speak gRPC.
fn ours(all: &[(&Object, &Entry)]) -> Vec<bool> {
    let is_named = |(object, ext_auth): &(&Object, &Entry)| {
        let services = ["grpc", "http"].iter().filter_map(|kind| read::value(&ext_auth.node, kind));
        let names = services.flat_map(backend_names);
        object.name().is_some_and(has_our_name) || names.into_iter().any(has_our_name)
    };
    let by_name: Vec<bool> = all.iter().map(is_named).collect();
    let by_protocol: Vec<bool> =
        all.iter().map(|(_, ext_auth)| read::field(&ext_auth.node, "grpc").is_some()).collect();
    let any = || vec![true; all.len()];
    [by_name, by_protocol].into_iter().find(|found| found.contains(&true)).unwrap_or_else(any)
}

fn backend_names(service: &Node) -> Vec<&str> {
    let lists = BACKENDS.iter().filter_map(|name| read::value(service, name));
    let backends = lists.flat_map(|backends| std::iter::once(backends).chain(read::items(backends)));
    backends.filter_map(|backend| read::text(backend, "name")).collect()
}

fn lint_policy(findings: &mut Findings, ext_auth: &Entry, identity: &IdentityHeaders, sets_raw_headers: bool) {
    let settings = &ext_auth.node;
    if let Some(http) = read::field(settings, "http") {
        let message = "`http` asks by HTTP, and takes whatever Portcullis answers, which is gRPC, for an allow";
        findings.error(
            Lint::EnvoyHttpService,
            &http.place,
            message,
            "set `grpc` with the same `backendRefs` in place of it",
        );
        return;
    }
    lint_fail_open(findings, settings);
    deadline::lint(findings, settings, &ext_auth.place, &DEFAULT);
    lint_status(findings, settings, &ext_auth.place);
    body::lint(findings, settings, "bodyToExtAuth");
    lint_route_cache(findings, settings, "recomputeRoute");
    lint_headers(findings, settings, identity);
    if !sets_raw_headers {
        lint_raw_headers(findings, &ext_auth.place, "Envoy Gateway", "an EnvoyPatchPolicy");
    }
}

/// Lints the list of the only headers that Portcullis sees.
fn lint_headers(findings: &mut Findings, settings: &Node, identity: &IdentityHeaders) {
    let Some(entry) = read::field(settings, "headersToExtAuth") else { return };
    let names = read::items(&entry.node);
    if names.is_empty() {
        return;
    }
    let has = |wanted: &str| names.iter().filter_map(read::as_text).any(|name| name.eq_ignore_ascii_case(wanted));
    let help = "remove `headersToExtAuth`: then Portcullis sees every header";
    if !has("authorization") {
        let message = "`headersToExtAuth` hides `authorization`: Portcullis sees no token, and denies";
        findings.error(Lint::EnvoyHiddenHeaders, &entry.place, message, help);
    }
    if identity.aliases == Aliases::Seen {
        let message = "`headersToExtAuth` hides other spellings of identity headers, which backends may take for them: Portcullis does not \
             see them to remove them";
        findings.warn(Lint::EnvoyHiddenHeaders, &entry.place, message, help);
    }
}
