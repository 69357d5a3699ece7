//! The same by prost's types, in the slow and obvious way.

use prost::Message as _;

use crate::ext_authz::{
    decode::{
        attributes::Attributes,
        check_request_reader::{self, POLICY_EXTENSION},
        method_override::asks_for_another_method,
    },
    proto::envoy::service::auth::v3::{CheckRequest, attribute_context::HttpRequest},
};
use portcullis_engine::{
    authorizer::RequestAttributes,
    reason::{DenyReason, RequestFault},
    request::{host::RequestHost, method::Method, path::CanonicalPath, target::RequestTarget},
};

/// Whether both take these bytes. Where they differ in that or in anything that is kept, the test fails.
pub(super) fn agree(message: &[u8]) -> bool {
    let ours = check_request_reader::read(message);
    let theirs = CheckRequest::decode(message);
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{message:?}: {theirs:?}");
    let (Ok(ours), Ok(theirs)) = (ours, theirs) else { return false };
    let attributes = theirs.attributes.unwrap_or_default();
    let policy = attributes.context_extensions.get(POLICY_EXTENSION).cloned();
    let http = attributes.request.and_then(|request| request.http);
    assert_eq!(ours.policy, policy.as_deref(), "{message:?}");
    assert_eq!(ours.has_http, http.is_some(), "{message:?}");
    let decoded = Attributes::decode(message);
    match http {
        None => assert_eq!(decoded.unwrap_err(), RequestFault::NoHttpRequest, "{message:?}"),
        Some(http) => same(&decoded.unwrap(), &http, policy.as_deref(), message),
    }
    true
}

fn same(ours: &Attributes<'_>, http: &HttpRequest, policy: Option<&str>, message: &[u8]) {
    assert_eq!(
        (ours.id(), ours.method(), ours.path(), ours.host(), ours.policy()),
        (http.id.as_str(), http.method.as_str(), http.path.as_str(), http.host.as_str(), policy),
        "{message:?}"
    );
    let headers = headers(http);
    assert_eq!(ours.headers().collect::<Vec<_>>(), headers, "{message:?}");
    for (name, _) in &headers {
        assert!(ours.names().any(|other| other == name.as_bytes()), "{name} in {message:?}");
    }
    for name in ours.names() {
        assert!(headers.iter().any(|(other, _)| other.as_bytes() == name), "{name:?} in {message:?}");
    }
    assert_eq!(ours.is_grpc(), is_grpc(&headers), "{message:?}");
    assert_eq!(ours.request_id(), request_id(http, &headers), "{message:?}");
    let theirs = judged(http, policy, &headers);
    match (ours.judged(), theirs) {
        (Ok(ours), Ok(theirs)) => {
            let of = |target: RequestTarget| (target.host, target.path, target.method);
            assert_eq!(of(ours.target), of(theirs.target), "{message:?}");
            assert_eq!((ours.policy, ours.authorization), (theirs.policy, theirs.authorization), "{message:?}");
        }
        (ours, theirs) => assert_eq!(ours.err(), theirs.err(), "{message:?}"),
    }
}

/// All headers: those of the map by name, and then those of the list.
fn headers(http: &HttpRequest) -> Vec<(&str, &[u8])> {
    let mut all: Vec<_> = http.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    all.sort_unstable();
    for header in http.header_map.iter().flat_map(|map| &map.headers) {
        let value = if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value };
        all.push((&header.key, value));
    }
    all
}

fn named<'a>(headers: &[(&str, &'a [u8])], name: &str) -> Vec<&'a [u8]> {
    headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value).collect()
}

fn judged<'a>(
    http: &HttpRequest,
    policy: Option<&'a str>,
    headers: &[(&str, &'a [u8])],
) -> Result<RequestAttributes<'a>, DenyReason> {
    let path = CanonicalPath::parse(http.path.as_bytes())?;
    let method = Method::parse(&http.method)?;
    if asks_for_another_method(&http.path, &method) {
        return Err(RequestFault::Method.into());
    }
    let names_host = |name: &str| name.eq_ignore_ascii_case("host") || name == ":authority";
    let has_host = !http.host.is_empty() || headers.iter().any(|(name, _)| names_host(name));
    let host = if has_host { Some(RequestHost::parse(&http.host)?) } else { None };
    let authorization = named(headers, "authorization");
    Ok(RequestAttributes { target: RequestTarget { host, path, method }, policy, authorization })
}

fn is_grpc(headers: &[(&str, &[u8])]) -> bool {
    named(headers, "content-type").iter().any(|value| {
        let rest = value.strip_prefix(b"application/grpc");
        rest.is_some_and(|rest| rest.first().is_none_or(|b| matches!(b, b'+' | b';')))
    })
}

fn request_id<'a>(http: &'a HttpRequest, headers: &[(&str, &'a [u8])]) -> Option<&'a str> {
    let id = match named(headers, "x-request-id")[..] {
        [id] => std::str::from_utf8(id).ok()?,
        _ => &http.id,
    };
    let is_safe = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_safe.then_some(id)
}
