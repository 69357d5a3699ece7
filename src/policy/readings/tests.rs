use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample};

use super::*;
use crate::policy::{fold::decode, forms::fit};

/// The readings by their definition: four steps, each made or left out, where what one yields the next one may change.
mod reference {
    use super::*;

    type Step = fn(&str) -> String;

    const STEPS: [Step; 4] = [fitted, cut, spaces_trimmed, dots_trimmed];

    pub(super) fn readings(path: &CanonicalPath) -> Option<Vec<CanonicalPath>> {
        let mut found = vec![path.as_str().to_owned()];
        for step in STEPS {
            for known in 0..found.len() {
                let next = found.get(known).map(|text| step(text)).unwrap_or_default();
                if !found.contains(&next) {
                    found.push(next);
                }
            }
        }
        found.iter().skip(1).map(|reading| CanonicalPath::parse(reading).ok()).collect()
    }

    fn fitted(text: &str) -> String {
        let mut fitted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((plain, escaped)) = rest.split_once('%') {
            fitted.push_str(plain);
            let (character, after) = decode(escaped);
            match character.and_then(fit) {
                // The parameter of a segment is dropped together with it.
                Some(";") => rest = after.find('/').and_then(|slash| after.get(slash..)).unwrap_or_default(),
                Some(ascii) => {
                    fitted.push_str(ascii);
                    rest = after;
                }
                None => {
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
        ("/a%EF%BC%9Fx", "/a"),
        ("/a%EF%BC%83x", "/a"),
        ("/a%EF%BC%8E", "/a"),
        ("/a%C2%A0", "/a"),
    ] {
        let found = read(raw).unwrap();
        assert!(found.contains(&reading.to_owned()), "{raw}: {found:?}");
    }
}

#[test]
fn a_reading_that_is_no_path_is_told() {
    for raw in ["/a/%E2%80%A4%E2%80%A4/b", "/a/%E2%80%A5/b", "/%E2%80%A4/b", "/%EF%BC%8E./b", "/%EF%BC%8561dmin"] {
        assert_eq!(read(raw), None, "{raw}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn they_are_those_of_the_definition(pieces in vec(sample::select(PIECES.to_vec()), 1..12)) {
        let text = format!("/{}", pieces.concat());
        let Ok(path) = CanonicalPath::parse(&text) else { return Ok(()) };
        let expected = reference::readings(&path)
            .map(|all| all.iter().map(|reading| reading.as_str().to_owned()).collect::<BTreeSet<_>>());
        prop_assert_eq!(distinct(&path), expected, "{}", text);
    }
}

/// The pieces of a path in which readings differ, alone and beside each other.
const PIECES: [&str; 32] = [
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
