//! One key pair, made here and now. Private halves are never stored, shipped or printed: a key that is checked in, or
//! comes with a program, lets anyone sign (CVE-2026-31837).

use aws_lc_rs::{
    error::Unspecified,
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
        RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use portcullis_engine::keys::algorithm::Algorithm;

/// The kinds of key pairs, the cheapest to sign with first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Ed25519, for `EdDSA`.
    Ed25519,
    /// For `ES256`.
    P256,
    /// For `ES384`.
    P384,
    /// For `ES512`.
    P521,
    /// Of 2048 bits, for `RS*` and `PS*`.
    Rsa,
}

impl Kind {
    /// The kind that signs with an algorithm; none for HMAC, which has no pairs.
    #[must_use]
    pub const fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::EdDSA => Some(Self::Ed25519),
            Algorithm::ES256 => Some(Self::P256),
            Algorithm::ES384 => Some(Self::P384),
            Algorithm::ES512 => Some(Self::P521),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => Some(Self::Rsa),
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => None,
        }
    }
}

/// A key pair. Its `Debug` says nothing of it.
pub enum KeyPair {
    /// See [`Kind::Ed25519`].
    Ed25519(Ed25519KeyPair),
    /// A curve of NIST.
    Ec(Kind, EcdsaKeyPair),
    /// See [`Kind::Rsa`].
    Rsa(Box<RsaKeyPair>),
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPair(..)")
    }
}

impl KeyPair {
    /// A new pair. RSA takes some tenths of a second: not for an async task.
    ///
    /// # Errors
    /// When the crypto library has no randomness.
    pub fn generate(kind: Kind) -> Result<Self, Unspecified> {
        Ok(match kind {
            Kind::Ed25519 => Self::Ed25519(Ed25519KeyPair::generate()?),
            Kind::P256 => Self::Ec(kind, EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            Kind::P384 => Self::Ec(kind, EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)?),
            Kind::P521 => Self::Ec(kind, EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING)?),
            Kind::Rsa => Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048)?)),
        })
    }

    /// The signature of `message` as a JWS carries it (RFC 7518 section 3).
    ///
    /// # Errors
    /// When the algorithm is not this pair's, or the crypto library fails to sign.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Ed25519(pair) if algorithm == Algorithm::EdDSA => Ok(pair.try_sign(message)?.as_ref().to_vec()),
            Self::Ec(kind, pair) if Kind::of(algorithm) == Some(*kind) => {
                Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec())
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(algorithm)?, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
            Self::Ed25519(_) | Self::Ec(..) => Err(Unspecified),
        }
    }

    /// The public half as a JWK (RFC 7517), without a name and a purpose.
    #[must_use]
    pub fn jwk(&self) -> Value {
        match self {
            Self::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
            Self::Ec(Kind::P384, pair) => ec_jwk("P-384", pair),
            Self::Ec(Kind::P521, pair) => ec_jwk("P-521", pair),
            Self::Ec(Kind::P256 | Kind::Ed25519 | Kind::Rsa, pair) => ec_jwk("P-256", pair),
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
        }
    }
}

/// The HMAC of `message` under a shared secret.
///
/// # Errors
/// When the algorithm is none of HMAC's.
pub fn sign_hmac(secret: &[u8], algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let hash = match algorithm {
        Algorithm::HS256 => hmac::HMAC_SHA256,
        Algorithm::HS384 => hmac::HMAC_SHA384,
        Algorithm::HS512 => hmac::HMAC_SHA512,
        _ => return Err(Unspecified),
    };
    Ok(hmac::sign(&hmac::Key::new(hash, secret), message).as_ref().to_vec())
}

/// A new secret, long enough for every HMAC (RFC 7518 section 3.2).
///
/// # Errors
/// When the crypto library has no randomness.
pub fn secret() -> Result<Vec<u8>, Unspecified> {
    let mut bytes = vec![0; 64];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(bytes)
}

fn rsa_encoding(algorithm: Algorithm) -> Result<&'static dyn RsaEncoding, Unspecified> {
    match algorithm {
        Algorithm::RS256 => Ok(&RSA_PKCS1_SHA256),
        Algorithm::RS384 => Ok(&RSA_PKCS1_SHA384),
        Algorithm::RS512 => Ok(&RSA_PKCS1_SHA512),
        Algorithm::PS256 => Ok(&RSA_PSS_SHA256),
        Algorithm::PS384 => Ok(&RSA_PSS_SHA384),
        Algorithm::PS512 => Ok(&RSA_PSS_SHA512),
        _ => Err(Unspecified),
    }
}

/// The public key is an uncompressed point: 4, then both coordinates at full length, as RFC 7518 section 6.2.1 wants.
fn ec_jwk(curve: &str, pair: &EcdsaKeyPair) -> Value {
    let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
