//! One verification key, parsed once at load and pinned to the algorithms it may be used with.
//!
//! jsonwebtoken reads the JWK; aws-lc-rs holds the parsed public key and checks signatures, because jsonwebtoken would
//! parse the key again for every token.

mod material;

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::ParsedPublicKey;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    DecodingKey,
    jwk::{Jwk, KeyOperations, PublicKeyUse, ThumbprintHash},
};
use serde_json::{Map, Value};

use material::Material;

use super::{
    basis::{Basis, Fingerprint},
    source::Secret,
};
use crate::{digest::sha256, json, jwt::algorithm::Algorithm, limits};

/// A key that can verify signatures of at least one algorithm.
pub struct VerificationKey {
    kid: KeyId,
    /// Its RFC 7638 thumbprint, and its set.
    basis: Arc<Basis>,
    verifiers: Vec<(Algorithm, Verifier)>,
}

enum KeyId {
    /// Named: only tokens with this `kid`.
    Named(String),
    /// Without a name: only tokens without a `kid`.
    Unnamed,
    /// There is only one, whatever the token calls it: a shared secret, or a key in a file of its own.
    Any,
}

enum Verifier {
    Public(ParsedPublicKey),
    Shared(DecodingKey),
}

/// Why a key of a set is skipped. The set survives (RFC 7517 section 5).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// Not a JWK at all.
    #[error("not a readable JSON Web Key")]
    Unreadable,
    /// `use` or `key_ops` say that it is not for signatures.
    #[error("not for verifying signatures")]
    NotForSignatures,
    /// Its `alg`, `kty` or `crv` fits none of the issuer's algorithms.
    #[error("fits none of the configured algorithms")]
    NoAlgorithm,
    /// An RSA modulus outside [`limits::RSA_MODULUS_BITS`].
    #[error("RSA modulus of {0} bits (2048 to 8192 are allowed)")]
    RsaSize(usize),
    /// The crypto library refuses its numbers.
    #[error("its numbers are not a valid public key")]
    Invalid,
    /// A private or shared key in a public set: whoever read the set can sign.
    #[error("its private part is published, so anyone can sign with it")]
    Private,
    /// A file with PEM that is not one public key.
    #[error("{0}")]
    Pem(&'static str),
    /// More keys in the set than [`limits::KEYS_PER_SET`]; the rest is not looked at.
    #[error("the set has {0} keys, and only the first {max} are looked at", max = limits::KEYS_PER_SET)]
    TooMany(usize),
    /// A `kid` longer than its limit.
    #[error("its `kid` is too long")]
    KidTooLong,
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

impl VerificationKey {
    /// The key of one member of a set, for those of `algorithms` that it fits.
    ///
    /// # Errors
    /// [`UnusableKey`]: the provider's doing; skip the key and say so.
    pub fn from_jwk(text: &str, algorithms: &[Algorithm]) -> Result<Self, UnusableKey> {
        let members = json::parse_object(text.as_bytes()).map_err(|_| UnusableKey::Unreadable)?;
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| members.contains_key(*name)) {
            return Err(UnusableKey::Private);
        }
        // jsonwebtoken takes `null` for absent; RFC 7517 section 4 knows no such value for any of them.
        if ["kty", "use", "key_ops", "alg", "kid"].iter().any(|name| members.get(*name).is_some_and(Value::is_null)) {
            return Err(UnusableKey::Unreadable);
        }
        let own = own_algorithm(&members)?;
        let jwk: Jwk = serde_json::from_value(Value::Object(members)).map_err(|_| UnusableKey::Unreadable)?;
        check_purpose(&jwk)?;
        let kid = match &jwk.common.key_id {
            Some(kid) if kid.len() > limits::KID_BYTES => return Err(UnusableKey::KidTooLong),
            Some(kid) => KeyId::Named(kid.clone()),
            None => KeyId::Unnamed,
        };
        let material = Material::read(&jwk)?;
        let mut verifiers = Vec::new();
        for algorithm in algorithms.iter().copied().filter(|algorithm| own.is_none_or(|own| own == Some(*algorithm))) {
            if let Some(parsed) = material.parse(algorithm) {
                verifiers.push((algorithm, Verifier::Public(parsed?)));
            }
        }
        if verifiers.is_empty() {
            return Err(UnusableKey::NoAlgorithm);
        }
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| UnusableKey::Invalid)?;
        Ok(Self { kid, basis: in_no_set(thumbprint), verifiers })
    }

    /// The same key for tokens with whatever `kid`, or none: the only key of its issuer.
    #[must_use]
    pub fn for_any_kid(self) -> Self {
        Self { kid: KeyId::Any, ..self }
    }

    /// The same key as one of that set.
    #[must_use]
    pub(super) fn in_set(self, set: Fingerprint) -> Self {
        let basis = Basis { set, key: Arc::clone(self.thumbprint()) };
        Self { basis: Arc::new(basis), ..self }
    }

    /// The key of a shared secret, for HMAC.
    #[must_use]
    pub fn from_secret(secret: &Secret, algorithms: &[Algorithm]) -> Self {
        let verifiers = algorithms
            .iter()
            .filter(|algorithm| algorithm.is_hmac())
            .map(|algorithm| (*algorithm, Verifier::Shared(DecodingKey::from_secret(secret.expose()))))
            .collect();
        // Not to be shown, and of a secret of 32 bytes or more it says nothing all the same.
        let name: String = sha256(secret.expose()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { kid: KeyId::Any, basis: in_no_set(format!("secret {name}")), verifiers }
    }

    /// Whether a token with that header may have been signed by this key.
    #[must_use]
    pub fn fits(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        let named = match &self.kid {
            // A token without a `kid` fits every key of its algorithm; that more than one fits is found out there.
            KeyId::Named(mine) => kid.is_none_or(|kid| kid == mine),
            KeyId::Unnamed => kid.is_none(),
            KeyId::Any => true,
        };
        named && self.verifiers.iter().any(|(mine, _)| *mine == algorithm)
    }

    /// Whether the signature is this key's, with that algorithm.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some((_, verifier)) = self.verifiers.iter().find(|(mine, _)| *mine == algorithm) else { return false };
        match verifier {
            Verifier::Public(key) => key.verify_sig(message, signature).is_ok(),
            Verifier::Shared(key) => {
                let signature = URL_SAFE_NO_PAD.encode(signature);
                let Some(algorithm) = hmac(algorithm) else { return false };
                jsonwebtoken::crypto::verify(&signature, message, key, algorithm).unwrap_or(false)
            }
        }
    }

    /// The SHA-256 thumbprint of RFC 7638: the same key has the same one, whatever its `kid`.
    #[must_use]
    pub fn thumbprint(&self) -> &Arc<str> {
        &self.basis.key
    }

    /// What a token rests on that it verified.
    #[must_use]
    pub fn basis(&self) -> &Arc<Basis> {
        &self.basis
    }

    /// What tells this key, with its name and algorithms, from any other.
    #[must_use]
    pub fn identity(&self) -> String {
        let kid = match &self.kid {
            KeyId::Named(kid) => format!("named {kid:?}"),
            KeyId::Unnamed => "unnamed".to_owned(),
            KeyId::Any => "any".to_owned(),
        };
        let algorithms: Vec<&str> = self.verifiers.iter().map(|(algorithm, _)| algorithm.name()).collect();
        format!("{kid} {} {}", self.thumbprint(), algorithms.join(" "))
    }

    /// Whether it is that very key under the same name, for the same algorithms.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    /// Its `kid`, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        match &self.kid {
            KeyId::Named(kid) => Some(kid),
            KeyId::Unnamed | KeyId::Any => None,
        }
    }
}

fn in_no_set(thumbprint: String) -> Arc<Basis> {
    Arc::new(Basis { set: Fingerprint::none(), key: thumbprint.into() })
}

/// What jsonwebtoken calls it.
fn hmac(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Some(jsonwebtoken::Algorithm::HS256),
        Algorithm::HS384 => Some(jsonwebtoken::Algorithm::HS384),
        Algorithm::HS512 => Some(jsonwebtoken::Algorithm::HS512),
        _ => None,
    }
}

fn check_purpose(jwk: &Jwk) -> Result<(), UnusableKey> {
    let use_fits = jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let operations = jwk.common.key_operations.as_deref();
    let operations_fit = operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if use_fits && operations_fit { Ok(()) } else { Err(UnusableKey::NotForSignatures) }
}

/// The key's own `alg`, which is then the only one (RFC 8725 section 3.1). The outer `None` says that it has none, as
/// Entra's; the inner that it is none of ours.
fn own_algorithm(members: &Map<String, Value>) -> Result<Option<Option<Algorithm>>, UnusableKey> {
    match members.get("alg") {
        None => Ok(None),
        Some(Value::String(name)) => Ok(Some(Algorithm::from_name(name))),
        Some(_) => Err(UnusableKey::Unreadable),
    }
}

#[cfg(test)]
mod tests;
