//! Recognises key material by its form: PEM, DER, JSON Web Keys and keys of SSH, plain or wrapped in base64, hexadecimal
//! digits, quotes, JSON, UTF-16 or the name of a variable. The bare numbers of a key can't be told from a random secret.
//!
//! SECURITY: the bytes of a public key are known to all. A person who configures them as a shared secret accepts tokens
//! that anybody can sign with HMAC (RFC 8725 section 3.1, algorithm confusion).

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::Value;
use spki::{SubjectPublicKeyInfoRef, der::Decode as _};

use crate::keys::document;

/// Names the kind of key that some bytes are, `None` if they look like no key.
#[must_use]
pub fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    kind_within(bytes, WRAPPINGS)
}

/// Wrappings around a key that are taken off: base64 of a file in base64, in quotes, after the name of a variable.
const WRAPPINGS: usize = 4;

fn kind_within(bytes: &[u8], wrappings: usize) -> Option<&'static str> {
    plain_kind_of(bytes).or_else(|| {
        let left = wrappings.checked_sub(1)?;
        unwrapped(bytes).into_iter().find_map(|inner| kind_within(&inner, left))
    })
}

fn plain_kind_of(bytes: &[u8]) -> Option<&'static str> {
    let text = document::without_bom(bytes).trim_ascii();
    let lower = text.to_ascii_lowercase();
    if MARKS.iter().any(|mark| lower.windows(mark.len()).any(|part| part == *mark)) {
        return Some("a PEM file");
    }
    if is_der(bytes) {
        return Some("a key or certificate in DER");
    }
    if SSH.iter().any(|prefix| text.starts_with(prefix)) {
        return Some("an SSH public key");
    }
    let json = serde_json::from_slice(text).ok();
    json.as_ref().and_then(json_kind_of).or_else(|| has_key_type(&lower).then_some("a JSON Web Key"))
}

/// The words of a file with a key in PEM, also without its dashes (RFC 7468).
const MARKS: [&[u8]; 4] = [b"-----begin ", b"public key", b"private key", b"begin certificate"];
const SSH: [&[u8]; 4] = [b"ssh-rsa ", b"ssh-ed25519 ", b"ecdsa-sha2-", b"sk-ssh-"];

/// Names the kind of key that a JSON value is or holds.
fn json_kind_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::Object(members) if ["kty", "n", "x", "x5c"].iter().any(|name| members.contains_key(*name)) => {
            Some("a JSON Web Key")
        }
        Value::Object(members) if members.contains_key("keys") => Some("a JSON Web Key Set"),
        Value::Object(members) => members.values().find_map(json_kind_of),
        Value::Array(keys) => keys.iter().find_map(json_kind_of).map(|_| "a list of JSON Web Keys"),
        _ => None,
    }
}

/// Says whether a text in lower case names the member `kty`: `kty: RSA`, or JSON that was broken or escaped.
fn has_key_type(lower: &[u8]) -> bool {
    let is_of_word = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
    lower.windows(KTY.len()).enumerate().filter(|(_, part)| *part == KTY).any(|(at, _)| {
        let (before, rest) = lower.split_at_checked(at).unwrap_or_default();
        let mut after = rest.iter().skip(KTY.len()).skip_while(|b| b.is_ascii_whitespace() || br#"\"'"#.contains(b));
        before.last().is_none_or(|b| !is_of_word(b)) && after.next().is_some_and(|b| b":=".contains(b))
    })
}

const KTY: &[u8] = b"kty";

/// Says whether the bytes are one whole DER structure of a key or certificate, with or without white space after it. The
/// long form of the length makes it certain that random bytes are none; for the short one, which small public keys have, the
/// structure itself is read.
fn is_der(bytes: &[u8]) -> bool {
    let mut bytes = bytes;
    loop {
        let is_whole = match bytes {
            [0x30, 0x81, length, rest @ ..] => usize::from(*length) == rest.len(),
            [0x30, 0x82, high, low, rest @ ..] => usize::from(u16::from_be_bytes([*high, *low])) == rest.len(),
            _ => SubjectPublicKeyInfoRef::from_der(bytes).is_ok(),
        };
        match bytes.split_last() {
            _ if is_whole => return true,
            // The last byte of a key may look like white space.
            Some((last, rest)) if last.is_ascii_whitespace() => bytes = rest,
            _ => return false,
        }
    }
}

/// Returns what may be behind the bytes, for each way in which a key may be wrapped.
fn unwrapped(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(document::without_bom(bytes)) else {
        return from_utf16(bytes).into_iter().collect();
    };
    let text = text.trim().trim_end_matches([',', ';']);
    let bare = text.trim_matches(['"', '\'', '`']);
    let unescaped = text.contains(r#"\""#).then(|| text.replace(r#"\""#, "\""));
    let in_json = match serde_json::from_str(text) {
        Ok(Value::String(inner)) => Some(inner),
        _ => None,
    };
    let of_name = text.split_once([':', '=']).filter(|(name, _)| is_name(name)).map(|(_, value)| value.to_owned());
    let texts = [(bare.len() < text.len()).then(|| bare.to_owned()), in_json, unescaped, of_name];
    let bytes = [from_utf16(bytes), from_hex(text), from_base64(text)];
    bytes.into_iter().flatten().chain(texts.into_iter().flatten().map(String::into_bytes)).collect()
}

/// Says whether a text may be the name of a field or a variable, in quotes or not.
fn is_name(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "_-. \"'".contains(c);
    (1..=NAME_CHARS).contains(&text.len()) && text.chars().all(is_of_name)
}

/// Longer texts before a `:` or `=` are no names.
const NAME_CHARS: usize = 64;

/// Returns ASCII out of UTF-16 of either byte order.
fn from_utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = bytes.strip_prefix(b"\xFF\xFE").or_else(|| bytes.strip_prefix(b"\xFE\xFF")).unwrap_or(bytes);
    let is_wide = text.len() >= 2 && text.chunks(2).all(|unit| unit.contains(&0));
    is_wide.then(|| text.iter().copied().filter(|byte| *byte != 0).collect())
}

/// Returns the bytes behind hexadecimal digits, in groups or not.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b':').collect();
    let is_hex = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if is_hex { digits.chunks(2).map(pair).collect() } else { None }
}

/// Returns the bytes behind base64 of either alphabet, with or without padding and line breaks.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decode = |alphabet| GeneralPurpose::new(alphabet, lenient).decode(&text).ok();
    [STANDARD, URL_SAFE].iter().find_map(decode).filter(|decoded| !decoded.is_empty())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::{AsDer as _, PublicKeyX509Der},
        rand::SystemRandom,
        rsa::KeySize,
        signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair},
    };
    use base64::engine::general_purpose::{STANDARD as PADDED, URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn keys_are_recognised_in_every_form() {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let ec = EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let ed = Ed25519KeyPair::generate().unwrap();
        let ders: [PublicKeyX509Der<'_>; 3] =
            [rsa.public_key().as_der().unwrap(), ec.public_key().as_der().unwrap(), ed.public_key().as_der().unwrap()];
        for der in &ders {
            let der = der.as_ref();
            assert_eq!(kind_of(der), Some("a key or certificate in DER"));
            for text in [PADDED.encode(der), URL_SAFE_NO_PAD.encode(der)] {
                assert_eq!(kind_of(text.as_bytes()), Some("a key or certificate in DER"), "{text}");
            }
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", PADDED.encode(der));
            for text in [pem.clone(), pem.replace('\n', "\\n"), format!("\u{feff}{pem}"), PADDED.encode(&pem)] {
                assert_eq!(kind_of(text.as_bytes()), Some("a PEM file"), "{text}");
            }
        }
        for (text, kind) in [
            (r#"{"kty":"oct","k":"AAAA"}"#, "a JSON Web Key"),
            (" \n{\"n\":\"x\",\"kty\":\"RSA\"}", "a JSON Web Key"),
            (r#"{"keys":[]}"#, "a JSON Web Key Set"),
            (r#"[{"kty":"RSA"}]"#, "a list of JSON Web Keys"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@here", "an SSH public key"),
        ] {
            assert_eq!(kind_of(text.as_bytes()), Some(kind), "{text}");
            assert_eq!(kind_of(PADDED.encode(text).as_bytes()), Some(kind), "{text} in base64");
        }
    }

    #[test]
    fn keys_are_recognised_in_what_people_wrap_them_in() {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let ed = Ed25519KeyPair::generate().unwrap();
        let ders: [PublicKeyX509Der<'_>; 2] = [rsa.public_key().as_der().unwrap(), ed.public_key().as_der().unwrap()];
        for der in &ders {
            let der = der.as_ref();
            let base64 = PADDED.encode(der);
            let hex: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
            let in_groups: Vec<String> = der.iter().map(|byte| format!("{byte:02X}")).collect();
            for text in [
                format!("\"{base64}\"\n"),
                format!("'{base64}'"),
                format!("key: {base64}\n"),
                format!("SECRET=\"{base64}\""),
                format!("\"publicKey\": \"{base64}\","),
                hex.clone(),
                in_groups.join(":"),
                PADDED.encode(&base64),
                PADDED.encode(PADDED.encode(&base64)),
            ] {
                assert_eq!(kind_of(text.as_bytes()), Some("a key or certificate in DER"), "{text}");
            }
            assert_eq!(kind_of(&[der, b"\n\n"].concat()), Some("a key or certificate in DER"));
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
            let wide = |unit: fn(u16) -> [u8; 2]| pem.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
            let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
            for bytes in [
                [b"\xFF\xFE", &little[..]].concat(),
                [b"\xFE\xFF", &big[..]].concat(),
                little,
                pem.replace("-----", "").into_bytes(),
                pem.to_lowercase().into_bytes(),
                PADDED.encode(PADDED.encode(&pem)).into_bytes(),
                format!("key: |\n  {pem}").into_bytes(),
            ] {
                assert_eq!(kind_of(&bytes), Some("a PEM file"), "{}", String::from_utf8_lossy(&bytes));
            }
        }
        let jwk = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
        for text in [
            Value::from(jwk).to_string(),
            jwk.replace('"', r#"\""#),
            format!(r#"{{"jwk":{jwk}}}"#),
            format!(r#"{{"a":{{"b":{jwk}}}}}"#),
            r#"{"n":"AQAB","e":"AQAB"}"#.to_owned(),
            r#"{\"n\":\"AQAB\",\"e\":\"AQAB\"}"#.to_owned(),
            r#"{"crv":"Ed25519","x":"AQAB"}"#.to_owned(),
            "kty: RSA\nn: AQAB\n".to_owned(),
            "KTY = RSA".to_owned(),
            r#"{"KTY":"RSA"}"#.to_owned(),
            format!("JWK={jwk}"),
        ] {
            assert_eq!(kind_of(text.as_bytes()), Some("a JSON Web Key"), "{text}");
        }
    }

    #[test]
    fn secrets_are_no_keys() {
        let mut random = [0; 48];
        for _ in 0..1000 {
            aws_lc_rs::rand::SecureRandom::fill(&SystemRandom::new(), &mut random).unwrap();
            let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            let named = format!("SECRET={}", PADDED.encode(random));
            for text in [random.to_vec(), PADDED.encode(random).into_bytes(), hex.into_bytes(), named.into_bytes()] {
                assert_eq!(kind_of(&text), None, "{text:?}");
            }
        }
        for text in [
            "",
            "{",
            r#"{"secret":"kty"}"#,
            "----BEGIN",
            "correct horse battery staple",
            "abckty:",
            "kty",
            "\u{30}\u{1}\u{0}",
        ] {
            assert_eq!(kind_of(text.as_bytes()), None, "{text}");
        }
    }
}
