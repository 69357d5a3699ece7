//! One verification key, parsed once at load and pinned to the algorithms it may be used with.
//!
//! aws-lc-rs holds the parsed key and checks every signature, because jsonwebtoken would parse a public key again for every
//! token. jsonwebtoken computes the thumbprint of a public key.

mod certificate;
mod certificate_names;
pub mod hint;
mod label;
mod material;
mod weak;

use std::{fmt, sync::Arc};

use aws_lc_rs::{hmac, signature::ParsedPublicKey};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde_json::{Map, Value};

use certificate_names::CertificateNames;
use hint::KeyHint;
use material::Material;

use super::{
    key_ref::{Basis, Fingerprint},
    secret::Secret,
};
pub use crate::keys::unusable::UnusableKey;
use crate::{digest::sha256, keys::algorithm::Algorithm, limits, strict_json};
pub use label::{KeyLabel, SkippedKey};

/// A key that can verify signatures of at least one algorithm.
pub struct VerificationKey {
    kid: KeyId,
    certificate: CertificateNames,
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
    Shared(Box<hmac::Key>),
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
        let members = strict_json::parse_object(text.as_bytes()).map_err(|_| UnusableKey::Unreadable)?;
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| members.contains_key(*name)) {
            return Err(UnusableKey::Private);
        }
        // jsonwebtoken takes `null` for absent; RFC 7517 section 4 knows no such value for any of them.
        if ["kty", "use", "key_ops", "alg", "kid"].iter().any(|name| members.get(*name).is_some_and(Value::is_null)) {
            return Err(UnusableKey::Unreadable);
        }
        let own = own_algorithm(&members)?;
        check_purpose(&members)?;
        let kid = match members.get("kid") {
            Some(Value::String(kid)) if kid.len() > limits::KID_BYTES => return Err(UnusableKey::KidTooLong),
            Some(Value::String(kid)) => KeyId::Named(kid.clone()),
            Some(_) => return Err(UnusableKey::Unreadable),
            None => KeyId::Unnamed,
        };
        let material = Material::read(&members)?;
        let fitting = fitting(&material, own)?;
        let mut verifiers = Vec::new();
        for algorithm in algorithms.iter().copied().filter(|algorithm| fitting.contains(algorithm)) {
            if let Some(parsed) = material.parse(algorithm) {
                verifiers.push((algorithm, Verifier::Public(parsed?)));
            }
        }
        if verifiers.is_empty() {
            return Err(UnusableKey::NotConfigured(fitting));
        }
        let jwk: Jwk = serde_json::from_value(material.required_members()).map_err(|_| UnusableKey::Invalid)?;
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| UnusableKey::Invalid)?;
        Ok(Self { kid, certificate: CertificateNames::read(&members), basis: in_no_set(thumbprint), verifiers })
    }

    /// The same key for tokens with whatever `kid`, or none: the only key of its issuer.
    #[must_use]
    pub fn for_any_kid(self) -> Self {
        Self { kid: KeyId::Any, ..self }
    }

    /// The same key as one of that set.
    #[must_use]
    pub(crate) fn in_set(self, set: Fingerprint) -> Self {
        let basis = Basis { set, key: Arc::clone(self.thumbprint()) };
        Self { basis: Arc::new(basis), ..self }
    }

    /// The key of a shared secret, for HMAC.
    #[must_use]
    pub fn from_secret(secret: &Secret, algorithms: &[Algorithm]) -> Self {
        let verifiers = algorithms
            .iter()
            .filter_map(|algorithm| {
                let key = hmac::Key::new(hmac_algorithm(*algorithm)?, secret.expose());
                Some((*algorithm, Verifier::Shared(Box::new(key))))
            })
            .collect();
        // Not to be shown, and of a secret of 32 bytes or more it says nothing all the same.
        let name: String = sha256(secret.expose()).iter().map(|byte| format!("{byte:02x}")).collect();
        let certificate = CertificateNames::default();
        Self { kid: KeyId::Any, certificate, basis: in_no_set(format!("secret {name}")), verifiers }
    }

    /// Whether a token with that header may have been signed by this key.
    #[must_use]
    pub fn fits(&self, hint: KeyHint<'_>, algorithm: Algorithm) -> bool {
        let named = match (&self.kid, hint.kid) {
            (KeyId::Named(mine), Some(kid)) => kid == mine,
            (KeyId::Unnamed, Some(_)) => false,
            (KeyId::Any, _) => true,
            // A token without a `kid` fits every key of its algorithm, but those of other certificates.
            (KeyId::Named(_) | KeyId::Unnamed, None) => self.certificate.may_be(hint),
        };
        named && self.verifiers.iter().any(|(mine, _)| *mine == algorithm)
    }

    /// Says whether a token without a `kid` names exactly the certificate of this key.
    #[must_use]
    pub fn is_named_by_certificate(&self, hint: KeyHint<'_>, algorithm: Algorithm) -> bool {
        hint.kid.is_none() && self.certificate.is_named(hint) && self.algorithms().any(|mine| mine == algorithm)
    }

    /// Whether the signature is this key's, with that algorithm.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some((_, verifier)) = self.verifiers.iter().find(|(mine, _)| *mine == algorithm) else { return false };
        match verifier {
            Verifier::Public(key) => key.verify_sig(message, signature).is_ok(),
            // In constant time.
            Verifier::Shared(key) => hmac::verify(key, message, signature).is_ok(),
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

    /// The digest that tells this key, with its names and algorithms, from any other.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{} {:?} {:?}", self.identity_by_kid(), self.certificate.x5t, self.certificate.x5t_s256)
    }

    fn identity_by_kid(&self) -> String {
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
        self.identity_by_kid() == other.identity_by_kid()
    }

    /// The algorithms of the key, in the order of the issuer's.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.verifiers.iter().map(|(algorithm, _)| *algorithm)
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

/// The HMAC of an algorithm for shared secrets (RFC 7518 section 3.2).
fn hmac_algorithm(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Some(hmac::HMAC_SHA256),
        Algorithm::HS384 => Some(hmac::HMAC_SHA384),
        Algorithm::HS512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

/// RFC 7517 sections 4.2 and 4.3. SPIFFE calls its keys for signatures `jwt-svid` (SPIFFE Trust Domain and Bundle, section
/// 4.2.2).
fn check_purpose(jwk: &Map<String, Value>) -> Result<(), UnusableKey> {
    let use_fits = match jwk.get("use") {
        None => true,
        Some(Value::String(purpose)) => ["sig", "jwt-svid"].contains(&purpose.as_str()),
        Some(_) => return Err(UnusableKey::Unreadable),
    };
    let operations_fit = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) if operations.iter().all(Value::is_string) => {
            operations.iter().any(|operation| operation == "verify")
        }
        Some(_) => return Err(UnusableKey::Unreadable),
    };
    if use_fits && operations_fit { Ok(()) } else { Err(UnusableKey::NotForSignatures) }
}

/// The algorithms that a key of that material, with that `alg` of its own, is for.
fn fitting(material: &Material, own: Option<Option<Algorithm>>) -> Result<Vec<Algorithm>, UnusableKey> {
    match own {
        None => Ok(material.algorithms().to_vec()),
        Some(Some(own)) if material.algorithms().contains(&own) => Ok(vec![own]),
        Some(Some(_)) => Err(UnusableKey::UnfitAlgorithm),
        Some(None) => Err(UnusableKey::Unsupported("`alg`")),
    }
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
