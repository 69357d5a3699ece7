//! Which claims of a verified token are kept: those that a policy will ask about, and no others.
//!
//! Remembered tokens are many, and their claims are most of what they take in memory. A claim that was not kept is as if
//! it were absent, and an absent claim meets no condition: whoever forgets to ask for one here denies, and opens nothing.

use std::collections::BTreeSet;

use super::{claims::Claims, issuer_rules::IssuerRules};

/// Which claims of a verified token are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptClaims {
    /// All: for those who explain.
    All,
    /// Those that are asked about.
    Asked(AskedClaims),
}

/// Claims that are asked about. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedClaims {
    /// Their names, whole with all that is in them.
    names: BTreeSet<Box<str>>,
    /// Whether the one with the audience is among them, which each issuer names for itself.
    audience: bool,
}

impl AskedClaims {
    /// That claim is asked about.
    pub fn ask(&mut self, name: &str) {
        if !self.names.contains(name) {
            self.names.insert(name.into());
        }
    }

    /// The audience is asked about.
    pub const fn ask_audience(&mut self) {
        self.audience = true;
    }
}

impl From<AskedClaims> for KeptClaims {
    fn from(asked: AskedClaims) -> Self {
        Self::Asked(asked)
    }
}

impl KeptClaims {
    /// Whether that keeps all that is asked about.
    #[must_use]
    pub fn include(&self, asked: &AskedClaims) -> bool {
        match self {
            Self::All => true,
            Self::Asked(kept) => kept.names.is_superset(&asked.names) && kept.audience >= asked.audience,
        }
    }

    /// What is kept of the claims of a token of that issuer: often nothing.
    pub(crate) fn of(&self, claims: Claims, rules: &IssuerRules) -> Claims {
        match self {
            Self::All => claims,
            Self::Asked(asked) if asked.names.is_empty() && !asked.audience => Claims::none(),
            Self::Asked(asked) => {
                claims.only(|name| asked.names.contains(name) || asked.audience && *name == *rules.audience_claim)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(names: &[&str], audience: bool) -> AskedClaims {
        let mut asked = AskedClaims::default();
        names.iter().for_each(|name| asked.ask(name));
        if audience {
            asked.ask_audience();
        }
        asked
    }

    fn kept(kept: &KeptClaims) -> Claims {
        let rules = IssuerRules { audience_claim: "for".to_owned(), ..IssuerRules::for_tests("https://issuer.test/") };
        kept.of(Claims::parse(br#"{"aud":1,"for":2,"org":{"id":3},"org_id":4}"#).unwrap(), &rules)
    }

    #[test]
    fn what_is_asked_about_is_kept_whole_and_nothing_else_is() {
        let claims = |text: &str| Claims::parse(text.as_bytes()).unwrap();
        for (names, audience, left) in [
            (&[][..], false, "{}"),
            (&["org", "absent"], false, r#"{"org":{"id":3}}"#),
            (&["org_id"], true, r#"{"for":2,"org_id":4}"#),
            (&[], true, r#"{"for":2}"#),
            (&["aud"], false, r#"{"aud":1}"#),
        ] {
            assert_eq!(kept(&asked(names, audience).into()), claims(left), "{names:?} {audience}");
        }
        assert_eq!(kept(&KeptClaims::All), claims(r#"{"aud":1,"for":2,"org":{"id":3},"org_id":4}"#));
    }

    #[test]
    fn more_may_be_kept_than_is_asked_about_and_never_less() {
        let (org, audience) = (asked(&["org"], false), asked(&[], true));
        let all = [asked(&[], false), org, audience, asked(&["org"], true), asked(&["a", "org"], false)];
        for (mine, included) in [(0, [1, 0, 0, 0, 0]), (1, [1, 1, 0, 0, 0]), (2, [1, 0, 1, 0, 0]), (3, [1, 1, 1, 1, 0])]
        {
            let mine = KeptClaims::from(all[mine].clone());
            assert_eq!(all.each_ref().map(|other| u8::from(mine.include(other))), included, "{mine:?}");
        }
        assert!(all.iter().all(|other| KeptClaims::All.include(other)));
    }
}
