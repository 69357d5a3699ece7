//! Laws that hold for all tokens.

use std::sync::OnceLock;

use portcullis_engine::oauth::credentials::Credentials;
use proptest::{collection::vec, prelude::*, sample};
use serde_json::{Map, Value, json};

use crate::{
    subject::{Subject, signed},
    token::{NOW, claims},
};

/// Each family of keys once: what signs, the issuer's own fields.
fn families() -> &'static [(&'static str, Subject)] {
    static FAMILIES: OnceLock<Vec<(&str, Subject)>> = OnceLock::new();
    FAMILIES.get_or_init(|| {
        vec![
            ("es256", Subject::new(&json!({}), &["es256".into()])),
            ("es512", Subject::new(&json!({"algorithms": ["ES512"]}), &["es512".into()])),
            ("ed25519", Subject::new(&json!({}), &["ed25519".into()])),
            ("rsa", Subject::new(&json!({}), &["rsa".into()])),
            ("rsa PS256", Subject::new(&json!({}), &["rsa".into()])),
            ("secret", Subject::new(&json!({"secret_file": "secret"}), &[])),
        ]
    })
}

/// The subject of claims, which need no other algorithm than the fastest.
fn subject() -> &'static Subject {
    &families()[2].1
}

fn kid() -> Map<String, Value> {
    Map::from_iter([("kid".to_owned(), "k1".into())])
}

fn good(sign: &str) -> Vec<u8> {
    signed(sign, &kid(), &claims().to_string()).into_bytes()
}

fn json_value() -> impl Strategy<Value = Value> {
    let now = NOW;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (now - 200..now + 200).prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        sample::select(vec![
            "https://issuer.example/",
            "https://api.example.com",
            "1800000060",
            "access",
            "Bearer",
            ""
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z]{1,4}", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Whether a value is one that a good token may have for that claim: said once more, in other words than the verifier's.
fn is_valid(claim: &str, value: &Value) -> bool {
    let number = value.as_f64().filter(|number| *number >= 0.0 && *number < 253_402_300_800.0 - 1.0 + f64::EPSILON);
    #[expect(clippy::cast_precision_loss, reason = "a moment of this century")]
    let now = NOW as f64;
    match claim {
        "iss" => value == "https://issuer.example/",
        "aud" => match value {
            Value::Array(members) => {
                members.iter().all(Value::is_string) && members.iter().any(|member| member == "https://api.example.com")
            }
            other => other == "https://api.example.com",
        },
        // Milliseconds count.
        "exp" => number.is_some_and(|number| (number * 1000.0).trunc() > (now - 5.0) * 1000.0),
        "nbf" | "iat" => number.is_some_and(|number| (number * 1000.0).trunc() <= (now + 5.0) * 1000.0),
        "sub" | "client_id" | "jti" => value.is_string(),
        "token_use" => value == "access",
        "typ" => value.as_str().is_some_and(|kind| {
            !["id", "refresh", "offline", "logout", "serialized-id"].contains(&kind.to_ascii_lowercase().as_str())
        }),
        "cnf" | "at_hash" | "c_hash" | "s_hash" | "events" => false,
        // What can't be read there grants nothing, and so denies nothing.
        "scope" | "scp" | "azp" | "unheard_of" => true,
        other => panic!("nothing is said of `{other}`"),
    }
}

const CLAIMS: [&str; 19] = [
    "iss",
    "aud",
    "exp",
    "nbf",
    "iat",
    "sub",
    "token_use",
    "typ",
    "cnf",
    "at_hash",
    "s_hash",
    "c_hash",
    "events",
    "scope",
    "scp",
    "client_id",
    "azp",
    "jti",
    "unheard_of",
];

#[test]
fn good_tokens_of_every_family_are_verified() {
    for (sign, subject) in families() {
        subject.verify(&good(sign)).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_denies(family in 0..6_usize, at in any::<sample::Index>(), byte in any::<u8>()) {
        let (sign, subject) = &families()[family];
        let token = good(sign);
        let mut changed = token.clone();
        changed[at.index(token.len())] = byte;
        prop_assert_eq!(subject.verify(&changed).is_ok(), changed == token);
    }

    #[test]
    fn a_changed_character_denies(family in 0..6_usize, at in any::<sample::Index>(), to in "[A-Za-z0-9_.=+/~-]") {
        let (sign, subject) = &families()[family];
        let token = good(sign);
        let mut changed = token.clone();
        changed[at.index(token.len())] = to.as_bytes()[0];
        prop_assert_eq!(subject.verify(&changed).is_ok(), changed == token);
    }

    #[test]
    fn inserted_text_denies(family in 0..6_usize, at in any::<sample::Index>(), text in "[A-Za-z0-9_.=-]{1,8}") {
        let (sign, subject) = &families()[family];
        let mut token = good(sign);
        let at = at.index(token.len() + 1);
        token.splice(at..at, text.bytes());
        prop_assert!(subject.verify(&token).is_err());
    }

    #[test]
    fn removed_text_denies(family in 0..6_usize, from in any::<sample::Index>(), length in 1..80_usize) {
        let (sign, subject) = &families()[family];
        let mut token = good(sign);
        let from = from.index(token.len());
        token.drain(from..(from + length).min(token.len()));
        prop_assert!(subject.verify(&token).is_err());
    }

    #[test]
    fn parts_of_two_tokens_make_no_third(family in 0..6_usize, choice in 0..8_usize, other in "[a-z]{1,9}") {
        let (sign, subject) = &families()[family];
        let mut header = kid();
        header.insert("x".to_owned(), other.clone().into());
        let mut members = claims();
        members["jti"] = other.into();
        let first = String::from_utf8(good(sign)).unwrap();
        let second = signed(sign, &header, &members.to_string());
        let mut parts = first.split('.').zip(second.split('.')).enumerate();
        let mixed: Vec<&str> = parts.by_ref().map(|(at, (a, b))| if choice >> at & 1 == 0 { a } else { b }).collect();
        // All of the first or all of the second.
        let is_one = choice == 0 || choice == 7;
        prop_assert_eq!(subject.verify(mixed.join(".").as_bytes()).is_ok(), is_one);
    }

    #[test]
    fn order_and_white_space_of_claims_do_not_matter(
        order in Just(claims().as_object().unwrap().clone().into_iter().collect::<Vec<_>>()).prop_shuffle(),
        space in "[ \t\r\n]{0,3}",
    ) {
        let member = |(name, value): (String, Value)| format!("{space}\"{name}\"{space}:{space}{value}{space}");
        let text = order.into_iter().map(member).collect::<Vec<_>>().join(",");
        let token = signed("ed25519", &kid(), &format!("{space}{{{text}}}{space}"));
        prop_assert_eq!(subject().verify(token.as_bytes()), subject().verify(&good("ed25519")));
    }

    #[test]
    fn order_of_keys_does_not_matter(
        keys in vec(sample::select(vec!["es256", "es256-b", "ed25519", "ed25519-b", "rsa"]), 1..5),
        named in vec(sample::select(vec!["k1", "k2"]), 5),
        with_kid in any::<bool>(),
    ) {
        let recipe = |(key, kid): (&&str, &&str)| json!({"key": key, "kid": kid});
        let forwards: Vec<Value> = keys.iter().zip(&named).map(recipe).collect();
        let backwards: Vec<Value> = forwards.iter().rev().cloned().collect();
        let header = if with_kid { kid() } else { Map::new() };
        let token = signed("ed25519", &header, &claims().to_string());
        let verify = |keys: &[Value]| Subject::new(&json!({}), keys).verify(token.as_bytes());
        prop_assert_eq!(verify(&forwards), verify(&backwards));
    }

    #[test]
    fn without_a_kid_the_right_one_of_few_keys_is_found_and_no_wrong_one(
        others in vec(sample::select(vec!["ed25519-b", "es256", "rsa"]), 0..7),
        right in proptest::option::of(any::<sample::Index>()),
    ) {
        let mut keys: Vec<Value> = (0..).zip(&others).map(|(n, key)| json!({"key": key, "kid": format!("o{n}")})).collect();
        let is_there = right.is_some();
        if let Some(right) = right {
            keys.insert(right.index(keys.len() + 1), json!({"key": "ed25519", "kid": "right"}));
        }
        prop_assume!(!keys.is_empty());
        let fitting = others.iter().filter(|key| **key == "ed25519-b").count() + usize::from(is_there);
        let token = signed("ed25519", &Map::new(), &claims().to_string());
        let verified = Subject::new(&json!({}), &keys).verify(token.as_bytes());
        prop_assert_eq!(verified.is_ok(), is_there && fitting <= 4, "{:?}", verified);
        // Neither an empty name nor an unknown one makes it a token without a name.
        for name in ["", "x"] {
            let header = Map::from_iter([("kid".to_owned(), name.into())]);
            let token = signed("ed25519", &header, &claims().to_string());
            let verified = Subject::new(&json!({}), &keys).verify(token.as_bytes());
            prop_assert!(verified.is_err(), "{:?}", verified);
        }
    }

    #[test]
    fn only_valid_values_are_claims(claim in sample::select(CLAIMS.to_vec()), value in json_value()) {
        let mut members = claims();
        members[claim] = value.clone();
        let verified = subject().verify(signed("ed25519", &kid(), &members.to_string()).as_bytes());
        prop_assert_eq!(verified.is_ok(), is_valid(claim, &value), "{}: {} was {:?}", claim, value, verified);
    }

    #[test]
    fn only_a_name_makes_a_difference_to_the_header(name in "[a-z]{1,6}", value in json_value()) {
        prop_assume!(!["alg", "kid", "typ", "crit"].contains(&name.as_str()));
        let mut header = kid();
        header.insert(name, value);
        let token = signed("ed25519", &header, &claims().to_string());
        prop_assert_eq!(subject().verify(token.as_bytes()), subject().verify(&good("ed25519")));
    }

    #[test]
    fn registered_members_of_the_header_have_few_values(
        name in sample::select(vec!["alg", "kid", "typ", "crit"]),
        value in json_value(),
    ) {
        let mut header = kid();
        header.insert(name.to_owned(), value.clone());
        let token = signed("ed25519", &header, &claims().to_string());
        let known = match name {
            "alg" => value == "EdDSA" || value == "Ed25519",
            "kid" => value == "k1",
            "typ" => value.as_str().is_some_and(|typ| ["jwt", "at+jwt"].contains(&typ.to_lowercase().as_str())),
            _ => false,
        };
        prop_assert_eq!(subject().verify(token.as_bytes()).is_ok(), known);
    }

    #[test]
    fn no_bytes_are_a_token(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(subject().verify(&bytes).is_err());
    }

    #[test]
    fn no_text_of_three_parts_is_a_token(text in "[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,90}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(subject().verify(text.as_bytes()).is_err());
    }

    #[test]
    fn no_two_headers_are_credentials(first in vec(any::<u8>(), 0..40), second in vec(any::<u8>(), 0..40)) {
        let both = [first.as_slice(), second.as_slice()];
        prop_assert!(Credentials::parse(both).is_err());
        // Nor joined by Envoy, if one of them is a bearer token.
        let joined = [&first[..], b",Bearer x"].concat();
        prop_assert!(Credentials::parse([joined.as_slice()]).is_err());
    }
}
