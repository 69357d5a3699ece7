//! Rules on single claims, of an issuer and of a route alike: what a claim's value must be.

use std::fmt;

use serde_json::Value;

use super::{claim_path::ClaimPath, claims::Claims};

/// A rule on one claim.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimRule {
    /// Which claim.
    pub claim: ClaimPath,
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
        claims.at(&self.claim).is_some_and(|value| self.test.is_met_by(value))
    }

    /// Whether every token that meets `self` meets `other` as well. `false` is no proof that some token does not.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        self.claim == other.claim && self.test.implies(&other.test)
    }
}

impl ClaimTest {
    /// How many values there are to compare with.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Present | Self::Equals(_) => 1,
            Self::OneOf(values) | Self::Includes(values) => values.len(),
        }
    }

    /// Whether some value meets all of the tests. `true` is no proof that there is one.
    #[must_use]
    pub fn can_all_be_met(tests: &[&Self]) -> bool {
        let single = tests.iter().find_map(|test| match test {
            Self::Equals(value) => Some(std::slice::from_ref(value)),
            Self::OneOf(values) => Some(values.as_slice()),
            Self::Present | Self::Includes(_) => None,
        });
        let meets_all = |value: &Value| tests.iter().all(|test| test.is_met_by(value));
        single.is_none_or(|values| values.iter().any(meets_all))
    }

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

impl fmt::Display for ClaimRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "claim {} {}", self.claim, self.test)
    }
}

impl fmt::Display for ClaimTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::Present => f.write_str("is present"),
            Self::Equals(value) => write!(f, "equals {value}"),
            Self::OneOf(values) => write!(f, "is one of {}", list(values)),
            Self::Includes(values) => write!(f, "includes {}", list(values)),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn met(test: ClaimTest, claims: &Value) -> bool {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        ClaimRule { claim: ClaimPath::top_level("c"), test }.is_met_by(&claims)
    }

    #[test]
    fn what_meets_a_test_and_what_does_not() {
        let cases = [
            (ClaimTest::Present, vec![json!(false), json!(0), json!(""), json!([])], vec![json!(null)]),
            (
                ClaimTest::Equals(json!("7")),
                vec![json!("7")],
                vec![json!(7), json!(["7"]), json!("77"), json!(null), json!({})],
            ),
            (ClaimTest::Equals(json!(7)), vec![json!(7)], vec![json!("7"), json!(7.5), json!(7.0), json!(true)]),
            (ClaimTest::OneOf(vec![json!(1), json!("b")]), vec![json!(1), json!("b")], vec![json!("1"), json!([1])]),
            (
                ClaimTest::Includes(vec![json!("a"), json!("b")]),
                vec![json!(["b", "x", "a"]), json!("a b"), json!("x b a")],
                vec![json!(["a"]), json!("a"), json!("ab"), json!("a  c"), json!({"a": 1, "b": 1}), json!(null)],
            ),
            (ClaimTest::Includes(vec![json!(1)]), vec![json!([1])], vec![json!("1"), json!(["1"]), json!(1)]),
        ];
        for (test, good, bad) in cases {
            for value in good {
                assert!(met(test.clone(), &json!({ "c": value })), "{test:?} {value}");
            }
            for value in bad {
                assert!(!met(test.clone(), &json!({ "c": value })), "{test:?} {value}");
            }
            assert!(!met(test.clone(), &json!({ "C": "7", "d": 1 })), "absent: {test:?}");
        }
    }

    #[test]
    fn a_rule_implies_what_everything_that_meets_it_meets() {
        use ClaimTest::{Equals, Includes, OneOf, Present};
        let rule = |claim: &str, test: &ClaimTest| ClaimRule { claim: ClaimPath::top_level(claim), test: test.clone() };
        let (a, b) = (json!("a"), json!("b"));
        for (mine, theirs, implied) in [
            (Present, Present, true),
            (Present, Equals(a.clone()), false),
            (Equals(a.clone()), Present, true),
            (Equals(json!(null)), Present, false),
            (Equals(a.clone()), Equals(b.clone()), false),
            (Equals(a.clone()), OneOf(vec![b.clone(), a.clone()]), true),
            (OneOf(vec![a.clone(), b.clone()]), OneOf(vec![a.clone()]), false),
            (OneOf(vec![a.clone()]), Equals(a.clone()), true),
            (Includes(vec![a.clone(), b.clone()]), Includes(vec![b.clone()]), true),
            (Includes(vec![b.clone()]), Includes(vec![a.clone(), b]), false),
            (Includes(vec![a.clone()]), Present, true),
            (Includes(vec![]), Present, false),
            (Includes(vec![a.clone()]), Equals(a), false),
        ] {
            assert_eq!(rule("c", &mine).implies(&rule("c", &theirs)), implied, "{mine:?} {theirs:?}");
            assert!(!rule("c", &mine).implies(&rule("d", &theirs)), "of another claim");
        }
    }
}
