use envoy_types::pb::envoy::service::auth::v3 as complete;

use super::*;
use portcullis_engine::{reason::RequestFault, request::method::Method};

#[test]
fn a_message_is_what_envoy_sends() {
    let mut message = Message::new("GET", Some("api.test"), "/a?b");
    message.push_header("x", b"\xFF".to_vec());
    message.choose_policy("strict");
    let seen = complete::CheckRequest::decode(message.encode()).unwrap().attributes.unwrap();
    assert_eq!(seen.context_extensions["portcullis_policy"], "strict");
    let http = seen.request.unwrap().http.unwrap();
    assert_eq!((http.method.as_str(), http.host.as_str(), http.path.as_str()), ("GET", "api.test", "/a?b"));
    assert!(http.headers.is_empty(), "raw headers only");
    let headers: Vec<_> = http.header_map.unwrap().headers.into_iter().map(|h| (h.key, h.raw_value)).collect();
    assert!(headers.contains(&(":authority".to_owned(), b"api.test".to_vec())) && headers.len() == 4, "{headers:?}");
    assert!(headers.contains(&("x".to_owned(), b"\xFF".to_vec())));
}

#[test]
fn one_authorization_takes_the_place_of_all() {
    let texts = [
        r#"{"attributes":{"request":{"http":{"path":"/","method":"GET","headers":{"Authorization":"Bearer a","x":"y"}}}}}"#,
        r#"{"attributes":{"request":{"http":{"path":"/","method":"GET","headerMap":{"headers":[{"key":"Authorization","value":"Bearer a"},{"key":"authorization","rawValue":"Yg=="}]}}}}}"#,
    ];
    for text in texts {
        let mut message = Message::from_json(text).unwrap();
        assert!(message.heard().authorization().count() > 0);
        message.authorize(b"Bearer c".to_vec());
        assert_eq!(message.heard().authorization().collect::<Vec<_>>(), [b"Bearer c"]);
    }
}

#[test]
fn captured_requests_are_read_in_both_spellings() {
    let camel = r#"{"attributes":{"source":{"address":{}},"request":{"time":"2026-01-01T00:00:00Z","http":{
        "id":"7","method":"GET","path":"/a","host":"api.test","headerMap":{"headers":[{"key":"X","rawValue":"eQ=="}]}}},
        "contextExtensions":{"portcullis_policy":"strict"}}}"#;
    let snake = camel.replace("headerMap", "header_map").replace("rawValue", "raw_value");
    let snake = snake.replace("contextExtensions", "context_extensions");
    for text in [camel.to_owned(), snake] {
        let message = Message::from_json(&text).unwrap();
        assert_eq!((message.method(), message.host(), message.path()), ("GET", "api.test", "/a"));
        assert_eq!(message.policy(), Some("strict"));
        let heard = message.heard();
        let headers: Vec<_> = heard.attributes().unwrap().headers().collect();
        assert_eq!(headers, [("X", &b"y"[..])]);
    }
    let joined =
        r#"{"attributes":{"request":{"http":{"method":"GET","path":"/a","headers":{"authorization":"Bearer a"}}}}}"#;
    let heard = Message::from_json(joined).unwrap().heard();
    let judged = heard.judged().unwrap();
    assert_eq!((judged.target.method, judged.authorization), (Method::parse("GET").unwrap(), vec![&b"Bearer a"[..]]));
}

#[test]
fn what_is_no_captured_request_is_said_without_its_values() {
    let http = |inner: &str| format!(r#"{{"attributes":{{"request":{{"http":{{{inner}}}}}}}}}"#);
    let cases = [
        ("{".to_owned(), "it is not JSON: line 1, column 1"),
        ("[]".to_owned(), "`the message` is not an object"),
        ("{}".to_owned(), "it has no `attributes.request.http`: is it a whole CheckRequest?"),
        (
            r#"{"attributes":{"request":null}}"#.to_owned(),
            "it has no `attributes.request.http`: is it a whole CheckRequest?",
        ),
        (http(r#""path":7"#), "`attributes.request.http.path` is not a string"),
        (http(r#""headers":{"authorization":7}"#), "`attributes.request.http.headers.authorization` is not a string"),
        (http(r#""headerMap":{"headers":{}}"#), "`attributes.request.http.headerMap.headers` is not a list"),
        (
            http(r#""headerMap":{"headers":[{"key":"a","rawValue":"sesame!"}]}"#),
            "`attributes.request.http.headerMap.headers[0].rawValue` is not base64",
        ),
        (http(r#""headerMap":{},"header_map":{}"#), "`attributes.request.http.headerMap` is there twice"),
        (" ".repeat(600_000), "it is too large"),
    ];
    for (text, message) in cases {
        assert_eq!(Message::from_json(&text).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_message_without_a_request_is_heard_as_that() {
    let heard = Message(CheckRequest::default()).heard();
    assert_eq!(heard.judged().unwrap_err(), RequestFault::NoHttpRequest.into());
    assert_eq!(heard.authorization().count(), 0);
}

#[test]
fn the_size_of_a_captured_body_counts() {
    let text =
        |body: &str| format!(r#"{{"attributes":{{"request":{{"http":{{"path":"/","method":"POST",{body}}}}}}}}}"#);
    let long = "x".repeat(crate::limits::CHECK_REQUEST_BYTES);
    let message = Message::from_json(&text(&format!(r#""body":"{long}""#))).unwrap();
    assert!(message.encode().len() > long.len(), "so that it is as too large here as where it was captured");
    let raw = Message::from_json(&text(r#""rawBody":"AAAA""#)).unwrap().encode();
    let seen = complete::CheckRequest::decode(raw).unwrap().attributes.unwrap().request.unwrap().http.unwrap();
    assert_eq!(seen.raw_body, [0, 0, 0]);
    assert!(Message::from_json(&text(r#""raw_body":"?""#)).is_err());
}
