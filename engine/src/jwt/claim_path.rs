//! Where in a claims set a value stands.

use std::fmt;

use thiserror::Error;

use crate::limits;

/// A claim by its name, or a member of nested objects within one.
///
/// Written as the name, exactly, or as a JSON Pointer (RFC 6901) if it starts with `/`: `/realm_access/roles`. Names may
/// have dots and slashes in them (`https://example.com/roles`), so no other character can separate the steps of a path.
/// Arrays are never entered: which place a member has in one means nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimPath {
    /// The top-level claim.
    name: Box<str>,
    /// The members below it.
    members: Box<[Box<str>]>,
}

/// Why a text is not a [`ClaimPath`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClaimPathError {
    /// A step has no name.
    #[error("`{0}` has an empty step")]
    EmptyStep(String),
    /// A `~` that is not `~0` or `~1`.
    #[error("`{0}` has a `~` that is neither `~0` nor `~1`")]
    Tilde(String),
    /// More steps than any token has levels.
    #[error("`{0}` has more than {limit} steps", limit = limits::JSON_DEPTH)]
    TooDeep(String),
}

impl ClaimPathError {
    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::EmptyStep(_) => {
                "what starts with `/` is a path to a nested claim: write `/realm_access/roles`, or the claim's whole name"
            }
            Self::Tilde(_) => "in a path, `~1` stands for a `/` within a name, and `~0` for a `~` (RFC 6901 section 3)",
            Self::TooDeep(_) => "no token nests its claims so deeply",
        }
    }
}

impl ClaimPath {
    /// The path of a configuration's text.
    ///
    /// # Errors
    /// What about the text is not a path.
    pub fn parse(text: &str) -> Result<Self, ClaimPathError> {
        let Some(steps) = text.strip_prefix('/') else {
            let empty = ClaimPathError::EmptyStep(text.to_owned());
            return if text.is_empty() { Err(empty) } else { Ok(Self::top_level(text)) };
        };
        let mut names = steps.split('/').map(|step| unescape(step, text)).collect::<Result<Vec<_>, _>>()?;
        if names.len() > limits::JSON_DEPTH {
            return Err(ClaimPathError::TooDeep(text.to_owned()));
        }
        let name = names.remove(0);
        Ok(Self { name, members: names.into() })
    }

    /// A claim by its name.
    #[must_use]
    pub fn top_level(name: &str) -> Self {
        Self { name: name.into(), members: Box::default() }
    }

    /// The top-level claim that it starts at.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The members below that, outermost first; often none.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| &**member)
    }
}

/// RFC 6901 section 4: `~1` first, then `~0`.
fn unescape(step: &str, whole: &str) -> Result<Box<str>, ClaimPathError> {
    if step.is_empty() {
        return Err(ClaimPathError::EmptyStep(whole.to_owned()));
    }
    let is_escape = |rest: &str| rest.starts_with(['0', '1']);
    if !step.split('~').skip(1).all(is_escape) {
        return Err(ClaimPathError::Tilde(whole.to_owned()));
    }
    Ok(step.replace("~1", "/").replace("~0", "~").into())
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.members.is_empty() && !self.name.starts_with('/') {
            return f.write_str(&self.name);
        }
        let steps = std::iter::once(self.name()).chain(self.members());
        steps.into_iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_name_or_a_json_pointer() {
        for (text, steps, shown) in [
            ("org_id", vec!["org_id"], "org_id"),
            ("https://example.com/roles", vec!["https://example.com/roles"], "https://example.com/roles"),
            ("realm_access.roles", vec!["realm_access.roles"], "realm_access.roles"),
            ("a~b", vec!["a~b"], "a~b"),
            ("/realm_access/roles", vec!["realm_access", "roles"], "/realm_access/roles"),
            ("/org_id", vec!["org_id"], "org_id"),
            ("/~1odd", vec!["/odd"], "/~1odd"),
            ("/a~1b/~0c/~01", vec!["a/b", "~c", "~1"], "/a~1b/~0c/~01"),
        ] {
            let path = ClaimPath::parse(text).unwrap();
            assert_eq!(std::iter::once(path.name()).chain(path.members()).collect::<Vec<_>>(), steps, "{text}");
            assert_eq!(path.to_string(), shown);
            assert_eq!(ClaimPath::parse(shown).unwrap(), path, "what is shown means the same");
        }
    }

    #[test]
    fn what_is_not_one_is_said() {
        let deep = "/a".repeat(limits::JSON_DEPTH + 1);
        for (text, error) in [
            ("", ClaimPathError::EmptyStep(String::new())),
            ("/", ClaimPathError::EmptyStep("/".into())),
            ("/a//b", ClaimPathError::EmptyStep("/a//b".into())),
            ("/a/", ClaimPathError::EmptyStep("/a/".into())),
            ("/a~", ClaimPathError::Tilde("/a~".into())),
            ("/a~2b", ClaimPathError::Tilde("/a~2b".into())),
            (&deep, ClaimPathError::TooDeep(deep.clone())),
        ] {
            let got = ClaimPath::parse(text).unwrap_err();
            assert_eq!(got, error);
            assert!(!got.help().is_empty());
        }
        assert!(ClaimPath::parse(&"/a".repeat(limits::JSON_DEPTH)).is_ok());
    }
}
