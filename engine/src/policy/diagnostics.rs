//! What `check` says about a policy: each problem with the routes it is about, a message and help.
//!
//! This holds the words; `audit` and `build` find the problems.

/// Something about a policy that an operator must or should change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    /// The route, by its place in the list; the length of the list if it is about no single route.
    pub route: usize,
    /// The other route it is about.
    pub other: Option<usize>,
    /// What it is.
    pub kind: ProblemKind,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The policy can't be used.
    Error,
    /// The policy can be used, and may be wrong.
    Warning,
}

/// What is wrong with a policy. Patterns are given with their host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// There are more routes than [`crate::limits::RULES`].
    TooManyRules {
        /// What is allowed.
        limit: usize,
    },
    /// The routes overlap in so many places that not all of them were looked at.
    TooMuchOverlap {
        /// The steps that looking may take.
        limit: usize,
    },
    /// What no route covers would be open.
    OpenDefault,
    /// Two rules for the same requests.
    SameRequests {
        /// The pattern.
        pattern: String,
        /// A method that both claim; `None` if both are for every method.
        method: Option<String>,
    },
    /// Two patterns that differ only in case or in needless escapes: each request of either is ambiguous.
    SameFolded {
        /// The pattern.
        pattern: String,
        /// The other one.
        other: String,
    },
    /// Two patterns match a common request, and neither contains the other.
    Crossing {
        /// The pattern.
        pattern: String,
        /// The other one.
        other: String,
        /// The path of a request that both match.
        example: String,
        /// The pattern for exactly what both match.
        intersection: String,
    },
    /// A rule takes requests from one for more hosts that asks for more, or for something else.
    Shadowing {
        /// The pattern.
        pattern: String,
        /// The stricter one.
        other: String,
        /// The path of a request that both match.
        example: String,
        /// The method it has; `None` for one that no rule names.
        method: Option<String>,
        /// Whether it asks for less, which is an error; asking for something else is a warning.
        is_strict: bool,
    },
    /// `/**` without a token, whatever the host, and with parameters before it or without.
    OpenToAll {
        /// The pattern.
        pattern: String,
        /// The methods that it is for; none if it is for all.
        methods: Vec<String>,
    },
    /// `%2F` is to be data of a pattern that has no place for any: it ends in a literal.
    SlashesNowhere {
        /// The pattern of the route.
        pattern: String,
    },
    /// `%2F` is data of a route that opens everything below a path, which does not say that it is meant.
    OpenSlashes {
        /// The pattern of the route.
        pattern: String,
    },
    /// `%2F` is data of a route.
    EncodedSlashes {
        /// The pattern of the route.
        pattern: String,
        /// The path of a request with `%2F` read as `/`, if no route covers it.
        uncovered: Option<String>,
    },
    /// A literal has an upper-case letter or a needless escape, so that every other spelling of the path is refused.
    OneSpelling {
        /// The pattern.
        pattern: String,
        /// Its path in the plainest spelling.
        folded: String,
    },
}

impl PolicyProblem {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.kind {
            ProblemKind::TooManyRules { .. }
            | ProblemKind::TooMuchOverlap { .. }
            | ProblemKind::OpenDefault
            | ProblemKind::SameRequests { .. }
            | ProblemKind::SameFolded { .. }
            | ProblemKind::Crossing { .. }
            | ProblemKind::SlashesNowhere { .. }
            | ProblemKind::OpenSlashes { .. }
            | ProblemKind::Shadowing { is_strict: true, .. } => Severity::Error,
            ProblemKind::Shadowing { is_strict: false, .. }
            | ProblemKind::OpenToAll { .. }
            | ProblemKind::EncodedSlashes { .. }
            | ProblemKind::OneSpelling { .. } => Severity::Warning,
        }
    }

    /// Whether the policy can't be used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.kind {
            ProblemKind::TooManyRules { limit } => format!("there are more than {limit} routes"),
            ProblemKind::TooMuchOverlap { limit } => {
                format!("the routes overlap too much to be checked: more than {limit} comparisons")
            }
            ProblemKind::OpenDefault => "what no route covers can't be open".to_owned(),
            ProblemKind::SameRequests { pattern, method: Some(method) } => {
                format!("two routes are for `{method} {pattern}`")
            }
            ProblemKind::SameRequests { pattern, method: None } => {
                format!("two routes are for every method of `{pattern}`")
            }
            ProblemKind::SameFolded { pattern, other } => {
                format!("`{pattern}` and `{other}` differ only in case or escapes, so requests for either are refused")
            }
            ProblemKind::Crossing { pattern, other, example, .. } => {
                format!("`{pattern}` and `{other}` both match `{example}`, and neither is the more specific one")
            }
            ProblemKind::Shadowing { pattern, other, example, method, is_strict } => {
                let method = method.as_deref().unwrap_or("any other method");
                let less = if *is_strict { "asks for less" } else { "asks for something else" };
                format!("`{pattern}` {less} than `{other}`, from which it takes `{example}` ({method})")
            }
            ProblemKind::OpenToAll { pattern, methods } if methods.is_empty() => {
                format!("`{pattern}` without a token opens every path that no other route covers")
            }
            ProblemKind::OpenToAll { pattern, methods } => format!(
                "`{pattern}` without a token opens every path to `{}`, where no other route covers it",
                methods.join("`, `")
            ),
            ProblemKind::SlashesNowhere { pattern } => {
                format!("`{pattern}` does not end in a parameter or `/**`, so `%2F` can't be data of it")
            }
            ProblemKind::OpenSlashes { pattern } => {
                format!(
                    "`{pattern}` opens everything below it, with `%2F` as data: a backend that decodes it serves any path"
                )
            }
            ProblemKind::EncodedSlashes { pattern, uncovered: None } => {
                format!("`{pattern}` takes `%2F` as data, and a backend that decodes it sees another path")
            }
            ProblemKind::EncodedSlashes { pattern, uncovered: Some(path) } => {
                format!("`{pattern}` takes `%2F` as data, but requests with it are refused: no route covers `{path}`")
            }
            ProblemKind::OneSpelling { pattern, folded } => {
                format!("`{pattern}` matches only as it is spelt here, and a request for `{folded}` is refused")
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match &self.kind {
            ProblemKind::TooManyRules { .. } => "cover several with one pattern, such as `/api/**`".to_owned(),
            ProblemKind::TooMuchOverlap { .. } => {
                "give patterns different literals before their first `{param}` or `/**`, put routes of many hosts under \
                 one `*.example.com`, or divide them between several instances"
                    .to_owned()
            }
            ProblemKind::OpenDefault => "to open everything else, write it as a route for `/**`".to_owned(),
            ProblemKind::SameRequests { .. } => "name different methods, or make one route of the two".to_owned(),
            ProblemKind::SameFolded { .. } => "keep the one that the backend uses".to_owned(),
            ProblemKind::Crossing { intersection, .. } => {
                format!("add a route for exactly what both match, `{intersection}`, and say there what it needs")
            }
            ProblemKind::Shadowing { .. } => {
                "clients may choose the host: ask for as much here, or say `shadows: true` if it is meant".to_owned()
            }
            ProblemKind::OpenToAll { .. } => "open single paths instead, unless everything is public".to_owned(),
            ProblemKind::SlashesNowhere { .. } => {
                "leave `encoded_slashes` out, or end the path in a parameter or `/**`".to_owned()
            }
            ProblemKind::OpenSlashes { .. } => {
                "ask for a token here, or say `shadows: true` if every path of the backend may be open".to_owned()
            }
            ProblemKind::EncodedSlashes { uncovered: None, .. } => {
                "make sure that the backend, and what is between it and Envoy, keeps `%2F` as it is".to_owned()
            }
            ProblemKind::EncodedSlashes { pattern, uncovered: Some(_) } => format!(
                "add a route for `{pattern}/**` that asks for no more, as a backend may read `%2F` as `/`"
            ),
            ProblemKind::OneSpelling { .. } => "check that the backend uses this very spelling".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_follow_the_house_style() {
        let text = || "`x`".to_owned();
        let kinds = [
            ProblemKind::TooManyRules { limit: 1 },
            ProblemKind::TooMuchOverlap { limit: 1 },
            ProblemKind::OpenDefault,
            ProblemKind::SameRequests { pattern: text(), method: None },
            ProblemKind::SameRequests { pattern: text(), method: Some(text()) },
            ProblemKind::SameFolded { pattern: text(), other: text() },
            ProblemKind::Crossing { pattern: text(), other: text(), example: text(), intersection: text() },
            ProblemKind::Shadowing { pattern: text(), other: text(), example: text(), method: None, is_strict: true },
            ProblemKind::OpenToAll { pattern: text(), methods: Vec::new() },
            ProblemKind::SlashesNowhere { pattern: text() },
            ProblemKind::OpenSlashes { pattern: text() },
            ProblemKind::EncodedSlashes { pattern: text(), uncovered: None },
            ProblemKind::EncodedSlashes { pattern: text(), uncovered: Some(text()) },
            ProblemKind::OneSpelling { pattern: text(), folded: text() },
        ];
        for kind in kinds {
            let problem = PolicyProblem { route: 0, other: None, kind };
            for text in [problem.message(), problem.help()] {
                assert!(!text.ends_with('.') && !text.starts_with(char::is_uppercase), "{text}");
            }
        }
    }
}
