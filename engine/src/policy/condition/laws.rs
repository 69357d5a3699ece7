//! What is true of all requirements, against a slow, obvious reference that reads the claims by itself.

use proptest::{prelude::*, sample::select, strategy::ValueTree as _, test_runner::Config};
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    jwt::{claim_path::ClaimPath, claim_retention::KeptClaims, claim_rule::ClaimTest},
    oauth::{
        implies::{Implications, Implied},
        scope::{Scope, ScopeRequirement},
    },
    policy::{
        EncodedSlashes, HostPattern, Methods, PathPattern, Route,
        binding::RequestPart,
        rule::{Access, Rule, RuleId},
    },
};

const SCOPES: [&str; 4] = ["a", "b", "m:x", "m:y"];

/// What is asked, in words: the requirement and the reference are both made of it.
#[derive(Clone, Debug)]
struct Words {
    audiences: Option<Vec<&'static str>>,
    all: Vec<&'static str>,
    any: Vec<&'static str>,
    implies: Vec<(&'static str, &'static str)>,
    equals: Option<(&'static str, Value)>,
    includes: Option<(&'static str, Value)>,
    matches: Option<(&'static str, usize)>,
}

fn words() -> impl Strategy<Value = Words> {
    let scopes = || prop::collection::vec(select(SCOPES.to_vec()), 0..3);
    let claim = || select(vec!["c", "/n/c", "scope"]);
    let value = || select(vec![json!("x"), json!("y"), json!(7), json!(true)]);
    let implied = prop::collection::vec((select(SCOPES.to_vec()), select(vec!["a", "b", "m:*", "*"])), 0..3);
    (
        prop::option::of(prop::collection::vec(select(vec!["api", "other"]), 1..3)),
        (scopes(), scopes(), implied),
        prop::option::of((claim(), value())),
        prop::option::of((claim(), value())),
        prop::option::of((claim(), 0..3_usize)),
    )
        .prop_map(|(audiences, (all, any, implies), equals, includes, matches)| Words {
            audiences,
            all,
            any,
            implies,
            equals,
            includes,
            matches,
        })
}

fn token() -> impl Strategy<Value = Value> {
    let value = || {
        select(vec![
            json!("x"),
            json!("x y"),
            json!("y"),
            json!(7),
            json!(true),
            json!(["x", 7]),
            json!(null),
            json!({}),
        ])
    };
    let scope = prop::collection::vec(select(vec!["a", "b", "m:x", "m:y", "m:*", "*", "A"]), 0..4);
    let aud = select(vec![json!("api"), json!(["other", "z"]), json!("z"), json!(7), json!([7, "api"])]);
    (aud, scope, prop::option::of(value()), prop::option::of(value())).prop_map(|(aud, scope, c, nested)| {
        let mut claims = json!({ "aud": aud, "scope": scope.join(" ") });
        let members = claims.as_object_mut().unwrap();
        members.extend(c.map(|value| ("c".to_owned(), value)));
        members.extend(nested.map(|value| ("n".to_owned(), json!({ "c": value }))));
        claims
    })
}

fn path() -> impl Strategy<Value = &'static str> {
    select(vec!["/x/y", "/7/x", "/%78/z", "/x", "/"])
}

impl Words {
    fn requirement(&self) -> Requirement {
        let mut implications = Implications::default();
        for (holder, implied) in &self.implies {
            implications.add(Scope::parse(holder).unwrap(), Implied::parse(implied).unwrap());
        }
        let needs = |list: &[&str]| list.iter().map(|text| implications.need(Scope::parse(text).unwrap())).collect();
        let path = |text: &str| ClaimPath::parse(text).unwrap();
        let equals = self.equals.iter().map(|(claim, value)| (path(claim), ClaimTest::Equals(value.clone())));
        let includes =
            self.includes.iter().map(|(claim, value)| (path(claim), ClaimTest::Includes(vec![value.clone()])));
        let segment = |index: usize| RequestPart::Segment { name: "s".into(), index, verb: None };
        Requirement {
            issuers: None,
            audiences: self
                .audiences
                .as_ref()
                .and_then(|names| NonEmpty::new(names.iter().map(|name| (*name).to_owned()).collect())),
            scopes: ScopeRequirement { all: needs(&self.all), any: needs(&self.any) },
            claims: equals.chain(includes).map(|(claim, test)| ClaimRule { claim, test }).collect(),
            bindings: self
                .matches
                .iter()
                .map(|(claim, index)| Binding { claim: path(claim), part: segment(*index) })
                .collect(),
        }
    }

    fn without_rules_on_scope(mut self) -> Self {
        self.equals = self.equals.filter(|(claim, _)| *claim != "scope");
        self.includes = self.includes.filter(|(claim, _)| *claim != "scope");
        self.matches = self.matches.filter(|(claim, _)| *claim != "scope");
        self
    }

    /// Whether a token has enough, read off its claims.
    fn admits(&self, claims: &Value, path: &str) -> bool {
        let at = |claim: &str| if claim == "/n/c" { &claims["n"]["c"] } else { &claims[claim] };
        let audience = self.audiences.as_ref().is_none_or(|wanted| match &claims["aud"] {
            Value::String(one) => wanted.contains(&one.as_str()),
            Value::Array(all) => {
                all.iter().all(Value::is_string) && all.iter().any(|one| wanted.iter().any(|w| one == w))
            }
            _ => false,
        });
        let held = self.closed(claims["scope"].as_str().unwrap());
        let has = |scope: &&str| held.iter().any(|held| held == scope);
        let scopes = self.all.iter().all(&has) && (self.any.is_empty() || self.any.iter().any(has));
        let equals = self.equals.as_ref().is_none_or(|(claim, value)| at(claim) == value);
        let includes = self.includes.as_ref().is_none_or(|(claim, value)| match at(claim) {
            Value::Array(all) => all.contains(value),
            Value::String(text) => value.as_str().is_some_and(|value| text.split(' ').any(|word| word == value)),
            _ => false,
        });
        let matches = self.matches.as_ref().is_none_or(|(claim, index)| {
            let segments: Vec<String> = path.split('/').skip(1).map(|text| text.replace("%78", "x")).collect();
            let Some(segment) = segments.get(*index).filter(|segment| !segment.is_empty()) else { return false };
            let is = |value: &Value| value == segment || value.as_i64().is_some_and(|n| n.to_string() == *segment);
            at(claim).as_array().map_or_else(|| is(at(claim)), |all| all.iter().any(is))
        });
        audience && scopes && equals && includes && matches
    }

    /// The scopes that are held, and all that they imply, until nothing is added any more.
    fn closed(&self, held: &str) -> Vec<String> {
        let mut held: Vec<String> = held.split(' ').map(str::to_owned).collect();
        held.sort();
        held.dedup();
        let all: Vec<&str> = SCOPES.iter().chain(&self.all).chain(&self.any).copied().collect();
        loop {
            let implied = |scope: &&str| {
                self.implies.iter().any(|(holder, implied)| {
                    let fits = implied.strip_suffix('*').map_or(implied == scope, |start| scope.starts_with(start));
                    fits && held.iter().any(|held| held == holder)
                })
            };
            let news: Vec<String> = all.iter().filter(|s| implied(s)).map(|s| (*s).to_owned()).collect();
            let before = held.len();
            held.extend(news);
            held.sort();
            held.dedup();
            if held.len() == before {
                return held;
            }
        }
    }
}

fn is_admitted(requirement: &Requirement, claims: &Value, path: &str) -> bool {
    let rule = Rule { id: RuleId::new("r"), access: Access::Token(requirement.clone()) };
    rule.admit(Arc::new(VerifiedToken::for_tests(claims.clone())), &RequestTarget::for_tests(path)).is_ok()
}

/// A policy with one of them as a route, one by default and one by name.
fn policy([route, default, named]: [Requirement; 3]) -> Policy {
    let rule = |asked| Rule { id: RuleId::new("r"), access: Access::Token(asked) };
    let route = Route {
        host: HostPattern::Any,
        path: PathPattern::parse("/x").unwrap(),
        methods: Methods::Any,
        rule: rule(route),
        shadows: false,
        encoded_slashes: EncodedSlashes::Refuse,
    };
    let (policy, _) = Policy::build(vec![route], Some(rule(default))).unwrap();
    policy.with_named([("n".to_owned(), rule(named))])
}

proptest! {
    #![proptest_config(Config::with_cases(4000))]

    #[test]
    fn a_requirement_admits_what_the_reference_does(words in words(), claims in token(), path in path()) {
        prop_assert_eq!(is_admitted(&words.requirement(), &claims, path), words.admits(&claims, path));
    }

    #[test]
    fn one_more_scope_never_turns_allow_into_deny(
        words in words(), claims in token(), path in path(), more in select(vec!["a", "b", "m:x", "zzz", "*"]),
    ) {
        let words = words.without_rules_on_scope();
        let mut richer = claims.clone();
        richer["scope"] = format!("{} {more}", claims["scope"].as_str().unwrap()).into();
        let requirement = words.requirement();
        prop_assert!(!is_admitted(&requirement, &claims, path) || is_admitted(&requirement, &richer, path));
    }

    #[test]
    fn what_is_at_least_as_strict_admits_no_more(one in words(), two in words(), claims in token(), path in path()) {
        // In one file there is one `implies`.
        let two = Words { implies: one.implies.clone(), ..two };
        let (one, two) = (one.requirement(), two.requirement());
        let is_strict = Access::Token(one.clone()).is_at_least_as_strict_as(&Access::Token(two.clone()));
        prop_assert!(!is_strict || !is_admitted(&one, &claims, path) || is_admitted(&two, &claims, path));
    }

    #[test]
    fn claims_that_no_rule_asks_about_decide_nothing(
        words in [words(), words(), words()], claims in token(), path in path(),
    ) {
        let policy = policy(words.map(|words| words.requirement()));
        let (whole, kept) = (KeptClaims::All, policy.asked_claims().into());
        for rule in policy.rules().chain(policy.default_rule()).chain(policy.named().map(|(_, rule)| rule)) {
            let judged = [&whole, &kept].map(|kept| {
                let token = VerifiedToken::for_tests_keeping(&claims, kept);
                rule.admit(Arc::new(token), &RequestTarget::for_tests(path)).map(drop)
            });
            prop_assert_eq!(&judged[0], &judged[1], "{:?}", kept);
        }
    }

    #[test]
    fn no_condition_less_admits_less(words in words(), claims in token(), path in path(), index in 0..8_usize) {
        let requirement = words.requirement();
        let admitted = is_admitted(&requirement, &claims, path);
        prop_assert!(!admitted || is_admitted(&requirement.without(index), &claims, path));
    }
}

#[test]
fn the_reference_admits_and_refuses() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = Map::new();
    for _ in 0..500 {
        let drawn = (words(), token(), path()).new_tree(&mut runner).unwrap().current();
        seen.insert(drawn.0.admits(&drawn.1, drawn.2).to_string(), Value::Null);
    }
    assert_eq!(seen.len(), 2, "laws about one answer alone would say nothing");
}
