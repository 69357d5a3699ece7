//! Policies of any size and requests to them, for benchmarks: the same shape whatever the size, so that only the number of
//! rules differs.

#![expect(clippy::panic, reason = "a benchmark of something else than it says is worse than none")]

mod load;

use std::fmt::Write as _;

use portcullis_engine::{
    authorizer::RequestAttributes,
    request::{host::RequestHost, method::Method, path::CanonicalPath, target::RequestTarget},
};

pub(crate) use load::load;

/// A configuration with so many routes: two thirds of one pattern each, the rest a second method on the same pattern, on
/// paths of three segments of equal length, a parameter last.
pub(crate) fn yaml(routes: usize) -> String {
    let mut text =
        "issuers:\n  - issuer: https://tenant.eu.auth0.com/\n    audiences: [https://api.example.com]\n".to_owned();
    text.push_str("routes:\n");
    for route in 0..routes {
        let (resource, methods) =
            (route / 3 * 2 + (route % 3).min(1), if route % 3 == 2 { "DELETE" } else { "GET, HEAD" });
        let _ = write!(
            text,
            "  - path: /api/v1/resource-{resource:05}/{{id}}\n    methods: [{methods}]\n    scopes: [read:r{:02}]\n",
            route % 50
        );
    }
    text
}

/// A request to one of the first `routes` routes: the `n`th, whichever that is.
pub(crate) fn path(routes: usize, n: usize) -> String {
    // The multiplier has no factor in common with any of the sizes, so every resource has its turn.
    let resources = (routes * 2 / 3).max(1);
    format!("/api/v1/resource-{:05}/0123456789", n.wrapping_mul(7_919) % resources)
}

/// The same as the engine sees it.
pub(crate) fn request(path: &str) -> RequestAttributes<'static> {
    let target = RequestTarget {
        host: RequestHost::parse("api.example.com").ok(),
        path: CanonicalPath::parse(path).unwrap_or_else(|fault| panic!("{path}: {fault:?}")),
        method: Method::GET,
    };
    RequestAttributes { target, policy: None, authorization: Vec::new() }
}
