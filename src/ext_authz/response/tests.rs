use envoy_types::pb::envoy::service::auth::v3 as complete;
use prost::Message as _;
use serde_json::json;

use super::{header_value::Safe, *};
use crate::ext_authz::proto::envoy::{
    config::core::v3::{HeaderMap, HeaderValue},
    service::auth::v3::{AttributeContext, CheckRequest, attribute_context},
};
use portcullis_engine::{
    answer::identity::{Aliases, HeaderName, overrides},
    jwt::verified_token::VerifiedToken,
    policy::rule::{Access, Requirement, Rule, RuleId},
    reason::{DenyReason, RequestFault, TokenFault},
    request::target::RequestTarget,
};

fn attributes(headers: &[(&str, &str)]) -> Attributes<'static> {
    let headers = headers
        .iter()
        .map(|(key, value)| HeaderValue {
            key: (*key).into(),
            value: String::new(),
            raw_value: value.as_bytes().into(),
        })
        .collect();
    let http = attribute_context::HttpRequest {
        id: "req-1".into(),
        method: "GET".into(),
        path: "/".into(),
        header_map: Some(HeaderMap { headers }),
        ..Default::default()
    };
    let request = Some(attribute_context::Request { http: Some(http), ..Default::default() });
    let message = CheckRequest { attributes: Some(AttributeContext { request, ..Default::default() }) };
    Attributes::decode(message.encode_to_vec().leak()).unwrap()
}

fn permit(claims: serde_json::Value) -> Permit {
    let rule = Rule { id: RuleId::new("r1"), access: Access::Token(Requirement::default()) };
    rule.admit(std::sync::Arc::new(VerifiedToken::for_tests(claims)), &RequestTarget::for_tests("/")).unwrap()
}

fn public() -> Permit {
    Rule { id: RuleId::new("r0"), access: Access::Public }.admit_anonymous().unwrap()
}

/// Decodes with Envoy's complete types: what Envoy sees, not what we meant.
fn seen(answer: &Answer) -> complete::CheckResponse {
    complete::CheckResponse::decode(answer.clone().into_bytes()).unwrap()
}

fn ok(answer: &Answer) -> complete::OkHttpResponse {
    let response = seen(answer);
    assert_eq!(response.status.unwrap().code, 0);
    match response.http_response {
        Some(complete::check_response::HttpResponse::OkResponse(ok)) => ok,
        other => panic!("{other:?}"),
    }
}

fn denied(answer: &Answer) -> complete::DeniedHttpResponse {
    let response = seen(answer);
    assert_ne!(response.status.unwrap().code, 0, "code 0 is an allow");
    match response.http_response {
        Some(complete::check_response::HttpResponse::DeniedResponse(denied)) => denied,
        other => panic!("{other:?}"),
    }
}

fn sets(ok: &complete::OkHttpResponse) -> Vec<(String, String)> {
    let pair = |option: &envoy_types::pb::envoy::config::core::v3::HeaderValueOption| {
        assert_eq!(option.append_action, 2, "overwrite, never append");
        let header = option.header.clone().unwrap();
        (header.key, header.value)
    };
    ok.headers.iter().map(pair).collect()
}

const REASONS: [DenyReason; 15] = [
    DenyReason::NoCredentials,
    DenyReason::UnsupportedScheme,
    DenyReason::MalformedCredentials,
    DenyReason::SeveralCredentials,
    DenyReason::OverlongCredentials,
    DenyReason::Token(TokenFault::Expired),
    DenyReason::InsufficientScope,
    DenyReason::ClaimRule,
    DenyReason::NoRoute,
    DenyReason::MethodNotAdmitted,
    DenyReason::UnknownPolicy,
    DenyReason::Request(RequestFault::Host),
    DenyReason::KeysUnavailable,
    DenyReason::Overloaded,
    DenyReason::Internal,
];

#[test]
fn no_denial_reads_as_an_allow() {
    for reason in REASONS {
        for headers in [&[][..], &[("content-type", "application/grpc")]] {
            let answer =
                deny(&Denial::without_rule(reason), &attributes(headers), &Replies::new(&IdentityHeaders::default()));
            let http = denied(&answer).status.unwrap().code;
            assert!(http >= 400, "{reason:?}");
        }
    }
}

#[test]
fn a_denial_is_a_problem_document_that_is_not_stored() {
    let denial = Denial::without_rule(TokenFault::Expired.into());
    let got = denied(&deny(&denial, &attributes(&[]), &Replies::new(&IdentityHeaders::default())));
    let header = |name: &str| {
        let found = got.headers.iter().find_map(|option| option.header.as_ref().filter(|header| header.key == name));
        found.map(|header| header.value.clone())
    };
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(header("content-type").as_deref(), Some("application/problem+json"));
    assert!(header("www-authenticate").unwrap().contains("invalid_token"));
    let body: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    let wanted = json!({"title": "Unauthorized", "status": 401, "detail": "the access token expired",
        "error": "invalid_token", "request_id": "req-1"});
    assert_eq!(body, wanted);
}

#[test]
fn grpc_callers_get_a_status_and_plain_text() {
    let denial = Denial::without_rule(DenyReason::KeysUnavailable);
    let grpc = attributes(&[("content-type", "application/grpc")]);
    let got = denied(&deny(&denial, &grpc, &Replies::new(&IdentityHeaders::default())));
    let status =
        got.headers.iter().filter_map(|option| option.header.as_ref()).find(|header| header.key == "grpc-status");
    assert_eq!(status.unwrap().value, "14");
    assert!(!got.body.starts_with('{'), "{}", got.body);
}

#[test]
fn our_trouble_says_when_to_come_back() {
    let retry_after = Some(std::time::Duration::from_millis(1500));
    let denial = Denial { retry_after, ..Denial::without_rule(DenyReason::KeysUnavailable) };
    let got = denied(&deny(&denial, &attributes(&[]), &Replies::new(&IdentityHeaders::default())));
    let header =
        got.headers.iter().filter_map(|option| option.header.as_ref()).find(|header| header.key == "retry-after");
    assert_eq!(header.unwrap().value, "2");
    assert_eq!(got.status.unwrap().code, 503);
}

#[test]
fn the_identity_goes_upstream_and_overwrites() {
    let claims = json!({"sub": "auth0|7", "client_id": "c1", "scope": "b a"});
    let got = ok(&allow(&permit(claims), &attributes(&[]), &Replies::new(&IdentityHeaders::default())));
    let wanted = [
        ("x-auth-subject", "auth0|7"),
        ("x-auth-scopes", "a b"),
        ("x-auth-issuer", "https://issuer.test/"),
        ("x-auth-client-id", "c1"),
    ];
    assert_eq!(sets(&got), wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    for (name, _) in wanted {
        assert!(!got.headers_to_remove.contains(&name.to_owned()), "{name} would be removed after it is set");
    }
}

#[test]
fn an_answer_prints_no_identity() {
    let answer = allow(&permit(json!({"sub": "canary"})), &attributes(&[]), &Replies::new(&IdentityHeaders::default()));
    let shown = format!("{answer:?}");
    assert!(shown.starts_with("Answer(") && shown.ends_with(" bytes)") && !shown.contains("canary"), "{shown}");
}

#[test]
fn what_is_not_set_is_removed_on_public_routes_too() {
    let spoofed = [("x_auth_subject", "admin"), ("X.Auth-Scopes", "all"), ("x-other", "1"), ("x-original_url", "/")];
    let got = ok(&allow(&public(), &attributes(&spoofed), &Replies::new(&IdentityHeaders::default())));
    assert!(sets(&got).is_empty());
    let removed: Vec<&str> = got.headers_to_remove.iter().map(String::as_str).collect();
    for name in [
        "x-auth-subject",
        "x-auth-scopes",
        "x-auth-issuer",
        "x-auth-client-id",
        "x_auth_subject",
        "x.auth-scopes",
        "x-http-method-override",
        "x-method-override",
        "x-http-method",
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-host",
        "forwarded",
        "x-original_url",
    ] {
        assert!(removed.contains(&name), "{name} not in {removed:?}");
    }
    assert!(!removed.contains(&"x-other") && !removed.contains(&"authorization"));
}

/// lighttpd makes one variable of all of these.
#[test]
fn every_separator_that_a_name_can_have_is_seen_through() {
    let remove = vec![HeaderName::parse("x-tenant").unwrap()];
    let identity = IdentityHeaders { forward_overrides: false, remove, ..IdentityHeaders::default() };
    for separator in "!#$%&'*+-.^_`|~".chars() {
        let separated = |name: &str| name.replace('-', &separator.to_string());
        let names = ["x-auth-subject", "x-auth-client-id", "x-http-method-override", "daphne-root-path", "script-name"]
            .map(separated);
        let spoofed: Vec<(&str, &str)> =
            names.iter().map(|name| (name.as_str(), "root")).chain([("X~Tenant", "other")]).collect();
        for answer in [allow(&public(), &attributes(&spoofed), &Replies::new(&identity))] {
            let removed = ok(&answer).headers_to_remove;
            for name in names.iter().map(String::as_str).chain(["x~tenant", "x-tenant"]) {
                assert!(removed.contains(&name.to_owned()), "{name}: {removed:?}");
            }
        }
    }
}

/// Every answer names what it removes: the size of an answer is a part of its price.
#[test]
fn overrides_that_few_backends_read_are_named_where_a_request_has_them() {
    let removed = |aliases: Aliases, sent: &[(&str, &str)]| {
        let replies = Replies::new(&IdentityHeaders { aliases, ..IdentityHeaders::default() });
        ok(&allow(&public(), &attributes(sent), &replies)).headers_to_remove
    };
    let default = IdentityHeaders::default();
    for name in overrides() {
        let is_named = |sent: &[(&str, &str)], aliases| removed(aliases, sent).contains(&name.to_owned());
        assert_eq!(is_named(&[("x-other", "a")], Aliases::Seen), !default.is_removed_only_if_seen(name), "{name}");
        assert!(is_named(&[(&name.to_uppercase(), "a")], Aliases::Seen), "{name}");
        assert!(is_named(&[("x-other", "a")], Aliases::Always), "{name}");
    }
    assert!(default.is_removed_only_if_seen("destination") && !default.is_removed_only_if_seen("forwarded"));
}

#[test]
fn what_an_operator_adds_is_removed_although_overrides_pass() {
    let remove = vec![HeaderName::parse("x-http-method-override").unwrap()];
    let identity = IdentityHeaders { forward_overrides: true, remove, ..IdentityHeaders::default() };
    let sent = [("x-http-method-override", "PUT"), ("X_Http.Method-Override", "PUT"), ("destination", "/x")];
    let removed = ok(&allow(&public(), &attributes(&sent), &Replies::new(&identity))).headers_to_remove;
    assert!(removed.contains(&"x-http-method-override".to_owned()));
    assert!(removed.contains(&"x_http.method-override".to_owned()));
    assert!(!removed.contains(&"destination".to_owned()));
}

#[test]
fn a_set_header_keeps_its_name_and_loses_its_aliases() {
    let spoofed = [("x-auth-subject", "admin"), ("x_auth-subject", "admin")];
    let got =
        ok(&allow(&permit(json!({"sub": "u"})), &attributes(&spoofed), &Replies::new(&IdentityHeaders::default())));
    assert!(got.headers_to_remove.contains(&"x_auth-subject".to_owned()));
    assert!(!got.headers_to_remove.contains(&"x-auth-subject".to_owned()));
}

#[test]
fn aliases_can_be_removed_blindly_and_authorization_kept_back() {
    let identity =
        IdentityHeaders { aliases: Aliases::Always, forward_authorization: false, ..IdentityHeaders::default() };
    let got = ok(&allow(&permit(json!({"sub": "u"})), &attributes(&[]), &Replies::new(&identity)));
    for name in ["x_auth_subject", "x.auth.client_id", "authorization", "x_original_url"] {
        assert!(got.headers_to_remove.contains(&name.to_owned()), "{name}");
    }
    let switched_off = IdentityHeaders { subject: None, ..IdentityHeaders::default() };
    let got = ok(&allow(&permit(json!({"sub": "u"})), &attributes(&[]), &Replies::new(&switched_off)));
    assert!(got.headers_to_remove.contains(&"x-auth-subject".to_owned()), "an API may trust it all the same");
    let forwarding = IdentityHeaders { forward_overrides: true, ..IdentityHeaders::default() };
    let got = ok(&allow(&public(), &attributes(&[("x-original-url", "/")]), &Replies::new(&forwarding)));
    assert!(!got.headers_to_remove.contains(&"x-original-url".to_owned()));
}

#[test]
fn values_are_header_safe_and_never_coincide() {
    for (text, safe) in [("a b", "a%20b"), ("a%20b", "a%2520b"), ("a\r\nx: y", "a%0D%0Ax:%20y"), ("é", "%C3%A9")] {
        assert_eq!(*protobuf_writer::encoded(&Safe::of(text)), *safe.as_bytes());
    }
}

#[test]
fn metadata_tells_the_rule_the_reason_and_the_verified_token() {
    let claims = json!({"sub": "u", "client_id": "c1", "scope": "a"});
    let fields = |answer: &Answer| {
        let metadata = seen(answer).dynamic_metadata.unwrap();
        let mut names: Vec<String> = metadata.fields.keys().cloned().collect();
        names.sort();
        names
    };
    let allowed = allow(&permit(claims.clone()), &attributes(&[]), &Replies::new(&IdentityHeaders::default()));
    assert_eq!(fields(&allowed), ["client_id", "decision", "issuer", "reason", "rule", "scopes"]);
    let denial = Denial::without_rule(DenyReason::NoRoute);
    assert_eq!(
        fields(&deny(&denial, &attributes(&[]), &Replies::new(&IdentityHeaders::default()))),
        ["decision", "reason"]
    );
    let identity = IdentityHeaders { subject_in_metadata: true, ..IdentityHeaders::default() };
    assert!(
        fields(&allow(&permit(claims), &attributes(&[]), &Replies::new(&identity))).contains(&"subject".to_owned())
    );
}
