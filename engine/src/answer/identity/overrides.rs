//! Headers that make some backend act on another method, path or host than the one that was judged.
//!
//! `docs/request-headers.md` is the same list for operators. What a server takes in only one spelling is listed in that one:
//! all others are found by folding.

/// An iterator over all of the names.
pub fn overrides<'a>() -> impl Iterator<Item = &'a str> {
    let (unseen, if_seen): ([&'a str; 17], [&'a str; 14]) = (REMOVED_UNSEEN, REMOVED_IF_SEEN);
    unseen.into_iter().chain(if_seen)
}

/// The names that are removed from every request, each with who reads it.
const REMOVED_UNSEEN: [&str; 17] = [
    // The method. Express' `method-override`, Rack::MethodOverride, Symfony, Laravel, OData, ASP.NET.
    "x-http-method-override",
    "x-method-override",
    "x-http-method",
    // The method, as forward-auth proxies tell it (Traefik, Caddy).
    "x-forwarded-method",
    "x-original-method",
    // The path: IIS URL Rewrite and ISAPI_Rewrite, and frameworks that read their headers (Symfony, CVE-2018-14773; Zend).
    "x-original-url",
    "x-rewrite-url",
    // The path, as nginx' `auth_request`, Traefik and Caddy tell it.
    "x-original-uri",
    "x-forwarded-uri",
    "x-forwarded-path",
    // The part of the path before the application: Spring's ForwardedHeaderFilter, ASP.NET Core's forwarded headers
    // middleware, Werkzeug's ProxyFix.
    "x-forwarded-prefix",
    // The host. RFC 7239; Django, Rack, Jetty's ForwardedRequestCustomizer, Spring, mod_wsgi.
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-server",
    "x-original-host",
    "x-host",
    // The path before Envoy rewrote it.
    "x-envoy-original-path",
];

/// The names that are removed where a request is seen to have them, and unseen with all other spellings alone. An answer to
/// Envoy names what it removes, and one that fits into a single frame costs less.
pub(super) const REMOVED_IF_SEEN: [&str; 14] = [
    // The path, as proxies that rewrite it tell it to ASGI and WSGI adapters.
    "x-original-path",
    // The part of the path before the application: Daphne's README, "Root Path (SCRIPT_NAME)".
    "daphne-root-path",
    // The same, and the rest of the path: gunicorn's setting `forwarder_headers`, benoitc/gunicorn#2650.
    "script_name",
    "path_info",
    // The same: mod_wsgi's WSGITrustedProxyHeaders; the first one also Flask's ReverseProxied snippet and Radicale.
    "x-script-name",
    "x-forwarded-script-name",
    // The part of the path behind it: Perl's Plack::Middleware::ReverseProxyPath, Python's WSGIProxy.
    "x-traversal-path",
    // The same as a prefix: Apache Knox for Spark, Impala and NiFi; the second one NiFi alone.
    "x-forwarded-context",
    "x-proxycontextpath",
    // The host, for servers that read it in place of `Host`.
    "x-http-host-override",
    // The host: WebSphere and Liberty, a private header of IBM's web server plug-in.
    "$wssn",
    // The second path of COPY and MOVE: RFC 4918 section 10.3.
    "destination",
    // The path of the file that the proxy in front sends: Rack::Sendfile (CVE-2025-61780), Symfony's BinaryFileResponse.
    "x-sendfile-type",
    "x-accel-mapping",
];

#[cfg(test)]
mod tests {
    use super::{REMOVED_IF_SEEN, REMOVED_UNSEEN, overrides};
    use crate::answer::identity::{HeaderName, fold};

    #[test]
    fn every_name_is_a_header_and_in_the_documentation() {
        let page = include_str!("../../../../docs/request-headers.md");
        let mut folded: Vec<String> = overrides().map(fold).collect();
        folded.sort_unstable();
        folded.dedup();
        assert_eq!(folded.len(), overrides().count(), "each once");
        for name in overrides() {
            assert_eq!(HeaderName::parse(name).unwrap().as_str(), name);
            assert!(page.contains(&format!("| `{name}` |")), "docs/request-headers.md lacks {name}");
        }
        let (_, exceptions) = page.split_once("It then removes the names below").unwrap();
        let (exceptions, _) = exceptions.split_once("only with").unwrap();
        for name in overrides() {
            assert_eq!(exceptions.contains(&format!("`{name}`")), REMOVED_IF_SEEN.contains(&name), "{name}");
        }
        let rows = page.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, REMOVED_UNSEEN.len() + REMOVED_IF_SEEN.len(), "a row for what is not removed");
    }
}
