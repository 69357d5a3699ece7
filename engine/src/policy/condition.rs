//! The single things that a requirement asks of a token, in the order in which they are judged.
//!
//! Whoever decides, explains or counts which of them a test exercised goes through these, so that all say the same.

use std::{fmt, sync::Arc};

use super::{
    Policy,
    binding::Binding,
    rule::{Access, Requirement},
};
use crate::{
    jwt::{claim_retention::AskedClaims, claim_rule::ClaimRule, issuer_rules::NonEmpty, verified_token::VerifiedToken},
    oauth::scope::ScopeNeed,
    reason::DenyReason,
    request::target::RequestTarget,
};

/// One thing that a requirement asks.
#[derive(Clone, Copy, Debug)]
pub enum Condition<'r> {
    /// The token is of one of these issuers.
    Issuer(&'r NonEmpty<Arc<str>>),
    /// The token is for one of these audiences.
    Audience(&'r NonEmpty<String>),
    /// The token has this scope.
    Scope(&'r ScopeNeed),
    /// The token has one of these scopes, of which there is one at least.
    AnyScope(&'r [ScopeNeed]),
    /// A claim has a value.
    Claim(&'r ClaimRule),
    /// A claim matches a part of the request.
    Binding(&'r Binding),
}

impl Condition<'_> {
    /// Whether a token meets it, on that request.
    #[must_use]
    pub fn is_met_by(&self, token: &VerifiedToken, target: &RequestTarget) -> bool {
        match self {
            Self::Issuer(issuers) => issuers.as_slice().iter().any(|issuer| **issuer == *token.issuer()),
            Self::Audience(audiences) => token.is_for(audiences.as_slice()),
            Self::Scope(need) => need.is_met_by(&token.scopes()),
            Self::AnyScope(needs) => {
                let held = token.scopes();
                needs.iter().any(|need| need.is_met_by(&held))
            }
            Self::Claim(rule) => rule.is_met_by(token.claims()),
            Self::Binding(binding) => binding.is_met_by(token.claims(), target),
        }
    }

    /// Asks for the claims that [`Self::is_met_by`] looks at beside what every token keeps.
    fn ask(&self, asked: &mut AskedClaims) {
        match self {
            Self::Issuer(_) | Self::Scope(_) | Self::AnyScope(_) => {}
            Self::Audience(_) => asked.ask_audience(),
            Self::Claim(rule) => asked.ask(rule.claim.name()),
            Self::Binding(binding) => asked.ask(binding.claim.name()),
        }
    }

    /// Why a request is denied that doesn't meet it.
    #[must_use]
    pub const fn reason(&self) -> DenyReason {
        match self {
            Self::Issuer(_) => DenyReason::IssuerNotAdmitted,
            Self::Audience(_) => DenyReason::AudienceNotAdmitted,
            Self::Scope(_) | Self::AnyScope(_) => DenyReason::InsufficientScope,
            Self::Claim(_) | Self::Binding(_) => DenyReason::ClaimRule,
        }
    }
}

impl Policy {
    /// The claims that its rules ask about, all others of a token may be forgotten: no decision is another one then.
    #[must_use]
    pub fn asked_claims(&self) -> AskedClaims {
        let mut asked = AskedClaims::default();
        for rule in self.rules().chain(self.default_rule()).chain(self.named().map(|(_, rule)| rule)) {
            if let Access::Token(requirement) = &rule.access {
                requirement.conditions().for_each(|condition| condition.ask(&mut asked));
            }
        }
        asked
    }
}

impl Requirement {
    /// What it asks, one by one, in the order in which it is judged.
    pub fn conditions(&self) -> impl Iterator<Item = Condition<'_>> {
        let any = Some(self.scopes.any.as_slice()).filter(|any| !any.is_empty());
        let whose = self.issuers.iter().map(Condition::Issuer);
        let for_whom = self.audiences.iter().map(Condition::Audience);
        let scopes = self.scopes.all.iter().map(Condition::Scope).chain(any.map(Condition::AnyScope));
        let claims = self.claims.iter().map(Condition::Claim);
        whose.chain(for_whom).chain(scopes).chain(claims).chain(self.bindings.iter().map(Condition::Binding))
    }

    /// The same requirement without one of its conditions, by place in [`Self::conditions`]: to see whether anybody
    /// notices. Never for deciding about a request.
    #[must_use]
    pub fn without(&self, index: usize) -> Self {
        let mut left = Self::default();
        for (_, condition) in self.conditions().enumerate().filter(|(at, _)| *at != index) {
            match condition {
                Condition::Issuer(issuers) => left.issuers = Some(issuers.clone()),
                Condition::Audience(audiences) => left.audiences = Some(audiences.clone()),
                Condition::Scope(need) => left.scopes.all.push(need.clone()),
                Condition::AnyScope(needs) => left.scopes.any = needs.to_vec(),
                Condition::Claim(rule) => left.claims.push(rule.clone()),
                Condition::Binding(binding) => left.bindings.push(binding.clone()),
            }
        }
        left
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer(issuers) => write!(f, "issuer {}", listed(issuers.as_slice())),
            Self::Audience(audiences) => write!(f, "audience {}", listed(audiences.as_slice())),
            Self::Scope(need) => write!(f, "scope {}", need.scope()),
            Self::AnyScope(needs) => {
                let scopes: Vec<&str> = needs.iter().map(|need| need.scope().as_str()).collect();
                write!(f, "scope {}", listed(&scopes))
            }
            Self::Claim(rule) => rule.fmt(f),
            Self::Binding(binding) => binding.fmt(f),
        }
    }
}

fn listed(items: &[impl AsRef<str>]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    items.join(" or ")
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
