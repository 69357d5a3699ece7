//! What a rule asks, and the permit that only a rule gives.

use std::{fmt, sync::Arc};

use super::scope::ScopeRequirement;
use crate::{
    decision::DenyReason,
    jwt::{claim_rule::ClaimRule, verifier::VerifiedToken},
};

/// The name of a rule: stands in logs, metadata and metrics, so it comes from the configuration alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(Arc<str>);

impl RuleId {
    /// The id of that text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rule of one route.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub id: RuleId,
    /// What it asks.
    pub access: Access,
}

/// What a request must bring.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// Nothing; credentials are not looked at.
    Public,
    /// Nothing, but whatever credentials are there must be a valid token.
    Optional,
    /// A valid token that meets the requirement. The empty requirement is `access: authenticated`.
    Token(Requirement),
}

/// What a token must have beyond being valid. All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requirement {
    /// Scopes.
    pub scopes: ScopeRequirement,
    /// Rules on claims.
    pub claims: Vec<ClaimRule>,
}

/// The proof that a rule admitted a request. Only [`Rule`] makes one, and only from one an allow answer is made.
#[derive(Clone, Debug)]
pub struct Permit {
    rule: RuleId,
    token: Option<Arc<VerifiedToken>>,
}

impl Permit {
    /// The rule that admitted the request.
    #[must_use]
    pub fn rule(&self) -> &RuleId {
        &self.rule
    }

    /// The token it was admitted with, if the rule looked at one.
    #[must_use]
    pub fn token(&self) -> Option<&VerifiedToken> {
        self.token.as_deref()
    }
}

impl Rule {
    /// Whether credentials matter at all.
    #[must_use]
    pub fn ignores_credentials(&self) -> bool {
        matches!(self.access, Access::Public)
    }

    /// Judges a request without credentials.
    ///
    /// # Errors
    /// [`DenyReason::NoCredentials`] if the rule asks for a token.
    pub fn admit_anonymous(&self) -> Result<Permit, DenyReason> {
        match self.access {
            Access::Public | Access::Optional => Ok(Permit { rule: self.id.clone(), token: None }),
            Access::Token(_) => Err(DenyReason::NoCredentials),
        }
    }

    /// Judges a request with a valid token.
    ///
    /// # Errors
    /// [`DenyReason::InsufficientScope`] or [`DenyReason::ClaimRule`] for what the token lacks.
    pub fn admit(&self, token: Arc<VerifiedToken>) -> Result<Permit, DenyReason> {
        match &self.access {
            Access::Public | Access::Optional => {}
            Access::Token(requirement) => requirement.check(&token)?,
        }
        Ok(Permit { rule: self.id.clone(), token: Some(token) })
    }

    /// The scopes that the rule asks for, for the challenge.
    #[must_use]
    pub fn needed_scopes(&self) -> Option<&ScopeRequirement> {
        match &self.access {
            Access::Token(requirement) if !requirement.scopes.is_empty() => Some(&requirement.scopes),
            Access::Public | Access::Optional | Access::Token(_) => None,
        }
    }
}

impl Requirement {
    fn check(&self, token: &VerifiedToken) -> Result<(), DenyReason> {
        if !self.scopes.is_met_by(token.scopes()) {
            return Err(DenyReason::InsufficientScope);
        }
        let claims_met = self.claims.iter().all(|rule| rule.is_met_by(token.claims()));
        if claims_met { Ok(()) } else { Err(DenyReason::ClaimRule) }
    }
}

impl Access {
    /// Whether whatever `self` lets in, `other` would let in as well.
    #[must_use]
    pub fn is_at_least_as_strict_as(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Public) | (Self::Optional | Self::Token(_), Self::Optional) => true,
            (Self::Public | Self::Optional, _) => false,
            (Self::Token(mine), Self::Token(theirs)) => {
                let implied = |rule: &ClaimRule| mine.claims.iter().any(|mine| mine.implies(rule));
                mine.scopes.implies(&theirs.scopes) && theirs.claims.iter().all(implied)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{jwt::claim_rule::ClaimTest, policy::scope::Scope};

    fn token(claims: Value) -> Arc<VerifiedToken> {
        Arc::new(VerifiedToken::for_tests(claims))
    }

    fn rule(access: Access) -> Rule {
        Rule { id: RuleId::new("r"), access }
    }

    fn scoped(all: &[&str]) -> Access {
        let all = all.iter().map(|text| Scope::parse(text).unwrap()).collect();
        Access::Token(Requirement { scopes: ScopeRequirement { all, any: vec![] }, claims: vec![] })
    }

    fn claim(name: &str, test: ClaimTest) -> Access {
        let claims = vec![ClaimRule { claim: name.into(), test }];
        Access::Token(Requirement { scopes: ScopeRequirement::default(), claims })
    }

    #[test]
    fn without_credentials_only_public_and_optional_admit() {
        assert!(rule(Access::Public).admit_anonymous().is_ok());
        assert!(rule(Access::Optional).admit_anonymous().is_ok());
        let denied = rule(Access::Token(Requirement::default())).admit_anonymous();
        assert_eq!(denied.unwrap_err(), DenyReason::NoCredentials);
    }

    #[test]
    fn a_token_without_the_scope_is_refused_as_insufficient_scope() {
        let rule = rule(scoped(&["read:messages"]));
        assert!(rule.admit(token(json!({"scope": "openid read:messages"}))).is_ok());
        let denied = rule.admit(token(json!({"scope": "read:message"})));
        assert_eq!(denied.unwrap_err(), DenyReason::InsufficientScope);
    }

    #[test]
    fn a_claim_rule_compares_type_and_value() {
        let equals = rule(claim("org", ClaimTest::Equals(json!("7"))));
        assert!(equals.admit(token(json!({"org": "7"}))).is_ok());
        for bad in [json!({"org": 7}), json!({"org": ["7"]}), json!({}), json!({"Org": "7"})] {
            assert_eq!(equals.admit(token(bad)).unwrap_err(), DenyReason::ClaimRule);
        }
    }

    #[test]
    fn includes_reads_arrays_and_words() {
        let includes = rule(claim("roles", ClaimTest::Includes(vec![json!("a"), json!("b")])));
        assert!(includes.admit(token(json!({"roles": ["b", "a", "c"]}))).is_ok());
        assert!(includes.admit(token(json!({"roles": "a b"}))).is_ok());
        assert!(includes.admit(token(json!({"roles": "ab"}))).is_err());
        assert!(includes.admit(token(json!({"roles": ["a"]}))).is_err());
    }

    #[test]
    fn present_is_not_met_by_null_and_one_of_needs_a_member() {
        let present = rule(claim("x", ClaimTest::Present));
        assert!(present.admit(token(json!({"x": false}))).is_ok());
        assert!(present.admit(token(json!({"x": null}))).is_err());
        let one_of = rule(claim("x", ClaimTest::OneOf(vec![json!(1), json!(2)])));
        assert!(one_of.admit(token(json!({"x": 2}))).is_ok());
        assert!(one_of.admit(token(json!({"x": 3}))).is_err());
    }

    #[test]
    fn claim_tests_compare_by_what_meets_them() {
        use ClaimTest::{Equals, Includes, OneOf, Present};
        let one_of = |values: Value| OneOf(values.as_array().unwrap().clone());
        let includes = |values: Value| Includes(values.as_array().unwrap().clone());
        for (stricter, weaker) in [
            (Equals(json!("a")), Present),
            (Equals(json!("a")), one_of(json!(["b", "a"]))),
            (Equals(json!(["a", "b"])), includes(json!(["a"]))),
            (one_of(json!(["a", "b"])), one_of(json!(["b", "c", "a"]))),
            (one_of(json!(["a", 1])), Present),
            (includes(json!(["a", "b"])), includes(json!(["b"]))),
            (includes(json!(["a"])), Present),
        ] {
            let (one, two) = (claim("org", stricter.clone()), claim("org", weaker.clone()));
            assert!(one.is_at_least_as_strict_as(&two), "{stricter:?} {weaker:?}");
            assert!(!two.is_at_least_as_strict_as(&one), "{weaker:?} {stricter:?}");
            assert!(one.is_at_least_as_strict_as(&one) && two.is_at_least_as_strict_as(&two));
            assert!(!one.is_at_least_as_strict_as(&claim("other", weaker)), "of another claim");
        }
        for (one, two) in [
            (Equals(json!(null)), Present),
            (one_of(json!(["a", null])), Present),
            (Equals(json!("a")), Equals(json!("b"))),
            (Equals(json!(7)), one_of(json!(["7"]))),
            (Equals(json!("ab")), includes(json!(["a"]))),
            (Includes(vec![]), Present),
        ] {
            assert!(!claim("org", one.clone()).is_at_least_as_strict_as(&claim("org", two)), "{one:?}");
        }
        let (one, two) = (claim("org", one_of(json!(["a"]))), claim("org", Equals(json!("a"))));
        assert!(one.is_at_least_as_strict_as(&two) && two.is_at_least_as_strict_as(&one), "one of one is that one");
    }

    #[test]
    fn strictness_is_a_partial_order() {
        let any_token = Access::Token(Requirement::default());
        assert!(any_token.is_at_least_as_strict_as(&Access::Optional));
        assert!(Access::Optional.is_at_least_as_strict_as(&Access::Public));
        assert!(!Access::Public.is_at_least_as_strict_as(&Access::Optional));
        assert!(!Access::Optional.is_at_least_as_strict_as(&any_token));
        assert!(scoped(&["a"]).is_at_least_as_strict_as(&any_token));
        assert!(!any_token.is_at_least_as_strict_as(&scoped(&["a"])));
        assert!(!scoped(&["a"]).is_at_least_as_strict_as(&scoped(&["b"])));
    }
}
