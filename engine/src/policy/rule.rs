//! What a rule asks, and the permit that only a rule gives.

use std::{fmt, sync::Arc};

use super::binding::Binding;
use crate::{
    jwt::{claim_rule::ClaimRule, issuer_rules::NonEmpty, verified_token::VerifiedToken},
    oauth::scope::ScopeRequirement,
    reason::DenyReason,
    request::target::RequestTarget,
};

/// The name of a rule, and where it is written. Both stand in logs and metadata, the name in metrics as well, so they come
/// from the configuration alone.
#[derive(Clone, Debug)]
pub struct RuleId {
    text: Arc<str>,
    written_at: Arc<str>,
}

/// A rule that has moved within its file is the same.
impl PartialEq for RuleId {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for RuleId {}

impl RuleId {
    /// The id of that text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), written_at: Arc::default() }
    }

    /// The same, of a rule that is written there: `portcullis.yaml:23`.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        Self { written_at: place.into(), ..self }
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its text, to be held: the same for all clones, at one place in memory.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.text
    }

    /// Where the rule is written, for people: `portcullis.yaml:23`; empty if nowhere.
    #[must_use]
    pub fn written_at(&self) -> &str {
        &self.written_at
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
    /// The only issuers whose tokens do here; `None` for all.
    pub issuers: Option<NonEmpty<Arc<str>>>,
    /// The token must be for one of these audiences; `None` for any that its issuer is configured with.
    pub audiences: Option<NonEmpty<String>>,
    /// Scopes.
    pub scopes: ScopeRequirement,
    /// Rules on claims.
    pub claims: Vec<ClaimRule>,
    /// Claims that must match a part of the request.
    pub bindings: Vec<Binding>,
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
    /// The reason of the first condition that the token does not meet.
    pub fn admit(&self, token: Arc<VerifiedToken>, target: &RequestTarget) -> Result<Permit, DenyReason> {
        match &self.access {
            Access::Public | Access::Optional => {}
            Access::Token(requirement) => requirement.check(&token, target)?,
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
    fn check(&self, token: &VerifiedToken, target: &RequestTarget) -> Result<(), DenyReason> {
        self.conditions()
            .find(|condition| !condition.is_met_by(token, target))
            .map_or(Ok(()), |unmet| Err(unmet.reason()))
    }

    /// Whether whatever meets `self` meets `other` as well. `false` is no proof that something does not.
    fn implies(&self, other: &Self) -> bool {
        let is_met = |rule: &ClaimRule| self.claims.iter().any(|mine| mine.implies(rule));
        is_within(self.issuers.as_ref(), other.issuers.as_ref())
            && is_within(self.audiences.as_ref(), other.audiences.as_ref())
            && self.scopes.implies(&other.scopes)
            && other.claims.iter().all(is_met)
            && other.bindings.iter().all(|binding| self.bindings.contains(binding))
    }
}

impl Access {
    /// How many items there are to compare in it.
    pub(super) fn size(&self) -> usize {
        let Self::Token(asked) = self else { return 1 };
        let lists = asked.issuers.as_ref().map_or(0, |all| all.as_slice().len())
            + asked.audiences.as_ref().map_or(0, |all| all.as_slice().len());
        let needs = asked.scopes.all.iter().chain(&asked.scopes.any).map(|need| 1 + need.substitutes().len());
        let claims = asked.claims.iter().map(|rule| rule.test.size());
        1 + lists + needs.sum::<usize>() + claims.sum::<usize>() + asked.bindings.len()
    }

    /// Whether whatever `self` lets in, `other` would let in as well.
    #[must_use]
    pub fn is_at_least_as_strict_as(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Public) | (Self::Optional | Self::Token(_), Self::Optional) => true,
            (Self::Public | Self::Optional, _) => false,
            (Self::Token(mine), Self::Token(theirs)) => mine.implies(theirs),
        }
    }
}

/// Whether one list, of which a token must have one, is within another. No list is all.
fn is_within<T: PartialEq>(mine: Option<&NonEmpty<T>>, theirs: Option<&NonEmpty<T>>) -> bool {
    let Some(theirs) = theirs else { return true };
    mine.is_some_and(|mine| mine.as_slice().iter().all(|item| theirs.as_slice().contains(item)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        jwt::{claim_path::ClaimPath, claim_rule::ClaimTest},
        oauth::scope::Scope,
    };

    fn token(claims: Value) -> Arc<VerifiedToken> {
        Arc::new(VerifiedToken::for_tests(claims))
    }

    fn target() -> RequestTarget {
        RequestTarget::for_tests("/")
    }

    fn rule(access: Access) -> Rule {
        Rule { id: RuleId::new("r"), access }
    }

    fn scoped(all: &[&str]) -> Access {
        let all = all.iter().map(|text| Scope::parse(text).unwrap().into()).collect();
        Access::Token(Requirement { scopes: ScopeRequirement { all, any: vec![] }, ..Requirement::default() })
    }

    fn claim(name: &str, test: ClaimTest) -> Access {
        let claims = vec![ClaimRule { claim: ClaimPath::top_level(name), test }];
        Access::Token(Requirement { claims, ..Requirement::default() })
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
        assert!(rule.admit(token(json!({"scope": "openid read:messages"})), &target()).is_ok());
        let denied = rule.admit(token(json!({"scope": "read:message"})), &target());
        assert_eq!(denied.unwrap_err(), DenyReason::InsufficientScope);
    }

    #[test]
    fn a_claim_rule_compares_type_and_value() {
        let equals = rule(claim("org", ClaimTest::Equals(json!("7"))));
        assert!(equals.admit(token(json!({"org": "7"})), &target()).is_ok());
        for bad in [json!({"org": 7}), json!({"org": ["7"]}), json!({}), json!({"Org": "7"})] {
            assert_eq!(equals.admit(token(bad), &target()).unwrap_err(), DenyReason::ClaimRule);
        }
    }

    #[test]
    fn includes_reads_arrays_and_words() {
        let includes = rule(claim("roles", ClaimTest::Includes(vec![json!("a"), json!("b")])));
        assert!(includes.admit(token(json!({"roles": ["b", "a", "c"]})), &target()).is_ok());
        assert!(includes.admit(token(json!({"roles": "a b"})), &target()).is_ok());
        assert!(includes.admit(token(json!({"roles": "ab"})), &target()).is_err());
        assert!(includes.admit(token(json!({"roles": ["a"]})), &target()).is_err());
    }

    #[test]
    fn present_is_not_met_by_null_and_one_of_needs_a_member() {
        let present = rule(claim("x", ClaimTest::Present));
        assert!(present.admit(token(json!({"x": false})), &target()).is_ok());
        assert!(present.admit(token(json!({"x": null})), &target()).is_err());
        let one_of = rule(claim("x", ClaimTest::OneOf(vec![json!(1), json!(2)])));
        assert!(one_of.admit(token(json!({"x": 2})), &target()).is_ok());
        assert!(one_of.admit(token(json!({"x": 3})), &target()).is_err());
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
