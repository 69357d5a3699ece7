//! Tokens that were verified, so that the next request with one of them costs no signature check.
//!
//! *Invariant: the cache is invisible.* A hit says what verifying afresh would say, at that moment and with those keys:
//! within the token's times, and while its issuer's set still leads its header to the very key that verified it. What is
//! kept is "signature and issuer-level claims are true"; what a route asks is never in it (GHSA-qvp4-rpmr-xwrr).
//!
//! Only what was verified comes in, so forged tokens evict nothing; `refused` remembers some of those apart. Configuration
//! is no part of the key: a cache belongs to one verifier and ends with it (GHSA-4mq7-pvjg-xp2r).

use std::{
    fmt,
    hash::{BuildHasherDefault, Hash, Hasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::{
    Lifecycle, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use super::{hot_tokens::Recent, refused::RefusedTokens};
use crate::{digest::Sha256, jwt::verified_token::VerifiedToken, limits, time::UnixTime};

/// Verified tokens, by the SHA-256 of their characters: nobody can make two that collide.
pub struct TokenCache {
    entries: Entries,
    recent: Recent,
    refused: RefusedTokens,
    counts: Arc<Counts>,
    hash_keys: RandomState,
}

type Entries = Cache<Name, Arc<VerifiedToken>, Weigh, BuildHasherDefault<FirstBytes>, CountEvictions>;

/// A token's name in the cache.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Name(Sha256);

/// A digest needs no hashing: its bytes are as good as random. Whoever looks for tokens whose digests begin alike finds
/// places of the table that are empty: only verified tokens come in.
#[derive(Default)]
struct FirstBytes(u64);

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.first_chunk().map_or(0, |first| u64::from_ne_bytes(*first)));
    }
}

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u64(&mut self, first: u64) {
        self.0 = self.0.rotate_left(8) ^ first;
    }
}

/// Outlive a cache: one that takes over from another counts on.
#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    refusals: AtomicU64,
    evictions: AtomicU64,
}

/// How a cache did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Tokens that needed no signature check.
    pub hits: u64,
    /// Tokens that did, well or not.
    pub misses: u64,
    /// Tokens that needed none because they had been refused before.
    pub refusals: u64,
    /// Tokens that had to make room for others.
    pub evictions: u64,
    /// Tokens that are kept.
    pub entries: u64,
    /// Bytes that they take, estimated.
    pub bytes: u64,
}

/// Counts evicted tokens, and leaves them to be dropped outside of the cache's lock.
#[derive(Clone)]
struct CountEvictions {
    counts: Arc<Counts>,
    then: DropOutside,
}

type DropOutside = DefaultLifecycle<Name, Arc<VerifiedToken>>;

impl Lifecycle<Name, Arc<VerifiedToken>> for CountEvictions {
    type RequestState = <DropOutside as Lifecycle<Name, Arc<VerifiedToken>>>::RequestState;

    fn on_evict(&self, state: &mut Self::RequestState, name: Name, token: Arc<VerifiedToken>) {
        self.counts.evictions.fetch_add(1, Ordering::Relaxed);
        self.then.on_evict(state, name, token);
    }
}

#[derive(Clone)]
struct Weigh;

/// By what to divide the number of tokens for quick_cache. It remembers half as many of those that had to go as it is told
/// to expect, each in a place as large as that of one that is there: a tenth is enough to tell who comes back.
const GONE: usize = 5;

/// Bytes of a place in the cache: what quick_cache keeps beside name and token, its index, and room to grow.
pub(crate) const PLACE: usize = size_of::<Name>() + size_of::<Arc<VerifiedToken>>() + 32;

impl Weighter<Name, Arc<VerifiedToken>> for Weigh {
    fn weight(&self, _: &Name, token: &Arc<VerifiedToken>) -> u64 {
        // No lighter than this: so a bound on bytes is one on their number too.
        let least = limits::TOKEN_CACHE_BYTES.div_ceil(limits::TOKEN_CACHE_ENTRIES);
        (token.size() + PLACE).max(least) as u64
    }
}

#[cfg(any(test, feature = "testing"))]
impl Default for TokenCache {
    fn default() -> Self {
        Self::new(RandomState::default())
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl TokenCache {
    /// An empty cache. The hash keys are random, so that no client can choose tokens that lie in one place of a table.
    #[must_use]
    pub fn new(hash_keys: RandomState) -> Self {
        Self::counting(Arc::default(), hash_keys)
    }

    fn counting(counts: Arc<Counts>, hash_keys: RandomState) -> Self {
        let bytes = limits::TOKEN_CACHE_BYTES as u64;
        let lifecycle = CountEvictions { counts: Arc::clone(&counts), then: DropOutside::default() };
        let entries =
            Cache::with(limits::TOKEN_CACHE_ENTRIES / GONE, bytes, Weigh, BuildHasherDefault::default(), lifecycle);
        Self { entries, recent: Recent::default(), refused: RefusedTokens::new(hash_keys.clone()), counts, hash_keys }
    }

    /// An empty cache that counts where this one does.
    pub(crate) fn successor(&self) -> Self {
        Self::counting(Arc::clone(&self.counts), self.hash_keys.clone())
    }

    /// How it did so far.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.counts.hits.load(Ordering::Relaxed),
            misses: self.counts.misses.load(Ordering::Relaxed),
            refusals: self.counts.refusals.load(Ordering::Relaxed),
            evictions: self.counts.evictions.load(Ordering::Relaxed),
            entries: self.entries.len() as u64,
            bytes: self.entries.weight(),
        }
    }

    /// Those that were shown again and again.
    pub(crate) const fn recent(&self) -> &Recent {
        &self.recent
    }

    /// The cache of refused tokens.
    pub(crate) const fn refused(&self) -> &RefusedTokens {
        &self.refused
    }

    /// What is kept of a token; whether it is still true is for the caller to say.
    pub(crate) fn get(&self, digest: &Sha256) -> Option<Arc<VerifiedToken>> {
        self.entries.get(&Name(*digest))
    }

    pub(crate) fn put(&self, digest: Sha256, token: Arc<VerifiedToken>) {
        self.entries.insert(Name(digest), token);
    }

    /// Forgets a token that can't become true again.
    pub(crate) fn forget(&self, digest: &Sha256) {
        self.entries.remove(&Name(*digest));
    }

    pub(crate) fn count_hit(&self) {
        self.counts.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_refusal(&self) {
        self.counts.refusals.fetch_add(1, Ordering::Relaxed);
    }

    /// A token needs a signature check. Every so many, those that were shown often and are over leave.
    pub(crate) fn count_miss(&self, now: UnixTime) {
        if self.counts.misses.fetch_add(1, Ordering::Relaxed).is_multiple_of(limits::RECENT_SWEEP) {
            self.recent.sweep(now);
        }
    }
}
