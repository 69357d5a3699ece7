//! The proof that a token was checked, and what it says.

use std::{ops::Range, sync::Arc};

use super::claim_checks::{Facts, Times};
#[cfg(any(test, feature = "testing"))]
use crate::jwt::claim_retention::KeptClaims;
use crate::{
    jwt::{claims::Claims, issuer_rules::IssuerRules},
    keys::key_ref::Basis,
    limits,
    oauth::scope::ScopeSet,
    time::UnixTime,
};

/// The proof that a token was checked. Only [`super::verifier::Verifier::verify`] makes one.
///
/// It says: signature and issuer-level claims are true at the time of the check. What a route asks is not in it.
///
/// There may be a hundred thousand of them in memory, so they are small: two allocations, and a third if claims are kept.
#[derive(Clone)]
pub struct VerifiedToken {
    /// What it was checked by.
    rules: Arc<IssuerRules>,
    /// Subject, client id and scopes, one after the other.
    texts: Box<str>,
    /// How many bytes of `texts` each of the two has, if it is there.
    subject: Option<u16>,
    client_id: Option<u16>,
    expires_at: UnixTime,
    /// When its times are true.
    valid: Range<UnixTime>,
    /// What its signature was found true with.
    basis: Arc<Basis>,
    /// Often none.
    claims: Option<Box<Claims>>,
}

/// Bytes of the token itself, of the counts of its `Arc`, and of what two allocations cost.
const OWN_BYTES: usize = size_of::<VerifiedToken>() + 2 * size_of::<usize>() + 2 * limits::ALLOCATION_BYTES;

// A name's length has a place in `VerifiedToken`.
const _: () = assert!(limits::NAME_CLAIM_BYTES <= u16::MAX as usize);

impl VerifiedToken {
    /// Of what the verifier found.
    pub(super) fn of(rules: Arc<IssuerRules>, facts: Facts<'_>, basis: Arc<Basis>) -> Self {
        let Facts { subject, client_id, scopes, times: Times { expires_at, valid } } = facts;
        let length = |text: Option<&str>| text.and_then(|text| u16::try_from(text.len()).ok());
        Self {
            rules,
            texts: [subject.unwrap_or_default(), client_id.unwrap_or_default(), scopes.as_str()].concat().into(),
            subject: length(subject),
            client_id: length(client_id),
            expires_at,
            valid,
            basis,
            claims: None,
        }
    }

    /// The same token with these of its claims.
    pub(crate) fn with(self, claims: Claims) -> Self {
        Self { claims: (!claims.is_empty()).then(|| Box::new(claims)), ..self }
    }

    /// The same token, its key found in another set.
    pub(crate) fn resting_on(&self, basis: Arc<Basis>) -> Self {
        Self { basis, ..self.clone() }
    }

    /// What its signature was found true with.
    pub(crate) const fn basis(&self) -> &Arc<Basis> {
        &self.basis
    }

    /// The moments at which its times are true.
    pub(crate) const fn valid(&self) -> &Range<UnixTime> {
        &self.valid
    }

    /// Bytes that it takes in memory, behind its `Arc`, estimated.
    #[must_use]
    pub fn size(&self) -> usize {
        let claims = self.claims.as_ref().map_or(0, |claims| {
            // The list, and the place of the list.
            claims.size().saturating_add(size_of::<Claims>()).saturating_add(2 * limits::ALLOCATION_BYTES)
        });
        OWN_BYTES.saturating_add(self.texts.len()).saturating_add(claims)
    }

    /// `iss`
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.rules.issuer
    }

    /// Whether it is for one of these audiences, by its issuer's audience claim, and its issuer is trusted for that one:
    /// whatever else an issuer writes into its tokens is no business of other issuers' audiences.
    #[must_use]
    pub fn is_for(&self, audiences: &[String]) -> bool {
        let is_in = |list: &[String], audience: &str| list.iter().any(|one| one == audience);
        let is_wanted = |audience: &str| is_in(audiences, audience) && is_in(self.rules.audiences.as_slice(), audience);
        self.claims().has_audience(&self.rules.audience_claim, is_wanted) == Ok(true)
    }

    /// The claim that names its audience.
    #[must_use]
    pub fn audience_claim(&self) -> &str {
        &self.rules.audience_claim
    }

    /// `sub`
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.texts.get(..usize::from(self.subject?))
    }

    /// Whom the token was given to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        let (_, rest) = self.texts.split_at_checked(self.subject.unwrap_or(0).into())?;
        rest.get(..usize::from(self.client_id?))
    }

    /// Its scopes.
    #[must_use]
    pub fn scopes(&self) -> ScopeSet<'_> {
        let names = usize::from(self.subject.unwrap_or(0)).saturating_add(self.client_id.unwrap_or(0).into());
        ScopeSet::stored(self.texts.get(names..).unwrap_or_default())
    }

    /// `exp`
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// Returns the claims of the token that are kept, see [`crate::jwt::claim_retention`].
    #[must_use]
    pub fn claims(&self) -> &Claims {
        const NONE: &Claims = &Claims::none();
        self.claims.as_deref().unwrap_or(NONE)
    }

    /// A token that nobody verified, for unit tests of what comes after.
    #[cfg(any(test, feature = "testing"))]
    #[expect(clippy::needless_pass_by_value, reason = "json!() at the call reads better")]
    #[must_use]
    pub fn for_tests(claims: serde_json::Value) -> Self {
        Self::for_tests_keeping(&claims, &KeptClaims::All)
    }

    /// The same with those of its claims that are kept.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn for_tests_keeping(claims: &serde_json::Value, kept: &KeptClaims) -> Self {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap_or_else(|_| Claims::none());
        let start = UnixTime::from_secs(0);
        let facts = Facts {
            subject: claims.name("sub").unwrap_or_default(),
            client_id: claims.name("client_id").unwrap_or_default(),
            scopes: claims.scopes(&[crate::jwt::claim_path::ClaimPath::top_level("scope")]),
            times: Times { expires_at: start, valid: start..start },
        };
        let rules = Arc::new(IssuerRules::for_tests("https://issuer.test/"));
        let token = Self::of(Arc::clone(&rules), facts, Arc::new(Basis::for_tests()));
        token.with(kept.of(claims.only(|_| true), &rules))
    }
}

impl std::fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedToken").field("issuer", &self.rules.issuer).finish_non_exhaustive()
    }
}
