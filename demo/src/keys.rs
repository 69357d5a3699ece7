//! The demo issuer's key pairs and what is published of them.
//!
//! They are generated at every start and never leave the process. Signing is done here; what is signed is put together
//! in [`super::token`].

use aws_lc_rs::error::Unspecified;
use portcullis::tools::simulate::mint::pair::{KeyPair, Kind};
use portcullis_engine::keys::algorithm::Algorithm;
use serde_json::{Value, json};

use super::alg::Alg;

/// One key pair for each kind of signature. RSA has two: RFC 8017 section 8 advises against one key for two schemes.
pub(super) struct Keys {
    rsa_pkcs1: KeyPair,
    rsa_pss: KeyPair,
    p256: KeyPair,
    p384: KeyPair,
    p521: KeyPair,
    ed25519: KeyPair,
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
            rsa_pkcs1: KeyPair::generate(Kind::Rsa)?,
            rsa_pss: KeyPair::generate(Kind::Rsa)?,
            p256: KeyPair::generate(Kind::P256)?,
            p384: KeyPair::generate(Kind::P384)?,
            p521: KeyPair::generate(Kind::P521)?,
            ed25519: KeyPair::generate(Kind::Ed25519)?,
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
        let algorithm = Algorithm::from_name(alg.name()).ok_or(Unspecified)?;
        self.pair(alg).sign(algorithm, message)
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
        let mut jwk = self.pair(alg).jwk();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), self.kid(alg).into());
            members.insert("alg".to_owned(), alg.name().into());
            members.insert("use".to_owned(), "sig".into());
        }
        jwk
    }

    const fn pair(&self, alg: Alg) -> &KeyPair {
        match alg {
            Alg::Rs256 | Alg::Rs384 | Alg::Rs512 => &self.rsa_pkcs1,
            Alg::Ps256 | Alg::Ps384 | Alg::Ps512 => &self.rsa_pss,
            Alg::Es256 => &self.p256,
            Alg::Es384 => &self.p384,
            Alg::Es512 => &self.p521,
            Alg::EdDsa => &self.ed25519,
        }
    }
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
