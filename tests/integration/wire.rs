//! Our minimal messages and Envoy's complete ones are the same bytes.

use envoy_types::pb::envoy::{config::core::v3 as core, service::auth::v3 as complete, r#type::v3 as types};
use portcullis::ext_authz::proto::envoy::{
    config::core::v3 as our_core, service::auth::v3 as ours, r#type::v3 as our_types,
};
use prost::Message;

/// Decoding with one type and encoding again must lose nothing: every field is known to both.
fn same<A: Message + Default + std::fmt::Debug, B: Message + Default>(message: &A) {
    let bytes = message.encode_to_vec();
    let there = B::decode(bytes.as_slice()).unwrap().encode_to_vec();
    let back = A::decode(there.as_slice()).unwrap();
    assert_eq!(back.encode_to_vec().len(), bytes.len(), "a field was lost on the way");
    assert_eq!(format!("{back:?}"), format!("{message:?}"));
}

fn header(key: &str) -> core::HeaderValue {
    core::HeaderValue { key: key.into(), value: "v".into(), raw_value: b"\xFFraw".to_vec() }
}

fn peer() -> complete::attribute_context::Peer {
    let socket = core::SocketAddress {
        protocol: 1,
        address: "10.0.0.1".into(),
        resolver_name: "r".into(),
        ipv4_compat: true,
        port_specifier: Some(core::socket_address::PortSpecifier::PortValue(7)),
        ..core::SocketAddress::default()
    };
    complete::attribute_context::Peer {
        address: Some(core::Address { address: Some(core::address::Address::SocketAddress(socket)) }),
        service: "s".into(),
        labels: [("a".to_owned(), "b".to_owned())].into(),
        principal: "spiffe://x".into(),
        certificate: "pem".into(),
    }
}

fn structure() -> envoy_types::pb::google::protobuf::Struct {
    use envoy_types::pb::google::protobuf::{Struct, Value, value::Kind};
    Struct { fields: [("k".to_owned(), Value { kind: Some(Kind::StringValue("v".into())) })].into() }
}

#[test]
fn a_full_check_request_survives_the_round_trip() {
    use complete::attribute_context::{HttpRequest, Request, TlsSession};
    let http = HttpRequest {
        id: "id".into(),
        method: "GET".into(),
        headers: [("a".to_owned(), "b".to_owned())].into(),
        header_map: Some(core::HeaderMap { headers: vec![header("x"), header("x")] }),
        path: "/p".into(),
        host: "h".into(),
        scheme: "https".into(),
        query: "q".into(),
        fragment: "f".into(),
        size: -1,
        protocol: "HTTP/2".into(),
        body: "body".into(),
        raw_body: b"\0\xFF".to_vec(),
    };
    let time = Some(envoy_types::pb::google::protobuf::Timestamp { seconds: 7, nanos: 8 });
    let metadata =
        || core::Metadata { filter_metadata: [("ns".to_owned(), structure())].into(), ..core::Metadata::default() };
    let message = complete::CheckRequest {
        attributes: Some(complete::AttributeContext {
            source: Some(peer()),
            destination: Some(peer()),
            request: Some(Request { time, http: Some(http) }),
            context_extensions: [("e".to_owned(), "x".to_owned())].into(),
            metadata_context: Some(metadata()),
            route_metadata_context: Some(metadata()),
            tls_session: Some(TlsSession { sni: "sni".into() }),
        }),
    };
    same::<_, ours::CheckRequest>(&message);
}

#[test]
#[expect(deprecated, reason = "every field must survive, the old ones too")]
fn full_check_responses_survive_the_round_trip() {
    use complete::check_response::HttpResponse;
    let option = core::HeaderValueOption {
        header: Some(header("h")),
        append_action: 2,
        keep_empty_value: true,
        append: Some(envoy_types::pb::google::protobuf::BoolValue { value: true }),
    };
    let denied = complete::DeniedHttpResponse {
        status: Some(types::HttpStatus { code: 403 }),
        headers: vec![option.clone()],
        body: "no".into(),
    };
    let ok = complete::OkHttpResponse {
        headers: vec![option.clone()],
        headers_to_remove: vec!["r".into()],
        response_headers_to_add: vec![option],
        query_parameters_to_set: vec![core::QueryParameter { key: "k".into(), value: "v".into() }],
        query_parameters_to_remove: vec!["q".into()],
        ..complete::OkHttpResponse::default()
    };
    let status = envoy_types::pb::google::rpc::Status { code: 7, message: "m".into(), details: vec![] };
    for http in [
        HttpResponse::DeniedResponse(denied.clone()),
        HttpResponse::OkResponse(ok),
        HttpResponse::ErrorResponse(denied),
    ] {
        let message = complete::CheckResponse {
            status: Some(status.clone()),
            http_response: Some(http),
            dynamic_metadata: Some(structure()),
        };
        same::<_, ours::CheckResponse>(&message);
    }
}

#[test]
fn the_other_way_round_as_well() {
    let option = our_core::HeaderValueOption {
        header: Some(our_core::HeaderValue { key: "k".into(), value: "v".into(), raw_value: vec![] }),
        append_action: 2,
        ..our_core::HeaderValueOption::default()
    };
    let denied = ours::DeniedHttpResponse {
        status: Some(our_types::HttpStatus { code: 401 }),
        headers: vec![option],
        body: "b".into(),
    };
    let message = ours::CheckResponse {
        status: None,
        http_response: Some(ours::check_response::HttpResponse::DeniedResponse(denied)),
        dynamic_metadata: None,
    };
    same::<_, complete::CheckResponse>(&message);
}

#[test]
fn fields_that_envoy_may_add_are_skipped() {
    let mut bytes = complete::CheckRequest::default().encode_to_vec();
    // Field 999, a string.
    bytes.extend([0xBA, 0x3E, 0x03, b'n', b'e', b'w']);
    assert!(ours::CheckRequest::decode(bytes.as_slice()).is_ok());
}
