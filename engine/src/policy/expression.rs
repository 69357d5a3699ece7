//! Regular expressions in place of path patterns: which patterns say the same, if any do.

use crate::request::path::CanonicalPath;

/// Patterns that are offered for the alternatives of one expression.
const MOST: usize = 8;

/// The patterns that say what an expression says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translation {
    /// The patterns, at least one.
    pub(super) patterns: Vec<String>,
    /// Says whether they take paths that the expression does not take.
    pub(super) is_wider: bool,
}

/// Says whether a text is meant as a regular expression.
pub(super) fn is_expression(text: &str) -> bool {
    const CLASSES: [&str; 10] = ["\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "\\.", "\\/", ".*", ".+"];
    text.starts_with('^') || CLASSES.iter().any(|class| text.contains(class))
}

/// Says whether a text that starts with `/` and is no pattern is meant as a regular expression, and not as a parameter or a
/// wildcard of another program: those have brackets and stars as well.
pub(super) fn is_absolute_expression(text: &str, is_pattern: fn(&str) -> bool) -> bool {
    const SIGNS: [&str; 12] = ["\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "\\.", "\\/", "[^", "]+", "]*", "(?"];
    let is_any = [".*", ".+"].iter().any(|any| text.contains(any));
    text.starts_with('/')
        && (SIGNS.iter().any(|sign| text.contains(sign)) || (is_any && translate(text, is_pattern).is_some()))
}

/// Translates an expression that is compared with a whole path, as Envoy does. `None` where no pattern takes all of what it
/// takes: it looks around, or one of its parts goes beyond one segment.
pub(super) fn translate(text: &str, is_pattern: fn(&str) -> bool) -> Option<Translation> {
    let whole = text.trim_start_matches('^').trim_end_matches('$').replace("\\/", "/");
    // A trailing slash is not significant.
    let whole = whole.strip_suffix("/?").unwrap_or(&whole);
    let segments = segments(whole.strip_prefix('/').unwrap_or(whole))?;
    let last = segments.len().saturating_sub(1);
    let (mut patterns, mut is_wider, mut parameters) = (vec![String::new()], false, 0_usize);
    for (at, segment) in segments.iter().enumerate() {
        let words = match part(segment, at == last)? {
            Part::Words(words) => words,
            Part::Rest => {
                // `/a/**` takes `/a` as well.
                is_wider |= at > 0;
                vec!["**".to_owned()]
            }
            Part::Parameter { is_exact } => {
                is_wider |= !is_exact;
                parameters = parameters.saturating_add(1);
                vec![if parameters == 1 { "{id}".to_owned() } else { format!("{{id{parameters}}}") }]
            }
        };
        if patterns.len().saturating_mul(words.len()) > MOST {
            return None;
        }
        patterns = patterns.iter().flat_map(|path| words.iter().map(move |word| format!("{path}/{word}"))).collect();
    }
    patterns.iter().all(|path| is_pattern(path)).then_some(Translation { patterns, is_wider })
}

/// The texts that a segment of an expression takes.
enum Part {
    /// One of these words.
    Words(Vec<String>),
    /// One segment: any, or some of them.
    Parameter { is_exact: bool },
    /// All segments that are left.
    Rest,
}

/// The segments of an expression. A `/` in brackets or in a group ends none.
fn segments(text: &str) -> Option<Vec<&str>> {
    let (mut segments, mut start, mut is_class, mut groups) = (Vec::new(), 0, false, 0_usize);
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            ']' => is_class = false,
            _ if is_class => {}
            '[' => is_class = true,
            '(' => groups = groups.saturating_add(1),
            ')' => groups = groups.checked_sub(1)?,
            // A group that goes beyond its segment, and alternatives of whole paths.
            '/' if groups > 0 => return None,
            '|' if groups == 0 => return None,
            '/' => {
                segments.push(text.get(start..at)?);
                start = at.checked_add(1)?;
            }
            _ => {}
        }
    }
    segments.push(text.get(start..)?);
    Some(segments)
}

fn part(segment: &str, is_last: bool) -> Option<Part> {
    if let Some(word) = literal(segment) {
        return Some(Part::Words(vec![word]));
    }
    let inside = group(segment);
    if is_last && [".*", ".+"].contains(&inside.unwrap_or(segment)) {
        return Some(Part::Rest);
    }
    if inside.unwrap_or(segment) == "[^/]+" {
        return Some(Part::Parameter { is_exact: true });
    }
    let words = inside.and_then(|inside| inside.split('|').map(literal).collect::<Option<Vec<_>>>());
    if let Some(words) = words {
        return Some(Part::Words(words));
    }
    is_within_one(segment).then_some(Part::Parameter { is_exact: false })
}

/// Returns the text of the group that a segment is, without a name.
fn group(segment: &str) -> Option<&str> {
    let inside = segment.strip_prefix('(')?.strip_suffix(')')?;
    let inside = inside.strip_prefix("?:").unwrap_or(inside);
    (!inside.contains(['(', ')'])).then_some(inside)
}

/// The text that an expression stands for, if it stands for one.
fn literal(expression: &str) -> Option<String> {
    let mut text = String::with_capacity(expression.len());
    let mut letters = expression.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(letters.next().filter(|escaped| !escaped.is_ascii_alphanumeric())?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => return None,
            letter => text.push(letter),
        }
    }
    let is_segment = !text.is_empty() && CanonicalPath::parse(format!("/{text}")).is_ok();
    is_segment.then_some(text)
}

/// Says whether all that a segment's expression takes is one segment: nothing in it takes a `/`, looks around or may be absent.
fn is_within_one(segment: &str) -> bool {
    const BEYOND: [&str; 7] = ["(?=", "(?!", "(?<", "(?i", "\\D", "\\W", "\\S"];
    let mut rest = segment;
    let mut plain = String::with_capacity(segment.len());
    while let Some((before, class)) = rest.split_once('[') {
        let Some((class, after)) = class.split_once(']') else { return false };
        if !is_class_within_one(class) {
            return false;
        }
        plain.push_str(before);
        rest = after;
    }
    plain.push_str(rest);
    let plain = plain.replace("(?:", "(").replace("\\.", "");
    !segment.is_empty()
        && !plain.contains(['.', '*', '?', '^', '$'])
        && !BEYOND.iter().any(|part| segment.contains(part))
}

/// Says whether a class, `a-z` or `^/`, has no slash among its characters.
fn is_class_within_one(class: &str) -> bool {
    if class.contains("\\") && !class.contains("\\d") && !class.contains("\\w") {
        return false;
    }
    match class.strip_prefix('^') {
        Some(others) => others.contains('/'),
        None => {
            let letters: Vec<char> = class.chars().collect();
            let spans_slash = |range: &[char]| matches!(range, [from, '-', to] if *from <= '/' && '/' <= *to);
            !class.contains('/') && !letters.windows(3).any(spans_slash)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::pattern::PathPattern;

    fn is_pattern(text: &str) -> bool {
        PathPattern::parse(text).is_ok()
    }

    #[test]
    fn an_expression_is_told_by_patterns_that_take_all_of_it() {
        let narrow = |patterns: &[&str]| (patterns.iter().map(ToString::to_string).collect(), false);
        let wide = |patterns: &[&str]| (patterns.iter().map(ToString::to_string).collect(), true);
        let wanted: [(&str, (Vec<String>, bool)); 16] = [
            ("^/[^/]+$", narrow(&["/{id}"])),
            ("^/v1\\.0/x$", narrow(&["/v1.0/x"])),
            ("^/a/?$", narrow(&["/a"])),
            ("^/.*$", narrow(&["/**"])),
            ("^/users/\\d+$", wide(&["/users/{id}"])),
            ("^/users/(\\d+)/posts/([0-9a-f]{8})", wide(&["/users/{id}/posts/{id2}"])),
            ("^/[^/]+/x/([^/]+)", narrow(&["/{id}/x/{id2}"])),
            ("^/(public|docs)/.*$", wide(&["/public/**", "/docs/**"])),
            ("^/(?:a|b)$", narrow(&["/a", "/b"])),
            ("^/(a|b)/(c|d)$", narrow(&["/a/c", "/a/d", "/b/c", "/b/d"])),
            ("^/(a|\\d+)$", wide(&["/{id}"])),
            ("^\\/users\\/.+", wide(&["/users/**"])),
            ("users/\\w+", wide(&["/users/{id}"])),
            ("^/v[0-9]+/.*$", wide(&["/{id}/**"])),
            ("^/x[^/]+$", wide(&["/{id}"])),
            ("^/x\\.[a-z]+$", wide(&["/{id}"])),
        ];
        for (text, (patterns, is_wider)) in wanted {
            let wanted = (!patterns.is_empty()).then_some(Translation { patterns, is_wider });
            assert_eq!(translate(text, is_pattern), wanted, "{text}");
        }
    }

    #[test]
    fn an_expression_that_starts_with_a_slash_is_told_from_other_syntaxes() {
        for text in
            ["/users/[^/]+", "/a/[a-z/]+x", "/users/\\d+", "/v1\\.0/x", "/(?:a|b)", "/api/.*", "/api/(.+)/?", "/[0-9]*"]
        {
            assert!(is_absolute_expression(text, is_pattern), "{text}");
        }
        for text in
            ["/posts/[id]", "/posts/[...slug]", "/files/*.*", "/a/*", "/<int:id>", "/(auth)/x", "/a?b=c", "api/.*"]
        {
            assert!(!is_absolute_expression(text, is_pattern), "{text}");
        }
    }

    #[test]
    fn what_no_pattern_takes_all_of_is_not_translated() {
        for text in [
            "^/(?!internal).*$",
            "^/(?=a)a$",
            "^/(?<!a)b$",
            "^/(?i)a$",
            "^/a|/b$",
            "^/(a/b|c)$",
            "^/a(/x)?$",
            "^/a.*$",
            "^/.*/a$",
            "^/a.b$",
            "^/[^x]+$",
            "^/[a-z/]+x$",
            "^/[!-~]+$",
            "^/\\D+$",
            "^/\\S+$",
            "^/\\d*$",
            "^//",
            "^/(a|b|c)/(a|b|c)$",
            "^/a)",
        ] {
            assert_eq!(translate(text, is_pattern), None, "{text}");
        }
    }
}
