//! A JWK Set (RFC 7517 section 5) of one issuer.

use serde_json::value::RawValue;

use super::{
    basis::Fingerprint,
    key::{UnusableKey, VerificationKey},
    public_key,
    source::Secret,
};
use crate::{jwt::algorithm::Algorithm, limits};

/// The usable keys of one issuer: at least one.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    skipped: Vec<UnusableKey>,
    fingerprint: Fingerprint,
}

/// Why a document is not a key set. The provider's doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeySet {
    /// Not a JSON object with an array `keys`.
    #[error("not a JSON Web Key Set: no JSON object with an array `keys`")]
    NotAKeySet,
    /// No key in it.
    #[error("the key set is empty")]
    Empty,
    /// A file with one public key, which can't be used.
    #[error("no usable public key, PEM (`BEGIN PUBLIC KEY`) or JWK: {0}")]
    PublicKey(UnusableKey),
    /// Keys, but none that can be used. The first reasons are there.
    #[error("none of the {count} keys can be used: the first is {first}")]
    NothingUsable {
        /// How many keys there are.
        count: usize,
        /// What is wrong with the first.
        first: UnusableKey,
    },
}

/// Which key of a set a token was signed with.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// Exactly one fits.
    One(&'a VerificationKey),
    /// None fits.
    None,
    /// More than one fits. None is tried in turn: the first to succeed would be the attacker's choice.
    Several,
}

#[derive(serde::Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    /// Reads a set, for the issuer's algorithms. Each key is read by itself, so that an odd one spoils no other.
    ///
    /// # Errors
    /// [`InvalidKeySet`] if no key can be used: keys that we have are better than that.
    pub fn parse(text: &[u8], algorithms: &[Algorithm]) -> Result<Self, InvalidKeySet> {
        let document: Document<'_> = serde_json::from_slice(text).map_err(|_| InvalidKeySet::NotAKeySet)?;
        let count = document.keys.len();
        let mut keys = Vec::new();
        let mut skipped = Vec::new();
        for raw in document.keys.into_iter().take(limits::KEYS_PER_SET) {
            match VerificationKey::from_jwk(raw.get(), algorithms) {
                // The very same key twice is no ambiguity.
                Ok(key) if keys.iter().any(|other| key.is_same_as(other)) => {}
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(reason),
            }
        }
        if count > limits::KEYS_PER_SET {
            skipped.push(UnusableKey::TooMany(count));
        }
        if keys.is_empty() {
            let first = skipped.into_iter().next();
            return Err(first.map_or(InvalidKeySet::Empty, |first| InvalidKeySet::NothingUsable { count, first }));
        }
        Ok(Self::of(keys, skipped))
    }

    /// The set of one public key in a file of its own.
    ///
    /// # Errors
    /// [`InvalidKeySet`] if it can't be used.
    pub fn from_public_key(text: &[u8], algorithms: &[Algorithm]) -> Result<Self, InvalidKeySet> {
        let text = std::str::from_utf8(text).map_err(|_| InvalidKeySet::PublicKey(UnusableKey::Unreadable))?;
        let key = public_key::to_jwk(text).and_then(|jwk| VerificationKey::from_jwk(&jwk, algorithms));
        let key = key.map_err(InvalidKeySet::PublicKey)?;
        Ok(Self::of(vec![key.for_any_kid()], Vec::new()))
    }

    /// The set of one shared secret.
    #[must_use]
    pub fn from_secret(secret: &Secret, algorithms: &[Algorithm]) -> Self {
        Self::of(vec![VerificationKey::from_secret(secret, algorithms)], Vec::new())
    }

    /// The one key that fits a token's header.
    #[must_use]
    pub fn select(&self, kid: Option<&str>, algorithm: Algorithm) -> Selection<'_> {
        let mut fitting = self.keys.iter().filter(|key| key.fits(kid, algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Selection::One(key),
            (None, _) => Selection::None,
            (Some(_), Some(_)) => Selection::Several,
        }
    }

    fn of(keys: Vec<VerificationKey>, skipped: Vec<UnusableKey>) -> Self {
        let identities: Vec<String> = keys.iter().map(VerificationKey::identity).collect();
        let fingerprint = Fingerprint::of(&identities);
        let keys = keys.into_iter().map(|key| key.in_set(fingerprint)).collect();
        Self { keys, skipped, fingerprint }
    }

    /// What tells its keys from those of another set.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The usable keys.
    #[must_use]
    pub fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    /// Why the others were skipped.
    #[must_use]
    pub fn skipped(&self) -> &[UnusableKey] {
        &self.skipped
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn jwk(seed: u8, extra: &str) -> String {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"{extra}}}"#)
    }

    fn parse(keys: &[String]) -> Result<KeySet, InvalidKeySet> {
        KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes(), &[Algorithm::EdDSA])
    }

    fn kid(text: &str) -> String {
        format!(r#","kid":"{text}""#)
    }

    #[test]
    fn one_bad_key_is_skipped_and_the_set_survives() {
        let keys = [r#"{"kid":7}"#.into(), "null".into(), jwk(1, &kid("a")), r#"{"kty":"RSA"}"#.into()];
        let set = parse(&keys).unwrap();
        assert_eq!((set.keys().len(), set.skipped().len()), (1, 3));
        assert!(matches!(set.select(Some("a"), Algorithm::EdDSA), Selection::One(_)));
    }

    #[test]
    fn exactly_one_key_must_fit() {
        let set = parse(&[jwk(1, &kid("a")), jwk(2, &kid("b")), jwk(3, &kid("b"))]).unwrap();
        assert!(matches!(set.select(Some("a"), Algorithm::EdDSA), Selection::One(_)));
        assert!(matches!(set.select(Some("b"), Algorithm::EdDSA), Selection::Several));
        assert!(matches!(set.select(Some("c"), Algorithm::EdDSA), Selection::None));
        assert!(matches!(set.select(None, Algorithm::EdDSA), Selection::Several));
        assert!(matches!(set.select(Some("a"), Algorithm::RS256), Selection::None));
        let single = parse(&[jwk(1, &kid("a"))]).unwrap();
        assert!(matches!(single.select(None, Algorithm::EdDSA), Selection::One(_)));
    }

    #[test]
    fn documents_without_usable_keys_are_no_key_sets() {
        let read = |text: &str| KeySet::parse(text.as_bytes(), &[Algorithm::EdDSA]).unwrap_err();
        for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#] {
            assert_eq!(read(text), InvalidKeySet::NotAKeySet, "{text}");
        }
        assert_eq!(read(r#"{"keys":[]}"#), InvalidKeySet::Empty);
        assert!(matches!(read(r#"{"keys":[{"kty":"RSA"}]}"#), InvalidKeySet::NothingUsable { count: 1, .. }));
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let mut keys: Vec<String> = (0..limits::KEYS_PER_SET).map(|_| "{}".to_owned()).collect();
        keys.push(jwk(1, ""));
        assert!(parse(&keys).is_err());
        keys.remove(0);
        let skipped = parse(&keys).unwrap().skipped().to_vec();
        assert!(!skipped.contains(&UnusableKey::TooMany(limits::KEYS_PER_SET)), "as many as there may be");
        keys.push("{}".to_owned());
        let skipped = parse(&keys).unwrap().skipped().to_vec();
        assert_eq!(skipped.last(), Some(&UnusableKey::TooMany(limits::KEYS_PER_SET + 1)), "it is said");
    }

    #[test]
    fn a_fingerprint_tells_keys_names_and_algorithms_apart() {
        let of = |keys: &[String]| parse(keys).unwrap().fingerprint();
        let (a, b) = (jwk(1, &kid("a")), jwk(2, &kid("b")));
        assert_eq!(of(&[a.clone(), b.clone()]), of(&[a.clone(), a.clone(), b.clone()]));
        let others = [
            vec![b.clone(), a.clone()],
            vec![a.clone()],
            vec![b.clone()],
            vec![jwk(1, &kid("b")), b.clone()],
            vec![jwk(1, ""), b.clone()],
            vec![jwk(3, &kid("a")), b.clone()],
        ];
        for other in others {
            assert_ne!(of(&[a.clone(), b.clone()]), of(&other), "{other:?}");
        }
        let secret = |byte| KeySet::from_secret(&Secret::new(vec![byte; 32]), &[Algorithm::HS256]).fingerprint();
        assert_ne!(secret(1), secret(2));
        assert_eq!(format!("{:?}", secret(1)), "Fingerprint(..)");
        let shared = KeySet::from_secret(&Secret::new(vec![1; 32]), &[Algorithm::HS256]);
        assert_eq!(format!("{:?}", shared.keys()[0].basis()), "Basis(..)");
        let algorithms = |list: &[Algorithm]| KeySet::from_secret(&Secret::new(vec![1; 32]), list).fingerprint();
        assert_ne!(algorithms(&[Algorithm::HS256]), algorithms(&[Algorithm::HS256, Algorithm::HS384]));
    }

    #[test]
    fn a_key_knows_the_set_that_it_is_in() {
        let set = parse(&[jwk(1, &kid("a")), jwk(2, &kid("b"))]).unwrap();
        for key in set.keys() {
            assert_eq!((key.basis().set, &key.basis().key), (set.fingerprint(), key.thumbprint()));
        }
        let alone = VerificationKey::from_jwk(&jwk(1, ""), &[Algorithm::EdDSA]).unwrap();
        assert_eq!(alone.basis().set, Fingerprint::none());
        assert_ne!(parse(&[jwk(1, "")]).unwrap().fingerprint(), Fingerprint::none());
    }

    #[test]
    fn the_same_key_twice_is_one_key() {
        let set = parse(&[jwk(1, &kid("a")), jwk(1, &kid("a"))]).unwrap();
        assert!(matches!(set.select(Some("a"), Algorithm::EdDSA), Selection::One(_)));
    }
}
