//! A JWK Set, or one key in a file: a text as it is, or keys made of words.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Unstructured;
use portcullis::limits;
use portcullis_engine::keys::{
    algorithm::Algorithm,
    document::without_bom,
    key::{VerificationKey, hint::KeyHint},
    key_set::{KeySet, Selection},
};
use portcullis_fuzz::{
    base64url,
    json_reference::strict_object,
    json_writer::{CHOICES, Words, object},
    keys::jwk_members,
};
use serde_json::{Map, Value, value::RawValue};

static WORDS: LazyLock<Words> = LazyLock::new(|| Words {
    names: &["kid", "alg", "use", "key_ops", "kty", "crv", "x", "y", "n", "e", "d", "k", "p", "oth", "x5c", "a"],
    values: &[
        r#""a""#,
        r#""b""#,
        r#""""#,
        "7",
        "null",
        r#""RS256""#,
        r#""PS512""#,
        r#""ES256""#,
        r#""ES512""#,
        r#""EdDSA""#,
        r#""Ed25519""#,
        r#""HS256""#,
        r#""RSA-OAEP""#,
        r#""none""#,
        r#""sig""#,
        r#""enc""#,
        r#"["verify"]"#,
        r#"["sign"]"#,
        r#"["verify","sign"]"#,
        "[]",
        r#""RSA""#,
        r#""EC""#,
        r#""OKP""#,
        r#""oct""#,
        r#""P-256""#,
        r#""Ed448""#,
        r#""X25519""#,
        r#""AQAB""#,
        r#""AQ""#,
        r#""A""#,
        r#""AQ==""#,
    ],
    members: jwk_members(),
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let text = match input.split_first() {
        Some((&CHOICES, choices)) => key_set_of(&mut Unstructured::new(choices)),
        _ => input.to_vec(),
    };
    a_key_in_a_file_is_a_public_one(&text);
    let all: Vec<Algorithm> = [Algorithm::ASYMMETRIC.as_slice(), &Algorithm::SYMMETRIC].concat();
    for algorithms in [all.as_slice(), &[Algorithm::RS256], &[Algorithm::EdDSA, Algorithm::ES256]] {
        let Ok(set) = KeySet::parse(&text, algorithms) else {
            a_set_without_a_usable_key_has_none_alone(&text, algorithms);
            continue;
        };
        sizes_are_bounded(&set);
        let members = members_of(&text).expect("it was read");
        every_key_stands_as_it_would_alone(&set, &members, algorithms);
        one_odd_key_spoils_no_other(&set, &members, algorithms);
        a_key_is_used_for_what_it_says(&members, algorithms);
        one_key_is_chosen_or_none(&set, algorithms);
        no_key_takes_noise_for_a_signature(&set, algorithms, &text);
    }
});

fn key_set_of(choices: &mut Unstructured<'_>) -> Vec<u8> {
    let count = choices.int_in_range(0..=6).unwrap_or(0);
    let mut keys: Vec<Vec<u8>> = (0..count).map(|_| object(choices, &WORDS)).collect();
    // More than are looked at, now and then.
    if choices.ratio(1, 50).unwrap_or(false) {
        keys = keys.iter().cycle().take(limits::KEYS_PER_SET + 1).cloned().collect();
    }
    [&br#"{"keys":["#[..], &keys.join(&b","[..]), b"]}"].concat()
}

#[derive(serde::Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

fn members_of(text: &[u8]) -> Option<Vec<&str>> {
    let document: Document<'_> = serde_json::from_slice(without_bom(text)).ok()?;
    Some(document.keys.into_iter().map(RawValue::get).collect())
}

fn alone(members: &[&str], algorithms: &[Algorithm]) -> Vec<VerificationKey> {
    let looked_at = members.iter().take(limits::KEYS_PER_SET);
    looked_at.filter_map(|text| VerificationKey::from_jwk(text, algorithms).ok()).collect()
}

fn a_set_without_a_usable_key_has_none_alone(text: &[u8], algorithms: &[Algorithm]) {
    let members = members_of(text).unwrap_or_default();
    assert!(alone(&members, algorithms).is_empty(), "a usable key was lost with its set");
}

/// `public_key_file`: PEM or one JWK.
fn a_key_in_a_file_is_a_public_one(text: &[u8]) {
    let Ok(set) = KeySet::from_public_key(text, &Algorithm::ASYMMETRIC) else { return };
    let text = std::str::from_utf8(text).expect("it was read");
    let [key] = set.keys() else { panic!("{} keys of one", set.keys().len()) };
    assert!(!text.contains("PRIVATE KEY"), "a private key is used");
    assert!(
        Algorithm::SYMMETRIC.iter().all(|algorithm| !key.fits(KeyHint::default(), *algorithm)),
        "a public key as a secret"
    );
    if !text.contains("-----BEGIN") {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let again = VerificationKey::from_jwk(text, &Algorithm::ASYMMETRIC).expect("a JWK");
        assert_eq!(again.thumbprint(), key.thumbprint());
    }
    no_key_takes_noise_for_a_signature(&set, &Algorithm::ASYMMETRIC, text.as_bytes());
}

fn sizes_are_bounded(set: &KeySet) {
    assert!((1..=limits::KEYS_PER_SET).contains(&set.keys().len()));
    assert!(set.keys().len() + set.skipped().len() <= limits::KEYS_PER_SET + 1);
    for key in set.keys() {
        // RFC 7638: 32 bytes.
        assert_eq!(base64url::decode(key.thumbprint().as_bytes()).map(|bytes| bytes.len()), Some(32));
        assert!(key.kid().is_none_or(|kid| kid.len() <= limits::KID_BYTES));
    }
    let reasons: Vec<String> = set.skipped().iter().map(ToString::to_string).collect();
    assert!(reasons.iter().all(|reason| reason.len() < 200 && !reason.chars().any(char::is_control)));
}

fn every_key_stands_as_it_would_alone(set: &KeySet, members: &[&str], algorithms: &[Algorithm]) {
    let mut wanted: Vec<VerificationKey> = Vec::new();
    for key in alone(members, algorithms) {
        if !wanted.iter().any(|other| other.is_same_as(&key)) {
            wanted.push(key);
        }
    }
    the_same_keys(set.keys(), &wanted);
}

fn the_same_keys(one: &[VerificationKey], two: &[VerificationKey]) {
    assert_eq!(one.len(), two.len());
    assert!(one.iter().zip(two).all(|(one, two)| one.is_same_as(two)));
}

fn one_odd_key_spoils_no_other(set: &KeySet, members: &[&str], algorithms: &[Algorithm]) {
    const ODD: [&str; 4] = ["7", r#"{"kid":7}"#, r#"{"kty":"oct","k":"AQ"}"#, r#"{"kty":"RSA","n":"AQ","e":"AQAB"}"#];
    if members.len() + 2 * ODD.len() > limits::KEYS_PER_SET {
        return;
    }
    let more = [&ODD, members, &ODD].concat().join(",");
    let again = KeySet::parse(format!(r#"{{"x":1,"keys":[{more}]}}"#).as_bytes(), algorithms);
    the_same_keys(set.keys(), again.expect("the keys are still there").keys());
}

fn a_key_is_used_for_what_it_says(members: &[&str], algorithms: &[Algorithm]) {
    for text in members.iter().take(limits::KEYS_PER_SET) {
        let Ok(key) = VerificationKey::from_jwk(text, algorithms) else { continue };
        let members = strict_object(text.as_bytes()).expect("a key is one strict object");
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        assert!(!private.iter().any(|name| members.contains_key(*name)), "a private key is used");
        for name in private {
            let more = text.replacen('{', &format!(r#"{{"{name}":"AQ","#), 1);
            assert!(VerificationKey::from_jwk(&more, algorithms).is_err(), "with its private {name}");
        }
        assert!(members.get("use").is_none_or(|purpose| purpose == "sig" || purpose == "jwt-svid"));
        let operations = members.get("key_ops").map(|operations| operations.as_array().expect("a list"));
        assert!(operations.is_none_or(|operations| operations.contains(&"verify".into())));
        assert_eq!(members.get("kid").map(|kid| kid.as_str().expect("a string")), key.kid());
        for algorithm in [Algorithm::ASYMMETRIC.as_slice(), &Algorithm::SYMMETRIC].concat() {
            if key.fits(key.kid().into(), algorithm) {
                assert!(algorithms.contains(&algorithm), "an algorithm that nobody configured");
                the_algorithm_is_that_of_the_key(&members, algorithm);
            }
        }
    }
}

/// RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 8725 section 3.1.
fn the_algorithm_is_that_of_the_key(members: &Map<String, Value>, algorithm: Algorithm) {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    assert!(members.get("alg").is_none_or(|own| own.as_str().and_then(Algorithm::from_name) == Some(algorithm)));
    let (family, curve) = match algorithm.name() {
        "ES256" => ("EC", Some("P-256")),
        "ES384" => ("EC", Some("P-384")),
        "ES512" => ("EC", Some("P-521")),
        "EdDSA" => ("OKP", Some("Ed25519")),
        name if name.starts_with("RS") || name.starts_with("PS") => ("RSA", None),
        name => panic!("{name} with a public key"),
    };
    assert_eq!(text("kty"), Some(family));
    if curve.is_some() {
        assert_eq!(text("crv"), curve);
        return;
    }
    let number = |name: &str| base64url::decode(text(name).expect("a number").as_bytes()).expect("strict base64url");
    let bits = |number: &[u8]| {
        let bits: String = number.iter().map(|byte| format!("{byte:08b}")).collect();
        bits.trim_start_matches('0').len()
    };
    assert!(limits::RSA_MODULUS_BITS.contains(&bits(&number("n"))));
    let e = number("e");
    assert!((2..=33).contains(&bits(&e)) && e.last().is_some_and(|last| last % 2 == 1), "the exponent {e:?}");
}

fn one_key_is_chosen_or_none(set: &KeySet, algorithms: &[Algorithm]) {
    let kids: Vec<Option<&str>> =
        set.keys().iter().map(VerificationKey::kid).chain([None, Some("a"), Some("?")]).collect();
    for (kid, algorithm) in kids.iter().flat_map(|kid| algorithms.iter().map(move |algorithm| (*kid, *algorithm))) {
        let hint = KeyHint::from(kid);
        let fitting: Vec<_> = set.fitting(hint, algorithm).collect();
        assert!(fitting.iter().all(|key| key.fits(hint, algorithm)));
        // A token that names a key is verified with a key of that name.
        assert!(kid.is_none() || fitting.iter().all(|key| key.kid() == kid));
        match (set.select(hint, algorithm), fitting.as_slice()) {
            (Selection::One(chosen), [only]) => assert!(chosen.is_same_as(only)),
            (Selection::Few(few), [_, _, ..]) if kid.is_none() && fitting.len() <= limits::KEYS_TRIED => {
                assert_eq!(few.iter().count(), fitting.len());
                assert!(few.iter().zip(&fitting).all(|(one, other)| one.is_same_as(other)));
            }
            (Selection::Ambiguous, [_, _, ..]) if kid.is_some() || fitting.len() > limits::KEYS_TRIED => {}
            (Selection::None, []) => {}
            (got, fitting) => panic!("{got:?} of {} keys", fitting.len()),
        }
    }
}

fn no_key_takes_noise_for_a_signature(set: &KeySet, algorithms: &[Algorithm], noise: &[u8]) {
    for (key, algorithm) in set.keys().iter().take(1).flat_map(|key| algorithms.iter().map(move |one| (key, *one))) {
        for signature in [&[0; 64][..], noise] {
            assert!(!key.verify(algorithm, b"message", signature), "{algorithm:?}");
        }
    }
}
