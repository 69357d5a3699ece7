//! One public key in a file of its own: PEM (`-----BEGIN PUBLIC KEY-----`, RFC 7468 section 13) or a single JWK.
//!
//! PEM is turned into a JWK, so that there is one way in which a key becomes one of ours.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pkcs1::RsaPublicKeyRef;
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};
use serde_json::{Value, json};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef, der::Decode};

use super::key::UnusableKey;

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
    if !text.contains("-----BEGIN") {
        return Ok(text.to_owned());
    }
    if text.contains("PRIVATE KEY-----") {
        return Err(UnusableKey::Private);
    }
    let der = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes()).map_err(|_| UnusableKey::Unreadable)?;
    jwk(&der).map(|jwk| jwk.to_string()).ok_or(UnusableKey::Unreadable)
}

fn jwk(der: &[u8]) -> Option<Value> {
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
