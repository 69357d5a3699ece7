//! What the truth of a signature rests on: a key, and the set that it was found in.

use std::{fmt, sync::Arc};

use crate::digest::{Sha256, sha256};

/// What tells the usable keys of one set from those of another: two sets with the same one verify the same tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(Sha256);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a shared secret it would help to guess it.
        f.write_str("Fingerprint(..)")
    }
}

impl Fingerprint {
    /// That of no keys, which no set has.
    pub(crate) fn none() -> Self {
        Self::of(&[])
    }

    /// That of keys with these identities, in that order.
    pub(crate) fn of(identities: &[String]) -> Self {
        Self(sha256(identities.join("\n").as_bytes()))
    }
}

/// A key of a set. Every token that it verified shares this.
#[derive(Clone)]
pub struct Basis {
    /// The set.
    pub set: Fingerprint,
    /// The key, by its RFC 7638 thumbprint.
    pub key: Arc<str>,
}

impl fmt::Debug for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nor this: a shared secret goes by its digest.
        f.write_str("Basis(..)")
    }
}

#[cfg(any(test, feature = "testing"))]
impl Basis {
    /// Of no key, for tokens that nobody verified.
    #[must_use]
    pub fn for_tests() -> Self {
        Self { set: Fingerprint::none(), key: "none".into() }
    }
}
