//! Which scopes imply which, where the configuration says so. Nothing is ever guessed from how a scope is spelt.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::scope::{Scope, ScopeNeed};

/// What a scope implies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Implied {
    /// This scope.
    Scope(Scope),
    /// Every scope that begins like this: written with a `*` at its end.
    Prefix(Box<str>),
}

impl Implied {
    /// What a text of the configuration stands for, or `None` if it is not a scope, or has a `*` elsewhere.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let scope = Scope::parse(text)?;
        match text.split_once('*') {
            None => Some(Self::Scope(scope)),
            Some((prefix, "")) => Some(Self::Prefix(prefix.into())),
            Some(_) => None,
        }
    }
}

/// All of a configuration's `implies`.
#[derive(Clone, Debug, Default)]
pub struct Implications {
    exact: HashMap<Scope, Vec<Scope>>,
    prefixes: Vec<(Box<str>, Scope)>,
    /// What was found before: policies ask for few scopes in many places.
    known: RefCell<HashMap<Scope, ScopeNeed>>,
}

impl Implications {
    /// Says that whoever has `holder` has that as well.
    pub fn add(&mut self, holder: Scope, implied: Implied) {
        match implied {
            Implied::Scope(scope) => self.exact.entry(scope).or_default().push(holder),
            Implied::Prefix(prefix) => self.prefixes.push((prefix, holder)),
        }
    }

    /// The need of a scope, met by it and by every scope that implies it, also through others.
    #[must_use]
    pub fn need(&self, scope: Scope) -> ScopeNeed {
        if self.exact.is_empty() && self.prefixes.is_empty() {
            return scope.into();
        }
        if let Some(need) = self.known.borrow().get(&scope) {
            return need.clone();
        }
        let mut found: BTreeSet<&Scope> = BTreeSet::new();
        let mut open = vec![&scope];
        while let Some(next) = open.pop() {
            let news: Vec<&Scope> = self.holders(next).filter(|holder| found.insert(holder)).collect();
            open.extend(news);
        }
        let others: Arc<[Scope]> = found.into_iter().filter(|holder| **holder != scope).cloned().collect();
        let need = ScopeNeed::implied_by(scope.clone(), others);
        self.known.borrow_mut().insert(scope, need.clone());
        need
    }

    /// The scopes that imply this one directly.
    fn holders<'s>(&'s self, scope: &'s Scope) -> impl Iterator<Item = &'s Scope> {
        let begins = |(prefix, _): &&(Box<str>, Scope)| scope.as_str().starts_with(&**prefix);
        let by_prefix = self.prefixes.iter().filter(begins).map(|(_, holder)| holder);
        self.exact.get(scope).into_iter().flatten().chain(by_prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::scope::ScopeSet;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn implications(pairs: &[(&str, &str)]) -> Implications {
        let mut all = Implications::default();
        pairs.iter().for_each(|(holder, implied)| all.add(scope(holder), Implied::parse(implied).unwrap()));
        all
    }

    fn meets(all: &Implications, held: &str, needed: &str) -> bool {
        let held: ScopeSet<'_> = held.split(' ').filter_map(Scope::parse).collect();
        all.need(scope(needed)).is_met_by(&held)
    }

    #[test]
    fn nothing_is_implied_by_spelling() {
        let none = Implications::default();
        for (held, needed) in [("admin", "read"), ("messages:*", "messages:read"), ("*", "read"), ("read:*", "read")] {
            assert!(!meets(&none, held, needed), "{held} {needed}");
        }
        assert!(meets(&none, "messages:*", "messages:*"), "a scope like any other");
    }

    #[test]
    fn what_is_written_is_implied_also_through_others_and_never_backwards() {
        let all = implications(&[("admin", "write"), ("write", "read"), ("root", "m:*"), ("m:super", "x")]);
        for (held, needed) in [("admin", "write"), ("admin", "read"), ("write", "read"), ("root", "m:a"), ("root", "x")]
        {
            assert!(meets(&all, held, needed), "{held} {needed}");
            assert!(!meets(&all, needed, held), "{needed} {held}");
        }
        for (held, needed) in [("root", "m"), ("root", "M:a"), ("m:a", "x"), ("admin", "x"), ("admins", "read")] {
            assert!(!meets(&all, held, needed), "{held} {needed}");
        }
    }

    #[test]
    fn circles_end() {
        let all = implications(&[("a", "b"), ("b", "c"), ("c", "a")]);
        assert!(meets(&all, "a", "c") && meets(&all, "c", "b") && meets(&all, "b", "b"));
        assert_eq!(all.need(scope("a")).substitutes(), [scope("b"), scope("c")]);
    }

    #[test]
    fn a_star_stands_at_the_end_only() {
        assert_eq!(Implied::parse("m:*"), Some(Implied::Prefix("m:".into())));
        assert_eq!(Implied::parse("*"), Some(Implied::Prefix("".into())));
        for bad in ["*:read", "m:**", "m:*:x", "a b", ""] {
            assert_eq!(Implied::parse(bad), None, "{bad}");
        }
    }
}
