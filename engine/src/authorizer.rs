//! The engine: one request and one moment in, one decision out.
//!
//! Pure and synchronous. It knows no wire format, no clock and no network; where keys are missing it says so and is
//! asked once more by its caller.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    jwt::{
        verified_token::VerifiedToken,
        verifier::{MissingKey, Unverified},
    },
    keys::lookup::KeyLookup,
    oauth::{credentials::Credentials, scope::ScopeRequirement},
    policy::{
        Policy,
        rule::{Permit, Rule, RuleId},
    },
    reason::DenyReason,
    request::target::RequestTarget,
    time::UnixTime,
    token_cache::cached_verifier::CachedVerifier,
};

/// What of a request matters to the decision: canonical and bounded.
pub struct RequestAttributes<'a> {
    /// Host, path and method.
    pub target: RequestTarget,
    /// The policy that the proxy chose for the request in place of the routes, if it did.
    pub policy: Option<&'a str>,
    /// The values of all `authorization` headers, in order.
    pub authorization: Vec<&'a [u8]>,
}

impl fmt::Debug for RequestAttributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the credentials.
        f.debug_struct("RequestAttributes").field("target", &self.target).finish_non_exhaustive()
    }
}

/// The decision on a request.
#[derive(Debug)]
pub enum Decision {
    /// It may pass: a rule said so.
    Allow(Permit),
    /// It may not.
    Deny(Denial),
}

/// A denial and what it was found on. What is shown to the client is decided elsewhere.
#[derive(Debug)]
pub struct Denial {
    /// Why.
    pub reason: DenyReason,
    /// The rule that was chosen, if it came to that.
    pub rule: Option<RuleId>,
    /// What scopes that rule asks for.
    pub needed: Option<ScopeRequirement>,
    /// The token that was verified, if it came to that.
    pub token: Option<Arc<VerifiedToken>>,
    /// When to try again, where that helps.
    pub retry_after: Option<Duration>,
    /// The configured issuer whose keys could not be had, where that is why. The token only claims to be of that issuer.
    pub without_keys_of: Option<Arc<str>>,
}

impl Denial {
    /// A denial before any rule was chosen.
    #[must_use]
    pub fn without_rule(reason: DenyReason) -> Self {
        Self { reason, rule: None, needed: None, token: None, retry_after: None, without_keys_of: None }
    }

    fn by(rule: &Rule, reason: DenyReason) -> Self {
        let needed = rule.needed_scopes().cloned();
        Self { rule: Some(rule.id.clone()), needed, ..Self::without_rule(reason) }
    }
}

/// What came of judging a request with the keys that are here.
#[derive(Debug)]
pub enum Outcome {
    /// A decision.
    Decided(Decision),
    /// None: the token's key is missing. Ask the key store, then judge again.
    KeyMissing(Undecided),
}

/// A request that can't be decided without another key. It can only be denied.
#[derive(Debug)]
pub struct Undecided {
    /// Which key.
    pub missing: MissingKey,
    rule: RuleId,
}

impl Undecided {
    /// The key doesn't exist: the client's fault.
    #[must_use]
    pub fn deny_token(self) -> Denial {
        Denial { rule: Some(self.rule), ..Denial::without_rule(self.missing.fault.into()) }
    }

    /// The keys can't be had: our trouble.
    #[must_use]
    pub fn deny_unavailable(self, retry_after: Duration) -> Denial {
        Denial {
            rule: Some(self.rule),
            retry_after: Some(retry_after),
            without_keys_of: Some(self.missing.issuer),
            ..Denial::without_rule(DenyReason::KeysUnavailable)
        }
    }
}

/// Decides requests by a policy and a set of trusted issuers.
#[derive(Debug)]
pub struct Authorizer {
    policy: Policy,
    verifier: CachedVerifier,
}

impl Authorizer {
    /// An authorizer of that policy, for tokens that the verifier accepts. One that forgets claims that the policy asks
    /// about is replaced by one that keeps them: denials of good tokens would be a riddle.
    #[must_use]
    pub fn new(policy: Policy, verifier: CachedVerifier) -> Self {
        let asked = policy.asked_claims();
        let verifier = if verifier.keeps(&asked) { verifier } else { verifier.keeping(asked) };
        Self { policy, verifier }
    }

    /// Its policy, to look at.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its verifier, to look at.
    #[must_use]
    pub fn verifier(&self) -> &CachedVerifier {
        &self.verifier
    }

    /// The rule that decides about a request, whatever its credentials: that of a policy that the proxy chose by name,
    /// or the routes' own.
    ///
    /// # Errors
    /// Why there is none.
    pub fn select(&self, request: &RequestAttributes<'_>) -> Result<&Rule, DenyReason> {
        match request.policy {
            Some(name) => self.policy.select_named(name, &request.target),
            None => self.policy.select(&request.target),
        }
    }

    /// Decides on a request with the keys that are here, at that moment.
    #[must_use]
    pub fn decide(&self, request: &RequestAttributes<'_>, keys: &dyn KeyLookup, now: UnixTime) -> Outcome {
        let rule = match self.select(request) {
            Ok(rule) => rule,
            Err(reason) => return Outcome::Decided(Decision::Deny(Denial::without_rule(reason))),
        };
        if rule.ignores_credentials() {
            return decided(rule, rule.admit_anonymous(), None);
        }
        let token = match Credentials::parse(request.authorization.iter().copied()) {
            Err(reason) => return decided(rule, Err(reason), None),
            Ok(Credentials::None) => return decided(rule, rule.admit_anonymous(), None),
            // Also where a token is optional: whoever shows credentials wants them looked at.
            Ok(Credentials::OtherScheme) => return decided(rule, Err(DenyReason::UnsupportedScheme), None),
            Ok(Credentials::Bearer(token)) => token,
        };
        match self.verifier.verify(token, keys, now) {
            Ok(token) => decided(rule, rule.admit(Arc::clone(&token), &request.target), Some(token)),
            Err(Unverified::Refused(fault)) => decided(rule, Err(fault.into()), None),
            Err(Unverified::KeyMissing(missing)) => Outcome::KeyMissing(Undecided { missing, rule: rule.id.clone() }),
        }
    }
}

fn decided(rule: &Rule, admission: Result<Permit, DenyReason>, token: Option<Arc<VerifiedToken>>) -> Outcome {
    Outcome::Decided(match admission {
        Ok(permit) => Decision::Allow(permit),
        Err(reason) => Decision::Deny(Denial { token, ..Denial::by(rule, reason) }),
    })
}

#[cfg(test)]
mod tests;
