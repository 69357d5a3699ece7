//! Ids of rules: given by the operator, or derived from what the rule matches.

use super::{bag::Bag, read};
use crate::{
    config::error::Problem,
    document::{suggest::quoted, tree::Entry},
};
use portcullis_engine::policy::{HostPattern, PathPattern, rule::RuleId};

/// Characters of an id. It stands in logs, metadata and metrics.
const LONGEST: usize = 128;
/// What ids of named policies begin with.
const POLICY: &str = "policy:";

/// The id that an operator gave.
pub(super) fn given(bag: &mut Bag, entry: &Entry) -> Option<RuleId> {
    let text = read::text(bag, entry)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:/{}*, -".contains(&b);
    if text == "default" || text.starts_with(POLICY) || text.len() > LONGEST || !text.bytes().all(allowed) {
        let message = format!("{} can't be the id of a route", quoted(text));
        let help = "up to 128 letters, digits and `_.:/{}*, -`; `default` and `policy:…` are taken";
        bag.push(Problem::error(&entry.node.place, message).help(help));
        return None;
    }
    Some(RuleId::new(text))
}

/// `GET,HEAD admin.example.com/api/{id}`: what the rule matches.
pub(super) fn derived(methods: Option<&[&str]>, host: &HostPattern, path: &PathPattern) -> RuleId {
    let methods = methods.map_or_else(|| "*".to_owned(), |methods| methods.join(","));
    let host = if *host == HostPattern::Any { String::new() } else { host.to_string() };
    RuleId::new(&format!("{methods} {host}{path}"))
}

/// The id of the rule that `default:` is.
pub(super) fn of_default() -> RuleId {
    RuleId::new("default")
}

/// The id of a named policy: Envoy's configuration has the same name.
pub(super) fn of_policy(bag: &mut Bag, entry: &Entry) -> Option<RuleId> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if entry.key.is_empty() || entry.key.len() > LONGEST || !entry.key.bytes().all(allowed) {
        let message = format!("{} can't be the name of a policy", quoted(&entry.key));
        bag.push(Problem::error(&entry.place, message).help("up to 128 letters, digits and `_.-`"));
        return None;
    }
    Some(RuleId::new(&format!("{POLICY}{}", entry.key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_id_says_what_is_matched() {
        let path = PathPattern::parse("/a/{x}").unwrap();
        assert_eq!(derived(None, &HostPattern::Any, &path).as_str(), "* /a/{x}");
        let host = HostPattern::parse("h.example").unwrap();
        assert_eq!(derived(Some(&["GET", "HEAD"]), &host, &path).as_str(), "GET,HEAD h.example/a/{x}");
    }
}
