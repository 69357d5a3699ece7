//! What an issuer publishes: key sets and single keys, as the recipes of a case want them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{
    case::Case,
    keyring::{Signer, encode, key},
    template,
    token::{members, resolved},
};

/// The key set with these keys. Each is a name, `es256`, or `{ key: es256, kid: k2, … }` with members of the JWK over
/// its own; `without: [kid]` leaves some out, and `jwk: TEXT` is written as it is.
pub(crate) fn key_set(keys: &[Value], whole: Option<&str>) -> Vec<u8> {
    let keys: Vec<Vec<u8>> = keys.iter().map(published).collect();
    let keys = keys.join(&b","[..]);
    let own = |piece: &str| (piece == "keys").then(|| keys.clone());
    template::bytes(whole.unwrap_or(r#"{"keys":[<keys>]}"#), &own)
}

/// The text of an issuer's `public_key_file`: the PEM of the key that signs, unless the case says otherwise.
pub(crate) fn public_key(case: &Case, signs: &str) -> Vec<u8> {
    let own = |piece: &str| match piece.split_once(' ') {
        Some(("pem", name)) => Some(key(name).pem.clone().into_bytes()),
        Some(("jwk", name)) => Some(published(&name.into())),
        _ => None,
    };
    template::bytes(case.public_key.as_deref().unwrap_or(&format!("<pem {signs}>")), &own)
}

fn published(recipe: &Value) -> Vec<u8> {
    let mut changes = match recipe {
        Value::String(name) => Map::from_iter([("key".to_owned(), name.clone().into())]),
        Value::Object(members) => members.clone(),
        other => panic!("{other} is no recipe of a key"),
    };
    if let Some(Value::String(text)) = changes.get("jwk") {
        assert_eq!(changes.len(), 1, "a key as text has nothing else");
        return template::bytes(text, &|_| None);
    }
    let without = match changes.remove("without") {
        Some(names) => serde_json::from_value(names).unwrap(),
        None => Vec::<String>::new(),
    };
    let name = changes.remove("key").unwrap_or_else(|| panic!("{recipe} names no key"));
    let key = key(name.as_str().unwrap());
    let mut jwk = match &key.signer {
        // What a careless provider would publish.
        Signer::Secret(bytes) => {
            Map::from_iter([("kty".to_owned(), "oct".into()), ("k".to_owned(), encode(bytes).into())])
        }
        Signer::Rsa(_) | Signer::Ec(_) | Signer::Ed25519(_) => key.jwk.clone(),
    };
    jwk.insert("kid".to_owned(), "k1".into());
    for (member, value) in changes {
        let value = number(&value, jwk.get(&member)).unwrap_or_else(|| resolved(&value));
        jwk.insert(member, value);
    }
    Value::Object(members(Value::Object(jwk), &Map::new(), &without)).to_string().into_bytes()
}

/// A number of a key, base64url, by what it is: `{ bits: 2047 }` is one of so many bits without a small factor, `{ of:
/// es256-b }` that member of another key, `{ own: padded }` the key's own in another form.
fn number(recipe: &Value, own: Option<&Value>) -> Option<Value> {
    let recipe = recipe.as_object()?;
    let own = || base64url(own.unwrap().as_str().unwrap());
    let (what, value) = recipe.iter().next().unwrap();
    let bytes = match (what.as_str(), value.as_str().unwrap_or_default()) {
        ("bits", _) => without_small_factors(usize::try_from(value.as_u64().unwrap()).unwrap()),
        ("hex", digits) => digits.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect(),
        ("own", "zero byte in front") => [vec![0], own()].concat(),
        ("own", "one byte short") => own()[..own().len() - 1].to_vec(),
        ("own", "last bit flipped") => {
            let mut bytes = own();
            *bytes.last_mut().unwrap() ^= 1;
            bytes
        }
        ("own", "padded") => return Some(format!("{}==", encode(own())).into()),
        other => panic!("no number is {other:?}"),
    };
    Some(encode(bytes).into())
}

fn base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The greatest number of so many bits that no prime below 168 divides.
fn without_small_factors(bits: usize) -> Vec<u8> {
    let first = u8::try_from((1_u32 << ((bits - 1) % 8 + 1)) - 1).unwrap();
    let mut bytes = vec![0xFF; bits.div_ceil(8)];
    bytes[0] = first;
    let rest =
        |bytes: &[u8], divisor: u32| bytes.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % divisor);
    while (2..168).any(|divisor| rest(&bytes, divisor) == 0) {
        // Some 30 steps of 2: no borrow from the byte before.
        *bytes.last_mut().unwrap() -= 2;
    }
    bytes
}
