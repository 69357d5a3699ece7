use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample};

use super::*;
use crate::request::{fold::decode, forms::fit};

/// The readings by their definition: eight steps, each made or left out, where what one yields the next one may change.
mod reference {
    use super::*;

    type Step = fn(&str) -> String;

    const STEPS: [Step; 8] =
        [fitted, fitted_with_parameters, slashed, without_sessions, cut, without_streams, spaces_trimmed, dots_trimmed];
    /// The last of them, which cost no text of their own.
    const TRIMS: usize = 2;

    /// The readings, and how many of the steps that double their number change anything.
    pub(super) fn readings(path: &CanonicalPath) -> (Option<Vec<CanonicalPath>>, usize) {
        let mut found = vec![path.as_str().to_owned()];
        let mut changing = 0;
        for (index, step) in STEPS.into_iter().enumerate() {
            let before = found.len();
            for known in 0..before {
                let next = found.get(known).map(|text| step(text)).unwrap_or_default();
                if !found.contains(&next) {
                    found.push(next);
                }
            }
            changing += usize::from(found.len() > before && index < STEPS.len() - TRIMS);
        }
        (found.iter().skip(1).map(|reading| CanonicalPath::parse(reading).ok()).collect(), changing)
    }

    fn slashed(text: &str) -> String {
        text.replace("%2F", "/")
    }

    /// No path, where what is left has sessions again.
    fn without_sessions(text: &str) -> String {
        let left = without_outer_sessions(text);
        if without_outer_sessions(&left) == left { left } else { "/..".to_owned() }
    }

    /// `(`, capital letters with a value in parentheses each, and `)`.
    fn without_outer_sessions(text: &str) -> String {
        let plain = text.replace("%28", "(").replace("%29", ")");
        let mut whole = String::new();
        for (segment, written) in plain.split('/').zip(text.split('/')).skip(1) {
            let parts = segment.strip_prefix('(').and_then(|rest| rest.split_once("))"));
            let is_part = |part: &str| {
                let mut letters = part.chars();
                letters.next().is_some_and(|letter| letter.is_ascii_uppercase()) && letters.next() == Some('(')
            };
            match parts.filter(|(inner, _)| inner.split(')').all(is_part)) {
                Some((_, rest)) => {
                    let rest = written.get(written.len() - escaped_end(written, rest)..).unwrap_or_default();
                    whole.push_str(if whole.is_empty() && !rest.is_empty() { "/" } else { "" });
                    whole.push_str(rest);
                }
                None => {
                    whole.push('/');
                    whole.push_str(written);
                }
            }
        }
        if whole.is_empty() { "/".to_owned() } else { whole }
    }

    /// The length of the end of `written` that has `rest` in it once its parentheses are decoded.
    fn escaped_end(written: &str, rest: &str) -> usize {
        (0..=written.len())
            .find(|length| {
                let end = written.get(written.len() - length..).unwrap_or_default();
                end.replace("%28", "(").replace("%29", ")") == rest
                    && !["8", "28", "9", "29"].iter().any(|half| rest.is_empty() && end == *half)
            })
            .unwrap_or_default()
    }

    fn without_streams(text: &str) -> String {
        let names = text.split('/').skip(1).map(|segment| {
            let starts = [":$", ":%24", "%3A$", "%3A%24"].into_iter().filter_map(|start| segment.find(start));
            let Some(at) = starts.min() else { return segment };
            let name = segment.get(..at).unwrap_or_default();
            name.strip_suffix(':').or_else(|| name.strip_suffix("%3A")).unwrap_or(name)
        });
        let whole: String = names.filter(|name| !name.is_empty()).flat_map(|name| ["/", name]).collect();
        if whole.is_empty() { "/".to_owned() } else { whole }
    }

    fn fitted(text: &str) -> String {
        replaced(text, true)
    }

    fn fitted_with_parameters(text: &str) -> String {
        replaced(text, false)
    }

    /// A parameter ends at a slash, plain, escaped or one that is made of a form.
    fn parameter_end(text: &str) -> usize {
        let slashes = ["/", "%2F", "%EF%BC%8F", "%EF%BC%BC", "%E2%88%95", "%E2%88%96", "%E2%81%84", "%EF%B9%A8"];
        slashes.iter().filter_map(|slash| text.find(slash)).min().unwrap_or(text.len())
    }

    fn replaced(text: &str, drops_parameters: bool) -> String {
        let mut fitted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((plain, escaped)) = rest.split_once('%') {
            fitted.push_str(plain);
            let (character, after) = decode(escaped);
            match character.and_then(fit) {
                // The parameter of a segment is dropped together with it.
                Some(";") if drops_parameters => rest = after.get(parameter_end(after)..).unwrap_or_default(),
                Some(ascii) if ascii != ";" => {
                    fitted.push_str(ascii);
                    rest = after;
                }
                _ => {
                    fitted.push('%');
                    fitted.push_str(escaped.strip_suffix(after).unwrap_or_default());
                    rest = after;
                }
            }
        }
        fitted.push_str(rest);
        fitted
    }

    fn cut(text: &str) -> String {
        let end = [text.find("%3F"), text.find("%23")].into_iter().flatten().min();
        let path = end.and_then(|end| text.get(..end)).unwrap_or(text);
        // A trailing slash is not significant, and of the root nothing else is left.
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() { "/".to_owned() } else { path.to_owned() }
    }

    fn spaces_trimmed(text: &str) -> String {
        trimmed(text, &["%20"])
    }

    fn dots_trimmed(text: &str) -> String {
        trimmed(text, &[".", "%20"])
    }

    fn trimmed(text: &str, ends: &[&str]) -> String {
        let mut whole = String::with_capacity(text.len());
        for segment in text.split('/').skip(1) {
            let mut name = segment;
            while let Some(shorter) = ends.iter().find_map(|end| name.strip_suffix(end)) {
                name = shorter;
            }
            // Backends that trim names trim both ends.
            while let Some(shorter) = name.strip_prefix("%20") {
                name = shorter;
            }
            // An empty name is merged with the slash beside it.
            if !name.is_empty() {
                whole.push('/');
                whole.push_str(name);
            }
        }
        if whole.is_empty() { "/".to_owned() } else { whole }
    }
}

/// The readings of a path other than itself.
fn distinct(path: &CanonicalPath) -> Option<BTreeSet<String>> {
    let readings = Readings::of(path)?;
    let text = |reading: Reading<'_>| {
        let text: String = reading.segments().flat_map(|segment| ["/", segment]).collect();
        if text.is_empty() { "/".to_owned() } else { text }
    };
    let all: BTreeSet<String> = readings.iter().map(text).filter(|reading| reading != path.as_str()).collect();
    assert_eq!(all.is_empty(), readings.is_empty(), "{path:?}");
    for reading in readings.iter() {
        let (folded, _) = reading.folded();
        let folded: Vec<&str> = Reading { text: folded, ..reading }.segments().collect();
        let expected = CanonicalPath::parse(text(reading)).unwrap();
        let expected = expected.folded().split('/').skip(1).filter(|segment| !segment.is_empty());
        assert!(expected.eq(folded), "{path:?}: folding a reading is reading the folded path");
    }
    Some(all)
}

fn read(raw: &str) -> Option<Vec<String>> {
    let path = CanonicalPath::parse(raw).unwrap();
    Some(distinct(&path)?.into_iter().collect())
}

#[test]
fn a_usual_path_has_one_reading() {
    for raw in ["/", "/a/b", "/a.b/.c", "/caf%C3%A9/100%25", "/%E2%82%AC", "/a%20b/c"] {
        assert_eq!(read(raw), Some(vec![]), "{raw}");
    }
}

#[test]
fn lax_readings_are_found() {
    for (raw, reading) in [
        ("/admin%3Fx", "/admin"),
        ("/admin%23/x", "/admin"),
        ("/admin/%3f", "/admin"),
        ("/%3f", "/"),
        ("/a%23b%3fc", "/a"),
        ("/admin.", "/admin"),
        ("/%20admin", "/admin"),
        ("/x/%20%20admin%20/y", "/x/admin/y"),
        ("/admin../x", "/admin/x"),
        ("/admin%20/x%20%20", "/admin/x"),
        ("/admin.%20", "/admin"),
        ("/admin.%20", "/admin."),
        ("/a/.../b", "/a/b"),
        ("/%20/b", "/b"),
        ("/admin%20%3Fx", "/admin"),
        ("/%EF%BD%81dmin", "/admin"),
        ("/a%EF%BC%8Fb", "/a/b"),
        ("/a%EF%BC%BCb", "/a/b"),
        ("/a%E2%88%95b", "/a/b"),
        ("/a%EF%BC%9Bx/b", "/a/b"),
        ("/a%CD%BEx", "/a"),
        ("/x%EF%BC%9Bp%EF%BC%8Fadmin", "/x/admin"),
        ("/x%EF%BC%9Bp%E2%88%95admin/y", "/x/admin/y"),
        ("/files/x%EF%BC%9Bp%2Fadmin", "/files/x/admin"),
        ("/x%EF%BC%9Bp/%EF%BD%81dmin", "/x/admin"),
        ("/x%EF%BC%9Bp/%EF%BD%81dmin", "/x%EF%BC%9Bp/admin"),
        ("/x%EF%BC%9Bp%EF%BC%8Fadmin", "/x%EF%BC%9Bp/admin"),
        ("/a%EF%BC%9Fx", "/a"),
        ("/a%EF%BC%83x", "/a"),
        ("/a%EF%BC%8E", "/a"),
        ("/a%C2%A0", "/a"),
        ("/admin::$INDEX_ALLOCATION/users", "/admin/users"),
        ("/admin:$i30:$INDEX_ALLOCATION/", "/admin"),
        ("/admin%3A%3A%24DATA", "/admin"),
        ("/admin.::$DATA", "/admin"),
        ("/admin%EF%BC%9A%EF%BC%84DATA", "/admin"),
        ("/(S(x))/admin", "/admin"),
        ("/(A(x)F(y))/admin.", "/admin"),
        ("/x/(S(x))/pro/(S(x))tected", "/x/protected"),
        ("/(S(x))/admin::$DATA", "/admin"),
        ("/%EF%BC%88S(x))/admin", "/admin"),
        ("/a%2Fb/c", "/a/b/c"),
        ("/a%2Fb.", "/a/b"),
        ("/a%2F%20%2Fb", "/a/b"),
    ] {
        let found = read(raw).unwrap();
        assert!(found.contains(&reading.to_owned()), "{raw}: {found:?}");
    }
}

#[test]
fn a_reading_that_is_no_path_is_told() {
    // Sessions in each other, of which one is left when the other one is taken out.
    for raw in ["/(S(/(S(x))y))/admin", "/(S/(A(x))(y))/admin", "/(/(S(x))S(y))"] {
        assert_eq!(read(raw), None, "{raw}");
    }
    for raw in ["/a/..::$DATA/b", "/(S(x))..", "/a%2F%E2%80%A5%2Fb", "/a%2F%20/b", "/a%2F...", "/a%2F%3Fx"] {
        assert_eq!(read(raw), None, "{raw}");
    }
    for raw in ["/%EF%BC%9Bp%EF%BC%8Fadmin", "/x%EF%BC%9Bp%EF%BC%8F..%EF%BC%8Fadmin", "/x%EF%BC%9Bp%2F%E2%80%A5%2Fy"] {
        assert_eq!(read(raw), None, "{raw}");
    }
    for raw in ["/a/%E2%80%A4%E2%80%A4/b", "/a/%E2%80%A5/b", "/%E2%80%A4/b", "/%EF%BC%8E./b", "/%EF%BC%8561dmin"] {
        assert_eq!(read(raw), None, "{raw}");
    }
}

/// Each kind doubles the number of readings.
#[test]
fn a_path_with_three_kinds_of_readings_is_refused() {
    let kinds = ["%EF%BC%A1", "/(S(x))", "x::$DATA", "%3F", "b%2Fc"];
    for (one, two) in kinds.iter().enumerate().flat_map(|(at, one)| kinds[at + 1..].iter().map(move |two| (one, two))) {
        let text = format!("/a{one}/d{two}");
        assert!(read(&text).is_some(), "{text}");
        for three in kinds.iter().filter(|three| ![one, two].contains(three)) {
            let text = format!("/a{one}/d{two}/e{three}");
            assert_eq!(read(&text), None, "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn they_are_those_of_the_definition(pieces in vec(sample::select(PIECES.to_vec()), 1..12)) {
        let text = format!("/{}", pieces.concat());
        let Ok(path) = CanonicalPath::parse(&text) else { return Ok(()) };
        let (expected, kinds) = reference::readings(&path);
        let expected =
            expected.map(|all| all.iter().map(|reading| reading.as_str().to_owned()).collect::<BTreeSet<_>>());
        let found = distinct(&path);
        // Those are too many to be looked at.
        if found.is_some() || kinds < 3 {
            prop_assert_eq!(found, expected, "{}", text);
        }
    }
}

/// The pieces of a path in which readings differ, alone and beside each other.
const PIECES: [&str; 48] = [
    "/(S(",
    "%EF%BC%9Bp",
    "%EF%BC%9Bp%EF%BC%8F",
    "%EF%BC%9Bp%2F",
    "%2F",
    ":$",
    "%3A",
    "%24",
    "::$DATA",
    "/(S(x))",
    "(S(x))",
    "/%28S%28%29)",
    "/(A(x)F(y",
    "))",
    "(",
    "$",
    "/",
    "/",
    "/",
    "a",
    "B",
    ".",
    ".",
    "..",
    "%20",
    "%20",
    "%20",
    "%23",
    "%3F",
    "%25",
    "25",
    "%2",
    "20",
    "2",
    "%C3%89",
    "%E2%84%AA",
    "%EF%BC%A1",
    "%EF%BC%8F",
    "%EF%BC%8E",
    "%EF%BC%9B",
    "%EF%BC%9F",
    "%EF%BC%85",
    "%EF%BC%83",
    "%E2%80%A5",
    "%E2%80%A4",
    "%C2%A0",
    "%3A",
    "u0041",
];
