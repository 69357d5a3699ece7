use super::*;
use crate::request::method::NAMED;

fn method(text: &str) -> Method {
    Method::parse(text).unwrap()
}

fn only(texts: &[&str]) -> Methods {
    Methods::only(texts.iter().map(|text| method(text))).unwrap()
}

fn table(rules: &[Methods]) -> MethodTable {
    let mut table = MethodTable::default();
    for (index, methods) in rules.iter().enumerate() {
        table.add(methods, index).unwrap();
    }
    table
}

#[test]
fn methods_are_case_sensitive() {
    assert_ne!(method("get"), Method::GET);
    assert_eq!(table(&[only(&["GET"])]).admitting(&method("get")), None);
}

#[test]
fn head_is_admitted_by_the_rule_that_names_it_or_by_that_for_get() {
    assert_eq!(table(&[only(&["GET"])]).admitting(&Method::HEAD), Some(0));
    assert_eq!(table(&[only(&["GET"]), only(&["HEAD"])]).admitting(&Method::HEAD), Some(1));
    assert_eq!(table(&[only(&["HEAD"])]).admitting(&Method::GET), None);
    assert_eq!(table(&[only(&["POST"])]).admitting(&Method::HEAD), None);
}

#[test]
fn connect_has_to_be_named() {
    let table = table(&[Methods::Any, only(&["CONNECT"])]);
    assert_eq!(table.admitting(&method("CONNECT")), Some(1));
    assert_eq!(table.admitting(&method("connect")), None);
    assert_eq!(table.admitting(&method("TRACE")), Some(0));
    let mut reversed = MethodTable::default();
    reversed.add(&only(&["CONNECT"]), 0).unwrap();
    reversed.add(&Methods::Any, 1).unwrap();
    assert_eq!(reversed.admitting(&Method::GET), Some(1));
}

#[test]
fn what_acts_on_a_second_resource_has_to_be_named() {
    for text in NAMED.iter().flat_map(|name| [(*name).to_owned(), name.to_ascii_lowercase()]) {
        assert!(method(&text).must_be_named() && Method::is_common(&text), "{text}");
        assert_eq!(table(&[Methods::Any]).admitting(&method(&text)), None, "{text}");
        assert_eq!(table(&[Methods::Any, only(&[&text])]).admitting(&method(&text)), Some(1), "{text}");
    }
    for text in ["UNBIND", "MERGE", "UPDATE"] {
        assert!(method(text).must_be_named(), "{text}");
    }
    for text in ["PROPFIND", "MKCOL", "MKREDIRECTREF", "REPORT", "LINK"] {
        assert_eq!(table(&[Methods::Any]).admitting(&method(text)), Some(0), "{text}");
    }
}

#[test]
fn no_two_rules_of_a_pattern_claim_one_method() {
    for (first, second, claimed) in [
        (Methods::Any, Methods::Any, None),
        (Methods::Any, only(&["GET"]), Some("GET")),
        (only(&["GET"]), Methods::Any, Some("GET")),
        (only(&["GET", "PUT"]), only(&["POST", "PUT"]), Some("PUT")),
    ] {
        let mut table = table(&[first]);
        let overlap = table.add(&second, 1).unwrap_err();
        assert_eq!((overlap.first, overlap.method.as_ref().map(Method::as_str)), (0, claimed));
    }
}

#[test]
fn a_set_of_methods_is_never_empty() {
    assert!(Methods::only([]).is_none());
    assert_eq!(only(&["PUT", "GET", "PUT"]), only(&["GET", "PUT"]));
}
