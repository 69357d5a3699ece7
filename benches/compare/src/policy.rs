//! The configuration of Portcullis: everything at its defaults, and so many routes.

use std::{fmt::Write as _, net::SocketAddr};

use crate::tokens::{AUDIENCE, ISSUER, SCOPE};

/// Its text, with the key set in `jwks.json` beside it. Two thirds of the routes have a path of their own, the others are a
/// second method on the same.
#[must_use]
pub fn yaml(grpc: SocketAddr, admin: SocketAddr, routes: usize) -> String {
    let mut text = format!(
        "listen:\n  grpc: {grpc}\n  admin: {admin}\nissuers:\n  - issuer: {ISSUER}\n    audiences: [{AUDIENCE}]\n    \
         jwks_file: jwks.json\nroutes:\n"
    );
    for route in 0..routes {
        let resource = route / 3 * 2 + (route % 3).min(1);
        let methods = if route % 3 == 2 { "DELETE" } else { "GET, HEAD" };
        let _ = write!(
            text,
            "  - path: /api/v1/resource-{resource:05}/{{id}}\n    methods: [{methods}]\n    scopes: [{SCOPE}]\n"
        );
    }
    text
}

/// The path of the `n`th request to a policy of so many routes: each resource has its turn.
#[must_use]
pub fn path(routes: usize, n: usize) -> String {
    let resources = (routes * 2 / 3).max(1);
    // No factor in common with any number of resources that is used here.
    format!("/api/v1/resource-{:05}/0123456789?expand=items", n * 7_919 % resources)
}
