//! The numbers of a public key: read from a JWK, and parsed for the crypto library.

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};

use super::UnusableKey;
use crate::{jwt::algorithm::Algorithm, limits};

/// The numbers of a public key.
pub(super) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    P521(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Material {
    /// The numbers of a key, checked as far as the crypto library does not.
    pub(super) fn read(jwk: &Jwk) -> Result<Self, UnusableKey> {
        match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => {
                let n = decode(&rsa.n)?;
                let bits = significant_bits(&n);
                if !limits::RSA_MODULUS_BITS.contains(&bits) {
                    return Err(UnusableKey::RsaSize(bits));
                }
                let e = without_leading_zeros(decode(&rsa.e)?);
                if !is_rsa_exponent(&e) {
                    return Err(UnusableKey::Invalid);
                }
                Ok(Self::Rsa { n: without_leading_zeros(n), e })
            }
            AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
                EllipticCurve::P256 => point(&ec.x, &ec.y, 32).map(Self::P256),
                EllipticCurve::P384 => point(&ec.x, &ec.y, 48).map(Self::P384),
                EllipticCurve::P521 => point(&ec.x, &ec.y, 66).map(Self::P521),
                _ => Err(UnusableKey::NoAlgorithm),
            },
            AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
                decode(&okp.x).map(Self::Ed25519)
            }
            _ => Err(UnusableKey::NoAlgorithm),
        }
    }

    /// The parsed key for one algorithm, `None` if the algorithm is not for this type of key.
    pub(super) fn parse(&self, algorithm: Algorithm) -> Option<Result<ParsedPublicKey, UnusableKey>> {
        let parsed = match (self, algorithm) {
            (Self::Rsa { n, e }, algorithm) => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(rsa_parameters(algorithm)?)
            }
            (Self::P256(point), Algorithm::ES256) => curve(&signature::ECDSA_P256_SHA256_FIXED, point),
            (Self::P384(point), Algorithm::ES384) => curve(&signature::ECDSA_P384_SHA384_FIXED, point),
            (Self::P521(point), Algorithm::ES512) => curve(&signature::ECDSA_P521_SHA512_FIXED, point),
            (Self::Ed25519(point), Algorithm::EdDSA) => curve(&signature::ED25519, point),
            (Self::P256(_) | Self::P384(_) | Self::P521(_) | Self::Ed25519(_), _) => return None,
        };
        Some(parsed.map_err(|_| UnusableKey::Invalid))
    }
}

type Parsed = Result<ParsedPublicKey, aws_lc_rs::error::KeyRejected>;

fn curve(algorithm: &'static dyn VerificationAlgorithm, point: &[u8]) -> Parsed {
    ParsedPublicKey::new(algorithm, point)
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

fn decode(text: &str) -> Result<Vec<u8>, UnusableKey> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| UnusableKey::Invalid)
}

/// An uncompressed point, SEC 1 section 2.3.3. RFC 7518 section 6.2.1.2: coordinates have the full length.
fn point(x: &str, y: &str, length: usize) -> Result<Vec<u8>, UnusableKey> {
    let (x, y) = (decode(x)?, decode(y)?);
    if x.len() != length || y.len() != length {
        return Err(UnusableKey::Invalid);
    }
    Ok([&[4_u8][..], &x, &y].concat())
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
