//! From Envoy's message to what the engine judges: canonical, bounded, and read the same way in both forms in which
//! Envoy sends headers (joined in a map, or one by one as bytes).

use std::fmt;

use bytes::Bytes;
use prost::Message as _;

use super::{
    method_override::asks_for_another_method,
    proto::envoy::{
        config::core::v3::HeaderValue,
        service::auth::v3::{CheckRequest, attribute_context::HttpRequest},
    },
};
use crate::{
    authorizer::RequestAttributes,
    decision::{DenyReason, RequestFault},
    policy::{host::Host, method::Method, path::CanonicalPath, route::RequestTarget},
};

/// The key of `context_extensions` with which an Envoy route chooses a named policy.
pub(super) const POLICY_EXTENSION: &str = "portcullis_policy";

/// One Check, taken apart. Owns what it was decoded from.
#[derive(Default)]
pub struct Attributes {
    http: HttpRequest,
    /// The policy that Envoy's route names.
    policy: Option<String>,
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the headers: one of them is the token.
        f.debug_struct("Attributes").field("method", &self.http.method).finish_non_exhaustive()
    }
}

impl Attributes {
    /// Decodes a message.
    ///
    /// # Errors
    /// [`RequestFault::NoHttpRequest`]: not a `CheckRequest`, or one without an HTTP request.
    pub fn decode(message: Bytes) -> Result<Self, RequestFault> {
        let request = CheckRequest::decode(message).map_err(|_| RequestFault::NoHttpRequest)?;
        let mut attributes = request.attributes.ok_or(RequestFault::NoHttpRequest)?;
        let policy = attributes.context_extensions.remove(POLICY_EXTENSION);
        let http = attributes.request.and_then(|request| request.http).ok_or(RequestFault::NoHttpRequest)?;
        Ok(Self { http, policy })
    }

    /// What the engine judges.
    ///
    /// # Errors
    /// A [`DenyReason`] for a request that is ambiguous or malformed.
    pub fn judged(&self) -> Result<RequestAttributes<'_>, DenyReason> {
        let target = self.target()?;
        let authorization = self.headers().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let authorization = authorization.map(|(_, value)| value).collect();
        Ok(RequestAttributes { target, policy: self.policy.as_deref(), authorization })
    }

    fn target(&self) -> Result<RequestTarget, RequestFault> {
        let path = CanonicalPath::parse(self.http.path.as_bytes())?;
        let method = Method::parse(&self.http.method)?;
        if asks_for_another_method(&self.http.path, &method) {
            return Err(RequestFault::Method);
        }
        // gRPC without a proxy (gRFC A92) sends no host at all; an empty one is a client's trick.
        let names_host = |name: &str| name.eq_ignore_ascii_case("host") || name == ":authority";
        let has_host = !self.http.host.is_empty() || self.headers().any(|(name, _)| names_host(name));
        let host = if has_host { Some(Host::parse(&self.http.host)?) } else { None };
        Ok(RequestTarget { host, path, method })
    }

    /// All headers, in the form they came in.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let joined = self.http.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let raw = self.http.header_map.iter().flat_map(|map| &map.headers);
        joined.chain(raw.map(|header| (header.key.as_str(), raw_value(header))))
    }

    /// Whether the caller speaks gRPC, by the rule Envoy goes by.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        let mut types = self.headers().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        types.any(|(_, value)| {
            let rest = value.strip_prefix(b"application/grpc");
            rest.is_some_and(|rest| rest.first().is_none_or(|b| matches!(b, b'+' | b';')))
        })
    }

    /// The request's id, if it is made of characters that are safe anywhere: it is the client's to choose.
    ///
    /// The one that Envoy's access log and the upstream know, `x-request-id`; the stream's own id where there is none.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        let mut ids = self.headers().filter(|(name, _)| name.eq_ignore_ascii_case("x-request-id"));
        let id = match (ids.next(), ids.next()) {
            (Some((_, id)), None) => std::str::from_utf8(id).ok()?,
            _ => self.http.id.as_str(),
        };
        let is_safe = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_safe.then_some(id)
    }
}

fn raw_value(header: &HeaderValue) -> &[u8] {
    if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext_authz::proto::envoy::{
        config::core::v3::HeaderMap,
        service::auth::v3::{AttributeContext, attribute_context::Request},
    };

    fn http() -> HttpRequest {
        HttpRequest { method: "GET".into(), path: "/a?b=c".into(), host: "A.test:80".into(), ..HttpRequest::default() }
    }

    fn encode(http: HttpRequest) -> Bytes {
        let request = Some(Request { http: Some(http), ..Request::default() });
        let attributes = Some(AttributeContext { request, ..AttributeContext::default() });
        CheckRequest { attributes }.encode_to_vec().into()
    }

    fn attributes(http: HttpRequest) -> Attributes {
        Attributes::decode(encode(http)).unwrap()
    }

    fn raw(key: &str, value: &[u8]) -> HeaderValue {
        HeaderValue { key: key.into(), value: String::new(), raw_value: value.to_vec() }
    }

    #[test]
    fn messages_without_a_request_are_refused() {
        let empty = CheckRequest::default().encode_to_vec();
        let no_http = CheckRequest { attributes: Some(AttributeContext::default()) }.encode_to_vec();
        for message in [vec![], empty, no_http, b"\xFF\xFF\xFF".to_vec(), vec![0x0A, 0x7F]] {
            assert_eq!(Attributes::decode(message.into()).unwrap_err(), RequestFault::NoHttpRequest);
        }
    }

    #[test]
    fn the_target_is_canonical() {
        let attributes = attributes(http());
        let target = attributes.judged().unwrap().target;
        assert_eq!((target.path.as_str(), target.method.as_str()), ("/a", "GET"));
        assert_eq!(target.host.unwrap().as_str(), "a.test");
    }

    #[test]
    fn a_method_in_the_query_is_refused_if_it_is_another_one() {
        for (method, path, refused) in
            [("POST", "/a?_method=DELETE", true), ("POST", "/a?_method=POST", false), ("GET", "/a?_method=PUT", true)]
        {
            let got = attributes(HttpRequest { method: method.into(), path: path.into(), ..http() });
            assert_eq!(got.judged().is_err_and(|reason| reason == RequestFault::Method.into()), refused, "{path}");
        }
    }

    #[test]
    fn an_empty_host_is_no_absent_one() {
        let hostless = || HttpRequest { host: String::new(), ..http() };
        assert!(attributes(hostless()).judged().unwrap().target.host.is_none());
        for name in [":authority", "host", "Host"] {
            let headers = [(name.to_owned(), String::new())].into();
            let got = attributes(HttpRequest { headers, ..hostless() });
            assert_eq!(got.judged().unwrap_err(), RequestFault::Host.into(), "{name}");
        }
    }

    #[test]
    fn no_debug_shows_a_header() {
        let headers = [("authorization".to_owned(), "Bearer canary".to_owned())].into();
        let got = attributes(HttpRequest { headers, ..http() });
        assert!(!format!("{got:?}{:?}", got.judged().unwrap()).contains("canary"));
    }

    #[test]
    fn both_forms_of_headers_are_read() {
        let joined = [("authorization".to_owned(), "Bearer a".to_owned())].into();
        let got = attributes(HttpRequest { headers: joined, ..http() });
        assert_eq!(got.judged().unwrap().authorization, [b"Bearer a"]);
        let headers = vec![raw("Authorization", b"Bearer a"), raw("x", b""), raw("authorization", b"\xFF")];
        let got = attributes(HttpRequest { header_map: Some(HeaderMap { headers }), ..http() });
        assert_eq!(got.judged().unwrap().authorization, [&b"Bearer a"[..], b"\xFF"]);
        let text = HeaderValue { key: "authorization".into(), value: "Bearer b".into(), raw_value: vec![] };
        let got = attributes(HttpRequest { header_map: Some(HeaderMap { headers: vec![text] }), ..http() });
        assert_eq!(got.judged().unwrap().authorization, [b"Bearer b"]);
    }

    #[test]
    fn grpc_callers_are_told_by_their_content_type() {
        let with = |value: &str| {
            let headers = vec![raw("content-type", value.as_bytes())];
            attributes(HttpRequest { header_map: Some(HeaderMap { headers }), ..http() }).is_grpc()
        };
        assert!(with("application/grpc") && with("application/grpc+proto") && with("application/grpc; x=y"));
        assert!(!with("application/grpc-web") && !with("application/json") && !with(""));
    }

    #[test]
    fn only_harmless_request_ids_are_repeated() {
        let with = |id: &str| {
            let attributes = attributes(HttpRequest { id: id.into(), ..http() });
            attributes.request_id().map(str::to_owned)
        };
        assert_eq!(with("3f-A9").as_deref(), Some("3f-A9"));
        for odd in ["", "a b", "a\"", "é", &"a".repeat(65)] {
            assert_eq!(with(odd), None, "{odd}");
        }
        let headers = vec![raw("x-request-id", b"db4d-1")];
        let got = attributes(HttpRequest { id: "7".into(), header_map: Some(HeaderMap { headers }), ..http() });
        assert_eq!(got.request_id(), Some("db4d-1"), "the id that the access log has");
    }

    #[test]
    fn the_policy_that_envoy_names_is_read() {
        let request = Some(Request { http: Some(http()), ..Request::default() });
        let context_extensions = [(POLICY_EXTENSION.to_owned(), "strict".to_owned())].into();
        let context = Some(AttributeContext { request, context_extensions, ..AttributeContext::default() });
        let got = Attributes::decode(CheckRequest { attributes: context }.encode_to_vec().into()).unwrap();
        assert_eq!(got.judged().unwrap().policy, Some("strict"));
        assert_eq!(attributes(http()).judged().unwrap().policy, None);
    }
}
