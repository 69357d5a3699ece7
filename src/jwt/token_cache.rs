//! Tokens that were verified, so that the next request with one of them costs no signature check.
//!
//! *Invariant: the cache is invisible.* A hit says what verifying afresh would say, at that moment and with those keys:
//! within the token's times, and while its issuer's set still leads its header to the very key that verified it. What is
//! kept is "signature and issuer-level claims are true"; what a route asks is never in it (GHSA-qvp4-rpmr-xwrr).
//!
//! Only what was verified comes in, so forged tokens push nothing out. Configuration is no part of the key: a cache
//! lives and dies with the verifier that owns it (GHSA-4mq7-pvjg-xp2r).

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::{Weighter, sync::Cache};

use super::verifier::VerifiedToken;
use crate::{clock::UnixTime, digest::Sha256, jwks::key_set::Fingerprint, limits};

/// A token that was verified, and what that rests on.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) token: Arc<VerifiedToken>,
    /// When its times are true.
    pub(super) valid: Range<UnixTime>,
    /// The set in which its key was found.
    pub(super) set: Fingerprint,
    /// That key, by its RFC 7638 thumbprint.
    pub(super) key: Arc<str>,
}

/// Verified tokens, by the SHA-256 of their characters: nobody can make two that collide.
pub struct TokenCache {
    entries: Cache<Sha256, Entry, Weigh>,
    counts: Arc<Counts>,
}

/// Outlive a cache: one that takes over from another counts on.
#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How a cache did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Tokens that needed no signature check.
    pub hits: u64,
    /// Tokens that did, well or not.
    pub misses: u64,
    /// Tokens that are kept.
    pub entries: u64,
    /// Bytes that they take, estimated.
    pub bytes: u64,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Sha256, Entry> for Weigh {
    fn weight(&self, _: &Sha256, entry: &Entry) -> u64 {
        // No lighter than this: so a bound on bytes is one on their number too.
        let least = limits::TOKEN_CACHE_BYTES.div_ceil(limits::TOKEN_CACHE_ENTRIES);
        (entry.token.size() + size_of::<Entry>() + size_of::<Sha256>()).max(least) as u64
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::counting(Arc::default())
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl TokenCache {
    fn counting(counts: Arc<Counts>) -> Self {
        let entries = Cache::with_weighter(limits::TOKEN_CACHE_ENTRIES, limits::TOKEN_CACHE_BYTES as u64, Weigh);
        Self { entries, counts }
    }

    /// An empty cache that counts where this one does.
    pub(super) fn successor(&self) -> Self {
        Self::counting(Arc::clone(&self.counts))
    }

    /// How it did so far.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.counts.hits.load(Ordering::Relaxed),
            misses: self.counts.misses.load(Ordering::Relaxed),
            entries: self.entries.len() as u64,
            bytes: self.entries.weight(),
        }
    }

    /// What is kept of a token; whether it is still true is for the caller to say.
    pub(super) fn get(&self, digest: &Sha256) -> Option<Entry> {
        self.entries.get(digest)
    }

    pub(super) fn put(&self, digest: Sha256, entry: Entry) {
        self.entries.insert(digest, entry);
    }

    /// Forgets a token that can't become true again.
    pub(super) fn forget(&self, digest: &Sha256) {
        self.entries.remove(digest);
    }

    pub(super) fn count_hit(&self) {
        self.counts.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_miss(&self) {
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
    }
}
