//! From the characters a client sent to a [`VerifiedToken`]: every check, in the order of the design, section 3.
//!
//! SECURITY: the order matters. The issuer is known before any key is looked for, so that a foreign token costs no
//! fetch; the key is looked for within that issuer only, so that one issuer's key never vouches for another's token;
//! claims are judged only after the signature, so that answers about them are never about a forger's text.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

mod claim_checks;
mod evidence;
mod token;

use std::{collections::HashMap, sync::Arc};

use super::{
    claim_retention::{AskedClaims, KeptClaims},
    claims::Claims,
    compact::Compact,
    header::Header,
    issuer_rules::IssuerRules,
};
use crate::token_cache::{cache::TokenCache, refused::Refusal};
use crate::{
    clock::UnixTime,
    digest::{Sha256, sha256},
    keys::{
        key::VerificationKey,
        key_ref::{Basis, Fingerprint},
        key_set::Selection,
        lookup::{Generation, KeyLookup, KeyNeed},
    },
    oauth::access_token::AccessToken,
    reason::TokenFault,
};
pub use evidence::Evidence;
pub use token::VerifiedToken;

/// Why there is no [`VerifiedToken`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// The token is refused.
    Refused(TokenFault),
    /// It can't be judged with the keys that are here; newer ones may help.
    KeyMissing(MissingKey),
}

/// What is known of a token whose key is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingKey {
    /// Whose key.
    pub issuer: Arc<str>,
    /// Which generation of the issuer's keys was looked at.
    pub seen: Generation,
    /// The need that newer keys would have to meet.
    pub need: KeyNeed,
    /// What is wrong with the token if there are no newer keys.
    pub fault: TokenFault,
}

/// Verifies tokens of the configured issuers. Clones share what they remember: they have the same rules.
#[derive(Clone, Debug)]
pub struct Verifier {
    issuers: Arc<HashMap<Arc<str>, Arc<IssuerRules>>>,
    kept: Arc<KeptClaims>,
    cache: Arc<TokenCache>,
}

impl From<TokenFault> for Unverified {
    fn from(fault: TokenFault) -> Self {
        Self::Refused(fault)
    }
}

impl Verifier {
    /// A verifier of these issuers. Its tokens keep all of their claims.
    #[must_use]
    pub fn new(issuers: impl IntoIterator<Item = IssuerRules>) -> Self {
        let issuers = issuers.into_iter().map(|rules| (Arc::clone(&rules.issuer), Arc::new(rules))).collect();
        Self { issuers: Arc::new(issuers), kept: Arc::new(KeptClaims::All), cache: Arc::default() }
    }

    /// The same verifier whose tokens keep only those of their claims that are asked about. It remembers no token, and
    /// counts on.
    #[must_use]
    pub fn keeping(&self, asked: AskedClaims) -> Self {
        let (issuers, cache) = (Arc::clone(&self.issuers), Arc::new(self.cache.successor()));
        Self { issuers, kept: Arc::new(asked.into()), cache }
    }

    /// Whether its tokens keep all claims that are asked about.
    #[must_use]
    pub fn keeps(&self, asked: &AskedClaims) -> bool {
        self.kept.include(asked)
    }

    /// A verifier of other issuers, or of the same by other rules, that takes over from this one: it remembers no token,
    /// and counts on.
    #[must_use]
    pub fn successor(&self, issuers: impl IntoIterator<Item = IssuerRules>) -> Self {
        Self { cache: Arc::new(self.cache.successor()), ..Self::new(issuers) }
    }

    /// The tokens that it remembers, to look at.
    #[must_use]
    pub fn cache(&self) -> &Arc<TokenCache> {
        &self.cache
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
            // It is over, or other keys are in use. One whose times are yet to come stays.
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
        match self.verify_afresh(token, keys, now) {
            Ok(verified) => {
                let verified = Arc::new(verified);
                self.cache.put(digest, Arc::clone(&verified));
                Ok(verified)
            }
            Err(failure) => {
                if let Some(refusal) = failure.to_remember() {
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

    fn verify_afresh(
        &self,
        token: AccessToken<'_>,
        keys: &dyn KeyLookup,
        now: UnixTime,
    ) -> Result<VerifiedToken, Failure> {
        let (compact, header, claims) = read(token).map_err(Failure::Unread)?;
        let rules = self.issuer_of(&claims)?;
        if !rules.algorithms.as_slice().contains(&header.algorithm) {
            return Err(TokenFault::AlgorithmNotAllowed.into());
        }
        let basis = check_signature(&compact, &header, rules, keys)?;
        let facts = claim_checks::check(&claims, header.token_type, rules, now)?;
        let token = VerifiedToken::of(Arc::clone(rules), facts, basis);
        Ok(token.with(self.kept.of(claims, rules)))
    }

    fn issuer_of(&self, claims: &Claims) -> Result<&Arc<IssuerRules>, TokenFault> {
        let issuer = claims.name("iss")?.ok_or(TokenFault::MalformedClaims)?;
        self.issuers.get(issuer).ok_or(TokenFault::UnknownIssuer)
    }
}

/// The failure of verifying a token afresh, by what it depends on.
enum Failure {
    /// The token can't be read. Depends on its bytes alone.
    Unread(TokenFault),
    /// The token is refused. Depends on the configuration, the time, or both as well.
    Refused(TokenFault),
    /// No key verifies the token. Depends on its bytes and on the keys of that set, if there is one.
    NoKey(MissingKey, Option<Fingerprint>),
}

impl From<TokenFault> for Failure {
    fn from(fault: TokenFault) -> Self {
        Self::Refused(fault)
    }
}

impl From<Failure> for Unverified {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unread(fault) | Failure::Refused(fault) => Self::Refused(fault),
            Failure::NoKey(missing, _) => Self::KeyMissing(missing),
        }
    }
}

impl Failure {
    /// The refusal that the next request with this token gets without verifying it. Other tokens that can't be read are
    /// recognised sooner than they could be found in the cache.
    fn to_remember(&self) -> Option<Refusal> {
        match self {
            Self::Unread(TokenFault::Malformed) => Some(Refusal::Malformed),
            Self::NoKey(missing, Some(set)) => Some(Refusal::NoKey {
                issuer: Arc::clone(&missing.issuer),
                set: *set,
                need: missing.need,
                fault: missing.fault,
            }),
            // Whether keys are there depends on the time.
            Self::Unread(_) | Self::Refused(_) | Self::NoKey(_, None) => None,
        }
    }
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

fn read(token: AccessToken<'_>) -> Result<(Compact<'_>, Header, Claims), TokenFault> {
    let compact = Compact::parse(token)?;
    let header = Header::parse(&compact.header)?;
    let claims = Claims::parse(&compact.payload)?;
    Ok((compact, header, claims))
}

/// Whether verifying a remembered token afresh would succeed: by which key of which set, if so.
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

fn check_signature(
    compact: &Compact<'_>,
    header: &Header,
    rules: &IssuerRules,
    keys: &dyn KeyLookup,
) -> Result<Arc<Basis>, Failure> {
    let missing = |seen, need, fault| MissingKey { issuer: Arc::clone(&rules.issuer), seen, need, fault };
    let Some(snapshot) = keys.current(&rules.issuer) else {
        return Err(Failure::NoKey(missing(Generation::NONE, new_key(header), TokenFault::UnknownKey), None));
    };
    let missing =
        |need, fault| Failure::NoKey(missing(snapshot.generation, need, fault), Some(snapshot.set.fingerprint()));
    let message = compact.signing_input.as_bytes();
    let is_its = |key: &&VerificationKey| key.verify(header.algorithm, message, &compact.signature);
    let key = match snapshot.set.select(header.key_hint(), header.algorithm) {
        // A provider may be in the middle of a rotation: a newer set may be clear.
        Selection::Ambiguous => return Err(missing(KeyNeed::Replacement, TokenFault::AmbiguousKey)),
        Selection::None => return Err(missing(new_key(header), TokenFault::UnknownKey)),
        Selection::One(key) => Some(key).filter(is_its),
        // SECURITY: all of them are the issuer's own, and the algorithm is pinned to each: whichever verifies is one that
        // the issuer vouches for.
        Selection::Few(keys) => keys.iter().find(is_its),
    };
    // A provider may have replaced the key under its `kid`.
    key.map(|key| Arc::clone(key.basis())).ok_or_else(|| missing(KeyNeed::Replacement, TokenFault::BadSignature))
}

/// The key that a header names, of which there is none. A digest: the name is the client's text.
fn new_key(header: &Header) -> KeyNeed {
    let kid = header.kid.as_ref().map(|kid| format!("={kid}")).unwrap_or_default();
    let certificate = header.certificate.as_ref().map(|names| format!(" {:?} {:?}", names.x5t, names.x5t_s256));
    let names = format!("{}{kid}{}", header.algorithm.name(), certificate.unwrap_or_default());
    KeyNeed::New(sha256(names.as_bytes()))
}

#[cfg(test)]
mod cache_tests;
#[cfg(test)]
mod tests;
