//! From the characters a client sent to a [`VerifiedToken`]: every check, in one order.
//!
//! SECURITY: the order matters. The issuer is known before any key is looked for, so that a foreign token costs no
//! fetch; the key is looked for within that issuer only, so that one issuer's key never vouches for another's token;
//! claims are judged only after the signature, so that answers about them are never about a forger's text.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

use std::{collections::HashMap, sync::Arc};

use super::{
    claim_checks,
    claim_retention::{AskedClaims, KeptClaims},
    claims::Claims,
    compact::Compact,
    header::Header,
    issuer_rules::IssuerRules,
    verified_token::VerifiedToken,
};
use crate::{
    digest::sha256,
    keys::{
        key::VerificationKey,
        key_ref::{Basis, Fingerprint},
        key_set::Selection,
        lookup::{Generation, KeyLookup, KeyNeed},
    },
    oauth::access_token::AccessToken,
    reason::TokenFault,
    time::UnixTime,
};

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

/// A verifier of tokens of the configured issuers. It remembers nothing: what it says follows from the token, the keys and
/// the time alone. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Verifier {
    pub(super) issuers: Arc<HashMap<Arc<str>, Arc<IssuerRules>>>,
    kept: Arc<KeptClaims>,
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
        Self { issuers: Arc::new(issuers), kept: Arc::new(KeptClaims::All) }
    }

    /// Returns this verifier with tokens that keep only those of their claims that are asked about.
    #[must_use]
    pub fn keeping(&self, asked: AskedClaims) -> Self {
        Self { issuers: Arc::clone(&self.issuers), kept: Arc::new(asked.into()) }
    }

    /// Whether its tokens keep all claims that are asked about.
    #[must_use]
    pub fn keeps(&self, asked: &AskedClaims) -> bool {
        self.kept.include(asked)
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
    ) -> Result<VerifiedToken, Unverified> {
        self.examine(token, keys, now).map_err(Unverified::from)
    }

    /// Verifies a token, and says of a failure what it depends on.
    pub(crate) fn examine(
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
pub(crate) enum Failure {
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

pub(super) fn read(token: AccessToken<'_>) -> Result<(Compact<'_>, Header, Claims), TokenFault> {
    let compact = Compact::parse(token)?;
    let header = Header::parse(&compact.header)?;
    let claims = Claims::parse(&compact.payload)?;
    Ok((compact, header, claims))
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
pub(crate) mod tests;
