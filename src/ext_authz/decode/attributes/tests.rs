use prost::Message as _;

use super::*;
use crate::ext_authz::{
    decode::check_request_reader::POLICY_EXTENSION,
    proto::envoy::{
        config::core::v3::{HeaderMap, HeaderValue},
        service::auth::v3::{
            AttributeContext, CheckRequest,
            attribute_context::{HttpRequest, Request},
        },
    },
};

fn http() -> HttpRequest {
    HttpRequest { method: "GET".into(), path: "/a?b=c".into(), host: "A.test:80".into(), ..HttpRequest::default() }
}

fn encode(http: HttpRequest) -> &'static [u8] {
    let request = Some(Request { http: Some(http), ..Request::default() });
    let attributes = Some(AttributeContext { request, ..AttributeContext::default() });
    CheckRequest { attributes }.encode_to_vec().leak()
}

fn attributes(http: HttpRequest) -> Attributes<'static> {
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
        assert_eq!(Attributes::decode(&message).unwrap_err(), RequestFault::NoHttpRequest);
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
    let message = CheckRequest { attributes: context }.encode_to_vec();
    let got = Attributes::decode(&message).unwrap();
    assert_eq!(got.judged().unwrap().policy, Some("strict"));
    assert_eq!(attributes(http()).judged().unwrap().policy, None);
}
