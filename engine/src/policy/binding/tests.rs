use serde_json::json;

use super::*;
use crate::request::{host::RequestHost, method::Method, path::CanonicalPath};

fn target(host: &str, path: &str) -> RequestTarget {
    RequestTarget {
        host: (!host.is_empty()).then(|| RequestHost::parse(host).unwrap()),
        path: CanonicalPath::parse(path).unwrap(),
        method: Method::GET,
    }
}

fn is_met(part: &RequestPart, value: &Value, target: &RequestTarget) -> bool {
    let claims = Claims::parse(json!({ "tenant": value, "deep": { "tenant": value } }).to_string().as_bytes()).unwrap();
    let met = |claim: &str| {
        Binding { claim: ClaimPath::parse(claim).unwrap(), part: part.clone() }.is_met_by(&claims, target)
    };
    assert_eq!(met("tenant"), met("/deep/tenant"));
    assert!(!met("other"), "absent");
    met("tenant")
}

fn segment(index: usize) -> RequestPart {
    RequestPart::Segment { name: "t".into(), index, verb: None }
}

#[test]
fn a_segment_is_matched_whole_by_a_string_an_integer_or_a_member() {
    let tenant = segment(1);
    for (path, value) in [
        ("/tenants/acme/users", json!("acme")),
        ("/tenants/acme", json!(["x", "acme"])),
        ("/tenants/42", json!(42)),
        ("/tenants/42", json!("42")),
        ("/tenants/42", json!([7, 42])),
        ("/tenants/a%20b", json!("a b")),
        ("/tenants/%61cme", json!("acme")),
        ("/tenants/caf%C3%A9", json!("café")),
        ("/tenants/a%2Cb", json!("a,b")),
    ] {
        assert!(is_met(&tenant, &value, &target("", path)), "{path} {value}");
    }
    for (path, value) in [
        ("/tenants/acme", json!("Acme")),
        ("/tenants/ACME", json!("acme")),
        ("/tenants/acme", json!("acm")),
        ("/tenants/acme", json!("acme ")),
        ("/tenants/acme", json!("acme other")),
        ("/tenants/acme", json!({"acme": 1})),
        ("/tenants/acme", json!([["acme"]])),
        ("/tenants/acme", json!([])),
        ("/tenants/042", json!(42)),
        ("/tenants/42.0", json!(42)),
        ("/tenants/42.0", json!(42.0)),
        ("/tenants/true", json!(true)),
        ("/tenants/null", json!(null)),
        ("/tenants/a%20b", json!("a%20b")),
        ("/tenants", json!("tenants")),
        ("/tenants", json!("")),
        ("/acme/tenants", json!("acme")),
    ] {
        assert!(!is_met(&tenant, &value, &target("", path)), "{path} {value}");
    }
}

#[test]
fn a_host_is_matched_in_any_case_and_never_without_one() {
    let host = RequestPart::Host;
    assert!(is_met(&host, &json!("Acme.example.com"), &target("acme.EXAMPLE.com:8443", "/")));
    for (claim, asked) in [("acme", "acme.example.com"), ("", ""), ("example.com", "acme.example.com")] {
        assert!(!is_met(&host, &json!(claim), &target(asked, "/")), "{claim} {asked}");
    }
    assert!(!is_met(&host, &json!(10), &target("10.0.0.1", "/")));
}

#[test]
fn a_subdomain_is_everything_before_the_name() {
    let part = RequestPart::subdomain(&HostPattern::parse("*.example.com").unwrap()).unwrap();
    assert!(is_met(&part, &json!("ACME"), &target("acme.example.com", "/")));
    assert!(is_met(&part, &json!("a.b"), &target("a.b.example.com", "/")));
    for (claim, host) in [("acme", "x.acme.example.com"), ("", "example.com"), ("acme", "acmeexample.com"), ("a", "")] {
        assert!(!is_met(&part, &json!(claim), &target(host, "/")), "{claim} {host}");
    }
    assert!(RequestPart::subdomain(&HostPattern::Any).is_none());
}

#[test]
fn two_bindings_are_the_same_where_they_look_at_the_same_place() {
    let named = |name: &str, index| RequestPart::Segment { name: name.into(), index, verb: None };
    assert_eq!(named("a", 1), named("b", 1));
    assert_ne!(named("a", 1), named("a", 2));
    assert_ne!(named("a", 1), RequestPart::Host);
    assert_eq!(RequestPart::Host, RequestPart::Host);
}
