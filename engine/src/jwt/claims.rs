//! The claims set, RFC 7519 section 4: reading with the right types, no judging.
//!
//! A claim of the wrong type is malformed, never absent: that confusion switched checks off in CVE-2026-25537.

use serde_json::{Map, Value};

use super::claim_path::ClaimPath;
use crate::{limits, oauth::scope::ScopeSet, reason::TokenFault, strict_json, time::UnixTime};

/// The members of a claims set, or of those that are kept of one.
#[derive(Clone, Default, PartialEq)]
pub struct Claims(
    // INVARIANT: sorted by name, none twice. Claims are few: a list is smaller than a map, and as fast.
    Vec<(Box<str>, Value)>,
);

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claims({} members)", self.0.len())
    }
}

impl Claims {
    /// Reads a decoded claims set.
    ///
    /// # Errors
    /// [`TokenFault::Malformed`] if it is not one strictly readable JSON object.
    pub fn parse(text: &[u8]) -> Result<Self, TokenFault> {
        strict_json::parse_members(text).map(Self).map_err(|_| TokenFault::Malformed)
    }

    /// No claims.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of them whose name is wanted.
    #[must_use]
    pub fn only(self, is_wanted: impl Fn(&str) -> bool) -> Self {
        let mut kept: Vec<_> = self.0.into_iter().filter(|(name, _)| is_wanted(name)).collect();
        kept.shrink_to_fit();
        Self(kept)
    }

    /// Bytes that they take in memory beside themselves, estimated.
    #[must_use]
    pub fn size(&self) -> usize {
        let list = self.0.capacity().saturating_mul(size_of::<(Box<str>, Value)>());
        let texts = self.0.iter().map(|(name, value)| size_of_text(name).saturating_add(size_of_value(value)));
        texts.fold(list, usize::saturating_add)
    }

    /// The value of a claim.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| **other == *name).map(|(_, value)| value)
    }

    /// The value at a path. Only objects are entered.
    #[must_use]
    pub fn at(&self, path: &ClaimPath) -> Option<&Value> {
        path.members().try_fold(self.get(path.name())?, |value, member| value.as_object()?.get(member))
    }

    /// Whether there is such a claim, of whatever value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A claim that must be a string if it is there, of bounded length.
    ///
    /// # Errors
    /// [`TokenFault::MalformedClaims`].
    pub fn name(&self, claim: &str) -> Result<Option<&str>, TokenFault> {
        match self.get(claim) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= limits::NAME_CLAIM_BYTES => Ok(Some(text)),
            Some(_) => Err(TokenFault::MalformedClaims),
        }
    }

    /// A claim that must be a string if it is there, of any length.
    ///
    /// # Errors
    /// [`TokenFault::MalformedClaims`].
    pub fn text(&self, claim: &str) -> Result<Option<&str>, TokenFault> {
        match self.get(claim) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenFault::MalformedClaims),
        }
    }

    /// A `NumericDate` that must be a number if it is there (RFC 7519 section 2), between 1970 and the year 9999.
    ///
    /// # Errors
    /// [`TokenFault::MalformedClaims`].
    pub fn date(&self, claim: &str) -> Result<Option<UnixTime>, TokenFault> {
        match self.get(claim) {
            None => Ok(None),
            Some(value) => numeric_date(value).map(Some).ok_or(TokenFault::MalformedClaims),
        }
    }

    /// Whether an audience claim names one of `wanted`: a string, or an array of strings with one common member.
    ///
    /// # Errors
    /// [`TokenFault::MalformedClaims`] if it is missing or of another type, [`TokenFault::WrongAudience`] if none fits.
    pub fn check_audience(&self, claim: &str, wanted: &[String]) -> Result<(), TokenFault> {
        let fits = self.has_audience(claim, |text| wanted.iter().any(|wanted| wanted == text))?;
        if fits { Ok(()) } else { Err(TokenFault::WrongAudience) }
    }

    /// Whether an audience claim names one that is wanted: a string, or an array of strings.
    ///
    /// # Errors
    /// [`TokenFault::MalformedClaims`] if it is missing or of another type.
    pub fn has_audience(&self, claim: &str, is_wanted: impl Fn(&str) -> bool) -> Result<bool, TokenFault> {
        match self.get(claim) {
            Some(Value::String(text)) => Ok(is_wanted(text)),
            Some(Value::Array(members)) if members.iter().all(Value::is_string) => {
                Ok(members.iter().filter_map(Value::as_str).any(is_wanted))
            }
            _ => Err(TokenFault::MalformedClaims),
        }
    }

    /// The union of the scopes in some claims. A claim that is neither a string nor an array holds none, and a member
    /// that is not a scope-token is not a scope: what can't be read grants nothing. Their number has no bound but the size
    /// of the claims.
    #[must_use]
    pub fn scopes(&self, claims: &[ClaimPath]) -> ScopeSet<'static> {
        ScopeSet::of_words(claims.iter().filter_map(|claim| self.at(claim)).flat_map(words))
    }
}

/// The words of a string, or the strings of an array.
fn words(value: &Value) -> impl Iterator<Item = &str> {
    let (text, members) = match value {
        Value::String(text) => (Some(text.split(' ')), [].as_slice()),
        Value::Array(members) => (None, members.as_slice()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => (None, [].as_slice()),
    };
    text.into_iter().flatten().chain(members.iter().filter_map(Value::as_str))
}

/// Bytes of one node of a map, and how many members it has at least: maps grow by whole nodes.
const NODE: usize = 640;
const NODE_MEMBERS: usize = 5;

fn size_of_members(members: &Map<String, Value>) -> usize {
    let nodes = members.len().div_ceil(NODE_MEMBERS).saturating_mul(NODE);
    let texts = members.iter().map(|(name, value)| size_of_text(name).saturating_add(size_of_value(value)));
    texts.fold(nodes, usize::saturating_add)
}

fn size_of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => size_of_text(text),
        Value::Array(values) => {
            let own = values.capacity().saturating_mul(size_of::<Value>());
            values.iter().map(size_of_value).fold(own, usize::saturating_add)
        }
        Value::Object(members) => size_of_members(members),
    }
}

/// A text has an allocation of its own, unless it is empty.
fn size_of_text(text: &str) -> usize {
    if text.is_empty() { 0 } else { text.len().saturating_add(limits::ALLOCATION_BYTES) }
}

fn numeric_date(value: &Value) -> Option<UnixTime> {
    let Value::Number(number) = value else { return None };
    let seconds = number.as_f64()?;
    if !(0.0..=limits::NUMERIC_DATE_SECONDS).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and the year 9999 in milliseconds: fits")]
    let millis = (seconds * 1000.0) as i64;
    Some(UnixTime::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::scope::Scope;

    fn claims(text: &str) -> Claims {
        Claims::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn dates_are_numbers_within_bounds() {
        assert_eq!(claims(r#"{"exp":7}"#).date("exp").unwrap(), Some(UnixTime::from_secs(7)));
        assert_eq!(claims(r#"{"exp":7.5}"#).date("exp").unwrap(), Some(UnixTime::from_millis(7500)));
        assert_eq!(claims("{}").date("exp").unwrap(), None);
        for bad in [r#""7""#, "null", "[7]", "-1", "253402300800", "1e300", "true", "{}"] {
            let got = claims(&format!(r#"{{"exp":{bad}}}"#)).date("exp");
            assert_eq!(got, Err(TokenFault::MalformedClaims), "{bad}");
        }
    }

    #[test]
    fn the_audience_is_a_string_or_an_array_of_strings() {
        let wanted = ["api".to_owned(), "other".to_owned()];
        let check = |aud: &str| claims(&format!(r#"{{"aud":{aud}}}"#)).check_audience("aud", &wanted);
        assert_eq!(check(r#""api""#), Ok(()));
        assert_eq!(check(r#"["x","other"]"#), Ok(()));
        for wrong in [r#""apis""#, r#""ap""#, r#""API""#, r#"["x"]"#, "[]", r#""""#, r#""api other""#] {
            assert_eq!(check(wrong), Err(TokenFault::WrongAudience), "{wrong}");
        }
        for bad in ["7", "null", "{}", r#"["api",7]"#, r#"{"api":1}"#] {
            assert_eq!(check(bad), Err(TokenFault::MalformedClaims), "{bad}");
        }
        assert_eq!(claims("{}").check_audience("aud", &wanted), Err(TokenFault::MalformedClaims));
    }

    #[test]
    fn scopes_are_the_union_of_strings_and_arrays() {
        let names = ["scope", "scp", "/realm_access/roles"].map(|text| ClaimPath::parse(text).unwrap());
        let of = |text: &str| claims(text).scopes(&names).to_scope_string();
        assert_eq!(of(r#"{"scope":"b a","scp":["c","a"]}"#), "a b c");
        assert_eq!(of(r#"{"scope":["a b","c","d\"",7,null]}"#), "c");
        assert_eq!(of(r#"{"scope":7,"scp":{"a":1}}"#), "");
        assert_eq!(of(r#"{"scope":"  a   b\tc "}"#), "a");
        assert_eq!(of(r#"{"scope":"a","realm_access":{"roles":["b"]}}"#), "a b");
    }

    #[test]
    fn all_scopes_that_fit_into_a_token_count() {
        let names = ["scope", "groups"].map(ClaimPath::top_level);
        for count in [256, 257, 1500] {
            let words: Vec<String> = (0..count).map(|n| format!("s{n}")).collect();
            let groups = format!(r#"{{"scope":"openid","groups":["{}"]}}"#, words.join(r#"",""#));
            assert!(groups.len() <= limits::TOKEN_CLAIMS_BYTES);
            let scopes = claims(&groups).scopes(&names);
            assert_eq!(scopes.len(), count + 1);
            assert!(words.iter().all(|word| scopes.contains(&Scope::parse(word).unwrap())));
        }
    }

    #[test]
    fn names_are_bounded_strings() {
        assert_eq!(claims(r#"{"sub":"a"}"#).name("sub"), Ok(Some("a")));
        assert_eq!(claims(r#"{"sub":7}"#).name("sub"), Err(TokenFault::MalformedClaims));
        let long = format!(r#"{{"sub":"{}"}}"#, "a".repeat(limits::NAME_CLAIM_BYTES + 1));
        assert_eq!(claims(&long).name("sub"), Err(TokenFault::MalformedClaims));
        assert_eq!(claims(&long).text("sub").unwrap().map(str::len), Some(limits::NAME_CLAIM_BYTES + 1));
        assert_eq!(claims("{}").text("sub"), Ok(None));
        for other in ["7", "null", "[]", r#"["a"]"#, "{}", "true"] {
            let got = claims(&format!(r#"{{"sub":{other}}}"#));
            assert_eq!(got.text("sub"), Err(TokenFault::MalformedClaims), "{other}");
        }
    }

    #[test]
    fn a_path_enters_objects_only() {
        let claims = claims(r#"{"a":{"b":{"c":7},"d":[{"e":1}]},"a.b":8,"a/b":9}"#);
        let at = |text: &str| claims.at(&ClaimPath::parse(text).unwrap()).map(Value::to_string);
        for (path, value) in [("/a/b/c", "7"), ("/a/b", r#"{"c":7}"#), ("a.b", "8"), ("/a~1b", "9"), ("a/b", "9")] {
            assert_eq!(at(path).as_deref(), Some(value), "{path}");
        }
        for path in ["/a/x", "/a/d/0", "/a/d/0/e", "/a/b/c/x", "/b", "a.b.c"] {
            assert_eq!(at(path), None, "{path}");
        }
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let all = claims(r#"{"b":1,"a":{"b":2},"c":[3]}"#);
        assert_eq!(all.clone().only(|name| name != "b"), claims(r#"{"a":{"b":2},"c":[3]}"#));
        assert_eq!(all.clone().only(|_| true), all);
        assert!(all.only(|_| false).is_empty() && Claims::none() == claims("{}"));
    }

    #[test]
    fn debug_counts_members_and_shows_none() {
        assert_eq!(format!("{:?}", claims(r#"{"a":"secret","b":1}"#)), "Claims(2 members)");
    }

    #[test]
    fn sizes_are_those_of_texts_values_and_whole_nodes() {
        let size = |text: &str| claims(text).only(|_| true).size();
        let (member, text) = (size_of::<(Box<str>, Value)>(), limits::ALLOCATION_BYTES);
        assert_eq!(size("{}"), 0);
        assert_eq!(size(r#"{"name":null}"#), member + text + 4);
        assert_eq!(size(r#"{"a":"12345","b":7,"c":true,"d":1.5,"e":""}"#), 5 * member + 6 * text + 5 + 5);
        assert_eq!(size(r#"{"a":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}}"#), member + 2 * NODE + 7 * (text + 1));
        let values = 4 * size_of::<Value>();
        assert_eq!(size(r#"{"a":["x","yz"]}"#), member + 3 * text + 1 + 3 + values);
        assert_eq!(size(r#"{"a":{"b":{}}}"#), member + NODE + 2 * (text + 1));
        assert_eq!(size(r#"{"a":[{"":0},{"":0}]}"#), member + 2 * NODE + text + 1 + values);
    }
}
