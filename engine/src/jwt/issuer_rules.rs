//! What one issuer's tokens must be: data, read from the configuration.

use std::{sync::Arc, time::Duration};

use super::{claim_path::ClaimPath, claim_rule::ClaimRule};
use crate::keys::algorithm::Algorithm;

/// A list that is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonEmpty<T>(Vec<T>);

impl<T> NonEmpty<T> {
    /// The list, or `None` if there is nothing in it.
    #[must_use]
    pub fn new(items: Vec<T>) -> Option<Self> {
        (!items.is_empty()).then_some(Self(items))
    }

    /// Its items.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

#[cfg(any(test, feature = "testing"))]
impl IssuerRules {
    /// Rules for unit tests: `aud` must be `api` or `other`, HS256, no tolerance.
    #[must_use]
    pub fn for_tests(issuer: &str) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: NonEmpty(vec!["api".to_owned(), "other".to_owned()]),
            algorithms: NonEmpty(vec![Algorithm::HS256]),
            clock_tolerance: Duration::ZERO,
            max_token_age: None,
            strict: false,
            audience_claim: "aud".to_owned(),
            client_id_claims: vec!["client_id".to_owned()],
            scope_claims: vec![ClaimPath::top_level("scope")],
            clients: None,
            claims: Vec::new(),
        }
    }
}

/// The rules for one issuer's tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct IssuerRules {
    /// The exact string of the `iss` claim.
    pub issuer: Arc<str>,
    /// One of these must be in the audience claim.
    pub audiences: NonEmpty<String>,
    /// The only signature algorithms; the token's header chooses among them at most.
    pub algorithms: NonEmpty<Algorithm>,
    /// How far `exp`, `nbf` and `iat` may be off.
    pub clock_tolerance: Duration,
    /// Oldest `iat`; set, it makes `iat` required.
    pub max_token_age: Option<Duration>,
    /// RFC 9068: `typ` must be `at+jwt`, and its required claims must be there.
    pub strict: bool,
    /// The claim with the audience: `aud`, or what the provider uses for it (Cognito: `client_id`).
    pub audience_claim: String,
    /// Claims with the client's id, in order of preference.
    pub client_id_claims: Vec<String>,
    /// Claims with scopes; their union counts.
    pub scope_claims: Vec<ClaimPath>,
    /// The only clients whose tokens are taken; `None` for all.
    pub clients: Option<NonEmpty<String>>,
    /// What else its tokens' claims must be. All of it.
    pub claims: Vec<ClaimRule>,
}
