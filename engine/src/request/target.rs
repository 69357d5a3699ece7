//! What of a request decides which route is meant.

use super::{host::RequestHost, method::Method, path::CanonicalPath};

/// What of a request decides which route is meant.
#[derive(Clone, Debug)]
pub struct RequestTarget {
    /// The host; gRPC without a proxy sends none, and then only routes for any host apply.
    pub host: Option<RequestHost>,
    /// The path.
    pub path: CanonicalPath,
    /// The method.
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
