//! The target of a request: the parts of it that decide which route is meant.

use super::{host::RequestHost, method::Method, path::CanonicalPath};

/// The parts of a request that decide which route is meant.
#[derive(Clone, Debug)]
pub struct RequestTarget {
    /// The host; gRPC without a proxy sends none, and then only routes for any host apply.
    pub host: Option<RequestHost>,
    /// The path in its one canonical form.
    pub path: CanonicalPath,
    /// The method, which is case-sensitive.
    pub method: Method,
}

#[cfg(any(test, feature = "testing"))]
impl RequestTarget {
    /// A GET without a host, for tests.
    ///
    /// # Panics
    /// Where the path is not canonical.
    #[expect(clippy::unwrap_used, reason = "for tests alone")]
    #[must_use]
    pub fn for_tests(path: &str) -> Self {
        Self { host: None, path: CanonicalPath::parse(path).unwrap(), method: Method::GET }
    }
}
