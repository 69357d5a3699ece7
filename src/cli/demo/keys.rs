//! The demo issuer's key pairs and what is published of them.
//!
//! They are generated at every start and never leave the process: a private key that is checked in, or ships with a
//! program, lets anyone sign (CVE-2026-31837). Signing is done here; what is signed is put together in
//! [`super::token`].

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
        RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::alg::Alg;

/// One key pair for each kind of signature. RSA has two: RFC 8017 section 8 advises against one key for two schemes.
pub(super) struct Keys {
    rsa_pkcs1: RsaKeyPair,
    rsa_pss: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    p521: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    /// Tells the keys of one start from those of another.
    generation: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Keys {
    /// New key pairs. Takes some tenths of a second, for RSA: not for an async task.
    ///
    /// # Errors
    /// When the crypto library has no randomness.
    pub(super) fn generate() -> Result<Self, Unspecified> {
        Self::generate_as(format!("{:08x}", rand::random::<u32>()))
    }

    /// New key pairs under the names of another generation.
    ///
    /// # Errors
    /// When the crypto library has no randomness.
    pub(super) fn generate_as(generation: String) -> Result<Self, Unspecified> {
        Ok(Self {
            rsa_pkcs1: RsaKeyPair::generate(KeySize::Rsa2048)?,
            rsa_pss: RsaKeyPair::generate(KeySize::Rsa2048)?,
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            p384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
            p521: EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING)?,
            ed25519: Ed25519KeyPair::generate()?,
            generation,
        })
    }

    /// What the `kid`s of these keys have in common.
    pub(super) fn generation(&self) -> &str {
        &self.generation
    }

    /// The `kid` under which the key for `alg` is published.
    pub(super) fn kid(&self, alg: Alg) -> String {
        format!("{}-{}", alg.name().to_ascii_lowercase(), self.generation)
    }

    /// The signature of `message` as a JWS carries it (RFC 7518 section 3).
    ///
    /// # Errors
    /// When the crypto library fails to sign.
    pub(super) fn sign(&self, alg: Alg, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match alg {
            Alg::Rs256 => sign_rsa(&self.rsa_pkcs1, &RSA_PKCS1_SHA256, message),
            Alg::Rs384 => sign_rsa(&self.rsa_pkcs1, &RSA_PKCS1_SHA384, message),
            Alg::Rs512 => sign_rsa(&self.rsa_pkcs1, &RSA_PKCS1_SHA512, message),
            Alg::Ps256 => sign_rsa(&self.rsa_pss, &RSA_PSS_SHA256, message),
            Alg::Ps384 => sign_rsa(&self.rsa_pss, &RSA_PSS_SHA384, message),
            Alg::Ps512 => sign_rsa(&self.rsa_pss, &RSA_PSS_SHA512, message),
            Alg::Es256 => Ok(self.p256.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Alg::Es384 => Ok(self.p384.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Alg::Es512 => Ok(self.p521.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Alg::EdDsa => Ok(self.ed25519.try_sign(message)?.as_ref().to_vec()),
        }
    }

    /// The public halves as a JWK Set (RFC 7517): one entry per algorithm, each with its own `kid`.
    pub(super) fn jwk_set(&self) -> Value {
        json!({ "keys": self.jwks() })
    }

    /// The entries of that set.
    pub(super) fn jwks(&self) -> Vec<Value> {
        Alg::ALL.iter().map(|alg| self.jwk(*alg)).collect()
    }

    fn jwk(&self, alg: Alg) -> Value {
        let mut jwk = match alg {
            Alg::Rs256 | Alg::Rs384 | Alg::Rs512 => rsa_jwk(&self.rsa_pkcs1),
            Alg::Ps256 | Alg::Ps384 | Alg::Ps512 => rsa_jwk(&self.rsa_pss),
            Alg::Es256 => ec_jwk("P-256", &self.p256),
            Alg::Es384 => ec_jwk("P-384", &self.p384),
            Alg::Es512 => ec_jwk("P-521", &self.p521),
            Alg::EdDsa => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(self.ed25519.public_key().as_ref()) }),
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), self.kid(alg).into());
            members.insert("alg".to_owned(), alg.name().into());
            members.insert("use".to_owned(), "sig".into());
        }
        jwk
    }
}

fn sign_rsa(key: &RsaKeyPair, scheme: &'static dyn RsaEncoding, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(scheme, &SystemRandom::new(), message, &mut signature)?;
    Ok(signature)
}

fn rsa_jwk(key: &RsaKeyPair) -> Value {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
    json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
}

/// The public key is an uncompressed point: 4, then both coordinates at full length, as RFC 7518 section 6.2.1 wants.
fn ec_jwk(curve: &str, key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_start_has_keys_of_its_own() {
        let (one, two) = (Keys::generate().unwrap().jwk_set(), Keys::generate().unwrap().jwk_set());
        for member in ["kid", "n", "x"] {
            let values = |set: &Value| -> HashSet<String> {
                let keys = set["keys"].as_array().unwrap();
                keys.iter().filter_map(|key| key[member].as_str()).map(str::to_owned).collect()
            };
            assert!(!values(&one).is_empty() && values(&one).is_disjoint(&values(&two)), "{member}");
        }
    }

    #[test]
    fn nothing_private_is_published() {
        let set = Keys::generate().unwrap().jwk_set();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), Alg::ALL.len());
        for key in keys {
            let members: HashSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
            let public = HashSet::from(["kty", "kid", "alg", "use", "crv", "x", "y", "n", "e"]);
            assert!(members.is_subset(&public), "{members:?}");
            assert!(members.is_superset(&HashSet::from(["kty", "kid", "alg", "use"])), "{members:?}");
        }
    }

    #[test]
    fn debug_says_nothing_of_the_keys() {
        let keys = Keys::generate().unwrap();
        assert_eq!(format!("{keys:?}"), format!("Keys {{ generation: {:?}, .. }}", keys.generation));
    }
}
