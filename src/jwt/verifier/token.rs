//! The proof that a token was checked, and what it says.

use std::sync::Arc;

use super::claim_checks::Facts;
use crate::{
    clock::UnixTime,
    jwt::{claims::Claims, issuer_rules::IssuerRules},
    policy::scope::ScopeSet,
};

/// The proof that a token was checked. Only [`super::Verifier::verify`] makes one.
///
/// It says: signature and issuer-level claims are true at the time of the check. What a route asks is not in it.
#[derive(Clone)]
pub struct VerifiedToken {
    /// What it was checked by.
    rules: Arc<IssuerRules>,
    subject: Option<String>,
    client_id: Option<String>,
    scopes: ScopeSet,
    expires_at: UnixTime,
    claims: Claims,
}

impl VerifiedToken {
    /// Of what the verifier found.
    pub(super) fn of(rules: Arc<IssuerRules>, facts: Facts, claims: Claims) -> Self {
        let Facts { subject, client_id, scopes, times } = facts;
        Self { rules, subject, client_id, scopes, expires_at: times.expires_at, claims }
    }

    /// Bytes that it takes in memory, estimated.
    #[must_use]
    pub fn size(&self) -> usize {
        let texts = [&self.subject, &self.client_id].into_iter().flatten().map(String::capacity).sum::<usize>();
        size_of::<Self>().saturating_add(texts).saturating_add(self.scopes.size()).saturating_add(self.claims.size())
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
        self.claims.has_audience(&self.rules.audience_claim, is_wanted) == Ok(true)
    }

    /// The claim that names its audience.
    #[must_use]
    pub fn audience_claim(&self) -> &str {
        &self.rules.audience_claim
    }

    /// `sub`
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whom the token was given to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Its scopes.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// `exp`
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// All its claims.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// A token that nobody verified, for unit tests of what comes after.
    #[cfg(test)]
    #[expect(clippy::needless_pass_by_value, reason = "json!() at the call reads better")]
    pub(crate) fn for_tests(claims: serde_json::Value) -> Self {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        let scopes = claims.scopes(&[crate::jwt::claim_path::ClaimPath::top_level("scope")]).unwrap();
        let subject = claims.name("sub").unwrap().map(str::to_owned);
        let client_id = claims.name("client_id").unwrap().map(str::to_owned);
        Self {
            rules: Arc::new(IssuerRules::for_tests("https://issuer.test/")),
            subject,
            client_id,
            scopes,
            expires_at: UnixTime::from_secs(0),
            claims,
        }
    }
}

impl std::fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedToken").field("issuer", &self.rules.issuer).finish_non_exhaustive()
    }
}
