//! The numbers of a public key: read from a JWK, and parsed for the crypto library.

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{certificate, weak};
use crate::{
    keys::{algorithm::Algorithm, unusable::UnusableKey},
    limits,
};

type Members = Map<String, Value>;

/// The numbers of a public key.
#[derive(PartialEq, Eq)]
pub(super) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { curve: &'static Curve, point: Vec<u8> },
    Ed25519([u8; 32]),
}

/// A curve of NIST, with the one algorithm that goes with it (RFC 7518 section 3.4).
#[derive(PartialEq, Eq)]
pub(super) struct Curve {
    name: &'static str,
    bytes: usize,
    algorithm: Algorithm,
}

const CURVES: [Curve; 3] = [
    Curve { name: "P-256", bytes: 32, algorithm: Algorithm::ES256 },
    Curve { name: "P-384", bytes: 48, algorithm: Algorithm::ES384 },
    Curve { name: "P-521", bytes: 66, algorithm: Algorithm::ES512 },
];
const OF_RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

impl Material {
    /// The numbers of a key, checked as far as the crypto library does not. Where a certificate stands beside them, it must be
    /// for the same key; where it stands alone, its key counts.
    pub(super) fn read(jwk: &Members) -> Result<Self, UnusableKey> {
        if !["n", "e", "x", "y"].iter().any(|number| jwk.contains_key(*number)) && jwk.contains_key("x5c") {
            let members = certificate::members(jwk)?.ok_or(UnusableKey::Certificate)?;
            let differs = |name: &str| jwk.get(name).is_some_and(|own| members.get(name) != Some(own));
            if differs("kty") || differs("crv") {
                return Err(UnusableKey::OtherCertificate);
            }
            return Self::of_members(&members);
        }
        let own = Self::of_members(jwk)?;
        match certificate::members(jwk)? {
            Some(members) if Self::of_members(&members).as_ref() != Ok(&own) => Err(UnusableKey::OtherCertificate),
            Some(_) | None => Ok(own),
        }
    }

    fn of_members(jwk: &Members) -> Result<Self, UnusableKey> {
        match (text(jwk, "kty")?, jwk.get("crv").and_then(Value::as_str)) {
            ("RSA", _) => rsa(jwk),
            ("EC", Some(name)) => match CURVES.iter().find(|curve| curve.name == name) {
                Some(curve) => {
                    let (x, y) = (coordinate(jwk, "x", curve.bytes)?, coordinate(jwk, "y", curve.bytes)?);
                    // An uncompressed point, SEC 1 section 2.3.3.
                    Ok(Self::Ec { curve, point: [&[4_u8][..], &x, &y].concat() })
                }
                None => Err(UnusableKey::Unsupported("curve (`crv`)")),
            },
            ("OKP", Some("Ed25519")) => {
                let x = number(jwk, "x")?;
                let length = UnusableKey::Length { member: "x", found: x.len(), wanted: 32 };
                let point = x.try_into().map_err(|_| length)?;
                weak::check_point(&point)?;
                Ok(Self::Ed25519(point))
            }
            ("OKP", Some(_)) => Err(UnusableKey::Unsupported("curve (`crv`)")),
            ("EC" | "OKP", None) => Err(UnusableKey::Missing("crv")),
            _ => Err(UnusableKey::Unsupported("type (`kty`)")),
        }
    }

    /// The algorithms that keys of this type are for.
    pub(super) fn algorithms(&self) -> &[Algorithm] {
        match self {
            Self::Rsa { .. } => &OF_RSA,
            Self::Ec { curve, .. } => std::slice::from_ref(&curve.algorithm),
            Self::Ed25519(_) => &[Algorithm::EdDSA],
        }
    }

    /// The parsed key for one algorithm, `None` if the algorithm is not for this type of key.
    pub(super) fn parse(&self, algorithm: Algorithm) -> Option<Result<ParsedPublicKey, UnusableKey>> {
        let parsed = match (self, algorithm) {
            (Self::Rsa { n, e }, algorithm) => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(rsa_parameters(algorithm)?)
            }
            (Self::Ec { curve, point }, algorithm) if curve.algorithm == algorithm => {
                ParsedPublicKey::new(ec_parameters(algorithm)?, point)
            }
            (Self::Ed25519(point), Algorithm::EdDSA) => ParsedPublicKey::new(&signature::ED25519, point),
            (Self::Ec { .. } | Self::Ed25519(_), _) => return None,
        };
        Some(parsed.map_err(|_| UnusableKey::Invalid))
    }

    /// The required members of its JWK, written as RFC 7518 section 6 wants them: what its thumbprint is made of (RFC 7638).
    pub(super) fn required_members(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa { n, e } => json!({ "kty": "RSA", "n": encode(n), "e": encode(e) }),
            Self::Ec { curve, point } => {
                let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(curve.bytes).unwrap_or_default();
                json!({ "kty": "EC", "crv": curve.name, "x": encode(x), "y": encode(y) })
            }
            Self::Ed25519(point) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(point) }),
        }
    }
}

fn rsa(jwk: &Members) -> Result<Material, UnusableKey> {
    let n = without_leading_zeros(number(jwk, "n")?);
    let e = without_leading_zeros(number(jwk, "e")?);
    let bits = significant_bits(&n);
    if !limits::RSA_MODULUS_BITS.contains(&bits) {
        return Err(UnusableKey::RsaSize(bits));
    }
    if !is_rsa_exponent(&e) {
        return Err(UnusableKey::RsaExponent);
    }
    weak::check_modulus(&n)?;
    Ok(Material::Rsa { n, e })
}

fn ec_parameters(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::ES256 => Some(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Some(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::ES512 => Some(&signature::ECDSA_P521_SHA512_FIXED),
        _ => None,
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

fn text<'j>(jwk: &'j Members, name: &'static str) -> Result<&'j str, UnusableKey> {
    match jwk.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(UnusableKey::Unreadable),
        None => Err(UnusableKey::Missing(name)),
    }
}

fn number(jwk: &Members, name: &'static str) -> Result<Vec<u8>, UnusableKey> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).map_err(|_| UnusableKey::NotBase64Url(name))
}

/// A coordinate at the full length that RFC 7518 section 6.2.1.2 wants. Some providers leave leading zeros out, or write one
/// more for a sign: the number is the same, and can't be read as another one.
fn coordinate(jwk: &Members, name: &'static str, length: usize) -> Result<Vec<u8>, UnusableKey> {
    let written = number(jwk, name)?;
    let length_of = UnusableKey::Length { member: name, found: written.len(), wanted: length };
    let digits = without_leading_zeros(written);
    match length.checked_sub(digits.len()) {
        Some(missing) if !digits.is_empty() => Ok([vec![0; missing], digits].concat()),
        Some(_) | None => Err(length_of),
    }
}

/// Whether a public exponent is odd, at least 3 and at most 33 bits long.
///
/// SECURITY: parsing from components accepts the exponent 1, under which every message is its own signature. The upper
/// bound is the crypto library's own: larger ones only cost time.
fn is_rsa_exponent(e: &[u8]) -> bool {
    let is_odd = e.last().is_some_and(|last| last % 2 == 1);
    is_odd && e != [1] && significant_bits(e) <= 33
}

fn without_leading_zeros(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}

fn significant_bits(number: &[u8]) -> usize {
    let mut bytes = number.iter().skip_while(|byte| **byte == 0);
    bytes.next().map_or(0, |first| {
        let top = 8 - first.leading_zeros() as usize;
        top + bytes.count() * 8
    })
}
