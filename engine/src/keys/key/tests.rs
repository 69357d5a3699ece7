use aws_lc_rs::{
    rsa::{KeySize, PublicKeyComponents},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

const RSA_FAMILY: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

fn rsa_jwk(extra: &str) -> (RsaKeyPair, String) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let (n, e) = (URL_SAFE_NO_PAD.encode(&parts.n), URL_SAFE_NO_PAD.encode(&parts.e));
    let text = format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"{extra}}}"#);
    (pair, text)
}

fn kid(kid: &str) -> KeyHint<'_> {
    Some(kid).into()
}

fn usable(text: &str, algorithms: &[Algorithm]) -> Result<Vec<Algorithm>, UnusableKey> {
    let key = VerificationKey::from_jwk(text, algorithms)?;
    Ok(algorithms.iter().copied().filter(|alg| key.verifiers.iter().any(|(mine, _)| mine == alg)).collect())
}

#[test]
fn a_key_without_alg_takes_the_configured_algorithms_of_its_type() {
    let (_, text) = rsa_jwk("");
    assert_eq!(usable(&text, &RSA_FAMILY), Ok(RSA_FAMILY.to_vec()));
    assert_eq!(usable(&text, &[Algorithm::ES256, Algorithm::RS256]), Ok(vec![Algorithm::RS256]));
    let others = usable(&text, &[Algorithm::ES256, Algorithm::EdDSA]);
    assert_eq!(others, Err(UnusableKey::NotConfigured(RSA_FAMILY.to_vec())));
}

#[test]
fn a_key_with_alg_takes_only_that_one() {
    let (_, text) = rsa_jwk(r#","alg":"PS256""#);
    assert_eq!(usable(&text, &RSA_FAMILY), Ok(vec![Algorithm::PS256]));
    for (alg, reason) in [
        ("RSA-OAEP", UnusableKey::Unsupported("`alg`")),
        ("unheard-of", UnusableKey::Unsupported("`alg`")),
        ("HS256", UnusableKey::UnfitAlgorithm),
        ("ES256", UnusableKey::UnfitAlgorithm),
    ] {
        let (_, text) = rsa_jwk(&format!(r#","alg":"{alg}""#));
        assert_eq!(usable(&text, &RSA_FAMILY), Err(reason), "{alg}");
    }
    let (_, text) = rsa_jwk(r#","alg":"PS512""#);
    let lacking = usable(&text, &[Algorithm::RS256]).unwrap_err();
    assert_eq!(lacking, UnusableKey::NotConfigured(vec![Algorithm::PS512]));
    assert_eq!(
        lacking.to_string(),
        "it is for PS512, which the issuer's `algorithms` lack: add it there if its tokens are to pass"
    );
}

#[test]
fn a_public_key_never_becomes_an_hmac_secret() {
    let (_, text) = rsa_jwk("");
    let hmac = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    assert!(matches!(usable(&text, &hmac), Err(UnusableKey::NotConfigured(_))));
}

#[test]
fn keys_for_other_purposes_are_unusable() {
    for extra in [r#","use":"enc""#, r#","key_ops":["sign"]"#, r#","key_ops":[]"#] {
        let (_, text) = rsa_jwk(extra);
        assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::NotForSignatures), "{extra}");
    }
    for extra in [r#","use":"sig","key_ops":["verify"]"#, r#","use":"jwt-svid""#, r#","key_ops":["verify","sign"]"#] {
        let (_, text) = rsa_jwk(extra);
        assert!(usable(&text, &RSA_FAMILY).is_ok(), "{extra}");
    }
    for extra in [r#","use":"x509-svid""#, r#","use":"SIG""#, r#","use":"""#] {
        let (_, text) = rsa_jwk(extra);
        assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::NotForSignatures), "{extra}");
    }
    for extra in [r#","use":["sig"]"#, r#","key_ops":"verify""#, r#","key_ops":["verify",7]"#] {
        let (_, text) = rsa_jwk(extra);
        assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::Unreadable), "{extra}");
    }
}

#[test]
fn published_private_parts_make_a_key_unusable() {
    let (_, text) = rsa_jwk(r#","d":"AQAB""#);
    assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::Private));
    assert_eq!(usable(r#"{"kty":"oct","k":"c2VjcmV0"}"#, &[Algorithm::HS256]), Err(UnusableKey::Private));
}

#[test]
fn the_modulus_has_2048_to_8192_bits() {
    let modulus = |bits: usize| {
        let mut bytes = vec![0xFF_u8; bits / 8];
        bytes[0] = if bits.is_multiple_of(8) { 0x80 } else { 0xFF };
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let text = |bits| format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, modulus(bits));
    assert_eq!(usable(&text(1024), &RSA_FAMILY), Err(UnusableKey::RsaSize(1024)));
    assert_eq!(usable(&text(2040), &RSA_FAMILY), Err(UnusableKey::RsaSize(2040)));
    assert_eq!(usable(&text(8200), &RSA_FAMILY), Err(UnusableKey::RsaSize(8200)));
    let almost = URL_SAFE_NO_PAD.encode([&[0x01_u8][..], &[0xFF; 255]].concat());
    let of = |n: &str| format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"}}"#);
    assert_eq!(usable(&of(&almost), &RSA_FAMILY), Err(UnusableKey::RsaSize(2041)), "bits, not bytes");
    let padded = URL_SAFE_NO_PAD.encode([&[0_u8; 128][..], &[0xFF; 128]].concat());
    let zeros = format!(r#"{{"kty":"RSA","n":"{padded}","e":"AQAB"}}"#);
    assert_eq!(usable(&zeros, &RSA_FAMILY), Err(UnusableKey::RsaSize(1024)));
}

#[test]
fn bad_numbers_are_refused_at_load() {
    let (_, good) = rsa_jwk("");
    let members: Value = serde_json::from_str(&good).unwrap();
    let n = members["n"].as_str().unwrap();
    for e in ["AQ", "Ag", "BA", "AA", "", "AQAB=", "A_____8D", "AAAB"] {
        let text = format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#);
        let expected = if e.contains('=') { UnusableKey::NotBase64Url("e") } else { UnusableKey::RsaExponent };
        assert_eq!(usable(&text, &RSA_FAMILY), Err(expected), "{e}");
    }
    let off_curve = URL_SAFE_NO_PAD.encode([7_u8; 32]);
    let text = format!(r#"{{"kty":"EC","crv":"P-256","x":"{off_curve}","y":"{off_curve}"}}"#);
    assert_eq!(usable(&text, &[Algorithm::ES256]), Err(UnusableKey::Invalid));
    for length in [0, 31, 33] {
        let short = URL_SAFE_NO_PAD.encode(vec![7_u8; length]);
        let text = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{short}"}}"#);
        let expected = UnusableKey::Length { member: "x", found: length, wanted: 32 };
        assert_eq!(usable(&text, &[Algorithm::EdDSA]), Err(expected));
    }
    let plain =
        base64::engine::general_purpose::STANDARD.encode([&[0][..], &URL_SAFE_NO_PAD.decode(n).unwrap()].concat());
    let text = format!(r#"{{"kty":"RSA","n":"{plain}","e":"AQAB"}}"#);
    assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::NotBase64Url("n")));
    for (text, reason) in [
        (r#"{"kty":"RSA","e":"AQAB"}"#, UnusableKey::Missing("n")),
        (r#"{"kty":"EC","x":"AA","y":"AA"}"#, UnusableKey::Missing("crv")),
        (r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#, UnusableKey::Unsupported("curve (`crv`)")),
        (r#"{"kty":"AKP","pub":"AA"}"#, UnusableKey::Unsupported("type (`kty`)")),
        (r#"{"n":"AA"}"#, UnusableKey::Missing("kty")),
        (r#"{"kty":"RSA","n":7,"e":"AQAB"}"#, UnusableKey::Unreadable),
    ] {
        assert_eq!(usable(text, &Algorithm::ASYMMETRIC), Err(reason), "{text}");
    }
}

/// The modulus of a key is public, so a person who can factor it can sign.
#[test]
fn weak_keys_are_refused_at_load() {
    let even = URL_SAFE_NO_PAD.encode([&[0x80][..], &[0; 255]].concat());
    let text = format!(r#"{{"kty":"RSA","n":"{even}","e":"AQAB"}}"#);
    assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::SmallFactor(2)));
    // The identity: the signature `01 00…` is true for every message.
    let identity = r#"{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    assert_eq!(usable(identity, &[Algorithm::EdDSA]), Err(UnusableKey::SmallOrder));
}

fn certificate(pair: &rcgen::KeyPair) -> String {
    let der = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(pair).unwrap();
    base64::engine::general_purpose::STANDARD.encode(der.der())
}

fn spki(pair: &rcgen::KeyPair) -> Vec<u8> {
    rcgen::PublicKeyData::subject_public_key_info(pair)
}

/// The DER of a value of at most 64 KiB.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match length {
        [0, short @ ..0x80] => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [header, content].concat()
}

/// A certificate without a version, as Keycloak makes them.
fn version_1(key: &[u8]) -> String {
    let empty = der(0x30, &[]);
    let signed = der(0x30, &[&der(0x02, &[&[1]]), &empty, &empty, &empty, &empty, key]);
    let whole = der(0x30, &[&signed, &empty, &der(0x03, &[&[0, 7]])]);
    base64::engine::general_purpose::STANDARD.encode(whole)
}

#[test]
fn a_certificate_beside_numbers_that_is_not_known_to_be_theirs_makes_the_key_unusable() {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let pair = rcgen::KeyPair::generate().unwrap();
    let jwk = crate::keys::public_key::jwk(&spki(&pair)).unwrap();
    let (x, y) = (jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap());
    let mine = certificate(&pair);
    let other = certificate(&rcgen::KeyPair::generate().unwrap());
    let of_type = |oid: &[u8]| version_1(&der(0x30, &[&der(0x30, &[&der(0x06, &[oid])]), &der(0x03, &[&[0; 58]])]));
    let url = |text: &str| URL_SAFE.encode(STANDARD.decode(text).unwrap());
    // The alphabets differ only where there is a byte that tells them apart.
    let url_safe = (0..99).map(|_| certificate(&pair)).find(|text| url(text) != *text).map(|text| url(&text)).unwrap();
    let broken = mine.get(..mine.len() - 8).unwrap();
    for x5c in [
        format!(r#"["{}"]"#, of_type(&[0x2B, 0x65, 0x71])),
        format!(r#"["{}"]"#, of_type(&[0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x01])),
        format!(r#"["{url_safe}"]"#),
        format!(r#"["-----BEGIN CERTIFICATE-----\n{mine}\n-----END CERTIFICATE-----\n"]"#),
        format!(r#"["{broken}"]"#),
        format!(r#"["{}"]"#, STANDARD.encode(spki(&pair))),
        format!(r#""{mine}""#),
        format!(r#"["{mine}",7]"#),
        r#"[""]"#.to_owned(),
        "[null]".to_owned(),
        "{}".to_owned(),
        "7".to_owned(),
    ] {
        let text = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","x5c":{x5c}}}"#);
        assert_eq!(usable(&text, &[Algorithm::ES256]), Err(UnusableKey::Certificate), "{x5c}");
    }
    let text = format!(
        r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","x5c":["{}"]}}"#,
        version_1(&spki(&rcgen::KeyPair::generate().unwrap()))
    );
    assert_eq!(usable(&text, &[Algorithm::ES256]), Err(UnusableKey::OtherCertificate), "of version 1");
    let (_, text) = rsa_jwk(&format!(r#","x5c":["{other}"]"#));
    assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::OtherCertificate), "of another type");
    let unsupported = r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA","x5c":["AA=="]}"#;
    assert_eq!(usable(unsupported, &RSA_FAMILY), Err(UnusableKey::Unsupported("curve (`crv`)")), "that helps more");
}

#[test]
fn the_key_of_the_first_certificate_counts_where_there_are_no_numbers() {
    let (one, other) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let numbers = |pair: &rcgen::KeyPair| {
        let jwk = crate::keys::public_key::jwk(&spki(pair)).unwrap();
        (jwk["x"].as_str().unwrap().to_owned(), jwk["y"].as_str().unwrap().to_owned())
    };
    let (mine, others) = (certificate(&one), certificate(&other));
    let (x, y) = numbers(&one);
    let of = |members: &str| {
        let text = format!(r#"{{"kty":"EC","kid":"a",{members}}}"#);
        VerificationKey::from_jwk(&text, &[Algorithm::ES256]).map(|key| key.thumbprint().to_string())
    };
    let plain = of(&format!(r#""crv":"P-256","x":"{x}","y":"{y}""#)).unwrap();
    let broken = mine.get(..mine.len() - 8).unwrap();
    let lines: String =
        mine.as_bytes().chunks(64).map(|line| format!("{}\\n", std::str::from_utf8(line).unwrap())).collect();
    for same in [
        format!(r#""x5c":["{mine}"]"#),
        format!(r#""x5c":["{lines}"]"#),
        format!(r#""crv":"P-256","x5c":["{mine}","{others}"]"#),
        format!(r#""crv":"P-256","x":"{x}","y":"{y}","x5c":["{mine}"]"#),
        format!(r#""crv":"P-256","x":"{x}","y":"{y}","x5c":["{}"]"#, version_1(&spki(&one))),
        format!(r#""x5c":["{}"]"#, version_1(&spki(&one))),
        // They name no certificate.
        format!(r#""crv":"P-256","x":"{x}","y":"{y}","x5c":[]"#),
        format!(r#""crv":"P-256","x":"{x}","y":"{y}","x5c":null"#),
    ] {
        assert_eq!(of(&same).as_ref(), Ok(&plain), "{same}");
    }
    for (members, reason) in [
        (format!(r#""crv":"P-256","x":"{x}","y":"{y}","x5c":["{others}"]"#), UnusableKey::OtherCertificate),
        (format!(r#""crv":"P-256","x":"{x}","y":"{y}","x5c":["{others}","{mine}"]"#), UnusableKey::OtherCertificate),
        (format!(r#""crv":"P-384","x5c":["{mine}"]"#), UnusableKey::OtherCertificate),
        (format!(r#""x5c":["{broken}"]"#), UnusableKey::Certificate),
        (r#""x5c":[]"#.to_owned(), UnusableKey::Certificate),
        (r#""x5c":"AAAA""#.to_owned(), UnusableKey::Certificate),
        (format!(r#""crv":"P-256","x":"{x}","x5c":["{mine}"]"#), UnusableKey::Missing("y")),
    ] {
        assert_eq!(of(&members), Err(reason), "{members}");
    }
}

#[test]
fn odd_keys_are_unusable_and_nothing_worse() {
    let odd = ["{}", "[]", "7", r#"{"kty":"EC","crv":"P-999","x":"","y":""}"#, r#"{"kty":"x"}"#, r#"{"kid":7}"#];
    for text in odd {
        assert!(usable(text, &RSA_FAMILY).is_err(), "{text}");
    }
    let (_, text) = rsa_jwk(&format!(r#","kid":"{}""#, "k".repeat(limits::KID_BYTES)));
    assert!(usable(&text, &RSA_FAMILY).is_ok());
    let (_, text) = rsa_jwk(&format!(r#","kid":"{}""#, "k".repeat(limits::KID_BYTES + 1)));
    assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::KidTooLong));
}

#[test]
fn a_kid_must_be_the_same_and_its_absence_fits_any_name() {
    let (_, named) = rsa_jwk(r#","kid":"a""#);
    let named = VerificationKey::from_jwk(&named, &RSA_FAMILY).unwrap();
    assert!(named.fits(kid("a"), Algorithm::RS256) && named.fits(KeyHint::default(), Algorithm::RS256));
    assert!(!named.fits(kid("b"), Algorithm::RS256) && !named.fits(kid("A"), Algorithm::RS256));
    assert!(!named.fits(kid("a"), Algorithm::ES256));
    let (_, unnamed) = rsa_jwk("");
    let unnamed = VerificationKey::from_jwk(&unnamed, &RSA_FAMILY).unwrap();
    assert!(unnamed.fits(KeyHint::default(), Algorithm::RS256) && !unnamed.fits(kid("a"), Algorithm::RS256));
}

#[test]
fn only_the_right_signature_verifies() {
    let seed = [7_u8; 32];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let text = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#);
    let key = VerificationKey::from_jwk(&text, &[Algorithm::EdDSA]).unwrap();
    let signature = pair.sign(b"message");
    assert!(key.verify(Algorithm::EdDSA, b"message", signature.as_ref()));
    assert!(!key.verify(Algorithm::EdDSA, b"massage", signature.as_ref()));
    assert!(!key.verify(Algorithm::RS256, b"message", signature.as_ref()));
    assert!(!key.verify(Algorithm::EdDSA, b"message", b""));
}

#[test]
fn a_secret_verifies_hmac_and_nothing_else() {
    let secret = Secret::new(vec![b's'; 32]);
    let key = VerificationKey::from_secret(&secret, &[Algorithm::HS256, Algorithm::RS256]);
    let signing = jsonwebtoken::EncodingKey::from_secret(secret.expose());
    let signature = jsonwebtoken::crypto::sign(b"m", &signing, jsonwebtoken::Algorithm::HS256).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(key.fits(kid("any"), Algorithm::HS256) && !key.fits(KeyHint::default(), Algorithm::RS256));
    assert!(key.verify(Algorithm::HS256, b"m", &signature));
    assert!(!key.verify(Algorithm::HS256, b"n", &signature));
    assert!(!key.verify(Algorithm::HS384, b"m", &signature));
}

#[test]
fn each_hmac_verifies_its_own_signatures_and_no_other() {
    use jsonwebtoken::Algorithm::{HS256, HS384, HS512};
    let secret = Secret::new(vec![b's'; 64]);
    let key = VerificationKey::from_secret(&secret, &Algorithm::SYMMETRIC);
    let signing = jsonwebtoken::EncodingKey::from_secret(secret.expose());
    let pairs = [(Algorithm::HS256, HS256), (Algorithm::HS384, HS384), (Algorithm::HS512, HS512)];
    for (signed_as, theirs) in pairs {
        let signature = jsonwebtoken::crypto::sign(b"m", &signing, theirs).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for (asked, _) in pairs {
            assert_eq!(key.verify(asked, b"m", &signature), asked == signed_as, "{signed_as:?} as {asked:?}");
        }
    }
    assert_eq!(Algorithm::ASYMMETRIC.map(hmac_algorithm), [None; 10]);
    // Of another secret.
    let other = VerificationKey::from_secret(&Secret::new(vec![b't'; 64]), &Algorithm::SYMMETRIC);
    let signature = jsonwebtoken::crypto::sign(b"m", &signing, HS256).unwrap();
    assert!(!other.verify(Algorithm::HS256, b"m", &URL_SAFE_NO_PAD.decode(signature).unwrap()));
}

#[test]
fn a_coordinate_is_a_number_of_at_most_its_curves_length() {
    let (x, y) = short_point();
    let of = |x: &[u8], y: &[u8]| {
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let text = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
        VerificationKey::from_jwk(&text, &[Algorithm::ES256]).map(|key| key.thumbprint().to_string())
    };
    let whole = of(&x, &y).unwrap();
    // Keycloak up to 19 left the leading zero out; a sign of two's complement is one more.
    assert_eq!(of(&x[1..], &y).as_ref(), Ok(&whole), "the same key has the same thumbprint");
    assert_eq!(of(&[&[0][..], &x].concat(), &y).as_ref(), Ok(&whole));
    let length = |member, found| Err(UnusableKey::Length { member, found, wanted: 32 });
    assert_eq!(of(&[&[1][..], &x].concat(), &y), length("x", 33));
    assert_eq!(of(&x, &[&y[..], &[0]].concat()), length("y", 33), "filled up on the other side is another number");
    assert_eq!(of(&[x.clone(), y.clone()].concat(), &[]), length("x", 64));
    assert_eq!(of(&x, &[]), length("y", 0));
    assert_eq!(of(&x, &y[..31]), Err(UnusableKey::Invalid), "cut off at the end");
}

/// A point of P-256 whose first coordinate begins with a zero byte.
fn short_point() -> (Vec<u8>, Vec<u8>) {
    loop {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        if x[0] == 0 && x[1] != 0 && y[0] != 0 {
            return (x.to_vec(), y.to_vec());
        }
    }
}

#[test]
fn an_octet_key_pair_is_ed25519_or_nothing() {
    let x = URL_SAFE_NO_PAD.encode(Ed25519KeyPair::generate().unwrap().public_key().as_ref());
    let of = |crv: &str| usable(&format!(r#"{{"kty":"OKP","crv":"{crv}","x":"{x}"}}"#), &[Algorithm::EdDSA]);
    assert_eq!(of("Ed25519"), Ok(vec![Algorithm::EdDSA]));
    for crv in ["P-256", "P-384", "P-521", "Ed448", "X25519", ""] {
        assert!(of(crv).is_err(), "{crv}");
    }
}

#[test]
fn debug_names_the_key_and_shows_nothing_of_it() {
    let (_, text) = rsa_jwk(r#","kid":"a""#);
    let key = VerificationKey::from_jwk(&text, &RSA_FAMILY).unwrap();
    assert_eq!(format!("{key:?}"), r#"VerificationKey { kid: Some("a"), .. }"#);
}

#[test]
fn a_member_that_is_null_is_not_absent() {
    for name in ["use", "key_ops", "alg", "kid"] {
        let (_, text) = rsa_jwk(&format!(r#","{name}":null"#));
        assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::Unreadable), "{name}");
    }
}
