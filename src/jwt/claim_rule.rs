//! Rules on single claims, of an issuer and of a route alike: what a claim's value must be.

use serde_json::Value;

use super::claims::Claims;

/// A rule on one top-level claim.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimRule {
    /// The claim's name, exactly.
    pub claim: String,
    /// What its value must be. An absent claim meets nothing.
    pub test: ClaimTest,
}

/// What the value of a claim must be. Values compare by JSON type and value: `7` is not `"7"`, nor is it `7.0`.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimTest {
    /// There, with any value but `null`.
    Present,
    /// This value.
    Equals(Value),
    /// One of these values.
    OneOf(Vec<Value>),
    /// An array that has all of these members, or a string that has them between spaces.
    Includes(Vec<Value>),
}

impl ClaimRule {
    /// Whether the claims meet the rule.
    #[must_use]
    pub fn is_met_by(&self, claims: &Claims) -> bool {
        claims.get(&self.claim).is_some_and(|value| self.test.is_met_by(value))
    }

    /// Whether every token that meets `self` meets `other` as well. `false` is no proof that some token does not.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        self.claim == other.claim && self.test.implies(&other.test)
    }
}

impl ClaimTest {
    fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            // Of single values it is known whether they meet the other test: `null` is not present, for one.
            (Self::Equals(value), _) => other.is_met_by(value),
            (Self::OneOf(values), _) => values.iter().all(|value| other.is_met_by(value)),
            (Self::Includes(mine), Self::Includes(theirs)) => theirs.iter().all(|member| mine.contains(member)),
            // What includes something is an array or a string; of no members, `null` has all.
            (Self::Includes(mine), Self::Present) => !mine.is_empty(),
            (Self::Present, Self::Present) => true,
            (Self::Includes(_) | Self::Present, _) => false,
        }
    }

    fn is_met_by(&self, value: &Value) -> bool {
        match self {
            Self::Present => !value.is_null(),
            Self::Equals(wanted) => value == wanted,
            Self::OneOf(wanted) => wanted.contains(value),
            Self::Includes(wanted) => wanted.iter().all(|member| includes(value, member)),
        }
    }
}

fn includes(value: &Value, member: &Value) -> bool {
    match (value, member) {
        (Value::Array(values), _) => values.contains(member),
        (Value::String(text), Value::String(member)) => text.split(' ').any(|word| word == member),
        _ => false,
    }
}
