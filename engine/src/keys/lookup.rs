//! The trait by which a verifier finds the keys of an issuer, and the description of a key that is missing.

use std::sync::Arc;

use super::{key_ref::Fingerprint, key_set::KeySet};
use crate::digest::Sha256;

/// A source of keys for the verifier.
pub trait KeyLookup {
    /// Returns the issuer's keys, if there are any that may be used.
    fn current(&self, issuer: &str) -> Option<Snapshot>;

    /// Says whether an issuer's keys are still those of that set. The cache asks this for every remembered token.
    fn are_still(&self, issuer: &str, set: &Fingerprint) -> bool {
        self.current(issuer).is_some_and(|snapshot| snapshot.set.fingerprint() == *set)
    }
}

/// Counts the key sets an issuer has had here. Newer is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

impl Generation {
    /// Before the first set.
    pub const NONE: Self = Self(0);
    /// The generation of an issuer's first set.
    pub const FIRST: Self = Self(1);

    /// Returns the generation of the set that replaces this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Makes the generation of that number.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub const fn for_tests(number: u64) -> Self {
        Self(number)
    }
}

/// A key set and which one it is.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The key set that verifies tokens now.
    pub set: Arc<KeySet>,
    /// The generation of the set.
    pub generation: Generation,
}

/// A need of a token that the current set does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyNeed {
    /// A key that the set lacks, by a digest of its algorithm and `kid`.
    New(Sha256),
    /// Another key in place of those that the set has: those that fit refute the signature, or too many fit.
    ///
    /// Both are one need because both ask about keys that are here: a provider has replaced a key under its name, or is in
    /// the middle of a rotation, which is rare, while anybody can make such tokens at will (a token without a `kid` fits
    /// several keys). So neither may take the fetches by which a rotation works, those for [`Self::New`].
    Replacement,
}

/// The keys of one issuer, which never change, for tests.
#[cfg(any(test, feature = "testing"))]
#[derive(Clone, Debug, Default)]
pub struct FixedKeys(Option<(Arc<str>, Snapshot)>);

#[cfg(any(test, feature = "testing"))]
impl FixedKeys {
    /// Returns a lookup that finds that set for that issuer, and nothing for others.
    #[must_use]
    pub fn new(issuer: &str, set: KeySet) -> Self {
        Self(Some((issuer.into(), Snapshot { set: Arc::new(set), generation: Generation::FIRST })))
    }
}

#[cfg(any(test, feature = "testing"))]
impl KeyLookup for FixedKeys {
    fn current(&self, issuer: &str) -> Option<Snapshot> {
        self.0.as_ref().filter(|(own, _)| **own == *issuer).map(|(_, snapshot)| snapshot.clone())
    }
}
