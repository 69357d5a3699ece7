//! A claims set: a text as it is, or one made of words.
#![no_main]

use portcullis::limits;
use portcullis_engine::{
    jwt::{claim_path::ClaimPath, claims::Claims},
    reason::TokenFault,
    strict_json,
};
use portcullis_fuzz::{
    json_reference::{Tree, strict_object},
    json_writer::{self, Words},
};
use serde_json::{Map, Value};

const WORDS: Words = Words {
    names: &["exp", "nbf", "aud", "scope", "scp", "sub", "a", "", "$serde_json::private::RawValue", "é", "\u{0}"],
    values: &[
        "1",
        "-1",
        "0",
        "-0",
        "1e3",
        "1E400",
        "253402300799",
        "253402300799.5",
        "253402300800",
        "18446744073709551615",
        "18446744073709551616",
        "9007199254740993",
        "0.1",
        "1e-400",
        "true",
        "null",
        "[]",
        "{}",
        r#""""#,
        r#""api""#,
        r#"["api"]"#,
        r#"["x","api"]"#,
        r#"["api",7]"#,
        r#""a b  c""#,
        r#"["a","b c","\"",7]"#,
        r#""\ud800""#,
        "NaN",
        r#""{\"a\":1,\"a\":2}""#,
        "01",
        "[1,]",
        r#""\u0061""#,
    ],
    members: &[r#""a":1,"\u0061":2"#],
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let text = json_writer::read(input, &WORDS);
    let got = Claims::parse(&text).ok();
    let wanted = strict_object(&text);
    strictly_read_is_what_the_reference_reads(&text, wanted.as_ref());
    assert_eq!(got.is_some(), wanted.is_some());
    let (Some(claims), Some(members)) = (got, wanted) else { return };
    every_member_is_there(&claims, &members);
    for (name, value) in &members {
        dates_are_finite_and_in_bounds(&claims, name, value);
        names_are_bounded_strings(&claims, name, value);
        an_audience_is_literally_there(&claims, name, value);
    }
    scopes_are_tokens_of_the_claims(&claims, &members);
});

fn strictly_read_is_what_the_reference_reads(text: &[u8], wanted: Option<&Map<String, Value>>) {
    let got = strict_json::parse_object(text).ok();
    assert_eq!(got.as_ref(), wanted);
    // A parser of another make, where its own magic member doesn't matter.
    let is_magic = got.as_ref().is_some_and(|got| Value::Object(got.clone()).to_string().contains("$serde_json"));
    if let (Some(got), false) = (got, is_magic) {
        assert_eq!(serde_json::from_slice::<Value>(text).ok(), Some(Value::Object(got)));
        assert!(!serde_json::from_slice::<Tree>(text).expect("it was read").has_duplicate());
    }
}

fn every_member_is_there(claims: &Claims, members: &Map<String, Value>) {
    for (name, value) in members {
        assert!(claims.has(name));
        assert_eq!(claims.get(name), Some(value));
    }
    for name in WORDS.names.iter().filter(|name| !members.contains_key(**name)) {
        assert!(!claims.has(name) && claims.get(name).is_none());
        assert_eq!(claims.date(name), Ok(None));
        assert_eq!(claims.name(name), Ok(None));
    }
}

/// RFC 7519 section 2. What is not such a number is malformed, never absent (CVE-2026-25537).
fn dates_are_finite_and_in_bounds(claims: &Claims, name: &str, value: &Value) {
    let seconds = value.as_f64().filter(|seconds| (0.0..=limits::NUMERIC_DATE_SECONDS).contains(seconds));
    match (claims.date(name), seconds) {
        (Ok(Some(date)), Some(seconds)) => {
            #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 milliseconds")]
            let off = seconds * 1000.0 - date.as_millis() as f64;
            assert!((0.0..1.0).contains(&off), "{value} became {date:?}");
        }
        (got, seconds) => assert_eq!((got, seconds), (Err(TokenFault::MalformedClaims), None), "{value}"),
    }
}

fn names_are_bounded_strings(claims: &Claims, name: &str, value: &Value) {
    let wanted = value.as_str().filter(|text| text.len() <= limits::NAME_CLAIM_BYTES);
    assert_eq!(claims.name(name), wanted.map(Some).ok_or(TokenFault::MalformedClaims));
}

fn an_audience_is_literally_there(claims: &Claims, name: &str, value: &Value) {
    let wanted = ["api".to_owned(), "other".to_owned()];
    let found: Option<Vec<&str>> = match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let expected = match found {
        None => Err(TokenFault::MalformedClaims),
        Some(found) if found.iter().any(|text| *text == "api" || *text == "other") => Ok(()),
        Some(_) => Err(TokenFault::WrongAudience),
    };
    assert_eq!(claims.check_audience(name, &wanted), expected);
    assert!(claims.check_audience(name, &[]).is_err(), "nobody is wanted");
}

/// RFC 6749 section 3.3.
fn scopes_are_tokens_of_the_claims(claims: &Claims, members: &Map<String, Value>) {
    const NAMES: [&str; 2] = ["scope", "scp"];
    let mut wanted = Vec::new();
    for value in NAMES.iter().filter_map(|name| members.get(*name)) {
        match value {
            Value::String(text) => wanted.extend(text.split(' ')),
            Value::Array(items) => wanted.extend(items.iter().filter_map(Value::as_str)),
            _ => {}
        }
    }
    let is_token =
        |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
    wanted.retain(is_token);
    wanted.sort_unstable();
    wanted.dedup();
    let scopes = claims.scopes(&NAMES.map(ClaimPath::top_level));
    assert_eq!(scopes.iter().collect::<Vec<&str>>(), wanted);
}
