//! A verifier that remembers tokens.
//!
//! *Invariant: the cache is invisible.* It answers as [`Verifier`] does, at every moment and with every set of keys.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

use std::{hash::RandomState, sync::Arc};

use super::{cache::TokenCache, refused::Refusal};
use crate::{
    digest::{Sha256, sha256},
    jwt::{
        claim_retention::AskedClaims,
        compact::Compact,
        evidence::Evidence,
        header::Header,
        issuer_rules::IssuerRules,
        verified_token::VerifiedToken,
        verifier::{MissingKey, Unverified, Verifier},
    },
    keys::{key::VerificationKey, key_ref::Basis, key_set::Selection, lookup::KeyLookup},
    oauth::access_token::AccessToken,
    reason::{DenyReason, TokenFault},
    time::UnixTime,
};

/// A [`Verifier`] with a cache. Clones share what they remember: they have the same rules.
#[derive(Clone, Debug)]
pub struct CachedVerifier {
    verifier: Verifier,
    cache: Arc<TokenCache>,
}

impl CachedVerifier {
    /// A verifier of these issuers that remembers nothing yet. Its tokens keep all of their claims. The hash keys are random.
    #[must_use]
    pub fn new(issuers: impl IntoIterator<Item = IssuerRules>, hash_keys: RandomState) -> Self {
        Self { verifier: Verifier::new(issuers), cache: Arc::new(TokenCache::new(hash_keys)) }
    }

    /// Returns this verifier with tokens that keep only those of their claims that are asked about. It remembers no token, and
    /// counts on.
    #[must_use]
    pub fn keeping(&self, asked: AskedClaims) -> Self {
        Self { verifier: self.verifier.keeping(asked), cache: Arc::new(self.cache.successor()) }
    }

    /// Says whether its tokens keep all claims that are asked about.
    #[must_use]
    pub fn keeps(&self, asked: &AskedClaims) -> bool {
        self.verifier.keeps(asked)
    }

    /// A verifier of other issuers, or of the same by other rules, that takes over from this one: it remembers no token,
    /// and counts on.
    #[must_use]
    pub fn successor(&self, issuers: impl IntoIterator<Item = IssuerRules>) -> Self {
        Self { verifier: Verifier::new(issuers), cache: Arc::new(self.cache.successor()) }
    }

    /// The verifier that is asked about tokens that are not remembered.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The tokens that it remembers, to look at.
    #[must_use]
    pub const fn cache(&self) -> &Arc<TokenCache> {
        &self.cache
    }

    /// Returns the evidence about a token that was denied for that reason, see [`Verifier::evidence`].
    #[must_use]
    pub fn evidence(&self, token: AccessToken<'_>, reason: DenyReason) -> Evidence {
        self.verifier.evidence(token, reason)
    }

    /// Verifies a token with the keys that are here, at that moment.
    ///
    /// # Errors
    /// [`Unverified`]: the client's fault, or a key that may be had.
    pub fn verify(
        &self,
        token: AccessToken<'_>,
        keys: &dyn KeyLookup,
        now: UnixTime,
    ) -> Result<Arc<VerifiedToken>, Unverified> {
        let text = token.expose().as_bytes();
        let mut leaves = false;
        if let Some(found) = self.cache.recent().get(text) {
            if found.valid().contains(&now) && keys.are_still(found.issuer(), &found.basis().set) {
                self.cache.count_hit();
                return Ok(found);
            }
            // It has expired, or other keys are in use. One whose times are yet to come stays.
            leaves = now >= found.valid().start;
        }
        let digest = sha256(text);
        if let Some(found) = self.cache.get(&digest) {
            if let Some(basis) = still_true(&found, token, keys, now) {
                self.cache.count_hit();
                let found = self.with_basis(found, &basis, digest);
                self.cache.recent().offer(text, &found);
                return Ok(found);
            }
            if now >= found.valid().end {
                self.cache.forget(&digest);
            }
        }
        // Nothing vouches for it by now.
        if leaves {
            self.cache.recent().forget(text);
        }
        if let Some(refused) = self.cache.refused().get(&digest).and_then(|refusal| still_refused(refusal, keys)) {
            self.cache.count_refusal();
            return Err(refused);
        }
        self.cache.count_miss(now);
        match self.verifier.examine(token, keys, now) {
            Ok(verified) => {
                let verified = Arc::new(verified);
                self.cache.put(digest, Arc::clone(&verified));
                Ok(verified)
            }
            Err(failure) => {
                if let Some(refusal) = Refusal::of(&failure) {
                    self.cache.refused().put(digest, refusal);
                }
                Err(failure.into())
            }
        }
    }

    /// A remembered token as one whose key is in that set.
    fn with_basis(&self, found: Arc<VerifiedToken>, basis: &Arc<Basis>, digest: Sha256) -> Arc<VerifiedToken> {
        if basis.set == found.basis().set {
            return found;
        }
        let found = Arc::new(found.resting_on(Arc::clone(basis)));
        self.cache.put(digest, Arc::clone(&found));
        found
    }
}

/// Says whether verifying a remembered token afresh would succeed: by which key of which set, if so.
///
/// SECURITY: the keys are asked each time, so that a key that was removed, replaced or has become ambiguous vouches for
/// nothing any more, and neither does a set past its `max_stale`.
fn still_true(
    found: &VerifiedToken,
    token: AccessToken<'_>,
    keys: &dyn KeyLookup,
    now: UnixTime,
) -> Option<Arc<Basis>> {
    if !found.valid().contains(&now) {
        return None;
    }
    let snapshot = keys.current(found.issuer())?;
    if snapshot.set.fingerprint() == found.basis().set {
        return Some(Arc::clone(found.basis()));
    }
    // Other keys than those it was verified with: does its header still lead to the same one?
    let compact = Compact::parse(token).ok()?;
    let header = Header::parse(&compact.header).ok()?;
    let is_it = |key: &&VerificationKey| *key.thumbprint() == found.basis().key;
    let key = match snapshot.set.select(header.key_hint(), header.algorithm) {
        Selection::One(key) => Some(key).filter(is_it),
        Selection::Few(keys) => keys.iter().find(is_it),
        Selection::None | Selection::Ambiguous => None,
    };
    key.map(|key| Arc::clone(key.basis()))
}

/// Says what verifying a refused token afresh would yield, if that is known.
fn still_refused(refusal: Refusal, keys: &dyn KeyLookup) -> Option<Unverified> {
    match refusal {
        Refusal::Malformed => Some(TokenFault::Malformed.into()),
        Refusal::NoKey { issuer, set, need, fault } => {
            let snapshot = keys.current(&issuer).filter(|snapshot| snapshot.set.fingerprint() == set)?;
            // The same keys may have been fetched once more: newer ones are asked for from here on.
            Some(Unverified::KeyMissing(MissingKey { issuer, seen: snapshot.generation, need, fault }))
        }
    }
}

#[cfg(test)]
mod tests;
