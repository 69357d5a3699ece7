use aws_lc_rs::{
    rsa::{KeySize, PublicKeyComponents},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};

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

fn usable(text: &str, algorithms: &[Algorithm]) -> Result<Vec<Algorithm>, UnusableKey> {
    let key = VerificationKey::from_jwk(text, algorithms)?;
    Ok(algorithms.iter().copied().filter(|alg| key.verifiers.iter().any(|(mine, _)| mine == alg)).collect())
}

#[test]
fn a_key_without_alg_takes_the_configured_algorithms_of_its_type() {
    let (_, text) = rsa_jwk("");
    assert_eq!(usable(&text, &RSA_FAMILY), Ok(RSA_FAMILY.to_vec()));
    assert_eq!(usable(&text, &[Algorithm::ES256, Algorithm::RS256]), Ok(vec![Algorithm::RS256]));
    assert_eq!(usable(&text, &[Algorithm::ES256, Algorithm::EdDSA]), Err(UnusableKey::NoAlgorithm));
}

#[test]
fn a_key_with_alg_takes_only_that_one() {
    let (_, text) = rsa_jwk(r#","alg":"PS256""#);
    assert_eq!(usable(&text, &RSA_FAMILY), Ok(vec![Algorithm::PS256]));
    for alg in ["RSA-OAEP", "HS256", "unheard-of", "ES256"] {
        let (_, text) = rsa_jwk(&format!(r#","alg":"{alg}""#));
        assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::NoAlgorithm), "{alg}");
    }
}

#[test]
fn a_public_key_never_becomes_an_hmac_secret() {
    let (_, text) = rsa_jwk("");
    let hmac = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    assert_eq!(usable(&text, &hmac), Err(UnusableKey::NoAlgorithm));
}

#[test]
fn keys_for_other_purposes_are_unusable() {
    for extra in [r#","use":"enc""#, r#","key_ops":["sign"]"#, r#","key_ops":[]"#] {
        let (_, text) = rsa_jwk(extra);
        assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::NotForSignatures), "{extra}");
    }
    let (_, text) = rsa_jwk(r#","use":"sig","key_ops":["verify"]"#);
    assert!(usable(&text, &RSA_FAMILY).is_ok());
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
        assert_eq!(usable(&text, &RSA_FAMILY), Err(UnusableKey::Invalid), "{e}");
    }
    let off_curve = URL_SAFE_NO_PAD.encode([7_u8; 32]);
    let text = format!(r#"{{"kty":"EC","crv":"P-256","x":"{off_curve}","y":"{off_curve}"}}"#);
    assert_eq!(usable(&text, &[Algorithm::ES256]), Err(UnusableKey::Invalid));
    let short = URL_SAFE_NO_PAD.encode([7_u8; 31]);
    let text = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{short}"}}"#);
    assert_eq!(usable(&text, &[Algorithm::EdDSA]), Err(UnusableKey::Invalid));
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
    assert!(named.fits(Some("a"), Algorithm::RS256) && named.fits(None, Algorithm::RS256));
    assert!(!named.fits(Some("b"), Algorithm::RS256) && !named.fits(Some("A"), Algorithm::RS256));
    assert!(!named.fits(Some("a"), Algorithm::ES256));
    let (_, unnamed) = rsa_jwk("");
    let unnamed = VerificationKey::from_jwk(&unnamed, &RSA_FAMILY).unwrap();
    assert!(unnamed.fits(None, Algorithm::RS256) && !unnamed.fits(Some("a"), Algorithm::RS256));
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
    assert!(key.fits(Some("any"), Algorithm::HS256) && !key.fits(None, Algorithm::RS256));
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
    assert_eq!(Algorithm::ASYMMETRIC.map(hmac), [None; 10]);
    // Of another secret.
    let other = VerificationKey::from_secret(&Secret::new(vec![b't'; 64]), &Algorithm::SYMMETRIC);
    let signature = jsonwebtoken::crypto::sign(b"m", &signing, HS256).unwrap();
    assert!(!other.verify(Algorithm::HS256, b"m", &URL_SAFE_NO_PAD.decode(signature).unwrap()));
}

#[test]
fn a_point_has_both_coordinates_at_full_length() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let of = |x: &[u8], y: &[u8]| {
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        usable(&format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#), &[Algorithm::ES256])
    };
    assert!(of(x, y).is_ok());
    let (both, nothing): (Vec<u8>, &[u8]) = ([x, y].concat(), &[]);
    for (x, y) in
        [(&x[..31], y), (x, &y[..31]), (&both[..], nothing), (&both[..31], &both[31..]), (&both[..33], &both[33..])]
    {
        assert_eq!(of(x, y), Err(UnusableKey::Invalid), "{} and {}", x.len(), y.len());
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
