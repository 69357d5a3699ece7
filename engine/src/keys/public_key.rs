//! One public key in a file of its own: PEM (`-----BEGIN PUBLIC KEY-----`, RFC 7468 section 13) or a single JWK.
//!
//! PEM is turned into a JWK, so that there is one way in which a key becomes one of ours.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pkcs1::RsaPublicKeyRef;
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};
use serde_json::{Value, json};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef, der::Decode};

use super::unusable::UnusableKey;

// RFC 8017 appendix C, RFC 5480 section 2.1.1, RFC 8410 section 3.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const CURVES: [(ObjectIdentifier, &str, usize); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), "P-256", 32),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "P-384", 48),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "P-521", 66),
];

/// The JWK of a file's text.
///
/// # Errors
/// [`UnusableKey`]: a private key, or no key that can be read.
pub fn to_jwk(text: &str) -> Result<String, UnusableKey> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.contains("-----BEGIN") {
        return Ok(text.to_owned());
    }
    if let Some((_, what_to_do)) = OTHERS.iter().find(|(label, _)| text.contains(label)) {
        return Err(UnusableKey::Pem(what_to_do));
    }
    // Exactly one: whoever appends a second one expects it to count.
    if text.matches("-----BEGIN").count() != 1 {
        return Err(UnusableKey::Pem("it has more than one PEM block; for several keys use `jwks_file`"));
    }
    let der = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes());
    let key = der.ok().and_then(|der| jwk(&der));
    key.map(|jwk| jwk.to_string()).ok_or(UnusableKey::Pem("its PEM block is no public key that is known here"))
}

/// What else people have in PEM files, and what makes a public key of it.
const OTHERS: [(&str, &str); 3] = [
    ("PRIVATE KEY-----", "it is a private key: guard it, and name its public half, `openssl pkey -pubout`"),
    ("-----BEGIN CERTIFICATE-----", "it is a certificate: name the key in it, `openssl x509 -pubkey -noout`"),
    ("-----BEGIN RSA PUBLIC KEY-----", "it is PKCS #1: name `openssl rsa -RSAPublicKey_in -pubout` of it"),
];

/// The JWK of a `SubjectPublicKeyInfo` (RFC 5280 section 4.1), if its key is of a type that is known here.
pub(crate) fn jwk(der: &[u8]) -> Option<Value> {
    let key = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let bits = key.subject_public_key.as_bytes()?;
    if key.algorithm.oid == RSA {
        let rsa = RsaPublicKeyRef::from_der(bits).ok()?;
        let (n, e) = (encode(rsa.modulus.as_bytes()), encode(rsa.public_exponent.as_bytes()));
        return Some(json!({ "kty": "RSA", "n": n, "e": e }));
    }
    if key.algorithm.oid == ED25519 {
        return Some(json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(bits) }));
    }
    if key.algorithm.oid != EC {
        return None;
    }
    let named = key.algorithm.parameters.and_then(|curve| ObjectIdentifier::try_from(curve).ok())?;
    let (_, curve, length) = CURVES.iter().find(|(oid, ..)| *oid == named)?;
    // Uncompressed, SEC 1 section 2.3.3: what everybody writes.
    let point = bits.strip_prefix(&[4])?;
    let (x, y) = point.split_at_checked(*length)?;
    Some(json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) }))
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::{AsDer, PublicKeyX509Der},
        rand::SystemRandom,
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
            EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
        },
    };
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::keys::{
        algorithm::Algorithm,
        key_set::{InvalidKeySet, KeySet, Selection},
    };

    fn pem(key: &impl AsDer<PublicKeyX509Der<'static>>) -> String {
        let der = key.as_der().unwrap();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()))
    }

    fn set(text: &str) -> Result<KeySet, InvalidKeySet> {
        KeySet::from_public_key(text.as_bytes(), &Algorithm::ASYMMETRIC)
    }

    /// Whether the key of `text`, and it alone, verifies that signature, whatever the token calls it.
    fn verifies(text: &str, algorithm: Algorithm, signature: &[u8]) -> bool {
        let set = set(text).unwrap();
        [None, Some("x")].iter().all(|kid| match set.select((*kid).into(), algorithm) {
            Selection::One(key) => key.verify(algorithm, b"m", signature) && !key.verify(algorithm, b"n", signature),
            Selection::None | Selection::Few(_) | Selection::Ambiguous => false,
        })
    }

    #[test]
    fn every_type_of_key_is_read_from_pem_and_from_a_jwk() {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"m", &mut signature).unwrap();
        assert!(verifies(&pem(rsa.public_key()), Algorithm::RS256, &signature));
        for (curve, algorithm) in [
            (&ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::ES256),
            (&ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::ES384),
            (&ECDSA_P521_SHA512_FIXED_SIGNING, Algorithm::ES512),
        ] {
            let pair = EcdsaKeyPair::generate(curve).unwrap();
            let signature = pair.sign(&SystemRandom::new(), b"m").unwrap();
            assert!(verifies(&pem(pair.public_key()), algorithm, signature.as_ref()), "{algorithm:?}");
        }
        let pair = Ed25519KeyPair::generate().unwrap();
        let text = pem(pair.public_key());
        let signature = pair.sign(b"m");
        assert!(verifies(&text, Algorithm::EdDSA, signature.as_ref()));
        assert!(verifies(&to_jwk(&text).unwrap(), Algorithm::EdDSA, signature.as_ref()));
        let marked = format!("\u{feff}{}", to_jwk(&text).unwrap());
        assert!(verifies(&marked, Algorithm::EdDSA, signature.as_ref()), "with a byte order mark");
        let named = to_jwk(&text).unwrap().replace('{', r#"{"kid":"its own","#);
        assert!(verifies(&named, Algorithm::EdDSA, signature.as_ref()), "a key in a file of its own needs no name");
    }

    #[test]
    fn the_rules_for_keys_of_a_set_hold() {
        let weak = PemRsa { bits: 1024 }.pem();
        assert_eq!(set(&weak).unwrap_err(), InvalidKeySet::PublicKey(UnusableKey::RsaSize(1024)));
        let pair = Ed25519KeyPair::generate().unwrap();
        let got = KeySet::from_public_key(pem(pair.public_key()).as_bytes(), &[Algorithm::RS256]);
        assert_eq!(got.unwrap_err(), InvalidKeySet::PublicKey(UnusableKey::NotConfigured(vec![Algorithm::EdDSA])));
    }

    /// An RSA key of any size, by hand: the crypto library makes no weak ones.
    struct PemRsa {
        bits: usize,
    }

    impl PemRsa {
        fn pem(&self) -> String {
            let modulus = [&[0][..], &vec![0xFF; self.bits / 8]].concat();
            let sequence = |content: &[u8]| tlv(0x30, content);
            let key = sequence(&[tlv(2, &modulus), tlv(2, &[1, 0, 1])].concat());
            let oid = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00];
            let der = sequence(&[sequence(&oid), tlv(3, &[&[0][..], &key].concat())].concat());
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
        }
    }

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
        let length = match (high, low) {
            (0, 0..128) => vec![low],
            (0, _) => vec![0x81, low],
            _ => vec![0x82, high, low],
        };
        [&[tag][..], &length, content].concat()
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let good = pem(pair.public_key());
        for text in [
            "",
            "ssh-ed25519 AAAA",
            "[]",
            r#"{"keys":[]}"#,
            "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            &good.replace("PUBLIC KEY", "RSA PUBLIC KEY"),
            &good.replace("PUBLIC KEY", "CERTIFICATE"),
            &good.replace("MCow", "MCox"),
            &good.repeat(2),
            &format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ] {
            assert!(set(text).is_err(), "{text}");
        }
        for kind in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            let both = format!("{good}{}", good.replace("PUBLIC KEY", kind));
            for text in [good.replace("PUBLIC KEY", kind), both] {
                let error = set(&text).unwrap_err().to_string();
                assert!(error.contains("it is a private key"), "{kind}: {error}");
            }
        }
        let told = |text: &str| set(text).unwrap_err().to_string();
        assert!(told(&good.repeat(2)).contains("more than one PEM block"));
        assert!(told(&good.replace("PUBLIC KEY", "CERTIFICATE")).contains("openssl x509 -pubkey"));
        assert!(told(&good.replace("PUBLIC KEY", "RSA PUBLIC KEY")).contains("-RSAPublicKey_in"));
        assert!(KeySet::from_public_key(b"\xff", &Algorithm::ASYMMETRIC).is_err());
    }
}
