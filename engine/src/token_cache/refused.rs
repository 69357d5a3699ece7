//! The negative cache: remembers refused tokens, so that the next request with one of them costs no signature check.
//! Forgeries and tokens of removed keys come again and again.
//!
//! *Invariant: a cached refusal equals an uncached one.* Only what follows from the token's bytes alone, or from those and a
//! key set, is remembered, and the latter counts only while its issuer has that very set. Nothing is remembered that depends
//! on a time, an audience or a route.
//!
//! It is apart from the cache of verified tokens: refused tokens never evict a verified one, and a verified token is never
//! looked for here. A hit still says which key is missing, so that it asks for keys as often as before. Like the other
//! cache, this one belongs to one configuration.

use std::{fmt, hash::RandomState, sync::Arc};

use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};

use crate::{
    digest::Sha256,
    jwt::verifier::Failure,
    keys::{key_ref::Fingerprint, lookup::KeyNeed},
    limits,
    reason::TokenFault,
};

/// Refused tokens, by the SHA-256 of their characters. Strangers choose those, so the table's own hashes are keyed: else
/// they could choose tokens that all lie in one place.
pub(crate) struct RefusedTokens(Cache<Sha256, Refusal, UnitWeighter, RandomState>);

/// The reason for which a token was refused, as far as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The token is [`TokenFault::Malformed`], whatever the keys are.
    Malformed,
    /// No key of that set verifies the token.
    NoKey {
        /// The issuer of the set.
        issuer: Arc<str>,
        /// The fingerprint of the set.
        set: Fingerprint,
        /// The key that would help.
        need: KeyNeed,
        /// The fault of the token if there are no other keys.
        fault: TokenFault,
    },
}

impl Refusal {
    /// The refusal that the next request with this token gets without verifying it. Other tokens that can't be read are
    /// recognised sooner than they could be found in the cache.
    pub(crate) fn of(failure: &Failure) -> Option<Self> {
        match failure {
            Failure::Unread(TokenFault::Malformed) => Some(Self::Malformed),
            Failure::NoKey(missing, Some(set)) => Some(Self::NoKey {
                issuer: Arc::clone(&missing.issuer),
                set: *set,
                need: missing.need,
                fault: missing.fault,
            }),
            // Whether keys are there depends on the time.
            Failure::Unread(_) | Failure::Refused(_) | Failure::NoKey(_, None) => None,
        }
    }
}

/// By what to divide the number of tokens for quick_cache, see [`super::cache`].
const GONE: usize = 5;

/// Bytes of a place: quick_cache's own are some 16, and its index is as large again where it has just grown.
const PLACE: usize = size_of::<Sha256>() + size_of::<Refusal>() + 32;

// What `limits` says that all of them take.
const _: () = assert!(limits::REFUSED_TOKENS * PLACE <= limits::REFUSED_TOKEN_BYTES);

impl fmt::Debug for RefusedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefusedTokens({})", self.0.len())
    }
}

impl RefusedTokens {
    pub(crate) fn new(hash_keys: RandomState) -> Self {
        let (count, lifecycle) = (limits::REFUSED_TOKENS, DefaultLifecycle::default());
        Self(Cache::with(count / GONE, count as u64, UnitWeighter, hash_keys, lifecycle))
    }

    /// Returns what is remembered of a token. The caller decides whether that is still true.
    pub(crate) fn get(&self, digest: &Sha256) -> Option<Refusal> {
        self.0.get(digest)
    }

    pub(crate) fn put(&self, digest: Sha256, refusal: Refusal) {
        self.0.insert(digest, refusal);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;

    #[test]
    fn their_number_is_bounded_and_it_is_used() {
        let refused = RefusedTokens::new(RandomState::new());
        for n in 0..2 * limits::REFUSED_TOKENS {
            refused.put(sha256(&n.to_be_bytes()), Refusal::Malformed);
        }
        assert!((limits::REFUSED_TOKENS / 2..=limits::REFUSED_TOKENS).contains(&refused.len()), "{refused:?}");
    }
}
