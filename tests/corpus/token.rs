//! From the recipes of a case to its token and its `authorization` headers.

use serde_json::{Map, Value, json};

use crate::{
    case::Case,
    keyring::{Key, encode, key},
    template,
};

/// The moment at which cases play, in seconds: raw texts write it out.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://issuer.example/";
pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// The claims of a good token.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "client_id": "client-1", "jti": "token-1",
        "exp": NOW + 60, "nbf": NOW, "iat": NOW, "scope": "read:messages write:messages",
    })
}

/// A key and the algorithm to sign with.
pub(crate) fn signer(recipe: &str) -> (&'static Key, &str) {
    let (name, algorithm) = recipe.split_once(' ').unwrap_or((recipe, ""));
    let key = key(name);
    (key, if algorithm.is_empty() { key.algorithm } else { algorithm })
}

/// The values of the case's `authorization` headers.
pub(crate) fn authorization(case: &Case) -> Vec<Vec<u8>> {
    let token = token(case);
    let own = |piece: &str| (piece == "token").then(|| token.clone());
    let values = case.authorization.as_deref().map_or_else(|| vec!["Bearer <token>".to_owned()], <[String]>::to_vec);
    values.iter().map(|value| template::bytes(value, &own)).collect()
}

/// The case's token.
pub(crate) fn token(case: &Case) -> Vec<u8> {
    let (key, algorithm) = signer(&case.sign);
    let header = members(json!({"alg": algorithm, "kid": "k1"}), &case.header, &case.without_header);
    let claims = members(claims(), &case.claims, &case.without_claims);
    let header = encode(text(&header, case.header_text.as_deref()));
    let payload = encode(text(&claims, case.claims_text.as_deref()));
    let message = format!("{header}.{payload}");
    let signature = changed(key.sign(algorithm, message.as_bytes()), case.signature.as_deref(), key, algorithm);
    let signature = encode(signature);
    let own = |piece: &str| {
        let (part, form) = piece.split_once('|').unwrap_or((piece, ""));
        let part = match part {
            "header" => &header,
            "payload" => &payload,
            "signature" => &signature,
            _ => return None,
        };
        Some(spelt(part, form).into_bytes())
    };
    template::bytes(case.token.as_deref().unwrap_or("<header>.<payload>.<signature>"), &own)
}

/// An object with the changes of a recipe, its text the usual one.
pub(crate) fn members(good: Value, changes: &Map<String, Value>, without: &[String]) -> Map<String, Value> {
    let Value::Object(mut members) = good else { panic!("{good} is no object") };
    for (name, value) in changes {
        members.insert(name.clone(), resolved(value));
    }
    for name in without {
        // A misspelt name would make a case about nothing.
        assert!(members.remove(name).is_some(), "there is no `{name}` to leave out");
    }
    members
}

/// A value of a recipe: `now+60` is a number, pieces in angle brackets are replaced.
pub(crate) fn resolved(value: &Value) -> Value {
    match value {
        Value::String(text) => moment(text).unwrap_or_else(|| template::text(text).into()),
        Value::Array(values) => values.iter().map(resolved).collect(),
        other => other.clone(),
    }
}

fn moment(text: &str) -> Option<Value> {
    let offset = text.strip_prefix("now")?;
    if offset.is_empty() {
        return Some(NOW.into());
    }
    if let Ok(seconds) = offset.parse::<i64>() {
        return Some((NOW + seconds).into());
    }
    // Written out: a float of this size would not keep the milliseconds of its text.
    let (seconds, fraction) = offset.split_once('.')?;
    serde_json::from_str(&format!("{}.{fraction}", NOW + seconds.parse::<i64>().ok()?)).ok()
}

fn text(members: &Map<String, Value>, recipe: Option<&str>) -> Vec<u8> {
    let object = Value::Object(members.clone()).to_string();
    let inner = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
    let own = |piece: &str| (piece == "members").then(|| inner.as_bytes().to_vec());
    recipe.map_or_else(|| object.clone().into_bytes(), |recipe| template::bytes(recipe, &own))
}

/// A signature as the recipe wants it.
fn changed(mut signature: Vec<u8>, how: Option<&str>, key: &Key, algorithm: &str) -> Vec<u8> {
    let half = signature.len() / 2;
    match how {
        None => {}
        Some("empty") => signature.clear(),
        Some("one byte short") => signature.truncate(signature.len() - 1),
        Some("one byte more") => signature.push(0),
        Some("zero byte in front") => signature.insert(0, 0),
        Some("all zeros") => signature.fill(0),
        Some("first bit flipped") => signature[0] ^= 0x80,
        Some("last bit flipped") => signature[2 * half - 1] ^= 1,
        Some("r is zero") => signature[..half].fill(0),
        Some("s is zero") => signature[half..].fill(0),
        Some("r and s are one") => {
            signature.fill(0);
            signature[half - 1] = 1;
            signature[2 * half - 1] = 1;
        }
        Some("r and s swapped") => signature.rotate_left(half),
        Some("DER") => signature = der(&signature),
        Some("of another token") => signature = key.sign(algorithm, b"e30.e30"),
        Some("of the claims alone") => signature = key.sign(algorithm, claims().to_string().as_bytes()),
        Some(other) => panic!("no signature is `{other}`"),
    }
    signature
}

/// The form of X.509 for an ECDSA signature, which JOSE doesn't use: a sequence of two integers.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let mut number: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        if number.first().is_some_and(|byte| *byte >= 0x80) {
            number.insert(0, 0);
        }
        [&[2, u8::try_from(number.len()).unwrap()][..], &number].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let both = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()][..], &both].concat()
}

/// A part of a token in another spelling. One that changes nothing would make a case about nothing.
fn spelt(part: &str, form: &str) -> String {
    let spelt = match form {
        "" => return part.to_owned(),
        "padded" => format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4)),
        "standard alphabet" => part.replace('-', "+").replace('_', "/"),
        "one character short" => part[..part.len() - 1].to_owned(),
        "loose bits" => {
            // The last character of a part that is no whole number of groups has bits that no byte needs.
            const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            assert_ne!(part.len() % 4, 0, "the last group of `{part}` is a whole one");
            let last = ALPHABET.find(&part[part.len() - 1..]).unwrap();
            format!("{}{}", &part[..part.len() - 1], &ALPHABET[last + 1..last + 2])
        }
        other => panic!("no part is spelt `{other}`"),
    };
    assert_ne!(spelt, part, "`{form}` changes nothing");
    spelt
}
