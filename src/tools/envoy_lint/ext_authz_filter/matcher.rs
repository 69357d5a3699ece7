//! Envoy's `ListStringMatcher` over header names, as far as it can be told without running it.

use crate::{document::tree::Node, tools::envoy_lint::read};

/// Whether a list of matchers has that header name, or may have it: a regular expression is given the benefit of the
/// doubt.
pub(crate) fn may_match(list: &Node, name: &str) -> bool {
    read::list(list, "patterns").iter().any(|pattern| is_match(pattern, name).unwrap_or(true))
}

/// Whether a list of matchers certainly has that header name.
pub(crate) fn does_match(list: &Node, name: &str) -> bool {
    read::list(list, "patterns").iter().any(|pattern| is_match(pattern, name) == Some(true))
}

/// Nothing if it can't be told. Envoy has header names in lower case.
fn is_match(pattern: &Node, name: &str) -> Option<bool> {
    let ignores_case = read::switched_on(pattern, "ignore_case").is_some();
    let text = |field: &str| {
        let text = read::text(pattern, field)?;
        Some(if ignores_case { text.to_lowercase() } else { text.to_owned() })
    };
    if let Some(exact) = text("exact") {
        return Some(name == exact);
    }
    if let Some(prefix) = text("prefix") {
        return Some(name.starts_with(&prefix));
    }
    if let Some(suffix) = text("suffix") {
        return Some(name.ends_with(&suffix));
    }
    text("contains").map(|part| name.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::parse;

    #[test]
    fn patterns_match_as_envoys_do() {
        let list = "{ patterns: [{ exact: Authorization, ignore_case: true }, { prefix: x-auth- }, { suffix: -id },
                     { contains: trace }, { exact: Cookie }] }";
        let list = parse(list).unwrap();
        for name in ["authorization", "x-auth-subject", "x-request-id", "my-trace-x"] {
            assert!(may_match(&list, name) && does_match(&list, name), "{name}");
        }
        for name in ["cookie", "x_auth_subject", "x-request-id2"] {
            assert!(!may_match(&list, name) && !does_match(&list, name), "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_accused() {
        let list = parse("{ patterns: [{ safe_regex: { regex: .* } }] }").unwrap();
        assert!(may_match(&list, "authorization") && !does_match(&list, "authorization"));
    }
}
