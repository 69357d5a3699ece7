//! A JWK Set (RFC 7517 section 5) of one issuer.

use serde_json::value::RawValue;

use super::{
    key::{KeyLabel, SkippedKey, VerificationKey, hint::KeyHint},
    key_ref::Fingerprint,
    public_key,
    secret::Secret,
    unusable::UnusableKey,
};
use crate::{
    keys::{
        algorithm::Algorithm,
        document::{self, without_bom},
    },
    limits,
};

/// The usable keys of one issuer: at least one.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    skipped: Vec<SkippedKey>,
    fingerprint: Fingerprint,
}

/// Why a document is not a key set. The provider's doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeySet {
    /// Not a JSON object with an array `keys`, but what its beginning tells.
    #[error("not a JSON Web Key Set: {}", .0.unwrap_or("no JSON object with an array `keys`"))]
    NotAKeySet(Option<&'static str>),
    /// No key in it.
    #[error("the key set is empty")]
    Empty,
    /// A file with one public key, which can't be used.
    #[error("no usable public key, PEM (`BEGIN PUBLIC KEY`) or JWK: {0}")]
    PublicKey(UnusableKey),
    /// Keys, but none that can be used.
    #[error("{}: {}", none_of(*count), first_of(skipped))]
    NothingUsable {
        /// How many keys there are.
        count: usize,
        /// The skipped keys, with the reasons.
        skipped: Vec<SkippedKey>,
    },
}

fn none_of(count: usize) -> String {
    if count == 1 { "its only key can't be used".to_owned() } else { format!("none of its {count} keys can be used") }
}

/// The first reasons: of many keys they are alike.
fn first_of(skipped: &[SkippedKey]) -> String {
    let shown: Vec<String> = skipped.iter().take(limits::SKIPPED_KEYS_SHOWN).map(ToString::to_string).collect();
    let more = skipped.len().saturating_sub(shown.len());
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

/// The keys of a set that a token may have been signed with.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// Exactly one fits.
    One(&'a VerificationKey),
    /// The token has no `kid`, and a few keys fit (RFC 7515 section 4.1.4 makes `kid` optional). Any of them may verify it:
    /// all are the issuer's.
    Few(Candidates<'a>),
    /// None fits.
    None,
    /// More keys fit than are tried, or several have the name that the token names, and none of them is tried.
    Ambiguous,
}

/// Two to [`limits::KEYS_TRIED`] keys.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a>([Option<&'a VerificationKey>; limits::KEYS_TRIED]);

impl<'a> Candidates<'a> {
    /// The keys, in the order of the set.
    pub fn iter(&self) -> impl Iterator<Item = &'a VerificationKey> {
        self.0.iter().copied().flatten()
    }
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
        let document: Document<'_> = serde_json::from_slice(without_bom(text))
            .map_err(|_| InvalidKeySet::NotAKeySet(document::kind_of(text)))?;
        let count = document.keys.len();
        let mut keys = Vec::new();
        let mut skipped = Vec::new();
        for (raw, place) in document.keys.into_iter().take(limits::KEYS_PER_SET).zip(1..) {
            match VerificationKey::from_jwk(raw.get(), algorithms) {
                // The very same key twice is no ambiguity.
                Ok(key) if keys.iter().any(|other| key.is_same_as(other)) => {}
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(SkippedKey { key: Some(KeyLabel::read(place, raw.get())), reason }),
            }
        }
        if count > limits::KEYS_PER_SET {
            skipped.push(SkippedKey { key: None, reason: UnusableKey::TooMany(count) });
        }
        if keys.is_empty() {
            let is_empty = skipped.is_empty();
            return Err(if is_empty { InvalidKeySet::Empty } else { InvalidKeySet::NothingUsable { count, skipped } });
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

    /// Returns the keys that may have signed a token with that header, in the order of the set. Where a key has exactly the
    /// certificate that the token names, keys that say nothing about theirs are not among them.
    pub fn fitting<'k>(&'k self, hint: KeyHint<'_>, algorithm: Algorithm) -> impl Iterator<Item = &'k VerificationKey> {
        let is_named = self.keys.iter().any(|key| key.is_named_by_certificate(hint, algorithm));
        self.keys
            .iter()
            .filter(move |key| key.fits(hint, algorithm) && (!is_named || key.is_named_by_certificate(hint, algorithm)))
    }

    /// The keys that fit a token's header.
    #[must_use]
    pub fn select(&self, hint: KeyHint<'_>, algorithm: Algorithm) -> Selection<'_> {
        let mut fitting = self.fitting(hint, algorithm);
        let Some(first) = fitting.next() else { return Selection::None };
        let Some(second) = fitting.next() else { return Selection::One(first) };
        if hint.kid.is_some() {
            return Selection::Ambiguous;
        }
        let mut candidates = [None; limits::KEYS_TRIED];
        let mut places = candidates.iter_mut();
        for key in [first, second].into_iter().chain(fitting) {
            let Some(place) = places.next() else { return Selection::Ambiguous };
            *place = Some(key);
        }
        Selection::Few(Candidates(candidates))
    }

    fn of(keys: Vec<VerificationKey>, skipped: Vec<SkippedKey>) -> Self {
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
    pub fn skipped(&self) -> &[SkippedKey] {
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

    fn hint(kid: Option<&str>) -> KeyHint<'_> {
        kid.into()
    }

    fn kid(text: &str) -> String {
        format!(r#","kid":"{text}""#)
    }

    #[test]
    fn one_bad_key_is_skipped_and_the_set_survives() {
        let keys = [r#"{"kid":7}"#.into(), "null".into(), jwk(1, &kid("a")), r#"{"kty":"RSA"}"#.into()];
        let set = parse(&keys).unwrap();
        assert_eq!((set.keys().len(), set.skipped().len()), (1, 3));
        assert!(matches!(set.select(hint(Some("a")), Algorithm::EdDSA), Selection::One(_)));
    }

    #[test]
    fn exactly_one_key_must_fit() {
        let set = parse(&[jwk(1, &kid("a")), jwk(2, &kid("b")), jwk(3, &kid("b"))]).unwrap();
        assert!(matches!(set.select(hint(Some("a")), Algorithm::EdDSA), Selection::One(_)));
        assert!(matches!(set.select(hint(Some("b")), Algorithm::EdDSA), Selection::Ambiguous));
        assert!(matches!(set.select(hint(Some("c")), Algorithm::EdDSA), Selection::None));
        let Selection::Few(few) = set.select(hint(None), Algorithm::EdDSA) else { panic!("three keys") };
        assert_eq!(few.iter().map(|key| key.kid()).collect::<Vec<_>>(), [Some("a"), Some("b"), Some("b")]);
        assert!(matches!(set.select(hint(Some("a")), Algorithm::RS256), Selection::None));
        let single = parse(&[jwk(1, &kid("a"))]).unwrap();
        assert!(matches!(single.select(hint(None), Algorithm::EdDSA), Selection::One(_)));
    }

    #[test]
    fn documents_without_usable_keys_are_no_key_sets() {
        let read = |text: &str| KeySet::parse(text.as_bytes(), &[Algorithm::EdDSA]).unwrap_err();
        for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#] {
            assert!(matches!(read(text), InvalidKeySet::NotAKeySet(_)), "{text}");
        }
        let gzip = KeySet::parse(b"\x1f\x8b\x08\0\0", &[Algorithm::EdDSA]).unwrap_err();
        assert!(gzip.to_string().contains("compressed with gzip"), "{gzip}");
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
        assert!(skipped.iter().all(|skipped| skipped.key.is_some()), "as many as there may be");
        keys.push("{}".to_owned());
        let skipped = parse(&keys).unwrap().skipped().to_vec();
        assert_eq!(skipped.last().unwrap().reason, UnusableKey::TooMany(limits::KEYS_PER_SET + 1), "it is said");
    }

    #[test]
    fn without_a_kid_at_most_four_keys_are_tried() {
        let keys = ["a", "b", "c", "d", "e"].iter().zip(1..).map(|(name, seed)| jwk(seed, &kid(name)));
        let keys: Vec<String> = keys.take(limits::KEYS_TRIED + 1).collect();
        let few = |keys: &[String]| match parse(keys).unwrap().select(hint(None), Algorithm::EdDSA) {
            Selection::Few(few) => few.iter().count(),
            _ => 0,
        };
        assert_eq!((few(&keys[..2]), few(&keys[..4]), few(&keys)), (2, 4, 0));
        let set = parse(&keys).unwrap();
        assert!(matches!(set.select(hint(None), Algorithm::EdDSA), Selection::Ambiguous));
        for name in ["", "x"] {
            assert!(matches!(set.select(hint(Some(name)), Algorithm::EdDSA), Selection::None), "{name:?}");
        }
    }

    #[test]
    fn the_name_of_a_certificate_selects_where_there_is_no_kid() {
        let x5t = |seed: u8, name: &str, x5t: &str| {
            jwk(seed, &format!(r#","kid":"{name}","x5t":"{x5t}","x5t#S256":"s{x5t}""#))
        };
        let set = parse(&[x5t(1, "a", "A"), x5t(2, "b", "B"), jwk(3, &kid("c"))]).unwrap();
        let names = |hint: KeyHint<'_>| match set.select(hint, Algorithm::EdDSA) {
            Selection::One(key) => vec![key.kid().unwrap()],
            Selection::Few(few) => few.iter().map(|key| key.kid().unwrap()).collect(),
            Selection::None | Selection::Ambiguous => vec![],
        };
        let none = KeyHint::default();
        assert_eq!(names(KeyHint { x5t: Some("A"), ..none }), ["a"], "the key of that certificate, and no other");
        assert_eq!(names(KeyHint { x5t_s256: Some("sB"), ..none }), ["b"]);
        assert_eq!(names(KeyHint { x5t: Some("A"), x5t_s256: Some("sB"), ..none }), [""; 0], "a contradiction");
        assert_eq!(
            names(KeyHint { x5t: Some("a"), ..none }),
            ["c"],
            "case counts, and one without a certificate may be it"
        );
        assert_eq!(names(KeyHint { kid: Some("b"), x5t: Some("A"), ..none }), ["b"], "a `kid` decides alone");
        assert_eq!(names(KeyHint { kid: Some(""), x5t: Some("A"), ..none }), [""; 0]);
        let other = parse(&[x5t(1, "a", "A"), x5t(2, "b", "C"), jwk(3, &kid("c"))]).unwrap();
        assert_ne!(set.fingerprint(), other.fingerprint(), "other tokens fit");
    }

    #[test]
    fn keys_that_name_no_certificate_are_not_tried_beside_the_one_that_is_named() {
        let mut keys = vec![jwk(1, r#","x5t":"t""#)];
        keys.extend((2..=8).map(|seed| jwk(seed, "")));
        let hint = KeyHint { x5t: Some("t"), ..KeyHint::default() };
        for count in [1, 2, 4, 8] {
            let set = parse(&keys[..count]).unwrap();
            let Selection::One(key) = set.select(hint, Algorithm::EdDSA) else { panic!("{count}") };
            assert_eq!(key.thumbprint(), set.keys()[0].thumbprint(), "{count}");
        }
        let set = parse(&keys[1..4]).unwrap();
        let Selection::Few(few) = set.select(hint, Algorithm::EdDSA) else { panic!("any may be it") };
        assert_eq!(few.iter().count(), 3);
        let skipped = r#"{"kty":"RSA","x5t":"t"}"#.to_owned();
        let set = parse(&[skipped, keys[1].clone()]).unwrap();
        assert!(matches!(set.select(hint, Algorithm::EdDSA), Selection::One(_)), "a skipped key narrows nothing");
    }

    #[test]
    fn a_skipped_key_is_named_with_its_reason_and_its_remedy() {
        let p384 = r#"{"kid":"p2","kty":"EC","crv":"P-384","x":"","y":""}"#;
        let told = |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            parse(&keys).unwrap_err().to_string()
        };
        let text = told(&[p384]);
        assert!(
            text.starts_with("its only key can't be used: key `p2` (EC P-384) is skipped: its `x` has 0 bytes"),
            "{text}"
        );
        let text =
            told(&[r#"{"kid":"e","kty":"RSA","use":"enc"}"#, r#"{"kty":"RSA","kid":"c","x5c":["AA=="]}"#, "{}", "7"]);
        assert!(text.starts_with("none of its 4 keys can be used: key `e` (RSA) is skipped: its `use`"), "{text}");
        assert!(text.contains("key `c` (RSA) is skipped: its `x5c` is no list of certificates"), "{text}");
        assert!(text.ends_with("; and 1 more"), "{text}");
    }

    #[test]
    fn a_byte_order_mark_in_front_does_no_harm() {
        let text = format!(r#"{{"keys":[{}]}}"#, jwk(1, ""));
        assert!(KeySet::parse(format!("\u{feff}{text}").as_bytes(), &[Algorithm::EdDSA]).is_ok());
        assert!(KeySet::parse(format!("\u{feff}\u{feff}{text}").as_bytes(), &[Algorithm::EdDSA]).is_err());
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
        assert!(matches!(set.select(hint(Some("a")), Algorithm::EdDSA), Selection::One(_)));
    }
}
