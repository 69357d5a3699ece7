//! A method in the query, `?_method=DELETE`: Rails, Laravel, Symfony and Express' method-override act on it after the
//! decision, as they do on the headers in [`crate::identity::OVERRIDES`]. What a form's body says, no gate sees.

use url::form_urlencoded;

use crate::policy::method::Method;

/// Whether the query of a path asks for another method than the request's own.
pub(super) fn asks_for_another_method(path: &str, method: &Method) -> bool {
    let Some((_, query)) = path.split_once('?') else { return false };
    // Older parsers split at `;` as well.
    let pairs = query.split(['&', ';']).flat_map(|pair| form_urlencoded::parse(pair.as_bytes()));
    let mut methods = pairs.filter(|(name, _)| is_override(name)).map(|(_, value)| value);
    methods.any(|value| {
        let value = before_nul(&value).trim();
        Method::is_common(value) && !value.eq_ignore_ascii_case(method.as_str())
    })
}

/// PHP drops spaces before a name and makes underscores of its dots and spaces: `.method` is `_method`.
fn is_override(name: &str) -> bool {
    before_nul(name).trim_start().replace(['.', ' '], "_").eq_ignore_ascii_case("_method")
}

/// What is left of a text for whoever takes it for a string of C, as PHP does.
fn before_nul(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_method_is_found_in_every_spelling() {
        let post = Method::parse("POST").unwrap();
        for query in [
            "_method=DELETE",
            "a=b&_method=delete",
            "a;_method=PUT",
            "%5Fmethod=DELETE",
            "_%6dethod=%44ELETE",
            ".method=DELETE",
            "+_method=DELETE",
            "_METHOD=DELETE",
            "_method=POST&_method=DELETE",
            "_method=+GET",
            "_method%00=DELETE",
            "_method%00x=DELETE",
            "_method=DELETE%00",
        ] {
            assert!(asks_for_another_method(&format!("/a?{query}"), &post), "{query}");
        }
        for query in
            ["", "_method=POST", "_method=post", "_method=search", "_method=", "method=DELETE", "a=_method=DELETE"]
        {
            assert!(!asks_for_another_method(&format!("/a?{query}"), &post), "{query}");
        }
        assert!(!asks_for_another_method("/_method=DELETE", &post));
    }
}
