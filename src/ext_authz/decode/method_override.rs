//! A method in the query, `?_method=DELETE`: Rails, Laravel, Symfony and Express' method-override act on it after the
//! decision, as they do on the headers in [`portcullis_engine::answer::identity::overrides`]. What a form's body says, no gate sees.

use url::form_urlencoded;

use portcullis_engine::request::method::Method;

/// Whether the query of a path asks for another method than the request's own.
pub(crate) fn asks_for_another_method(path: &str, method: &Method) -> bool {
    // The search that `split_once` makes pays off in texts longer than paths are.
    let mark = path.bytes().position(|byte| byte == b'?');
    let Some(query) = mark.and_then(|mark| path.get(mark + 1..)) else { return false };
    if !may_name_it(query.as_bytes()) {
        return false;
    }
    is_named(query, method)
}

fn is_named(query: &str, method: &Method) -> bool {
    // Older parsers split at `;` as well.
    let pairs = query.split(['&', ';']).flat_map(|pair| form_urlencoded::parse(pair.as_bytes()));
    let mut methods = pairs.filter(|(name, _)| is_override(name)).map(|(_, value)| value);
    methods.any(|value| {
        let value = before_nul(&value).trim();
        Method::is_common(value) && !value.eq_ignore_ascii_case(method.as_str())
    })
}

/// Whether the letters of `method` are in a query, or an escape that could be one of them. Nearly all queries are done
/// with here: taking one apart costs as much as the whole decision.
fn may_name_it(query: &[u8]) -> bool {
    query.iter().enumerate().any(|(at, byte)| match byte {
        b'%' => matches!(query.get(at + 1), Some(b'4'..=b'7')),
        b'm' | b'M' => query.get(at..at + 6).is_some_and(|word| word.eq_ignore_ascii_case(b"method")),
        _ => false,
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What the quick look passes, the close one passes as well.
        #[test]
        fn no_method_gets_past_the_quick_look(
            before in prop::sample::select(vec!["", "a=b&", "a;", "+", "%20", "%C2%A0"]),
            spellings in proptest::collection::vec(0..6_u8, 7),
            after in prop::sample::select(vec!["", "%00", "%00x", "x"]),
        ) {
            let spelled = |(letter, spelling): (char, &u8)| match (letter, spelling) {
                ('_', 0) => ".".to_owned(),
                (letter, 1 | 2) => format!("%{:02X}", u32::from(letter.to_ascii_uppercase())),
                (letter, 3) => format!("%{:02x}", u32::from(letter)),
                (letter, 4) => letter.to_ascii_uppercase().to_string(),
                (letter, _) => letter.to_string(),
            };
            let name: String = "_method".chars().zip(&spellings).map(spelled).collect();
            let query = format!("{before}{name}{after}=DELETE");
            let post = Method::parse("POST").unwrap();
            prop_assert!(may_name_it(query.as_bytes()) || !is_named(&query, &post), "{}", query);
            prop_assert!(after == "x" || is_named(&query, &post), "{}", query);
        }
    }

    #[test]
    fn one_escaped_letter_is_enough_to_look_closely() {
        let post = Method::parse("POST").unwrap();
        for query in
            ["_%4Dethod", "_m%45thod", "_me%54hod", "_met%48od", "_meth%4fd", "_metho%44", "%5fmethod", "%2emethod"]
        {
            assert!(asks_for_another_method(&format!("/a?{query}=PUT"), &post), "{query}");
        }
    }

    #[test]
    fn a_usual_query_is_not_taken_apart() {
        for query in ["", "a=b&limit=10", "q=caf%C3%A9%20au%2Flait", "time=12:00&met=hod"] {
            assert!(!may_name_it(query.as_bytes()), "{query}");
        }
    }

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
            "_method=COPY",
            "_method=move",
            "_method=Unlink",
            "_method=UNBIND",
            "_method=propfind",
            "_method=MERGE",
            "_method=MKCALENDAR",
            "_method=Search",
            "_method=version-control",
            "_method=PURGE",
            "_method%00=DELETE",
            "_method%00x=DELETE",
            "_method=DELETE%00",
        ] {
            assert!(asks_for_another_method(&format!("/a?{query}"), &post), "{query}");
        }
        for query in
            ["", "_method=POST", "_method=post", "_method=find", "_method=", "method=DELETE", "a=_method=DELETE"]
        {
            assert!(!asks_for_another_method(&format!("/a?{query}"), &post), "{query}");
        }
        assert!(!asks_for_another_method("/_method=DELETE", &post));
    }
}
