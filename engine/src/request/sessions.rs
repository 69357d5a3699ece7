//! Sessions of ASP.NET without cookies: parts of a path that some backend takes out of it before it looks for the page.

use super::effort::look_at;

/// Returns a canonical path without its session parts, such as `/(S(x))`. `None` if it has none.
///
/// ASP.NET takes them out together with the slash before them, so that `/(S(x))/pro/(S(x))tected` is `/protected`
/// (CVE-2023-36899, CVE-2023-36560).
pub(crate) fn without_sessions(text: &str) -> Option<String> {
    if !may_have_sessions(text) {
        return None;
    }
    let mut left = String::with_capacity(text.len());
    let mut has_sessions = false;
    for segment in text.split('/').skip(1) {
        match session_end(segment) {
            Some(end) => {
                has_sessions = true;
                let rest = segment.get(end..).unwrap_or_default();
                if left.is_empty() && !rest.is_empty() {
                    left.push('/');
                }
                left.push_str(rest);
            }
            None => {
                left.push('/');
                left.push_str(segment);
            }
        }
    }
    if left.is_empty() {
        left.push('/');
    }
    has_sessions.then_some(left)
}

/// Says whether a canonical path has session parts.
pub(crate) fn has_sessions(text: &str) -> bool {
    may_have_sessions(text) && text.split('/').any(|segment| session_end(segment).is_some())
}

/// Says whether a segment of a canonical path begins with a parenthesis.
pub(crate) fn may_have_sessions(text: &str) -> bool {
    text.contains("/(") || text.contains("/%28")
}

/// The length of the session part that a segment begins with: in parentheses, one or more times a capital letter with a value
/// in parentheses, `(S(x))` or `(A(x)F(y))`.
fn session_end(segment: &str) -> Option<usize> {
    let mut rest = after_parenthesis(segment, "(", "%28")?;
    loop {
        rest = rest.strip_prefix(|letter: char| letter.is_ascii_uppercase())?;
        rest = after_parenthesis(rest, "(", "%28")?;
        rest = value_end(rest)?;
        if let Some(rest) = after_parenthesis(rest, ")", "%29") {
            return segment.len().checked_sub(rest.len());
        }
    }
}

fn after_parenthesis<'t>(text: &'t str, plain: &str, escaped: &str) -> Option<&'t str> {
    text.strip_prefix(plain).or_else(|| text.strip_prefix(escaped))
}

/// Returns what follows the value and its parenthesis. This looks at no byte behind them: a segment may have a thousand values.
fn value_end(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b')' | b'%')) {
        rest = rest.get(at..)?;
        if let Some(after) = after_parenthesis(rest, ")", "%29") {
            look_at(text.len() - after.len());
            return Some(after);
        }
        rest = rest.get(1..)?;
    }
    look_at(text.len());
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_parts_are_taken_out_with_their_slash() {
        for (text, left) in [
            ("/(S(x))/admin", "/admin"),
            ("/admin/(S(x))", "/admin"),
            ("/a/(A(x)F(y))/b", "/a/b"),
            ("/(S(x))/pro/(S(y))tected/x", "/protected/x"),
            ("/(S(x))admin", "/admin"),
            ("/%28S%28x%29%29/admin", "/admin"),
            ("/(S())/b", "/b"),
            ("/(S(%20%)A(%2%29)/b", "/b"),
            ("/(S(x))", "/"),
        ] {
            assert_eq!(without_sessions(text).as_deref(), Some(left), "{text}");
        }
        for text in ["/", "/a(S(x))/b", "/(s(x))/b", "/(S)/b", "/(S(x)/b", "/((x))", "/()", "/Products(7)", "/(SS(x))"]
        {
            assert_eq!(without_sessions(text), None, "{text}");
        }
    }
}
