//! Scopes: the `scope-token` of RFC 6749 section 3.3, compared whole and case-sensitively.

use std::{borrow::Cow, cmp::Ordering, fmt, sync::Arc};

/// One scope-token: visible ASCII without `"` and `\`, at least one character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Box<str>);

impl Scope {
    /// The scope of that text, or `None` if it is not a scope-token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_scope_token(text).then(|| Self(text.into()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_scope_token(text: &str) -> bool {
    // RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    !text.is_empty() && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

/// The scopes of a token: no order, no duplicates. Borrowed where they are a part of something.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ScopeSet<'a>(
    // INVARIANT: in byte order, joined by single spaces, none twice. So they are sent on as they are, take no more memory
    // than that, and one is found by halving.
    Cow<'a, str>,
);

impl<'a> ScopeSet<'a> {
    /// Iterates over those of these words that are scope-tokens.
    #[must_use]
    pub fn of_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        Self::joined(words.into_iter().filter(|word| is_scope_token(word)).collect())
    }

    /// The set whose [`Self::as_str`] that was.
    pub(crate) const fn stored(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    fn joined(mut tokens: Vec<&str>) -> Self {
        tokens.sort_unstable();
        tokens.dedup();
        Self(Cow::Owned(tokens.join(" ")))
    }

    /// Whether that very scope is in the set.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        let wanted = scope.as_str().as_bytes();
        let mut rest = self.0.as_bytes();
        while rest.len() >= wanted.len() {
            // The scope around the middle, or before it if a space is there.
            let (left, right) = rest.split_at(rest.len() / 2);
            let before = left.iter().rposition(|byte| *byte == b' ');
            let after = right.iter().position(|byte| *byte == b' ').map(|at| left.len() + at);
            let found = rest.get(before.map_or(0, |at| at + 1)..after.unwrap_or(rest.len()));
            let next = match found.map(|found| wanted.cmp(found)) {
                None | Some(Ordering::Equal) => return found.is_some(),
                Some(Ordering::Less) => before.and_then(|at| rest.get(..at)),
                Some(Ordering::Greater) => after.and_then(|at| rest.get(at + 1..)),
            };
            let Some(next) = next else { return false };
            rest = next;
        }
        false
    }

    /// The scopes in byte order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|scope| !scope.is_empty())
    }

    /// How many scopes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes joined with single spaces, in byte order, as in a `scope` parameter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as a text of its own.
    #[must_use]
    pub fn to_scope_string(&self) -> String {
        self.0.clone().into_owned()
    }
}

impl FromIterator<Scope> for ScopeSet<'_> {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let scopes: Vec<Scope> = scopes.into_iter().collect();
        Self::joined(scopes.iter().map(Scope::as_str).collect())
    }
}

impl fmt::Debug for ScopeSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// One scope that a rule asks for, or another that the configuration says implies it.
#[derive(Clone, PartialEq, Eq)]
pub struct ScopeNeed {
    scope: Scope,
    /// Every scope that implies it, directly or through others; often none.
    implied_by: Arc<[Scope]>,
}

impl fmt::Debug for ScopeNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.scope, f)?;
        if self.implied_by.is_empty() { Ok(()) } else { write!(f, " or {:?}", self.implied_by) }
    }
}

impl From<Scope> for ScopeNeed {
    fn from(scope: Scope) -> Self {
        Self { scope, implied_by: Arc::default() }
    }
}

impl ScopeNeed {
    /// The need of a scope that these imply as well: all of them, also those that do through others.
    #[must_use]
    pub fn implied_by(scope: Scope, others: Arc<[Scope]>) -> Self {
        Self { scope, implied_by: others }
    }

    /// The scope that is asked for: the one that a challenge names.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Other scopes that do as well.
    #[must_use]
    pub fn substitutes(&self) -> &[Scope] {
        &self.implied_by
    }

    /// Whether a token with `held` has it.
    #[must_use]
    pub fn is_met_by(&self, held: &ScopeSet<'_>) -> bool {
        held.contains(&self.scope) || self.implied_by.iter().any(|scope| held.contains(scope))
    }

    /// Whether every token that meets `self` meets `other` as well.
    fn entails(&self, other: &Self) -> bool {
        let has = |scope: &Scope| other.scope == *scope || other.implied_by.contains(scope);
        has(&self.scope) && self.implied_by.iter().all(has)
    }
}

/// What a rule asks of the scopes of a token: all of one list and at least one of another. An empty list asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeRequirement {
    /// Every one of these must be there.
    pub all: Vec<ScopeNeed>,
    /// At least one of these must be there, if there are any.
    pub any: Vec<ScopeNeed>,
}

impl ScopeRequirement {
    /// Whether a token with `held` has enough.
    #[must_use]
    pub fn is_met_by(&self, held: &ScopeSet<'_>) -> bool {
        self.all.iter().all(|need| need.is_met_by(held))
            && (self.any.is_empty() || self.any.iter().any(|need| need.is_met_by(held)))
    }

    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.any.is_empty()
    }

    /// The `scope` attribute of an `insufficient_scope` challenge, RFC 6750 section 3: what the route needs.
    ///
    /// Of the alternatives all are named, as in the Express middleware: the client picks.
    #[must_use]
    pub fn to_scope_string(&self) -> String {
        let mut named: Vec<&Scope> = Vec::with_capacity(self.all.len() + self.any.len());
        for need in self.all.iter().chain(&self.any) {
            if !named.contains(&&need.scope) {
                named.push(&need.scope);
            }
        }
        join(named)
    }

    /// Whether every token that meets `self` meets `other` as well.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        let all = other.all.iter().all(|need| self.demands(need));
        let by_all = other.any.iter().any(|need| self.demands(need));
        let is_among = |need: &ScopeNeed| other.any.iter().any(|other| need.entails(other));
        let by_any = !self.any.is_empty() && self.any.iter().all(is_among);
        all && (other.any.is_empty() || by_all || by_any)
    }

    /// Whether every token that meets it meets that need. Where there is one alternative only, it is none.
    fn demands(&self, need: &ScopeNeed) -> bool {
        let entails = |mine: &ScopeNeed| mine.entails(need);
        self.all.iter().any(entails) || !self.any.is_empty() && self.any.iter().all(entails)
    }
}

fn join<'s>(scopes: impl IntoIterator<Item = &'s Scope>) -> String {
    let texts: Vec<&str> = scopes.into_iter().map(Scope::as_str).collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn held(texts: &[&str]) -> ScopeSet<'static> {
        texts.iter().map(|t| scope(t)).collect()
    }

    #[test]
    fn a_scope_token_has_only_the_characters_of_rfc_6749() {
        for good in ["a", "read:messages", "https://x/y", "!", "~", "[]"] {
            assert!(Scope::parse(good).is_some(), "{good}");
        }
        for bad in ["", " ", "a b", "a\tb", "\"", "\\", "é", "a\u{7f}", "\0"] {
            assert!(Scope::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn all_and_any_are_both_asked() {
        let needs = ScopeRequirement { all: vec![scope("a").into()], any: vec![scope("b").into(), scope("c").into()] };
        assert!(needs.is_met_by(&held(&["a", "c"])));
        assert!(!needs.is_met_by(&held(&["a"])));
        assert!(!needs.is_met_by(&held(&["b", "c"])));
        assert_eq!(needs.to_scope_string(), "a b c");
    }

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        // Some begin like others, and some stand before and after all others.
        let words: Vec<String> =
            (0..40).map(|n| format!("{}{}", "!a~".repeat(n % 7 + 1), n)).chain(["~".into()]).collect();
        for count in 0..=words.len() {
            let (held, others) = words.split_at(count);
            let set: ScopeSet<'_> = held.iter().rev().chain(held).map(|text| scope(text)).collect();
            assert!(held.iter().all(|text| set.contains(&scope(text))), "{set:?}");
            assert!(!others.iter().any(|text| set.contains(&scope(text))), "{set:?}");
            let mut sorted = held.to_vec();
            sorted.sort();
            assert_eq!((set.len(), set.is_empty()), (count, count == 0));
            assert_eq!(set.iter().collect::<Vec<_>>(), sorted);
            assert_eq!((set.as_str(), set.to_scope_string()), (&*sorted.join(" "), sorted.join(" ")));
            assert_eq!(ScopeSet::stored(set.as_str()), set);
        }
    }

    #[test]
    fn words_that_are_no_scopes_are_none() {
        assert_eq!(ScopeSet::of_words(["b", "", "a\"", "a", "b"]).as_str(), "a b");
    }

    #[test]
    fn scopes_compare_whole_and_case_sensitively() {
        let needs = ScopeRequirement { all: vec![scope("read:messages").into()], any: vec![] };
        for near in ["read:message", "read:messages2", "Read:messages", "read"] {
            assert!(!needs.is_met_by(&held(&[near])), "{near}");
        }
    }

    #[test]
    fn implication_is_what_a_stricter_rule_has() {
        let req = |all: &[&str], any: &[&str]| ScopeRequirement {
            all: all.iter().map(|t| scope(t).into()).collect(),
            any: any.iter().map(|t| scope(t).into()).collect(),
        };
        assert!(req(&["a", "b"], &[]).implies(&req(&["a"], &[])));
        assert!(!req(&["a"], &[]).implies(&req(&["a", "b"], &[])));
        assert!(req(&["a"], &[]).implies(&req(&[], &["a", "b"])));
        assert!(req(&[], &["a"]).implies(&req(&[], &["a", "b"])));
        assert!(!req(&[], &["a", "c"]).implies(&req(&[], &["a", "b"])));
        assert!(!req(&[], &[]).implies(&req(&[], &["a"])));
        assert!(req(&["a"], &[]).implies(&req(&[], &[])));
        assert!(req(&["b"], &["a"]).implies(&req(&["a"], &[])), "one alternative is none");
        assert!(req(&["b"], &["a", "a"]).implies(&req(&["a", "b"], &[])));
        assert!(req(&[], &["a"]).implies(&req(&[], &["a", "c"])));
        assert!(!req(&["b"], &["a", "c"]).implies(&req(&["a"], &[])));
    }

    #[test]
    fn implication_is_what_trying_every_token_says() {
        let plain = |scope: Scope| ScopeNeed::from(scope);
        // `a` implies `b`, and both imply `c`.
        let implied = |scope: Scope| {
            let by = ["a", "b"].iter().filter(|by| scope.as_str() > **by).map(|by| Scope::parse(by).unwrap()).collect();
            ScopeNeed::implied_by(scope, by)
        };
        let lists: Vec<Vec<Scope>> = (0..8).map(of_bits).collect();
        let tokens: Vec<ScopeSet<'_>> = lists.iter().map(|list| list.iter().cloned().collect()).collect();
        for need in [&plain as &dyn Fn(Scope) -> ScopeNeed, &implied] {
            let lists: Vec<Vec<ScopeNeed>> = (0..8).map(|bits| of_bits(bits).into_iter().map(need).collect()).collect();
            let needs: Vec<ScopeRequirement> = lists
                .iter()
                .flat_map(|all| lists.iter().map(|any| ScopeRequirement { all: all.clone(), any: any.clone() }))
                .collect();
            for (one, two) in needs.iter().flat_map(|one| needs.iter().map(move |two| (one, two))) {
                let tried = tokens.iter().all(|token| !one.is_met_by(token) || two.is_met_by(token));
                assert_eq!(one.implies(two), tried, "{one:?} {two:?}");
            }
        }
    }

    fn of_bits(bits: u32) -> Vec<Scope> {
        ["a", "b", "c"].iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, text)| scope(text)).collect()
    }
}
