//! Regular expressions over header names, as far as they can be told without a library for them.

/// Tells whether an expression matches all of a name, as Envoy asks; nothing if that can't be told.
pub(crate) fn is_match(expression: &str, name: &str) -> Option<bool> {
    if expression.contains(['(', ')', '[', ']', '\\']) {
        return None;
    }
    let each: Vec<_> = expression.split('|').map(|alternative| is_alternative_match(alternative, name)).collect();
    if each.contains(&Some(true)) {
        return Some(true);
    }
    (!each.contains(&None)).then_some(false)
}

fn is_alternative_match(pattern: &str, name: &str) -> Option<bool> {
    let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
    let pattern = pattern.strip_suffix('$').unwrap_or(pattern);
    let (pattern, has_start) = pattern.strip_prefix(".*").map_or((pattern, true), |rest| (rest, false));
    let (pattern, has_end) = pattern.strip_suffix(".*").map_or((pattern, true), |rest| (rest, false));
    let is_literal = pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_literal.then(|| match (has_start, has_end) {
        (true, true) => name == pattern,
        (true, false) => name.starts_with(pattern),
        (false, true) => name.ends_with(pattern),
        (false, false) => name.contains(pattern),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_expressions_match_whole_names() {
        for (expression, is_expected) in [
            ("x-auth-subject", true),
            ("^x-auth-subject$", true),
            ("x-auth-.*", true),
            (".*-subject", true),
            (".*auth.*", true),
            (".*", true),
            ("a|x-auth-.*", true),
            ("x-auth", false),
            ("X-Auth-Subject", false),
            ("a|b", false),
        ] {
            assert_eq!(is_match(expression, "x-auth-subject"), Some(is_expected), "{expression}");
        }
    }

    #[test]
    fn others_are_left_open() {
        for expression in ["x.auth", "x-auth-(subject|scopes)", "[a-z-]+", "x-auth-.+", "a|x-a?", "x\\-auth"] {
            assert_eq!(is_match(expression, "x-auth-subject"), None, "{expression}");
        }
    }
}
